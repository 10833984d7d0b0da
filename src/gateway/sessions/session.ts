/**
 * One session: the pair of a local and a remote virtual address, the SPIs under which its packets come in, and the
 * egress route by which its packets go out.
 *
 *     state          | event         | next
 *     ---------------|---------------|---------------
 *     idle           | request       | requesting      our own exchange begins
 *     idle           | established   | established     the peer's exchange gave us an egress route
 *     requesting     | established   | established     ours or, when both ask at once, the peer's
 *     requesting     | failed        | backing-off
 *     backing-off    | request       | requesting      the wait is over
 *     backing-off    | established   | established
 *     established    | request       | established     a re-key; the old route stays until the new one is there
 *     established    | established   | established
 *     established    | failed        | established     a failed re-key changes nothing
 *     any of these   | vacated       | dormant         its place in the table went to another, or it was not used
 *     dormant        | woken         | idle            it has a place again
 *     any            | removed       | removed
 *
 * A dormant session has no egress route and takes no place in the table, but what the peer sends under the SPIs that it was
 * given is let in still: the peer does not know that its session has gone, and would send into nothing.
 */
import type { EntryId } from '../../hal/hal.js';
import { type IpAddress, type IpFamily, ipFamily } from '../../packet/address.js';
import { isGmac, type PspVersion } from '../../psp/header.js';
import type { Peer } from '../peers.js';

export type SessionState = 'idle' | 'requesting' | 'backing-off' | 'established' | 'dormant' | 'removed';
export type SessionEvent = 'request' | 'established' | 'failed' | 'vacated' | 'woken' | 'removed';

const TRANSITIONS: Readonly<Record<SessionState, Partial<Record<SessionEvent, SessionState>>>> = {
  idle: { request: 'requesting', established: 'established', vacated: 'dormant', removed: 'removed' },
  requesting: {
    established: 'established',
    failed: 'backing-off',
    vacated: 'dormant',
    removed: 'removed',
  },
  'backing-off': {
    request: 'requesting',
    established: 'established',
    vacated: 'dormant',
    removed: 'removed',
  },
  established: {
    request: 'established',
    established: 'established',
    failed: 'established',
    vacated: 'dormant',
    removed: 'removed',
  },
  dormant: { woken: 'idle', removed: 'removed' },
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
  readonly version: PspVersion;
  /** That its packets carry; absent without --cookie. */
  readonly cookie?: bigint;
  /** The ACL entry; absent with the ingress ACL off. */
  readonly entry?: EntryId;
  /** Number of the master key that it came from: how many rotations there had been. */
  readonly generation: number;
  state: IngressState;
  /** When a request of the peer's was answered with it, wall time; 0: a request of ours had it. */
  givenAtMs: number;
  /** True while the SPI retires and the peer may send under it for good (retirement.ts). */
  contested: boolean;
  /** When it ceased to be that, wall time; 0: it never was. */
  clearAtMs: number;
  /** Number of packets let in under it, as the last look found; modulo 2^30. */
  packetsSeen: number;
  /** Likewise, as anybody has last read, be it a look or not. */
  packetsRead: number;
}

/** The egress route. */
export interface Egress {
  readonly entry: EntryId;
  /** The entry of PSP_ENCRYPT, with sampling. */
  readonly encryptEntry?: EntryId;
  readonly cryptoId: number;
  /** The peer's SPI. */
  readonly spi: number;
  readonly version: PspVersion;
  /** Peer.starts when the peer gave it. */
  readonly peerStart: number;
  /** Destination of packets. */
  readonly underlayIp: IpAddress;
  /** The entry is one of EGR_TRIAL: the workload's packets wait until the peer has proved the address. */
  readonly held: boolean;
}

/** Sessions that the operator asked for: static tunnels, and those of Gateway.connect. */
export const OPERATOR = Symbol('operator');

/**
 * Who answers for a session's place in the table: the peer by whose request it was made, or the address of the workload
 * whose packet it was made for. So a workload that opens sessions to all addresses of a peer takes nothing of that peer's.
 */
