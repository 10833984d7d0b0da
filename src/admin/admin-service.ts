/**
 * What the admin service answers, from what a gateway shows of itself. It knows of no sockets: its caller hands it messages and takes
 * messages. Throws RpcError for what cannot be answered.
 */
import { type Clock, sleep } from '../base/clock.js';
import { diagnose } from '../gateway/diagnosis/diagnose.js';
import { type Finding, isRefusal } from '../gateway/diagnosis/finding.js';
import type { PairChecks } from '../gateway/diagnosis/pair-check.js';
import { RecentLosses } from '../gateway/diagnosis/recent-losses.js';
import { RecentTroubles } from '../gateway/diagnosis/recent-troubles.js';
import type {
  AboutResponse,
  AdminCounters,
  CancelDrainResponse,
  ChangeTunnelsRequest,
  ChangeTunnelsResponse,
  DisconnectPeerRequest,
  DisconnectPeerResponse,
  Drain,
  DrainRequest,
  DrainResponse,
  ExplainRequest,
  ExplainResponse,
  ListPeersRequest,
  ListPeersResponse,
  ListTunnelsRequest,
  ListTunnelsResponse,
  LogLevelRequest,
  LogLevelResponse,
  Peer,
  PeerSummary,
  PipesRequest,
  PipesResponse,
  Port,
  ReloadResponse,
  RotateResponse,
  StatusResponse,
  Tunnel,
  TunnelSelection,
} from '../gateway/generated/admin.js';
import type { ReconfigurationResult } from '../gateway/reconfiguration.js';
import { DAY_MS } from '../gateway/rpc/certificate-status.js';
import { isServiceNamed, RpcError, serviceText } from '../gateway/rpc/transport.js';
import type {
  DrainView,
  GatewayControl,
  GatewayInsight,
  GatewaySummary,
  PeerView,
  TunnelSelection as Selection,
  TunnelView,
} from '../gateway/view.js';
import { AddressError, parseIp } from '../packet/address.js';
import { questionOf } from './packet-question.js';
import { programText } from './program-text.js';

/** Tunnels that one answer holds: some two MiB. */
export const TUNNELS_PER_ANSWER_MAX = 10_000;
/** Time for which a re-key is waited for before it is said to go on. */
const REKEY_WAIT_MS = 5000;
/** A drain that nobody has given a time. */
export const DRAIN_TIMEOUT_MS = 300_000;
const DRAIN_TIMEOUT_MAX_MS = 604_800_000;
const LOG_LEVELS: readonly number[] = [10, 20, 30, 40, 50, 60, 70];
/** Reasons that one answer holds why a reload is refused. */
export const PROBLEMS_TOLD_MAX = 100;
const NO_CHECKS: PairChecks = { pairs: [], peers: [], letIn: new Set(), withoutWords: 0 };
const NOTHING_CHANGED: ReconfigurationResult = {
  peersAdded: 0,
  peersRemoved: 0,
  peersChanged: 0,
  sessionsEnded: 0,
};
/** Addresses and prefixes of a peer that are listed. */
const OWNED_LISTED_MAX = 16;
/** Names of a peer in one answer. */
const IDENTITIES_LISTED_MAX = 16;

/** What a reload has changed, or all reasons why it has changed nothing. */
export type ReloadOutcome =
  | { readonly changed: ReconfigurationResult }
  | { readonly problems: readonly string[] };

/** Without secrets. */
export interface About {
  readonly runtime: string;
  readonly configuration: string;
  /** Path of the recording; absent: there is none. */
  readonly recording?: string | undefined;
}

