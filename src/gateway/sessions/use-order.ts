/**
 * Sessions in the order of their last use, all together and those of each holder. Every step costs the same however many
 * there are, but for `mostHeld`, which looks at all holders once after each change. The links are fields of the sessions,
 * since a set or a map per holder would cost more than the session.
 *
 * A holder's are two lists: those on probation, and those that were found in use at LOOKS_TO_PROVE looks. Somebody who opens
 * sessions faster than they are looked at would otherwise push out those of the same holder that are always in use, since
 * what has just been made is the youngest.
 */
import { type Holder, OPERATOR, type Session } from './session.js';

/** A packet at two looks: more than what a session was made for. */
const LOOKS_TO_PROVE = 2;

interface List {
  oldest: Session | undefined;
  newest: Session | undefined;
}

interface Held {
  count: number;
  readonly probation: List;
  /** Absent as long as there has been none. */
  proven: List | undefined;
}

export class UseOrder {
  #size = 0;
  #oldest: Session | undefined;
  #newest: Session | undefined;
  readonly #held = new Map<Holder, Held>();
  /** Where `next` continues. */
  #cursor: Session | undefined;
  /** Absent: not known. */
  #mostHeld: { readonly holder: Holder | undefined; readonly count: number } | undefined;

  get size(): number {
    return this.#size;
  }

  get oldest(): Session | undefined {
    return this.#oldest;
  }

  /** The holders of sessions, with their counts. */
  *holders(): Generator<readonly [Holder, number]> {
    for (const [holder, { count }] of this.#held) yield [holder, count];
  }

  get holderCount(): number {
    return this.#held.size;
  }

  heldBy(holder: Holder): number {
    return this.#held.get(holder)?.count ?? 0;
  }

  /** The sessions of a holder in the order in which they should go: those on probation first, oldest use first. */
  *of(holder: Holder): Generator<Session> {
    const held = this.#held.get(holder);
    for (let at = held?.probation.oldest; at !== undefined; at = at.newerOfHolder) yield at;
    for (let at = held?.proven?.oldest; at !== undefined; at = at.newerOfHolder) yield at;
  }

  /** The holder of most sessions besides the operator; of several the one who has held any for longest. */
  mostHeld(): { readonly holder: Holder | undefined; readonly count: number } {
    if (this.#mostHeld === undefined) {
      let most: { readonly holder: Holder | undefined; readonly count: number } = {
        holder: undefined,
        count: 0,
      };
      for (const [holder, { count }] of this.#held) {
        if (count > most.count && holder !== OPERATOR) most = { holder, count };
      }
      this.#mostHeld = most;
    }
    return this.#mostHeld;
  }

  /** A session that is in no order becomes the one used last. */
  add(session: Session): void {
    this.#size++;
    let held = this.#held.get(session.holder);
    if (held === undefined) {
      held = { count: 0, probation: { oldest: undefined, newest: undefined }, proven: undefined };
      this.#held.set(session.holder, held);
    }
    held.count++;
    this.#mostHeld = undefined;
    this.#append(session, held);
  }

  /** Takes a session of this order out of it. */
  delete(session: Session): void {
    const held = this.#held.get(session.holder)!;
    this.#unlink(session, held);
    this.#size--;
    this.#mostHeld = undefined;
    if (--held.count === 0) this.#held.delete(session.holder);
  }

  /** A session of this order was used now. */
  touch(session: Session, nowS: number): void {
    session.usedAtS = nowS;
    if (session === this.#newest) return;
    const held = this.#held.get(session.holder)!;
    this.#unlink(session, held);
    this.#append(session, held);
  }

  /** A look has found that a session of this order was used. */
  foundInUse(session: Session, nowS: number): void {
    session.usedAtS = nowS;
    const held = this.#held.get(session.holder)!;
    this.#unlink(session, held);
    session.looksUsed = Math.min(LOOKS_TO_PROVE, session.looksUsed + 1);
    this.#append(session, held);
  }

  /** From now on `next` gives all sessions that were not used since, oldest first. */
  rewind(): void {
    this.#cursor = this.#oldest;
  }

  /** The next `count` that were used before `beforeS`; fewer when the end of those is reached. */
  next(count: number, beforeS: number): Session[] {
    const sessions: Session[] = [];
    while (sessions.length < count && this.#cursor !== undefined && this.#cursor.usedAtS < beforeS) {
      sessions.push(this.#cursor);
      this.#cursor = this.#cursor.newer;
    }
    return sessions;
  }

  *[Symbol.iterator](): Generator<Session> {
    for (let at = this.#oldest; at !== undefined; at = at.newer) yield at;
  }

  #append(session: Session, held: Held): void {
    session.older = this.#newest;
    session.newer = undefined;
    if (this.#newest === undefined) this.#oldest = session;
    else this.#newest.newer = session;
    this.#newest = session;
    const list = listOf(session, held);
    session.olderOfHolder = list.newest;
    session.newerOfHolder = undefined;
    if (list.newest === undefined) list.oldest = session;
    else list.newest.newerOfHolder = session;
    list.newest = session;
  }

  #unlink(session: Session, held: Held): void {
    const { older, newer, olderOfHolder, newerOfHolder } = session;
    if (this.#cursor === session) this.#cursor = newer;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    const list = listOf(session, held);
    if (olderOfHolder === undefined) list.oldest = newerOfHolder;
    else olderOfHolder.newerOfHolder = newerOfHolder;
    if (newerOfHolder === undefined) list.newest = olderOfHolder;
    else newerOfHolder.olderOfHolder = olderOfHolder;
    session.older = session.newer = session.olderOfHolder = session.newerOfHolder = undefined;
  }
}

/** Whether it was found in use at so many looks that it is not on probation any more. */
export function isProven({ looksUsed }: Session): boolean {
  return looksUsed >= LOOKS_TO_PROVE;
}

function listOf(session: Session, held: Held): List {
  if (!isProven(session)) return held.probation;
  held.proven ??= { oldest: undefined, newest: undefined };
  return held.proven;
}
