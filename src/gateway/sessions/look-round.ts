/**
 * The rounds of looks at what sessions carry: each round goes through all sessions, in the order of their last use, some at
 * a time. It takes the places of idle sessions, gives dormant ones that are used a place again, and finds those that send
 * and get nothing back.
 */

import type { Places } from './places.js';
import { hasPlace, type Session } from './session.js';
import type { SessionTable } from './session-table.js';
import type { SessionUse } from './session-use.js';

/** Looks at a session that sends and gets nothing back after which its peer is asked again; then twice as many, and so on. */
const UNANSWERED_LOOKS_MIN = 2;
const UNANSWERED_LOOKS_MAX = 32;

export interface LookRoundDeps {
  readonly sessions: SessionTable;
  readonly use: SessionUse;
  readonly places: Pick<Places, 'vacateIdle' | 'wakeUsed'>;
  /** --ingress-acl: without it nothing counts what comes in. */
  readonly ingressAcl: boolean;
}

export class LookRound {
  /** When the round that is under way began. */
  #beganS = 0;
  #isOver = true;

  constructor(private readonly deps: LookRoundDeps) {}

  /**
   * Looks at the next `count` sessions. Gives those that send and get nothing back, now and then: their peers may have none
   * of the SPIs any more that we send under. Rejects with HalError.
   */
  async look(count: number): Promise<Session[]> {
    const { sessions, use, places } = this.deps;
    const { order, dormant } = sessions;
    if (this.#isOver) this.#begin();
    const beforeS = this.#beganS;
    const some = order.next(count, beforeS);
    const unused = await use.unused(some, order);
    await places.vacateIdle(unused);
    const sleepers = dormant.next(count - some.length, beforeS);
    const asleep = new Set(await use.unused(sleepers, dormant));
    for (const session of sleepers) if (!asleep.has(session)) places.wakeUsed(session);
    this.#isOver = some.length + sleepers.length < count;
    if (!this.deps.ingressAcl) return [];
    const silent = new Set(unused);
    return some.filter((session) => (!silent.has(session) || session.failures > 0) && asksAgain(session));
  }

  #begin(): void {
    const { sessions, use } = this.deps;
    this.#beganS = use.nowS;
    sessions.order.rewind();
    sessions.dormant.rewind();
  }
}

/** Whether this look at a session whose count of unanswered looks has just risen is one after which its peer is asked again. */
function asksAgain(session: Session): boolean {
  const { looksUnanswered: looks } = session;
  if (!hasPlace(session) || session.egress === undefined || looks < UNANSWERED_LOOKS_MIN) return false;
  return looks < UNANSWERED_LOOKS_MAX ? (looks & (looks - 1)) === 0 : looks % UNANSWERED_LOOKS_MAX === 0;
}