export interface AdminServiceDeps {
  readonly gateway: GatewayInsight & GatewayControl;
  readonly clock: Clock;
  /** Of the program. */
  readonly version: string;
  /** Whether peers prove who they are by certificates. */
  readonly hasTls: boolean;
  /** The program's log. */
  readonly log: {
    readonly docaLevel: number;
    readonly lostLines: number;
    /** Why lines cannot be written now; absent: they can. */
    readonly problem?: string | undefined;
    setLevel(docaLevel: number): void;
  };
  /** Has the gateway, which has been started, read its files again. */
  readonly reload: () => Promise<ReloadOutcome>;
  /** What the process was started with; absent: nobody knows. */
  readonly about?: (() => Promise<About>) | undefined;
  /** Of the server that calls us. */
  readonly counters: () => Omit<AdminCounters, '_unknownFields'>;
}

export class AdminService {
  readonly #troubles: RecentTroubles;
  readonly #endWatch: () => void;
  readonly #lostLines: RecentLosses;

  constructor(private readonly deps: AdminServiceDeps) {
    this.#troubles = new RecentTroubles(deps.clock);
    this.#endWatch = deps.gateway.watch(this.#troubles.observe);
    this.#lostLines = new RecentLosses(deps.clock);
  }

  /** Looks at the gateway no more. */
  close(): void {
    this.#endWatch();
  }

  /** Rejects with HalError where the device does not tell its counters. */
  async status({ unchecked } = { unchecked: false }): Promise<StatusResponse> {
    const { gateway, clock, version, counters, log } = this.deps;
    const checks = unchecked ? NO_CHECKS : await gateway.checkPairs();
    const summary = gateway.summary();
    const nowMs = clock.nowMs();
    const { device, rotation, startedAtMs, serviceAddress, tls } = summary;
    return {
      version,
      device: { hal: device.hal, text: device.text, ports: portsOf(summary) },
      service: serviceAddress === undefined ? '' : serviceText(serviceAddress),
      uptimeMs: agoMs(nowMs, startedAtMs),
      peers: summary.peers.map((peer) => peerSummary(peer, nowMs)),
      sessions: Object.entries(summary.sessionsByState).map(([state, sessions]) => ({
        state,
        sessions: BigInt(sessions),
      })),
      sessionsMax: BigInt(summary.tables.capacity),
      keySlotsUsed: BigInt(summary.keySlotsUsed),
      keySlots: BigInt(summary.keySlots),
      requestsRefused: BigInt(summary.refusedToPeers.requests),
      rotationsRefused: BigInt(summary.refusedToPeers.rotations),
      tunnelsReadable: BigInt(summary.sessionsReadable),
      versionsRefused: BigInt(summary.versionsRefused.requests + summary.versionsRefused.answers),
      spisGiven: BigInt(summary.spis.given),
      spisLeft: BigInt(summary.spis.left),
      rotations: BigInt(summary.rotations),
      nextRotationInMs: inMs(nowMs, rotation.nextAtMs),
      certificates: (tls?.certificates ?? []).map(({ role, subject, path, state, notAfterMs }) => ({
        role,
        subject,
        path,
        state,
        daysLeft: BigInt(Math.floor((notAfterMs - nowMs) / DAY_MS)),
      })),
      problems: diagnose({
        summary,
        troubles: this.#troubles,
        checks,
        logLinesLost: this.#lostLines.of(log.lostLines),
        logProblem: log.problem,
        nowMs,
      }).map((finding: Finding) => ({
        ...finding,
      })),
      admin: counters(),
      drain: summary.drain && drainOf(summary.drain, nowMs),
    };
  }

  async listTunnels({ selection, most }: ListTunnelsRequest): Promise<ListTunnelsResponse> {
    const { gateway, clock } = this.deps;
    if (most > TUNNELS_PER_ANSWER_MAX)
      throw new RpcError('INVALID_ARGUMENT', `most: ${most}; one answer holds ${TUNNELS_PER_ANSWER_MAX}`);
    const { tunnels, leftOut } = await gateway.tunnels(
      this.#selected(selection),
      most || TUNNELS_PER_ANSWER_MAX,
    );
    const nowMs = clock.nowMs();
    const { rotation } = gateway.summary();
    const rekeyInMs = inMs(nowMs, rotation.nextAtMs);
    return { tunnels: tunnels.map((one) => tunnelOf(one, nowMs, rekeyInMs)), leftOut: BigInt(leftOut) };
  }

