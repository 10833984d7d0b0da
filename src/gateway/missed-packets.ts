/**
 * Packets that wait for their session: bounded for each session and in total, in order, and not for ever. What does
 * not fit, or waits too long, is dropped and counted.
 */
import type { Session } from './session.js';

export interface MissedPacketLimits {
  readonly missedPacketsPerSession: number;
  readonly missedPacketsTotal: number;
  readonly missedPacketTtlMs: number;
}

interface Waiting {
  readonly frame: Uint8Array;
  readonly sinceMs: number;
}

export class MissedPackets {
  readonly #queues = new Map<Session, Waiting[]>();
  #total = 0;
  /** No room. */
  overflowed = 0;
  /** Waited longer than they may. */
  expired = 0;

  constructor(private readonly limits: MissedPacketLimits) {}

  get total(): number {
    return this.#total;
  }

  countOf(session: Session): number {
    return this.#queues.get(session)?.length ?? 0;
  }

  /** False, and the packet is counted as overflowed, when there is no room. */
  push(session: Session, frame: Uint8Array, nowMs: number): boolean {
    const queue = this.#queues.get(session);
    const { missedPacketsPerSession, missedPacketsTotal } = this.limits;
    if ((queue?.length ?? 0) >= missedPacketsPerSession || this.#total >= missedPacketsTotal) {
      this.overflowed++;
      return false;
    }
    this.#total++;
    if (queue === undefined) this.#queues.set(session, [{ frame, sinceMs: nowMs }]);
    else queue.push({ frame, sinceMs: nowMs });
    return true;
  }

  /** The frames that wait for a session and are still young enough, oldest first; they stay. */
  waiting(session: Session, nowMs: number): Uint8Array[] {
    this.#expire(session, nowMs);
    return (this.#queues.get(session) ?? []).map(({ frame }) => frame);
  }

  /** Takes the oldest `count` frames of a session away. */
  shift(session: Session, count: number): void {
    const queue = this.#queues.get(session);
    if (queue === undefined) return;
    this.#total -= queue.splice(0, count).length;
    if (queue.length === 0) this.#queues.delete(session);
  }

  /** Forgets everything that waits for a session; says how many. */
  drop(session: Session): number {
    const count = this.countOf(session);
    this.#queues.delete(session);
    this.#total -= count;
    return count;
  }

  #expire(session: Session, nowMs: number): void {
    const queue = this.#queues.get(session);
    if (queue === undefined) return;
    const youngest = queue.findIndex(({ sinceMs }) => nowMs - sinceMs <= this.limits.missedPacketTtlMs);
    const expired = youngest === -1 ? queue.length : youngest;
    this.expired += expired;
    this.shift(session, expired);
  }
}
