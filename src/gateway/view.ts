/** A gateway as it is at one moment, for people and programs; no keys. */
import type { Counter, DeviceDescription, PortStatus } from '../hal/hal.js';
import type { PipeProgram } from '../hal/program.js';
import type { IpAddress } from '../packet/address.js';
import type { IpPrefix } from '../packet/prefix.js';
import type { SaKey } from '../psp/keys-file.js';
import type { Capture, CapturedFrame, CaptureSelection } from './capture/captures.js';
import type { PairChecks } from './diagnosis/pair-check.js';
import type { DoorView } from './doors/door-view.js';
import type { Drain } from './drain-state.js';
import type { GatewayObserver } from './events.js';
import type { Explanation } from './explain/explain.js';
import type { PacketQuestion } from './explain/packet-question.js';
import type { PeerDialect } from './options.js';
import type { DeviceCounters } from './pipeline/device-counters.js';
import type { RecoveryCounters } from './recovery/recovery.js';
import type { TlsView } from './rpc/certificate-keeper.js';
import type { CertificateName, ProblemKind, RpcCode, ServiceAddress } from './rpc/transport.js';
import type { TableCounters } from './sessions/places.js';
import type { SessionState } from './sessions/session.js';
import type { RefusedVersions } from './sessions/versions.js';
import type { SegmentCounters } from './slow-path/segment.js';
import type { SlowPathCounters } from './slow-path/slow-path-counters.js';
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
  /** Its packets, in one direction at least, are authenticated and not encrypted (AES-GMAC). */
  readonly readable: boolean;
  /** Key slot with the key of that SPI. */
  readonly keySlot: number | undefined;
  readonly waitingPackets: number;
  /** When it got its egress route, wall time in milliseconds, to the second; undefined: it has none. */
  readonly establishedAtMs: number | undefined;
  /**
   * When a read of the counters has last found that packets of the peer had been let in, likewise. The counters are read when somebody
   * asks for the session, and for all sessions again and again, every 30 s or more often.
   */
  readonly receivedAtMs: number | undefined;
  /** Failed exchanges since the last that succeeded. */
  readonly failures: number;
  /** When it is asked for again, wall time in milliseconds; undefined: it is not in the state backing-off. */
  readonly retryAtMs: number | undefined;
  /** Whose place in the table it takes: a peer, an address of the workload, or the operator. */
  readonly holder: string;
}

/** One session, with the counters of its present entries. */
export interface TunnelView extends SessionView {
  /** undefined: it has no entry that way, or it went meanwhile. A re-key starts the counters of some entries anew. */
  readonly out: Counter | undefined;
  readonly in: Counter | undefined;
}