  listPeers({ peer }: ListPeersRequest): ListPeersResponse {
    const { gateway, clock, hasTls } = this.deps;
    const nowMs = clock.nowMs();
    const { peers } = gateway.summary();
    const meant = peer === '' ? peers : peers.filter(({ name }) => isServiceNamed(name, peer));
    if (peer !== '' && meant.length === 0) throw new RpcError('NOT_FOUND', `no peer is named ${peer}`);
    return { peers: meant.map((one) => peerOf(one, nowMs, hasTls)) };
  }

  /** Throws INVALID_ARGUMENT where no peer is named, NOT_FOUND where none is meant. */
  async disconnectPeer({ peer }: DisconnectPeerRequest): Promise<DisconnectPeerResponse> {
    if (peer === '') throw new RpcError('INVALID_ARGUMENT', 'say which peer');
    this.#selected({ peer, vip: '' });
    const { connections, sessions } = await this.deps.gateway.disconnectPeers(peer);
    return { connections: BigInt(connections), sessions: BigInt(sessions) };
  }

  async removeTunnels(request: ChangeTunnelsRequest): Promise<ChangeTunnelsResponse> {
    const tunnels = await this.deps.gateway.removeTunnels(this.#chosen(request));
    return { tunnels: BigInt(tunnels), done: true };
  }

  /** Waits a little for all to have new keys; what is not done then goes on. */
  async rekeyTunnels(request: ChangeTunnelsRequest): Promise<ChangeTunnelsResponse> {
    const { gateway, clock } = this.deps;
    const { tunnels, done } = gateway.rekeyTunnels(this.#chosen(request));
    const over = new AbortController();
    const inTime = await Promise.race([
      done.then(() => true),
      sleep(clock, REKEY_WAIT_MS, over.signal).then(
        () => false,
        () => false,
      ),
    ]);
    over.abort();
    return { tunnels: BigInt(tunnels), done: inTime };
  }

  rotate(): RotateResponse {
    const { gateway } = this.deps;
    const { rotations } = gateway.summary();
    gateway.beginRotation();
    return { rotations: BigInt(rotations) };
  }

  setLogLevel({ level }: LogLevelRequest): LogLevelResponse {
    const { log } = this.deps;
    if (level !== undefined) {
      if (!LOG_LEVELS.includes(level))
        throw new RpcError('INVALID_ARGUMENT', `level: ${level} is not one of ${LOG_LEVELS.join(', ')}`);
      log.setLevel(level);
    }
    return { level: log.docaLevel };
  }

  /** Throws INVALID_ARGUMENT for what no packet can have. */
  async explain(request: ExplainRequest): Promise<ExplainResponse> {
    const { facts, steps, ...rest } = await this.deps.gateway.explain(questionOf(request));
    return { ...rest, facts: [...facts], steps: steps.map((step) => ({ ...step })) };
  }

  /** Throws UNAVAILABLE while the gateway is starting, INVALID_ARGUMENT for a time that is too long. */
  drain({ timeoutMs, noStop }: DrainRequest): DrainResponse {
    const { gateway, clock } = this.deps;
    this.#assertStarted();
    const timeout = timeoutMs === 0n ? DRAIN_TIMEOUT_MS : Number(timeoutMs);
    if (timeout > DRAIN_TIMEOUT_MAX_MS)
      throw new RpcError('INVALID_ARGUMENT', `timeout: at most ${DRAIN_TIMEOUT_MAX_MS / 1000} s, a week`);
    return { drain: drainOf(gateway.drain({ timeoutMs: timeout, stops: !noStop }), clock.nowMs()) };
  }

  cancelDrain(): CancelDrainResponse {
    return { cancelled: this.deps.gateway.cancelDrain() };
  }

  /** Rejects with HalError while the gateway is starting. */
  async pipes({ withProgram }: PipesRequest): Promise<PipesResponse> {
    const { gateway } = this.deps;
    const { pipes, psp } = await gateway.deviceCounters();
    const traffic = (packets: bigint | null, octets: bigint | null) =>
      packets === null || octets === null ? undefined : { packets, octets };
    return {
      pipes: pipes.map(({ pipe, hits, misses, entries }) => ({
        pipe,
        hits: { ...hits },
        misses: misses && { ...misses },
        entries: entries.map((entry) => ({ label: entry.label, hits: { ...entry.hits } })),
      })),
      received: traffic(psp.rxPackets, psp.rxBytes),
      sent: traffic(psp.txPackets, psp.txBytes),
      program: withProgram ? programText(gateway.program()) : '',
    };
  }

  /** Throws UNAVAILABLE while the gateway is starting. */
  async reload(): Promise<ReloadResponse> {
    const { reload } = this.deps;
    this.#assertStarted();
    const outcome = await reload();
    const { peersAdded, peersRemoved, peersChanged, sessionsEnded } =
      'changed' in outcome ? outcome.changed : NOTHING_CHANGED;
    return {
      problems: 'problems' in outcome ? outcome.problems.slice(0, PROBLEMS_TOLD_MAX) : [],
      peersAdded: BigInt(peersAdded),
      peersRemoved: BigInt(peersRemoved),
      peersChanged: BigInt(peersChanged),
      sessionsEnded: BigInt(sessionsEnded),
    };
  }

  /** Throws UNIMPLEMENTED where nobody knows. */
  async about(): Promise<AboutResponse> {
    const { about, version } = this.deps;
    if (about === undefined) throw new RpcError('UNIMPLEMENTED', 'this gateway cannot tell');
    const { runtime, configuration, recording = '' } = await about();
    return { version, runtime, configuration, recording };
  }

  #assertStarted(): void {
    if (this.deps.gateway.summary().startedAtMs === undefined)
      throw new RpcError('UNAVAILABLE', 'the gateway is starting; ask again when it has started');
  }

  /** Throws INVALID_ARGUMENT where all would be meant without that being said. */
  #chosen({ selection, all }: ChangeTunnelsRequest): Selection {
    const { peer = '', vip = '' } = selection ?? {};
    if (peer === '' && vip === '' && !all)
      throw new RpcError('INVALID_ARGUMENT', 'say which tunnels: --peer, --vip, or --all');
    return this.#selected(selection);
  }

