/**
 * What happens in a gateway, as it happens: for its log (event-log.ts), for those who watch it, and for simulations. Never key
 * material. Times are in the unit that the name says; addresses and names are texts.
 */
import type { DocaErrorName } from '../hal/errors.js';
import type { IpAddress, MacAddress } from '../packet/address.js';
import type { SegmentKind } from '../packet/segment-message.js';
import type { CertificateStatus } from './rpc/certificate-status.js';
import type { ProblemKind, RpcCode, RpcMethod } from './rpc/transport.js';
import type { VacatedReason } from './sessions/fair-share.js';
import type { ToldSegmentDrop } from './slow-path/segment.js';

export interface Pair {
  readonly localVip: IpAddress;
  readonly remoteVip: IpAddress;
}

/** Of a session of which an exchange has just given us an egress route. */
interface TunnelUp extends Pair {
  readonly peer: string;
  /** The peer's SPI, under which we send. */
  readonly spi: number;
  /** Our SPI, under which the peer sends. */
  readonly ingressSpi: number;
  /** Key slot. */
  readonly cryptoId: number;
  /** Of AES-GMAC, in one direction at least: packets are authenticated and not encrypted. Absent: they are encrypted. */
  readonly payload?: 'readable';
  /** Whose exchange it was. */
  readonly askedBy: 'us' | 'peer';
}

/** Which certificate of our TLS files, and its end as an ISO time. */
interface CertificateEnd extends Pick<CertificateStatus, 'role' | 'path' | 'subject'> {
  readonly notAfter: string;
}

/** The device's operations that are watched. */
export type DeviceOperation =
  | 'apply'
  | 'setKeys'
  | 'clearKeys'
  | 'generateKeys'
  | 'rotateMasterKey'
  | 'counters';

/** SPIs of the active master key. */
interface SpiUse {
  readonly given: number;
  readonly left: number;
}

/** Work of the gateway's own that goes on after a failure, or is begun again. */
export type OwnWork =
  | 're-keying'
  | 'static-tunnels'
  | 'session-removal'
  | 'idle-search'
  | 'underlay-proofs'
  | 'underlay-look'
  | 'recovery'
  | 'draining';

/** Where a peer's packets go from now on. */
interface PeerUnderlay {
  readonly peer: string;
  readonly address: IpAddress;
  readonly mac: MacAddress;
  /** The address is configured, or an authenticated packet of the peer's has come from it. */
  readonly confirmed: boolean;
}

/** Why a connection to our service was ended: TLS did not come about, no certificate that we believe, or of nobody who is a peer. */
export type CallerRefusal = 'handshake' | 'untrusted' | 'not-a-peer';

