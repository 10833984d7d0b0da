/**
 * Who makes room when the table of sessions is full: idle sessions first, oldest use first; then one of the holder that
 * is furthest above its fair share, of those first that were made lately and have not been found in use since. A holder
 * within its share loses no session that is in use. Who asks for more than its share pays with a session of its own,
 * unless somebody else holds more still. With one that was found in use again and again it pays only for a single other one, and
 * only where all of its others are such: a peer that re-keys asks for many of its sessions at once, also for those that have lost
 * their places here, and would push out what is in use by what nobody uses. A request for several is refused then; who asks
 * for them one by one gets them.
 *
 * A share is the table divided by the holders that are there, whoever asks included. What the operator asked for
 * is the operator's share, however much it is, and the others divide the rest.
 */
import { type Holder, OPERATOR, type Session } from './session.js';
import { isProven, type UseOrder } from './use-order.js';

/**
 * Why a session lost its place: it was idle; it was, and its place was needed; its holder had more than its share; its
 * holder wanted another one.
 */
export type VacatedReason = 'idle' | 'idle-in-full-table' | 'above-share' | 'replaced';

export interface Victim {
  readonly session: Session;
  readonly reason: VacatedReason;
}

export interface RoomWanted {
  readonly order: UseOrder;
  /** Places in all. */
  readonly capacity: number;
  /** For each session that wants a place: whose it will be. */
  readonly holders: readonly Holder[];
  /** Sessions that are known to be idle: these go first. */
  readonly idle: readonly Session[];
  /** Which must not go: those that the same request is about, or another one that is being granted. */
  readonly keep: (session: Session) => boolean;
}

/** The places that each holder may have for certain. */
export function fairShare(capacity: number, operatorHolds: number, holders: number): number {
  return Math.max(1, Math.floor((capacity - operatorHolds) / Math.max(1, holders)));
}

/** Which sessions go so that all find a place; undefined: there is no room for all of them, and nothing is to be done. */
export function planRoom({ order, capacity, holders, idle, keep }: RoomWanted): Victim[] | undefined {
  const surplus = order.size + holders.length - capacity;
  if (surplus <= 0) return [];
  const going = new Set(idle.slice(0, surplus));
  const victims: Victim[] = [...going].map((session) => ({ session, reason: 'idle-in-full-table' }));
  const counts = new Map<Holder, number>(order.holders());
  const change = (holder: Holder, by: number) => {
    const count = (counts.get(holder) ?? 0) + by;
    if (count === 0) counts.delete(holder);
    else counts.set(holder, count);
    return count;
  };
  for (const { holder } of going) change(holder, -1);
  const paying = holders.length - (surplus - victims.length);
  for (const holder of holders.slice(0, paying)) change(holder, 1);
  const present = new Set([...counts.keys(), ...holders]);
  const operatorWill = (counts.get(OPERATOR) ?? 0) + holders.slice(paying).filter(isOperator).length;
  present.delete(OPERATOR);
  const share = fairShare(capacity, operatorWill, present.size);
  // Who asks may come to be above its share, and pay for another that is asked for in the same request.
  const above = new Set([...present].filter((holder) => (counts.get(holder) ?? 0) > share));
  const queues = new Map<Holder, Generator<Session>>();
  /** Holders with sessions on probation that must not go: those that are to be kept, and each other one that is asked for. */
  const keptOnProbation = new Set(holders.filter((holder, i) => holders.indexOf(holder) !== i));
  const takeNextOf = (holder: Holder): Session | undefined => {
    let queue = queues.get(holder);
    if (queue === undefined) {
      queue = order.of(holder);
      queues.set(holder, queue);
    }
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      if (going.has(next.value)) continue;
      if (!keep(next.value)) return next.value;
      if (!isProven(next.value)) keptOnProbation.add(holder);
    }
    return undefined;
  };
  for (const holder of holders.slice(paying)) {
    const wants = change(holder, 1);
    // Its own, unless somebody else has more still.
    let payer = holder;
    let most = isOperator(holder) ? share : Math.max(share, wants);
    for (const candidate of above) {
      const count = counts.get(candidate) ?? 0;
      if (count > most) {
        most = count;
        payer = candidate;
      }
    }
    const session = isOperator(payer) ? undefined : takeNextOf(payer);
    if (session === undefined) return undefined;
    if (payer === holder && isProven(session) && keptOnProbation.has(holder)) return undefined;
    change(payer, -1);
    victims.push({ session, reason: payer === holder ? 'replaced' : 'above-share' });
    if (!isOperator(holder)) above.add(holder);
  }
  return victims;
}

function isOperator(holder: Holder): boolean {
  return holder === OPERATOR;
}
