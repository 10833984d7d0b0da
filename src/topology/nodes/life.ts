/** One life of a gateway, from a start to a stop or crash: in this process, or in one of its own. */
import type { Counter } from '../../hal/hal.js';
import type { PipeProgram } from '../../hal/program.js';
import type { CountedByLives, HeldByLives } from '../counter-groups.js';

/** Numbers by what they count. */
export type Counts = Record<string, number>;

/** What a life has counted and what it holds. */
export interface LifeSnapshot {
  readonly counts: Readonly<Record<CountedByLives, Counts>>;
  readonly held: Readonly<Record<HeldByLives, number>>;
  /** What it holds beyond what its sessions need, one text each. */
  readonly leaks: readonly string[];
  /** Counters of the pipes, under the names of collectCounters. */
  readonly pipeCounters: ReadonlyMap<string, Counter>;
  /** Absent for gateways in other processes. */
  readonly program?: PipeProgram;
}

/** All that events and reports know of a life. What reaches it is said in docs/architecture.md. */
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