export type GatewayEvent =
  /** `from` is an address, without a port: what one host does is one cause. */
  | {
      readonly type: 'caller-refused';
      readonly from: string;
      readonly why: CallerRefusal;
      /** Absent: nothing is wrong with the connection, but it is no peer's. */
      readonly problem?: ProblemKind;
      readonly reason: string;
    }
  /** A packet of the workload waits for an egress route. */
  | ({ readonly type: 'miss'; readonly waiting: number } & Pair)
  /** A packet of the workload is dropped, since it can have no session. */
  | {
      readonly type: 'packet-refused';
      readonly reason: string;
      readonly source: IpAddress;
      readonly destination: IpAddress;
    }
  /** A packet of the workload is dropped, since its session cannot be made. */
  | ({ readonly type: 'no-session'; readonly reason: string } & Pair)
  /** Transport mode: a fragment of the workload is dropped; only whole packets can be encapsulated. */
  | { readonly type: 'fragment-dropped'; readonly source: IpAddress; readonly destination: IpAddress }
  /** A packet of the workload did not fit, and its sender was told the MTU that does. */
  | {
      readonly type: 'packet-too-big';
      readonly source: IpAddress;
      readonly destination: IpAddress;
      readonly mtuOctets: number;
    }
  /** Transport mode: a message of the segment does not pass between the ports. */
  | {
      readonly type: 'segment-dropped';
      readonly side: 'workload' | 'underlay';
      readonly kind: SegmentKind;
      readonly why: ToldSegmentDrop;
      readonly source: IpAddress;
      readonly mac: MacAddress;
      readonly target?: IpAddress;
    }
  | ({ readonly type: 'ingress-opened'; readonly spi: number } & Pair)
  | {
      readonly type: 'request-sent';
      readonly peer: string;
      readonly tunnels: number;
      readonly method: string;
    }
  | { readonly type: 'request-answered'; readonly peer: string; readonly tunnels: number }
  | { readonly type: 'request-failed'; readonly peer: string; readonly reason: string }
  /** Tunnels of a peer that were asked for did not come about, and when they are asked for again, where they are. */
  | {
      readonly type: 'exchange-failed';
      readonly peer: string;
      readonly tunnels: number;
      readonly reason: string;
      /** Of how many failures in a row this is the last. */
      readonly attempt?: number;
      readonly retryInMs?: number;
    }
  /** A peer has answered or asked for the first time, or again after it was silent. */
  | { readonly type: 'peer-seen'; readonly peer: string; readonly silentS?: number }
  /** A peer does not answer any more or, where it has not been `seen`, yet. */
  | {
      readonly type: 'peer-silent';
      readonly peer: string;
      readonly seen: boolean;
      readonly reason: string;
      /** What is wrong with the connection to it; absent: something else, or nobody knows. */
      readonly problem?: ProblemKind;
    }
  /** A peer has told that it makes no new tunnels; `endsInS`: for so long at most, where it has said. */
  | { readonly type: 'peer-drains'; readonly peer: string; readonly endsInS?: number }
  /** It makes new tunnels again. */
  | { readonly type: 'peer-drain-over'; readonly peer: string }
  /** An operator has ended what there was with a peer: so many connections of its, and sessions. */
  | {
      readonly type: 'peer-disconnected';
      readonly peer: string;
      readonly connections: number;
      readonly sessions: number;
    }
  /** No new tunnels are made from now on; of `sessions` packets may go on to pass. */
  | {
      readonly type: 'drain-begun';
      readonly sessions: number;
      readonly timeoutS: number;
      readonly stops: boolean;
    }
  | { readonly type: 'drain-cancelled' }
  /** No packet has passed for a while, or the time is over. */
  | {
      readonly type: 'drain-finished';
      readonly why: 'idle' | 'timeout';
      readonly sessions: number;
      readonly stops: boolean;
    }
  /** A peer is told that we have started, or that its packets do not get in. */
  | { readonly type: 'announcement-sent'; readonly peer: string; readonly packetsFail: boolean }
  | { readonly type: 'announcement-failed'; readonly peer: string; readonly reason: string }
  /** A peer has told of its start, or that our packets do not get in; `sessions` have egress routes from before that start. */
  | {
      readonly type: 'announcement-received';
      readonly peer: string;
      readonly sessions: number;
      readonly packetsFail: boolean;
    }
  /** Packets from a peer's address, or where `peer` is absent from no peer's known address, fail to authenticate. */
  | { readonly type: 'packets-not-let-in'; readonly peer?: string; readonly packets: number }
  /** Tunnels are asked for of a peer whose packets are not let in and that cannot be told of our start; `missing` of all. */
  | {
      readonly type: 'pair-search';
      readonly peer: string;
      readonly tunnels: number;
      readonly missing: number;
    }
  /** A peer has named its underlay address for the first time. */
  | ({ readonly type: 'underlay-address' } & PeerUnderlay)
  | ({ readonly type: 'underlay-changed'; readonly before: IpAddress } & PeerUnderlay)
  /** A peer named an address that another one, the holder, has, and was refused. */
  | {
      readonly type: 'underlay-claimed';
      readonly peer: string;
      readonly address: IpAddress;
      readonly holder: string;
    }
  /** An authenticated packet of the peer's has come from the address. */
  | { readonly type: 'underlay-proved'; readonly peer: string; readonly address: IpAddress }
  /** --confirm-underlay: packets wait until the peer has proved the address that they would go to. */
  | {
      readonly type: 'underlay-held';
      readonly peer: string;
      readonly address: IpAddress;
      readonly waiting: number;
    }
  | { readonly type: 'request-received'; readonly from: string; readonly tunnels: number }
  | { readonly type: 'request-granted'; readonly from: string; readonly tunnels: number }
  | {
      readonly type: 'request-refused';
      /** Absent: several peers share that caller's address. */
      readonly peer?: string;
      readonly from: string;
      readonly method: RpcMethod;
      readonly code: RpcCode;
      readonly reason: string;
      /** It is we who have no more of what was asked for, and not the caller who asks for too much. */
      readonly ownLimit?: true;
    }
  /** The same of a request for a rotation of the master key. */
  | {
      readonly type: 'rotation-refused';
      readonly peer?: string;
      readonly from: string;
      readonly code: RpcCode;
      readonly reason: string;
    }
  | ({ readonly type: 'egress-installed'; readonly spi: number; readonly cryptoId: number } & Pair)
  | ({ readonly type: 'tunnel-established' } & TunnelUp)
  /** The session had an egress route, and has another one now; `ageS`: how long it had been established. */
  | ({ readonly type: 'tunnel-rekeyed'; readonly formerSpi: number; readonly ageS: number } & TunnelUp)
  | ({ readonly type: 'resubmitted'; readonly packets: number } & Pair)
  | ({ readonly type: 'spi-closed'; readonly spi: number } & Pair)
  /** All static tunnels have been up. */
  | { readonly type: 'static-tunnels-up'; readonly tunnels: number; readonly refused?: number }
  /** A rotation of the master key waits for sessions that it would cut off: at most until its deadline. */
  | {
      readonly type: 'rotation-waits';
      /** SPIs of the master key that it ends. */
      readonly spis: number;
      readonly deadlineInMs: number;
      /** Peers that have not taken new keys yet; absent: only the grace of old keys is not over. */
      readonly waitsFor?: string;
    }
  /** `spisGiven`: SPIs that were given out under the master key that was active before. */
  | { readonly type: 'rotated'; readonly rotations: number; readonly spisGiven: number }
  /** A rotation has ended keys of sessions whose peers had no new ones. */
  | { readonly type: 'rotation-cut-off'; readonly sessions: number }
  /** All sessions that had to have new keys after a rotation have them. */
  | { readonly type: 'rotation-finished'; readonly sessions: number; readonly durationMs: number }
  | { readonly type: 'rotation-failed'; readonly reason: string }
  /** The device has refused, or could not do, `count` operations of a call; the reason is that of the first. */
  | {
      readonly type: 'device-failed';
      readonly operation: DeviceOperation;
      readonly code: DocaErrorName;
      readonly reason: string;
      readonly count: number;
    }
  /** The device took long for a call with `count` operations. */
  | {
      readonly type: 'slow-operation';
      readonly operation: DeviceOperation;
      readonly count: number;
      readonly durationMs: number;
    }
  /** The device does not remove entries, or wipe keys, yet; it is asked again. */
  | { readonly type: 'device-leftovers'; readonly entries: number; readonly keys: number }
  | {
      readonly type: 'work-failed';
      readonly work: OwnWork;
      readonly reason: string;
      readonly peer?: string;
    }
  /** The state file (--state-file) could not be written; told once until it can. */
  | { readonly type: 'state-not-written'; readonly reason: string }
  /** Other peers and limits have been taken on. */
  | {
      readonly type: 'reconfigured';
      readonly peersAdded: number;
      readonly peersRemoved: number;
      readonly peersChanged: number;
      /** Sessions whose peers are gone, or own their address no more. */
      readonly sessionsEnded: number;
    }
  /** The active master key has few SPIs left, or none: it is rotated for that. */
  | ({ readonly type: 'spis-low'; readonly exhausted: boolean } & SpiUse)
  /** An eighth, or a quarter, of the active master key's SPIs have been given out: no trouble yet. */
  | ({ readonly type: 'spi-use' } & SpiUse)
  /** New TLS files are in use; `endsConnections`: an authority of before is not among the new ones. */
  | {
      readonly type: 'certificates-reloaded';
      readonly subject: string;
      readonly notAfter: string;
      readonly authorities: number;
      readonly endsConnections: boolean;
    }
  /** What is in the TLS files cannot be used; what was in them before stays in use. */
  | { readonly type: 'certificates-refused'; readonly reason: string }
  /** One of the TLS files can be read once only. */
  | { readonly type: 'certificates-not-watched'; readonly path: string }
  /** None of the `authorities` file has issued ours: peers that have the same ones refuse it. */
  | {
      readonly type: 'certificate-of-other-authority';
      readonly path: string;
      readonly issuer: string;
      readonly authorities: string;
    }
  /** A certificate of our TLS files ends in `days` whole days. */
  | ({ readonly type: 'certificate-expires'; readonly days: number } & CertificateEnd)
  | ({ readonly type: 'certificate-expired' } & CertificateEnd)
  /** Has lost its egress route and its place; `reason` is absent when it was asked for, or nobody wanted it any more. */
  | ({
      readonly type: 'session-removed';
      readonly peer: string;
      readonly reason?: VacatedReason;
      /** Whose place it was. */
      readonly holder?: string;
      /** How long it had been established; absent: it was not. */
      readonly ageS?: number;
    } & Pair);

export type GatewayObserver = (event: GatewayEvent) => void;
