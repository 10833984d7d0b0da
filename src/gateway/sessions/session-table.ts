/** All sessions by pair: those that have a place in the table, and the dormant ones, each in the order of their last use. */
import type { IpAddress } from '../../packet/address.js';
import { isNew, type Session } from './session.js';
import { UseOrder } from './use-order.js';

export class SessionTable {
  readonly #byLocal = new Map<IpAddress, Map<IpAddress, Session>>();
  /** Sessions that have a place. */
  readonly order = new UseOrder();
  readonly dormant = new UseOrder();

  /** Places taken. */
  get size(): number {
    return this.order.size;
  }

  /** Sessions of which either side has something. Counts them all. */
  get inUse(): number {
    return [...this.order, ...this.dormant].filter((session) => !isNew(session)).length;
  }

  /** The session of a pair, dormant or not. */
  get(localVip: IpAddress, remoteVip: IpAddress): Session | undefined {
    return this.#byLocal.get(localVip)?.get(remoteVip);
  }

  /** There is none for its pair. */
  add(session: Session): void {
    let byRemote = this.#byLocal.get(session.localVip);
    if (byRemote === undefined) {
      byRemote = new Map();
      this.#byLocal.set(session.localVip, byRemote);
    }
    byRemote.set(session.remoteVip, session);
    this.order.add(session);
  }

  /** Takes it out of the table and out of the order that it is in. */
  delete(session: Session, order: UseOrder): void {
    order.delete(session);
    const byRemote = this.#byLocal.get(session.localVip)!;
    byRemote.delete(session.remoteVip);
    if (byRemote.size === 0) this.#byLocal.delete(session.localVip);
  }

  /** Sessions that have a place, least recently used first. */
  [Symbol.iterator](): Iterator<Session> {
    return this.order[Symbol.iterator]();
  }
}
