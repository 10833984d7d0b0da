/** One life of a gateway, from a start to a stop or crash: in this process, or in one of its own. */
import type { Counter } from '../../hal/hal.js';
import type { PipeProgram } from '../../hal/program.js';

/** Numbers by what they count. */
export type Counts = Record<string, number>;

/** Counters and holdings of a gateway and its device. */
export interface LifeSnapshot {
  readonly psp: Counts;
  /** Fates of all packets that entered the device; see Fates in src/hal-sim/statistics.ts. */
  readonly fates: Counts;
  readonly slowPath: Counts;
  /** Counters of the pipes, under the names of collectCounters. */
  readonly counters: ReadonlyMap<string, Counter>;
  /** Absent for gateways in other processes. */
  readonly program?: PipeProgram;
  /** Established, and those that have an egress route. */
  readonly sessions: number;
  readonly sessionsWithEgress: number;
  readonly keySlotsUsed: number;
  readonly spisRetiring: number;
  readonly waitingPackets: number;
}

export interface Life {
  /** Rotates the master key and re-keys all sessions. */
  rotate(): Promise<void>;
  /** The state at the time of the call, even if the life ends before the promise resolves. */
  snapshot(): Promise<LifeSnapshot>;
  /** The node's clock or its device have changed; for lives in other processes. */
  adjusted?(): void;
  /** Orderly stop. */
  stop(): Promise<void>;
  /** Everything is gone at once. */
  crash(): Promise<void>;
}
