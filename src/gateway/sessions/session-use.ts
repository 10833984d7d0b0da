/**
 * When sessions were last used: by the counters of their entries, and a clock that only goes forward. Nothing here changes
 * the device, or which sessions there are.
 */
import type { Clock } from '../../base/clock.js';
import { HalError } from '../../hal/errors.js';
import type { CounterSelector, PipeHal } from '../../hal/hal.js';
import { keptCount, noteReceived, type Session } from './session.js';
import type { UseOrder } from './use-order.js';

/** A wall clock that goes on by more than this between two looks, or back, makes no session idle. */
const CLOCK_STEP_MS_MAX = 60_000;

export class SessionUse {
  #elapsedMs = 0;
  #atMs: number;

  constructor(
    private readonly hal: Pick<PipeHal, 'counters'>,
    private readonly clock: Clock,
    /** --idle-timeout; 0: no session becomes idle. */
    private idleS: number,
  ) {
    this.#atMs = clock.nowMs();
  }

  /** Another --idle-timeout from now on. */
  limit(idleS: number): void {
    this.idleS = idleS;
  }

  /** Seconds since the start. Looks are more frequent than this clock's longest step: what is more was a clock that was set. */
  get nowS(): number {
    const nowMs = this.clock.nowMs();
    this.#elapsedMs += Math.min(CLOCK_STEP_MS_MAX, Math.max(0, nowMs - this.#atMs));
    this.#atMs = nowMs;
    return Math.floor(this.#elapsedMs / 1000);
  }

  /** The end of the present second, which is when a session that is used now was last used (Session.usedAtS). */
  get usedNowS(): number {
    return this.nowS + 1;
  }

  /** Whether no use of the session is known of the last --idle-timeout seconds. Packets since the last look may prove otherwise. */
  seemsIdle(session: Session): boolean {
    return this.idleS > 0 && this.nowS - session.usedAtS >= this.idleS;
  }

  /**
   * Reads the counters of some sessions of an order. Gives those that no packet came or left by since the last look; the
   * others were used now. A session of whose entries the device knows nothing any more carries nothing. Rejects with
   * HalError when the device fails otherwise.
   */
  async unused(sessions: readonly Session[], order: UseOrder): Promise<Session[]> {
    try {
      return await this.#unusedOfKnown(sessions, order);
    } catch (error) {
      if (!(error instanceof HalError) || error.code !== 'NOT_FOUND') throw error;
      if (sessions.length <= 1) return [...sessions];
      const unused: Session[] = [];
      for (const session of sessions) unused.push(...(await this.unused([session], order)));
      return unused;
    }
  }

  async #unusedOfKnown(sessions: readonly Session[], order: UseOrder): Promise<Session[]> {
    const selectors: CounterSelector[] = [];
    for (const { egress, ingress } of sessions) {
      if (egress !== undefined) selectors.push({ id: egress.entry });
      for (const { entry } of ingress) if (entry !== undefined) selectors.push({ id: entry });
    }
    const counters = selectors.length === 0 ? [] : await this.hal.counters(selectors);
    let at = 0;
    const isNew = (counted: { packetsSeen: number }, packets: bigint): boolean => {
      const before = counted.packetsSeen;
      counted.packetsSeen = keptCount(packets);
      // A count that begins anew, as an entry's may when it is updated, says nothing.
      return counted.packetsSeen !== before && packets !== 0n;
    };
    const nowS = this.usedNowS;
    const wallMs = this.clock.nowMs();
    return sessions.filter((session) => {
      const left = session.egress !== undefined && isNew(session, counters[at++]!.packets);
      let came = false;
      for (const ingress of session.ingress) {
        if (ingress.entry === undefined) continue;
        const { packets } = counters[at++]!;
        noteReceived(session, ingress, packets, wallMs);
        if (isNew(ingress, packets)) came = true;
      }
      if (came) session.looksUnanswered = 0;
      // A question that failed is still open, although nothing more is sent.
      else if (left || (session.looksUnanswered > 0 && session.failures > 0)) session.looksUnanswered++;
      if (left || came) order.foundInUse(session, nowS);
      return !left && !came;
    });
  }
}