  /** Throws INVALID_ARGUMENT for what is no address, NOT_FOUND for what is no peer. */
  #selected(selection: TunnelSelection | undefined): Selection {
    const { peer = '', vip = '' } = selection ?? {};
    if (peer !== '') {
      const { peers } = this.deps.gateway.summary();
      if (!peers.some(({ name }) => isServiceNamed(name, peer)))
        throw new RpcError('NOT_FOUND', `no peer is named ${peer}`);
    }
    try {
      return { ...(peer === '' ? {} : { peer }), ...(vip === '' ? {} : { vip: parseIp(vip) }) };
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      throw new RpcError('INVALID_ARGUMENT', `vip: ${error.message}`);
    }
  }
}

const agoMs = (nowMs: number, atMs: number | undefined) =>
  atMs === undefined ? undefined : BigInt(Math.max(0, Math.round(nowMs - atMs)));
const inMs = (nowMs: number, atMs: number | undefined) =>
  atMs === undefined ? undefined : BigInt(Math.max(0, Math.round(atMs - nowMs)));

/** The device's ports with their links, and then what was said of ports that the device does not name. */
function portsOf({ device, ports }: GatewaySummary): Port[] {
  const named = device.ports.map(({ name, kind, mac, mtuOctets }) => ({
    name,
    kind,
    mac,
    mtuOctets,
    link: ports.find((status) => status.name === name)?.state ?? '',
  }));
  const others = ports.filter(({ name }) => !device.ports.some((port) => port.name === name));
  return [
    ...named,
    ...others.map(({ name, state }) => ({ name, kind: '', mac: '', mtuOctets: 0, link: state })),
  ];
}

