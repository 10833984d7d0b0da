/** A gateway as it is at one moment, for people and programs; no keys. */
import type { PortStatus } from '../hal/hal.js';
import type { IpAddress } from '../packet/address.js';
import type { DoorView } from './doors/door-view.js';
import type { PeerDialect } from './options.js';
import type { RecoveryCounters } from './recovery/recovery.js';
import type { TlsView } from './rpc/certificate-keeper.js';
import type { ServiceAddress } from './rpc/transport.js';
import type { TableCounters } from './sessions/places.js';
import type { SessionState } from './sessions/session.js';
import type { SegmentCounters } from './slow-path/segment.js';
import type { SlowPathCounters } from './slow-path/slow-path.js';
import type { UnderlayOrigin } from './underlay/underlay-addresses.js';
import type { UnderlayRefusal } from './underlay/underlay-policy.js';

/** One session as it is. */
export interface SessionView {
  readonly localVip: IpAddress;
  readonly remoteVip: IpAddress;
  readonly peer: string;
  readonly state: SessionState;
  /** The SPIs under which the peer may send. */
  readonly ingressSpis: readonly number[];
  /** The peer's SPI under which we send. */
  readonly egressSpi: number | undefined;
  readonly waitingPackets: number;
  /** Whose place in the table it takes: a peer, an address of the workload, or the operator. */
  readonly holder: string;
}

/** The table of sessions, and what became of places in it. */
export interface TablesView extends TableCounters {
  /** Sessions that may have a place. */
  readonly capacity: number;
  /** Places that each holder may have for certain. */
  readonly share: number;
  readonly holders: number;
  /** Sessions without a place, whose peers may still send. */
  readonly dormant: number;
}

/** One underlay address of a peer. */
export interface UnderlayView {
  readonly address: IpAddress;
  readonly origin: UnderlayOrigin;
  /** It is of the peer's configured prefixes, or an authenticated packet of the peer's has come from it. */
  readonly confirmed: boolean;
}

/** One configured peer as it is. */
export interface PeerView {
  readonly name: string;
  readonly virtualIps: number;
  readonly virtualPrefixes: number;
  /** Configured or learnt; undefined: not known yet. */
  readonly dialect: PeerDialect | undefined;
  /** Our exchanges with it that failed since the last that succeeded. */
  readonly failures: number;
  /** When it last answered one, wall time in milliseconds; undefined: never. */
  readonly answeredAtMs: number | undefined;
  /** Whether it may ask for a rotation of the master key. */
  readonly mayRotate: boolean;
  /** SPIs that its requests have taken so far. */
  readonly spisGiven: number;
  /** Source addresses of its packets and destinations of ours; the address that it named last comes first. */
  readonly underlay: readonly UnderlayView[];
}

export interface GatewayView {
  readonly serviceAddress: ServiceAddress | undefined;
  readonly sessions: readonly SessionView[];
  readonly peers: readonly PeerView[];
  /** Whether the device's ports are there; empty where nobody said. */
  readonly ports: readonly PortStatus[];
  readonly keySlotsUsed: number;
  readonly spisRetiring: number;
  /** SPIs that are open under the master key that the next rotation ends. */
  readonly spisOfFormerKey: number;
  /** Entries that the device would not remove yet; what they name is out of use. */
  readonly entriesLeft: number;
  /** So far: removals that the device refused, and SPIs that it gave out although they were not free. */
  readonly refusedByDevice: { readonly removals: number; readonly spis: number };
  readonly rotations: number;
  readonly tables: TablesView;
  readonly slowPath: SlowPathCounters & { readonly overflowed: number; readonly expired: number };
  /** Transport mode: what passed between the ports in clear, and what did not; undefined in tunnel mode. */
  readonly segment: SegmentCounters | undefined;
  /** Underlay addresses that peers have named: refusals by reason, and how often a peer's address has changed. */
  readonly underlay: {
    readonly refused: Readonly<Partial<Record<UnderlayRefusal, number>>>;
    readonly changes: number;
    /** SPIs under which a packet would prove an address that is not proved yet, and entries that found no room for that. */
    readonly watched: number;
    readonly watchRefused: number;
    /** --confirm-underlay: packets that went to addresses that were not proved. */
    readonly heldPassed: number;
  };
  /** Requests of peers that were refused, by gRPC status. */
  readonly refused: Readonly<Record<string, number>>;
  /** Counters of the tunnel service's doors; undefined where the control plane has none. */
  readonly doors: DoorView | undefined;
  /** Our certificates and authorities; undefined where the control plane has none. */
  readonly tls: TlsView | undefined;
  /** Those of them that a peer's budget did not allow. Nothing was done for them. */
  readonly refusedOverBudget: number;
  readonly recovery: RecoveryView;
}

/** Effects of restarts, ours and those of peers, and of packets that are not let in. */
export interface RecoveryView extends RecoveryCounters {
  /** Peers told of our start: calls, of these answered in whatever way, and not answered. */
  readonly announcementsSent: number;
  readonly announcementsAnswered: number;
  readonly announcementsFailed: number;
  /** Peers' announcements that were listened to, and those that were more than a peer may send. */
  readonly announcementsReceived: number;
  readonly announcementsRefused: number;
  /** Known underlay addresses of peers for which the device counts. */
  readonly underlayAddresses: number;
  /** Packets that were not let in and came from no such address. */
  readonly unknownSourcePackets: bigint;
}
