/** One life of a gateway, from a start to a stop or crash: in this process, or in one of its own. */
import type { Counter } from '../../hal/hal.js';
import type { PipeProgram } from '../../hal/program.js';

export type Counts = Record<string, number>;

/** What a gateway and its device have counted, and hold. */
export interface LifeSnapshot {
  readonly psp: Counts;
  /** Where packets ended, of all that went into the device; see Fates of src/hal-sim/statistics.ts. */
  readonly fates: Counts;
  readonly slowPath: Counts;
  /** Of the pipes, as collectCounters names them. */
  readonly counters: ReadonlyMap<string, Counter>;
  /** Absent for gateways in other processes. */
  readonly program?: PipeProgram;
  /** Established, and those that have a way out. */
  readonly sessions: number;
  readonly sessionsWithEgress: number;
  readonly keySlotsUsed: number;
  readonly spisRetiring: number;
  readonly waitingPackets: number;
}

export interface Life {
  /** Rotates the master key and re-keys all sessions. */
  rotate(): Promise<void>;
  /** As it is when this is called, even if the life ends before it resolves. */
  snapshot(): Promise<LifeSnapshot>;
  /** The node's clock or its device have changed; for lives in other processes. */
  adjusted?(): void;
  /** Orderly stop. */
  stop(): Promise<void>;
  /** Everything is gone at once. */
  crash(): Promise<void>;
}
