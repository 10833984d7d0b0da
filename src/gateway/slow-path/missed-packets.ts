/**
 * Packets that wait for their session: bounded for each session and in total, in order, and not for ever. What does
 * not fit, or waits too long, is dropped and counted. When the total is reached, whoever has less than its fair share of it
 * gets the place of the oldest packet of whoever has most: so nobody's sessions are kept from being asked for by what others
 * send to peers that do not answer.
 */
import type { Holder, Session } from '../sessions/session.js';

export interface MissedPacketLimits {
  readonly missedPacketsPerSession: number;
  readonly missedPacketsTotal: number;
  readonly missedPacketTtlMs: number;
}

interface Waiting {
  readonly frame: Uint8Array;
  readonly sinceMs: number;
}

/** Packets that wait for one session. */
interface Queue {
  /** Holder of the session's place when the first packet came. */
  readonly holder: Holder;
  readonly waiting: Waiting[];
}

/** Packets that wait for all sessions of one holder. */
interface Share {
  count: number;
  /** Sessions in the order of their first packets. */
  readonly sessions: Set<Session>;
}

export class MissedPackets {
  readonly #queues = new Map<Session, Queue>();
  readonly #shares = new Map<Holder, Share>();
  #total = 0;
  /** No room. */
  overflowed = 0;
  /** Waited longer than they may. */
  expired = 0;

  /** @param onDropped gets each packet that is dropped here, with the reason */
  constructor(
    private readonly limits: MissedPacketLimits,
    private readonly onDropped: (reason: string, frame: Uint8Array) => void = () => {},
  ) {}

  /** Packets that wait, of all sessions. */
  get total(): number {
    return this.#total;
  }

  /** How many may. */
  get totalMax(): number {
    return this.limits.missedPacketsTotal;
  }

  countOf(session: Session): number {
    return this.#queues.get(session)?.waiting.length ?? 0;
  }

  /** False, and the packet is counted as overflowed, when there is no room. */
  push(session: Session, frame: Uint8Array, nowMs: number): boolean {
    this.#expire(session, nowMs);
    const { missedPacketsPerSession } = this.limits;
    if (this.countOf(session) >= missedPacketsPerSession || !this.#makeRoom(session)) {
      this.overflow(frame);
      return false;
    }
    let queue = this.#queues.get(session);
    if (queue === undefined) {
      queue = { holder: session.holder, waiting: [] };
      this.#queues.set(session, queue);
    }
    queue.waiting.push({ frame, sinceMs: nowMs });
    const share = this.#shares.get(queue.holder);
    if (share === undefined) this.#shares.set(queue.holder, { count: 1, sessions: new Set([session]) });
    else {
      share.count++;
      share.sessions.add(session);
    }
    this.#total++;
    return true;
  }

  /** There is no room for a packet: it is dropped, and counted. */
  overflow(frame: Uint8Array): void {
    this.overflowed++;
    this.onDropped('too many packets wait for a tunnel', frame);
  }

  /** The frames that wait for a session and are still young enough, oldest first; they stay. */
  waiting(session: Session, nowMs: number): Uint8Array[] {
    this.#expire(session, nowMs);
    return (this.#queues.get(session)?.waiting ?? []).map(({ frame }) => frame);
  }

  /** Takes the oldest `count` frames of a session away. */
  shift(session: Session, count: number): void {
    const queue = this.#queues.get(session);
    if (queue === undefined) return;
    const share = this.#shares.get(queue.holder)!;
    const taken = queue.waiting.splice(0, count).length;
    this.#total -= taken;
    share.count -= taken;
    if (queue.waiting.length > 0) return;
    this.#queues.delete(session);
    share.sessions.delete(session);
    if (share.sessions.size === 0) this.#shares.delete(queue.holder);
  }

  /** Forgets everything that waits for a session; says how many. */
  drop(session: Session): number {
    const count = this.countOf(session);
    this.shift(session, count);
    return count;
  }

  /** Drops what has waited too long, for whatever session. */
  expireAll(nowMs: number): void {
    for (const session of [...this.#queues.keys()]) this.#expire(session, nowMs);
  }

  /** Whether there is room for one more packet of a session. */
  #makeRoom(session: Session): boolean {
    const { missedPacketsTotal } = this.limits;
    if (this.#total < missedPacketsTotal) return true;
    const own = this.#shares.get(this.#queues.get(session)?.holder ?? session.holder);
    const holders = this.#shares.size + (own === undefined ? 1 : 0);
    if (((own?.count ?? 0) + 1) * holders > missedPacketsTotal) return false;
    let most: Share | undefined;
    for (const share of this.#shares.values()) if (share.count > (most?.count ?? 0)) most = share;
    const [oldest] = most?.sessions ?? [];
    if (oldest === undefined) return false;
    this.overflow(this.#queues.get(oldest)!.waiting[0]!.frame);
    this.shift(oldest, 1);
    return true;
  }

  #expire(session: Session, nowMs: number): void {
    const waiting = this.#queues.get(session)?.waiting;
    if (waiting === undefined) return;
    const youngest = waiting.findIndex(({ sinceMs }) => nowMs - sinceMs <= this.limits.missedPacketTtlMs);
    const expired = youngest === -1 ? waiting.length : youngest;
    this.expired += expired;
    for (const { frame } of waiting.slice(0, expired))
      this.onDropped('its tunnel has not come about in time', frame);
    this.shift(session, expired);
  }
}
