/** One incarnation of a gateway, from a start to a stop or crash: in this process, or in one of its own. */
import type { Counter } from '../../hal/hal.js';
import type { PipeProgram } from '../../hal/program.js';
import type { CountedByIncarnations, HeldByIncarnations } from '../counter-groups.js';

/** Numbers by what they count. */
export type Counts = Record<string, number>;

/** What an incarnation has counted and what it holds. */
export interface IncarnationSnapshot {
  readonly counts: Readonly<Record<CountedByIncarnations, Counts>>;
  readonly held: Readonly<Record<HeldByIncarnations, number>>;
  /** What it holds beyond what its sessions need, one text each. */
  readonly leaks: readonly string[];
  /** Counters of the pipes, under the names of collectCounters. */
  readonly pipeCounters: ReadonlyMap<string, Counter>;
  /** Absent for gateways in other processes. */
  readonly program?: PipeProgram;
}

/** Its process has ended, and with it all that it had counted; or it has not started, and has counted nothing. */
export class IncarnationGoneError extends Error {
  override readonly name = 'IncarnationGoneError';
}

/** All that events and reports know of an incarnation. What reaches it is said in docs/architecture.md. */
export interface Incarnation {
  /** Rotates the master key and re-keys all sessions. */
  rotate(): Promise<void>;
  /** The state at the time of the call, even if the incarnation ends before the promise resolves. */
  snapshot(): Promise<IncarnationSnapshot>;
  /** The node's clock or its device have changed; for incarnations in other processes. */
  adjusted?(): void;
  /** Orderly stop. */
  stop(): Promise<void>;
  /** Everything is gone at once. */
  crash(): Promise<void>;
}