function peerSummary(peer: PeerView, nowMs: number): PeerSummary {
  return {
    name: peer.name,
    reach: reachOf(peer),
    answeredAgoMs: agoMs(nowMs, peer.answeredAtMs),
    established: BigInt(peer.established),
    sessions: BigInt(peer.sessions),
  };
}

function drainOf({ begunAtMs, endsAtMs, stops, quietSinceMs }: DrainView, nowMs: number): Drain {
  return {
    begunAgoMs: agoMs(nowMs, begunAtMs)!,
    endsInMs: inMs(nowMs, endsAtMs),
    stops,
    quietForMs: agoMs(nowMs, quietSinceMs)!,
  };
}

function reachOf({ silentSinceMs, drains, failure, heardAtMs }: PeerView): string {
  if (silentSinceMs !== undefined) return 'silent';
  if (drains !== undefined) return 'drains';
  if (failure !== undefined && isRefusal(failure)) return 'refuses';
  return heardAtMs === undefined ? 'not-asked' : 'answers';
}

function peerOf(peer: PeerView, nowMs: number, hasTls: boolean): Peer {
  const { addresses, prefixes } = peer.owns;
  const owns = [
    ...addresses.slice(0, OWNED_LISTED_MAX),
    ...prefixes.slice(0, OWNED_LISTED_MAX).map(({ text }) => text),
  ].slice(0, OWNED_LISTED_MAX);
  const names = peer.identities.slice(0, IDENTITIES_LISTED_MAX).map(({ value }) => value);
  const moreNames = peer.identities.length - names.length;
  const listed = `${names.join(', ')}${moreNames > 0 ? ` and ${moreNames} more` : ''}`;
  return {
    summary: peerSummary(peer, nowMs),
    identity: hasTls ? `certificate for ${listed}` : `address ${listed}`,
    dialect: peer.dialect ?? '',
    heardAgoMs: agoMs(nowMs, peer.heardAtMs),
    silentForMs: agoMs(nowMs, peer.silentSinceMs),
    failures: BigInt(peer.failures),
    failure: peer.failure?.reason ?? '',
    failedAgoMs: agoMs(nowMs, peer.failure?.atMs),
    owns,
    ownsMore: BigInt(addresses.length + prefixes.length - owns.length),
    underlay: peer.underlay.map((one) => ({ ...one })),
    mayRotate: peer.mayRotate,
    requestsRefused: BigInt(peer.refused.requests),
    rotationsRefused: BigInt(peer.refused.rotations),
  };
}

function tunnelOf(tunnel: TunnelView, nowMs: number, rekeyInMs: bigint | undefined): Tunnel {
  return {
    localVip: tunnel.localVip,
    remoteVip: tunnel.remoteVip,
    peer: tunnel.peer,
    state: tunnel.state,
    ingressSpis: [...tunnel.ingressSpis],
    egressSpi: tunnel.egressSpi,
    readable: tunnel.readable,
    keySlot: tunnel.keySlot,
    ageMs: agoMs(nowMs, tunnel.establishedAtMs),
    receivedAgoMs: agoMs(nowMs, tunnel.receivedAtMs),
    out: tunnel.out && { ...tunnel.out },
    in: tunnel.in && { ...tunnel.in },
    waitingPackets: BigInt(tunnel.waitingPackets),
    failures: BigInt(tunnel.failures),
    retryInMs: inMs(nowMs, tunnel.retryAtMs),
    rekeyInMs: tunnel.state === 'established' ? rekeyInMs : undefined,
    holder: tunnel.holder,
  };
}
