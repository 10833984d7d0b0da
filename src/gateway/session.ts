/**
 * One session: the pair of a local and a remote virtual address, the SPIs under which its packets come in, and the
 * way its packets go out.
 *
 *     state          | event         | next
 *     ---------------|---------------|---------------
 *     idle           | request       | requesting      our own exchange begins
 *     idle           | established   | established     the peer's exchange gave us a way out
 *     requesting     | established   | established     ours or, when both ask at once, the peer's
 *     requesting     | failed        | backing-off
 *     backing-off    | request       | requesting      the wait is over
 *     backing-off    | established   | established
 *     established    | request       | established     a re-key; the old way stays until the new one is there
 *     established    | established   | established
 *     established    | failed        | established     a failed re-key changes nothing
 *     any            | removed       | removed
 */
import type { EntryId } from '../hal/hal.js';
import { type IpAddress, type IpFamily, ipFamily } from '../packet/address.js';
import type { Peer } from './peers.js';

export type SessionState = 'idle' | 'requesting' | 'backing-off' | 'established' | 'removed';
export type SessionEvent = 'request' | 'established' | 'failed' | 'removed';

const TRANSITIONS: Readonly<Record<SessionState, Partial<Record<SessionEvent, SessionState>>>> = {
  idle: { request: 'requesting', established: 'established', removed: 'removed' },
  requesting: { established: 'established', failed: 'backing-off', removed: 'removed' },
  'backing-off': { request: 'requesting', established: 'established', removed: 'removed' },
  established: {
    request: 'established',
    established: 'established',
    failed: 'established',
    removed: 'removed',
  },
  removed: {},
};

/** The state after an event, or undefined when the event cannot happen in that state. */
export function nextState(state: SessionState, event: SessionEvent): SessionState | undefined {
  return TRANSITIONS[state][event];
}

/**
 * What we know of an SPI: offered in an exchange that is under way; doubtful, when that ended without an answer and
 * the peer may have it or not; given, when the peer has it; retiring, when the peer has a newer one.
 */
export type IngressState = 'offered' | 'doubtful' | 'given' | 'retiring';

/** An SPI that we have given out for this session. */
export interface IngressSpi {
  readonly spi: number;
  /** The ACL entry; absent with the ingress ACL off. */
  readonly entry?: EntryId;
  /** Number of the master key that it came from: how many rotations there had been. */
  readonly generation: number;
  state: IngressState;
}

/** The way out. */
export interface Egress {
  readonly entry: EntryId;
  /** With sampling: the entry of PSP_ENCRYPT. */
  readonly encryptEntry?: EntryId;
  readonly cryptoId: number;
  /** The peer's SPI. */
  readonly spi: number;
}

export interface Session {
  readonly localVip: IpAddress;
  readonly remoteVip: IpAddress;
  readonly family: IpFamily;
  /** Who owns remoteVip; replaced when a peer that was unknown becomes known. */
  peer: Peer;
  state: SessionState;
  /** Oldest first. */
  ingress: IngressSpi[];
  egress: Egress | undefined;
  /** An exchange of ours is under way. */
  asking: boolean;
  /** Failed exchanges since the last that succeeded. */
  failures: number;
  /** While backing off: when the next attempt may be made, wall time. */
  retryAtMs: number;
  /** Somebody besides the packets that wait wants it: a static tunnel, a re-key. */
  wanted: boolean;
  /** Packets that may still be resubmitted after they missed an entry that is there. */
  resubmitBudget: number;
}

/** Of a pair that nobody has asked for yet. */
export function newSession(localVip: IpAddress, remoteVip: IpAddress, peer: Peer): Session {
  return {
    localVip,
    remoteVip,
    family: ipFamily(localVip),
    peer,
    state: 'idle',
    ingress: [],
    egress: undefined,
    asking: false,
    failures: 0,
    retryAtMs: 0,
    wanted: false,
    resubmitBudget: 0,
  };
}

/** All sessions by pair. */
export class SessionTable {
  readonly #byLocal = new Map<IpAddress, Map<IpAddress, Session>>();
  /** In the order in which they were added. */
  readonly #sessions = new Set<Session>();

  get size(): number {
    return this.#sessions.size;
  }

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
    this.#sessions.add(session);
  }

  delete(session: Session): void {
    const byRemote = this.#byLocal.get(session.localVip);
    if (byRemote?.get(session.remoteVip) !== session) return;
    byRemote.delete(session.remoteVip);
    if (byRemote.size === 0) this.#byLocal.delete(session.localVip);
    this.#sessions.delete(session);
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#sessions.values();
  }
}

/** Whether an exchange may begin for it now. */
export function mayAsk(session: Session): boolean {
  return !session.asking && nextState(session.state, 'request') !== undefined;
}

/** Applies an event; throws when the table has no such transition, which would be a defect of ours. */
export function transition(session: Session, event: SessionEvent): void {
  const next = nextState(session.state, event);
  if (next === undefined) throw new Error(`session event ${event} in state ${session.state}`);
  session.state = next;
}