export type Holder = Peer | IpAddress | typeof OPERATOR;

export interface Session {
  readonly localVip: IpAddress;
  readonly remoteVip: IpAddress;
  readonly family: IpFamily;
  /** Owner of remoteVip; replaced when an unknown peer becomes known. */
  peer: Peer;
  state: SessionState;
  /** Oldest first. */
  ingress: IngressSpi[];
  egress: Egress | undefined;
  /** An exchange of ours is under way. */
  asking: boolean;
  /** Failed exchanges since the last that succeeded. */
  failures: number;
  /** Time of the next attempt while backing off, wall time. */
  retryAtMs: number;
  /** Somebody besides the packets that wait wants it, a static tunnel or a re-key: the number of the last who does; 0: none. */
  wanted: number;
  holder: Holder;
  /** When it got its first egress route since it had none, wall time in seconds; 0: it never had one. */
  establishedAtS: number;
  /** When a read of the counters last found packets that had been let in, wall time in seconds; 0: none did. */
  receivedAtS: number;
  /** Number of packets that left, as the last look found; modulo 2^30. */
  packetsSeen: number;
  /** Looks in a row that found none that came, and packets that left, or that the last exchange had failed. */
  looksUnanswered: number;
  /** Looks that found packets of it, as far as LOOKS_TO_PROVE: until then it is on probation (use-order.ts). */
  looksUsed: number;
  /** End of the second in which it was last seen in use, on the installer's steady clock. */
  usedAtS: number;
  /** Its neighbors in the order of use: among all of its table, and among its holder's (use-order.ts). */
  older: Session | undefined;
  newer: Session | undefined;
  olderOfHolder: Session | undefined;
  newerOfHolder: Session | undefined;
}

/** The session of a pair that nobody has asked for yet. */
export function newSession(
  localVip: IpAddress,
  remoteVip: IpAddress,
  peer: Peer,
  holder: Holder,
  usedAtS: number,
): Session {
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
    wanted: 0,
    holder,
    establishedAtS: 0,
    receivedAtS: 0,
    packetsSeen: 0,
    looksUnanswered: 0,
    looksUsed: 0,
    usedAtS,
    older: undefined,
    newer: undefined,
    olderOfHolder: undefined,
    newerOfHolder: undefined,
  };
}

/** A holder by name, for people. */
export function holderText(holder: Holder): string {
  if (typeof holder === 'string') return holder;
  return typeof holder === 'symbol' ? 'operator' : holder.name;
}

/** Counts of packets are kept modulo this, so that they stay small integers, which cost no memory of their own. */
const COUNT_BITS = 30;

/** A count of packets as a session keeps it. */
export function keptCount(packets: bigint): number {
  return Number(BigInt.asUintN(COUNT_BITS, packets));
}

/** The counter of an SPI's entry was read: notes when packets have last come. */
export function noteReceived(session: Session, ingress: IngressSpi, packets: bigint, nowMs: number): void {
  const count = keptCount(packets);
  // A count that begins anew says nothing.
  if (count !== ingress.packetsRead && packets !== 0n) {
    session.receivedAtS = Math.floor(nowMs / 1000);
    session.peer.receivedAtMs = nowMs;
  }
  ingress.packetsRead = count;
}

/** Whether its packets, in either direction, are authenticated only: who is on their way can read them. */
export function isReadable({ egress, ingress }: Session): boolean {
  return (egress !== undefined && isGmac(egress.version)) || ingress.some(({ version }) => isGmac(version));
}

/** Whether it is in the table, with a place of its own: neither dormant nor removed. */
export function hasPlace({ state }: Session): boolean {
  return state !== 'dormant' && state !== 'removed';
}

/** Whether neither side is known to have anything of it: an exchange for it would make a new tunnel, and re-key none. */
export function isNew({ egress, ingress }: Session): boolean {
  return egress === undefined && ingress.every(({ state }) => state === 'offered' || state === 'doubtful');
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