/** Which sessions are meant; all that is absent holds of every session. */
export interface TunnelSelection {
  /** Name of the peer, or its address without the port. */
  readonly peer?: string;
  /** Either address of the pair. */
  readonly vip?: IpAddress;
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

/** Requests that were refused for limits, rights, or what state we are in, as events tell. */
export interface RefusedRequests {
  readonly requests: number;
  /** Of these, those for a rotation of the master key. */
  readonly rotations: number;
}

/** Why an exchange with a peer has failed. */
export interface PeerFailure {
  /** Wall time in milliseconds. */
  readonly atMs: number;
  /** How the call ended; undefined: it is our own device that failed. */
  readonly code: RpcCode | undefined;
  readonly reason: string;
}

/** One configured peer as it is. */
export interface PeerView {
  readonly name: string;
  readonly virtualIps: number;
  readonly virtualPrefixes: number;
  /** What these are. */
  readonly owns: { readonly addresses: readonly IpAddress[]; readonly prefixes: readonly IpPrefix[] };
  /** Names of which its certificate must have one; without certificates its own address, from which it must come. */
  readonly identities: readonly CertificateName[];
  /** Configured or learnt; undefined: not known yet. */
  readonly dialect: PeerDialect | undefined;
  /** Our exchanges with it that failed since the last that succeeded. */
  readonly failures: number;
  /** When it last answered one, wall time in milliseconds; undefined: never. */
  readonly answeredAtMs: number | undefined;
  /** When it was last heard of at all, by an answer or a request, likewise. */
  readonly heardAtMs: number | undefined;
  /** When a read of its sessions' counters last found packets that had been let in, likewise; see SessionView. */
  readonly receivedAtMs: number | undefined;
  /** Since when it does not answer, likewise; undefined: it does, or has not been asked. */
  readonly silentSinceMs: number | undefined;
  /** How that showed first; of no meaning where it is not silent. */
  readonly silentReason: string | undefined;
  /** Likewise what was wrong with the connection; undefined: nothing, or nobody knows. */
  readonly silentProblem: ProblemKind | undefined;
  /** The last of the failures; undefined: none since it last answered. */
  readonly failure: PeerFailure | undefined;
  /** It makes no new tunnels, as it has told; when that ends at the latest, wall time in milliseconds, where it has said. */
  readonly drains: { readonly endsAtMs: number | undefined } | undefined;
  /** Sessions with it that are established, and all that have a place. */
  readonly established: number;
  readonly sessions: number;
  /** Whether it may ask for a rotation of the master key. */
  readonly mayRotate: boolean;
  /** Requests of its that we have refused. */
  readonly refused: RefusedRequests;
  /** SPIs that its requests have taken so far. */
  readonly spisGiven: number;
  /** Source addresses of its packets and destinations of ours; the address that it named last comes first. */
  readonly underlay: readonly UnderlayView[];
}

/** SPIs of the active master key. */
export interface SpisView {
  readonly given: number;
  /** How many it has left; 0 also where the device scatters its SPIs so that no more of them can be remembered. */
  readonly left: number;
}

export interface RotationView {
  /** When the next one is due by --rotation-period, wall time in milliseconds; undefined: there is no period. */
  readonly nextAtMs: number | undefined;
  /** One that waits; undefined: none does. */
  readonly waiting: RotationWait | undefined;
}

/** What a rotation of the master key waits for. */
export interface RotationWait {
  /** SPIs of the master key that it ends. */
  readonly spis: number;
  /** Since when peers are asked to take new keys, wall time in milliseconds. */
  readonly sinceMs: number;
  /** When it waits no more, wall time in milliseconds. */
  readonly deadlineAtMs: number;
  /** Names of peers that have not taken new keys yet; none: only the grace of old keys is not over. */
  readonly peers: readonly string[];
}

/** All but the single sessions: what it costs to make grows with peers and sessions, what it holds with peers. */
export interface GatewaySummary {
  /** Undefined: it does not drain. */
  readonly drain: DrainView | undefined;
  readonly serviceAddress: ServiceAddress | undefined;
  readonly mode: 'tunnel' | 'transport';
  /** Why the state file cannot be written; undefined: it can, or there is none. */
  readonly stateProblem: string | undefined;
  /** Wall time in milliseconds; undefined: it has not been started yet. */
  readonly startedAtMs: number | undefined;
  readonly device: DeviceDescription;
  /** Sessions by state; states that none has are absent. */
  readonly sessionsByState: Readonly<Partial<Record<SessionState, number>>>;
  /** Sessions whose packets are authenticated and not encrypted (AES-GMAC), dormant ones among them. */
  readonly sessionsReadable: number;
  readonly peers: readonly PeerView[];
  /** Whether the device's ports are there; empty where nobody said. */
  readonly ports: readonly PortStatus[];
  readonly keySlotsUsed: number;
  /** Key slots that may be used. */
  readonly keySlots: number;
  readonly spis: SpisView;
  readonly rotation: RotationView;
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
  /** Packets that wait for their session now, and those that may wait at once. */
  readonly missedPackets: { readonly waiting: number; readonly waitingMax: number };
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
  /** Requests of all peers, announcements and comparisons among them, that were refused. */
  readonly refusedToPeers: RefusedRequests;
  /** Counters of the tunnel service's doors; undefined where the control plane has none. */
  readonly doors: DoorView | undefined;
  /** Our certificates and authorities; undefined where the control plane has none. */
  readonly tls: TlsView | undefined;
  /** Those of them that a peer's budget did not allow. Nothing was done for them. */
  readonly refusedOverBudget: number;
  /** Tunnel requests and answers of peers that were refused for their PSP version. */
  readonly versionsRefused: RefusedVersions;
  readonly recovery: RecoveryView;
  /** Lines about events that were left out of the log, since there were many of their kind. */
  readonly eventLinesLeftOut: number;
}

export interface GatewayView extends GatewaySummary {
  readonly sessions: readonly SessionView[];
}

/** What is seen of a running gateway from outside of it: by its admin service, and by who counts. */
export interface GatewayInsight {
  summary(): GatewaySummary;
  /**
   * Sessions of a selection, `most` of them at the most, those that were used last first, then dormant ones; and how many more there
   * are. Reads their counters; rejects with HalError.
   */
  tunnels(
    selection: TunnelSelection,
    most: number,
  ): Promise<{ readonly tunnels: readonly TunnelView[]; readonly leftOut: number }>;
  /**
   * What becomes of the packets between pairs of addresses, by what both ends have counted; asks peers, and takes some seconds where
   * packets seem to be lost. Rejects with HalError, and when the gateway stops.
   */
  checkPairs(): Promise<PairChecks>;
  /** What would become of a packet, and why. Rejects with HalError, BAD_STATE before the gateway has been started. */
  explain(question: PacketQuestion): Promise<Explanation>;
  /** What the device has counted. Rejects with HalError, BAD_STATE before the gateway has been started. */
  deviceCounters(): Promise<DeviceCounters>;
  /** The program that its device has, or will have. */
  program(): PipeProgram;
  /** Shows packets of a selection from now on, as many as --capture-rate allows. */
  capture(selection: CaptureSelection, onFrame: (frame: CapturedFrame) => void): Capture;
  /** With --debug-keys: shows keys of tunnels, those before and those to come, until the function that it gives is called. */
  showKeys(viewer: (key: SaKey) => void): (() => void) | undefined;
  /** Tells of everything that happens from now on, until the function that it gives is called. */
  watch(observer: GatewayObserver): () => void;
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

/** What a disconnection has ended. */
export interface Disconnected {
  readonly connections: number;
  readonly sessions: number;
}

/** How a drain ends. */
export interface DrainOptions {
  /** After which it is over although packets pass, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether the gateway stops when it is over; otherwise it stays drained. */
  readonly stops: boolean;
}

/** A gateway that makes no new tunnels. */
export interface DrainView extends Drain {
  /** Since when no packet of a tunnel has been seen to pass, wall time in milliseconds. */
  readonly quietSinceMs: number;
}

/** What an operator may have a running gateway do. */
export interface GatewayControl {
  /**
   * No new tunnels from now on, in either direction; peers are told. It is over when no packet has passed for QUIET_MS, or
   * after a time: the event drain-finished. Where one has begun it gets other ends.
   */
  drain(options: DrainOptions): DrainView;
  /** New tunnels are made again; false: they were anyway. */
  cancelDrain(): boolean;
  /** Removes the sessions of a selection and frees all they held; gives how many. Packets, and peers, may have them made anew. */
  removeTunnels(selection: TunnelSelection): Promise<number>;
  /**
   * Ends all connections with the peers of a name, ours and theirs, and removes the sessions with them; gives how many. Nothing
   * keeps a peer from coming back. Rejects with HalError where the device does not let go of sessions; then it may be said again.
   */
  disconnectPeers(name: string): Promise<Disconnected>;
  /** Begins to re-key the established sessions of a selection; gives how many, and resolves `done` when all have new keys. */
  rekeyTunnels(selection: TunnelSelection): { readonly tunnels: number; readonly done: Promise<void> };
  /** Begins a rotation of the master key, and of all sessions' keys after it. Its events tell how it ends. */
  beginRotation(): void;
}
