/**
 * The gateway: puts its parts together over one PipeHal and one ControlTransport, starts them and stops them.
 */
import { setMaxListeners } from 'node:events';
import type { Clock } from '../base/clock.js';
import type { Random } from '../base/random.js';
import { reasonOf } from '../hal/errors.js';
import type { PipeHal, PortDescription, PortStatus } from '../hal/hal.js';
import {
  type IpAddress,
  type Ipv4Address,
  ipFamily,
  type MacAddress,
  macToOctets,
  parseIp,
  parseMac,
} from '../packet/address.js';
import { staticTunnelsProblem } from './config/read-options.js';
import type { AddressPair } from './directory.js';
import { EventLog } from './event-log.js';
import type { GatewayObserver } from './events.js';
import { Explainer, type Explanation } from './explain/explain.js';
import type { PacketQuestion } from './explain/packet-question.js';
import { GatewayViews, isSelected } from './gateway-view.js';
import type { Logger } from './log.js';
import { observedHal } from './observed-hal.js';
import type { GatewayOptions, PeerOptions } from './options.js';
import { type Peer, Peers } from './peers.js';
import { type DeviceCounters, readDeviceCounters } from './pipeline/device-counters.js';
import { innerMtuOctets, underlayMtuProblem } from './pipeline/mtu.js';
import { buildPipeline } from './pipeline/pipeline.js';
import { holdsUnproved, type PipelineOptions } from './pipeline/pipeline-options.js';
import { budgetLimits, Reconfiguration, type ReconfigurationResult } from './reconfiguration.js';
import { Announcements } from './recovery/announcements.js';
import { FailingSources } from './recovery/failing-sources.js';
import { PairSearch } from './recovery/pair-search.js';
import { PeerStarts } from './recovery/peer-starts.js';
import { Recovery } from './recovery/recovery.js';
import { StateKeeper, type StateStore } from './recovery/state-keeper.js';
import { CertificateKeeper } from './rpc/certificate-keeper.js';
import type { TlsSource } from './rpc/grpc-tls.js';
import { tellingRefusals } from './rpc/request-refusals.js';
import { type ControlTransport, RpcError, type ServiceAddress, serviceText } from './rpc/transport.js';
import type { TunnelParameters } from './rpc/tunnel-messages.js';
import { BringUp, groupByPeer } from './sessions/bring-up.js';
import { Retirement } from './sessions/retirement.js';
import { Rotation } from './sessions/rotation.js';
import { mayAsk, OPERATOR, type Session } from './sessions/session.js';
import { countersOfSessions, type SessionCounters } from './sessions/session-counters.js';
import { SessionExpiry } from './sessions/session-expiry.js';
import { SessionInstaller } from './sessions/session-installer.js';
import { TunnelClient } from './sessions/tunnel-client.js';
import { TunnelService } from './sessions/tunnel-service.js';
import { type DhcpServerOptions, dhcpRouterOf } from './slow-path/responders.js';
import { Segment } from './slow-path/segment.js';
import { type RssReason, SlowPath } from './slow-path/slow-path.js';
import { UnderlayAddresses } from './underlay/underlay-addresses.js';
import { UnderlayEvidence } from './underlay/underlay-evidence.js';
import { UnderlayHold } from './underlay/underlay-hold.js';
import { prefixesOf, UnderlayPolicy } from './underlay/underlay-policy.js';
import { UpwardCalls } from './upward-calls.js';
import type { GatewayControl, GatewayInsight, GatewaySummary, GatewayView, TunnelSelection } from './view.js';

/** The cookie that DOCA's application puts into all of its parameters, with --cookie and without. */
const DOCA_COOKIE = 0x7788_99aa_bbcc_ddeen;

export interface GatewayDeps {
  readonly hal: PipeHal;
  readonly transport: ControlTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly options: GatewayOptions;
  readonly observe?: GatewayObserver;
  /** Where the transport's certificates are from; absent: it has none. */
  readonly tls?: TlsSource;
  /** Keeps state of peers from one life to the next. */
  readonly state?: StateStore;
  /** Whether the device's ports are there, for the view. */
  readonly ports?: () => readonly PortStatus[];
  /** Sees every packet that comes to the CPU. */
  readonly onReceived?: (why: RssReason, frame: Uint8Array) => void;
}

/** The device lacks something, or the options ask too much of it. */
export class GatewayStartError extends Error {
  override readonly name = 'GatewayStartError';
}

export class Gateway implements GatewayInsight, GatewayControl, AsyncDisposable {
  readonly pipelineOptions: PipelineOptions;
  readonly #deps: GatewayDeps;
  readonly #stopping = new AbortController();
  readonly #installer: SessionInstaller;
  readonly #retirement: Retirement;
  /** Our own virtual addresses, besides those that only pairs name. */
  readonly #ownVips: readonly IpAddress[];
  readonly #peers: Peers;
  /** Known source addresses of peers' packets. */
  readonly #underlayAddresses: UnderlayAddresses;
  /** Proofs of peers' addresses, in tunnel mode. */
  readonly #evidence: UnderlayEvidence | undefined;
  readonly #hold: UnderlayHold;
  readonly #client: TunnelClient;
  readonly #service: TunnelService;
  readonly #eventLog: EventLog;
  /** The segment, in transport mode. */
  readonly #segment: Segment | undefined;
  readonly #slowPath: SlowPath;
  readonly #bringUp: BringUp;
  readonly #rotation: Rotation;
  readonly #announcements: Announcements;
  readonly #peerStarts: PeerStarts;
  readonly #recovery: Recovery;
  readonly #expiry: SessionExpiry;
  readonly #reconfiguration: Reconfiguration;
  readonly #failingSources: FailingSources;
  readonly #state: StateKeeper | undefined;
  readonly #certificates: CertificateKeeper | undefined;
  readonly #observe: GatewayObserver;
  readonly #explainer: Explainer;
  readonly #views: GatewayViews;
  readonly #watchers = new Set<GatewayObserver>();
  #serviceAddress: ServiceAddress | undefined;
  #startedAtMs: number | undefined;
  #stopped: Promise<void> | undefined;

  constructor(deps: GatewayDeps) {
    const { transport, clock, random, logger } = deps;
    // Changed in place when they are configured anew.
    const limits = { ...deps.options.limits };
    const options: GatewayOptions = { ...deps.options, limits };
    const hal = observedHal(deps.hal, clock, (event) => this.#observe(event));
    this.#deps = { ...deps, hal, options };
    const now = () => clock.nowMs();
    this.#eventLog = new EventLog({ clock, logger });
    this.#underlayAddresses = new UnderlayAddresses(now);
    const uplink = portOf(hal, 'uplink');
    const vf = portOf(hal, 'vf');
    const uplinkMac = parseMac(uplink.mac);
    const workloadMac = options.decapDmac ?? macBehind(vf);
    this.pipelineOptions = {
      underlayMtuOctets: uplink.mtuOctets,
      decapMacs: macs(workloadMac, uplinkMac),
      ...options,
    };
    const tooSmall = underlayMtuProblem(this.pipelineOptions);
    if (tooSmall !== undefined) throw new GatewayStartError(`the uplink: ${tooSmall}`);
    const localVips = localVipsOf(options, vf);
    this.#ownVips = localVips;
    this.#peers = new Peers({
      peers: options.peers,
      localVips,
      budgets: budgetLimits(limits, options.maxTunnels),
      mayRotate: !options.insecure,
      nowMs: now,
    });
    const peers = this.#peers;
    const own = [uplink.ipv4, uplink.ipv6].flatMap((ip) => (ip === undefined ? [] : [parseIp(ip)]));
    const { signal } = this.#stopping;
    // Every call under way listens to it, however many those are.
    setMaxListeners(0, signal);
    const upward = new UpwardCalls({
      clock,
      signal,
      holdsUnproved: holdsUnproved(this.pipelineOptions),
      observer: (event) => {
        this.#eventLog.tell(event);
        deps.observe?.(event);
        for (const watcher of this.#watchers) watcher(event);
      },
    });
    const { observe } = upward;
    this.#observe = observe;
    const ownUplink = { mac: uplinkMac, ip: underlayIpOf(uplink, options) };
    const underlay = new UnderlayPolicy({
      prefixes: prefixesOf(this.#peers.all, options.peers),
      addresses: this.#underlayAddresses,
      uplink: ownUplink,
      own: [...own, options.serviceAddress.host],
      observe,
    });
    const isHeld = (peer: Peer, address: IpAddress) =>
      holdsUnproved(this.pipelineOptions) && underlay.isUnproved(peer, address);
    this.#installer = new SessionInstaller({
      hal,
      clock,
      options,
      pipeline: this.pipelineOptions,
      uplink: ownUplink,
      fillRandom: (octets) => random.fill(octets),
      observe,
      mayTalk: (pair) => this.#peers.mayTalk(pair),
      isHeld,
      shortageListener: upward,
      sessionListener: upward,
      debugKey: (text, spi, key) => {
        if (!options.debugKeys) return;
        logger.log('info', `key ${text}`, { spi, key: Buffer.from(key).toString('hex') });
      },
    });
    if (options.mode === 'tunnel') {
      this.#evidence = new UnderlayEvidence({
        hal,
        clock,
        observe,
        pipeline: this.pipelineOptions,
        sessions: this.#installer.sessions,
        addresses: this.#underlayAddresses,
        policy: underlay,
        onConfirmed: (peer, address) => upward.onConfirmed(peer, address),
      });
    }
    this.#hold = new UnderlayHold(now);
    this.#retirement = new Retirement(hal, clock, this.#installer, limits.rekeyGraceMs, upward);
    const checkParameters = (peer: Peer, parameters: TunnelParameters, field: string) => {
      checkFit(parameters, options, field);
      underlay.check(peer, parameters, field);
    };
    const common = {
      installer: this.#installer,
      retirement: this.#retirement,
      limits,
      checkParameters,
      claimUnderlay: (peer: Peer, parameters: readonly TunnelParameters[]) =>
        underlay.claim(peer, parameters),
      peerListener: upward,
      sessionListener: upward,
      observe,
    };
    this.#client = new TunnelClient({
      clock,
      random,
      transport,
      pspVersion: options.pspVersion,
      signal,
      rekeyListener: upward,
      ...common,
    });
    this.#bringUp = new BringUp({ client: this.#client, clock, random, observe, limits, signal });
    this.#rotation = new Rotation({
      clock,
      observe,
      installer: this.#installer,
      retirement: this.#retirement,
      bringUp: this.#bringUp,
      limits,
    });
    this.#announcements = new Announcements({
      clock,
      random,
      transport,
      observe,
      servicePort: () => this.#serviceAddress?.port ?? 0,
      get deadlineMs() {
        return limits.rpcDeadlineMs;
      },
      signal,
      peerListener: upward,
    });
    const sessionsOfPeers = {
      hal,
      clock,
      observe,
      limits,
      peers: this.#peers,
      installer: this.#installer,
      bringUp: this.#bringUp,
    };
    this.#expiry = new SessionExpiry({
      clock,
      observe,
      installer: this.#installer,
      rekeyListener: upward,
      idleS: limits.sessionIdleS,
    });
    this.#peerStarts = new PeerStarts({
      ...sessionsOfPeers,
      random,
      transport,
      signal,
      onStart: (peer, ageMs) => this.#announcements.heardStart(peer, ageMs),
      peerListener: upward,
    });
    this.#recovery = new Recovery({
      clock,
      random,
      observe,
      peers: this.#peers,
      addresses: this.#underlayAddresses,
      announcements: this.#announcements,
      search: new PairSearch(sessionsOfPeers),
      unknownSourceStepsPerMinute: limits.unknownSourceRequestsPerMinute,
    });
    this.#failingSources = new FailingSources({
      hal,
      clock,
      observe,
      pipeline: this.pipelineOptions,
      addresses: this.#underlayAddresses,
      get peers() {
        return peers.all;
      },
      onFailed: (failed) => this.#recovery.failed(failed),
    });
    this.#state =
      deps.state === undefined
        ? undefined
        : new StateKeeper({
            store: deps.state,
            clock,
            logger,
            observe,
            peers: this.#peers,
            addresses: this.#underlayAddresses,
          });
    this.#certificates =
      deps.tls === undefined
        ? undefined
        : new CertificateKeeper({
            clock,
            observe,
            source: deps.tls,
            reload: (tls, reloading) => {
              if (transport.reloadTls === undefined)
                throw new Error('the control plane takes no certificates while it runs');
              transport.reloadTls(tls, reloading);
            },
          });
    this.#service = new TunnelService({
      peers: this.#peers,
      clock,
      rotateNow: (issueNewKeys) => this.#rotation.rotateNow(issueNewKeys),
      ...common,
    });
    const dhcp = dhcpServerOf(localVips, this.#peers, uplinkMac, this.pipelineOptions);
    this.#segment =
      options.mode === 'transport'
        ? segmentOf(options, this.#peers.localVips, workloadMac, now, observe)
        : undefined;
    this.#slowPath = new SlowPath({
      hal,
      clock,
      logger,
      observe,
      limits,
      peers: this.#peers,
      installer: this.#installer,
      client: this.#client,
      ourMac: uplinkMac,
      innerMtuOctets: innerMtuOctets(this.pipelineOptions),
      hold: this.#hold,
      sampledOctets: options.sampledOctets,
      sampleBeforeEncryption: options.sampleBeforeEncryption,
      ...(dhcp === undefined ? {} : { dhcp }),
      ...(this.#segment === undefined ? {} : { segment: this.#segment }),
      onReceived: deps.onReceived ?? (() => {}),
    });
    this.#views = new GatewayViews({
      hal,
      clock,
      peers: this.#peers,
      installer: this.#installer,
      retirement: this.#retirement,
      rotation: this.#rotation,
      service: this.#service,
      slowPath: this.#slowPath,
      segment: this.#segment,
      underlay,
      evidence: this.#evidence,
      hold: this.#hold,
      announcements: this.#announcements,
      peerStarts: this.#peerStarts,
      recovery: this.#recovery,
      failingSources: this.#failingSources,
      eventLog: this.#eventLog,
    });
    this.#explainer = new Explainer({
      hal,
      clock,
      options,
      peers: this.#peers,
      installer: this.#installer,
      underlay,
      uplink: ownUplink,
      workloadMac,
    });
    this.#reconfiguration = new Reconfiguration({
      clock,
      logger,
      observe,
      signal,
      transport,
      peers: this.#peers,
      limits,
      maxTunnels: options.maxTunnels,
      installer: this.#installer,
      retirement: this.#retirement,
      rotation: this.#rotation,
      expiry: this.#expiry,
      underlay,
      announcements: this.#announcements,
      peerStarts: this.#peerStarts,
      recovery: this.#recovery,
      failingSources: this.#failingSources,
      makeStaticTunnels: (peers) => {
        const { staticTunnels } = options;
        if (staticTunnels !== undefined) void this.#makeStaticTunnels(staticTunnels, peers);
      },
    });
    upward.connect({
      installer: this.#installer,
      rotation: this.#rotation,
      bringUp: this.#bringUp,
      announcements: this.#announcements,
      slowPath: this.#slowPath,
      underlay,
      evidence: this.#evidence,
    });
  }

  /** Builds the pipeline, serves peers, and begins with static tunnels where they were asked for. */
  async start(): Promise<void> {
    const { hal, transport, options, logger } = this.#deps;
    await hal.build(buildPipeline(this.pipelineOptions));
    const answeredAtMs = await this.#state?.load();
    await this.#failingSources.start();
    hal.onReceive((packets) => this.#slowPath.receive(packets));
    this.#serviceAddress = await transport.listen(
      options.serviceAddress,
      tellingRefusals(
        (method, request, caller) =>
          method === 'Announce'
            ? this.#peerStarts.handle(request, caller)
            : this.#service.handle(method, request, caller),
        this.#observe,
      ),
      this.#peers,
      this.#observe,
    );
    this.#startedAtMs = this.#deps.clock.nowMs();
    this.#rotation.start();
    this.#expiry.start();
    this.#state?.start();
    this.#certificates?.start();
    logger.log('info', 'gateway started', {
      hal: hal.device.hal,
      service: `${this.#serviceAddress.host} port ${this.#serviceAddress.port}`,
      peers: this.#peers.all.length,
    });
    this.#recovery.start((peer) => answeredAtMs?.get(peer));
    const { staticTunnels } = options;
    if (staticTunnels !== undefined) void this.#makeStaticTunnels(staticTunnels, this.#peers.all);
  }

  /** See Peers.identitiesOf. */
  identitiesOf(service: ServiceAddress): ReturnType<Peers['identitiesOf']> {
    return this.#peers.identitiesOf(service);
  }

  /** Address at which the tunnel service listens, once started. */
  get serviceAddress(): ServiceAddress | undefined {
    return this.#serviceAddress;
  }

  /** Makes sessions now instead of at their first packet; resolves when all are established, or at stop. */
  async connect(pairs: readonly AddressPair[]): Promise<void> {
    const sessions = await this.#open(pairs);
    await this.#bringUp.establish(sessions.filter(({ state }) => state !== 'established'));
  }

  /**
   * Likewise, but once and at once, without jitter: rejects with what the first peer that failed said, and leaves no session
   * that was not there before and has not been established. Sessions that are being asked for already are left to that.
   */
  async connectNow(pairs: readonly AddressPair[]): Promise<void> {
    const { tunnelsPerRequest } = this.#deps.options.limits;
    const { sessions: table } = this.#installer;
    const before = new Set(pairs.map(({ localVip, remoteVip }) => table.get(localVip, remoteVip)));
    const opened = await this.#open(pairs);
    try {
      for (const [peer, sessions] of groupByPeer(opened)) {
        for (let at = 0; at < sessions.length; at += tunnelsPerRequest) {
          const batch = sessions.slice(at, at + tunnelsPerRequest).filter(mayAsk);
          if (batch.length > 0) await this.#client.exchange(peer, batch);
        }
      }
    } catch (error) {
      await this.#removeUnused(opened.filter((session) => !before.has(session)));
      throw error;
    }
  }

  /** Removes those of some sessions that were not established, and that nobody asks for or waits for any more. */
  #removeUnused(sessions: readonly Session[]): Promise<void> {
    const { missed } = this.#slowPath;
    return this.#installer.remove(
      sessions,
      (session) =>
        session.egress === undefined &&
        !session.asking &&
        session.wanted === 0 &&
        missed.countOf(session) === 0,
    );
  }

  #open(pairs: readonly AddressPair[]): Promise<Session[]> {
    const owned = pairs.map((pair) => {
      const peer = this.#peers.ownerOf(pair.remoteVip);
      if (peer === undefined) throw new GatewayStartError(`no peer owns ${pair.remoteVip}`);
      return { peer, holder: OPERATOR, ...pair } as const;
    });
    return this.#installer.open(owned);
  }

  /** New keys for all sessions, or those of one remote address. */
  async rekey(remoteVip?: IpAddress): Promise<void> {
    const all = [...this.#installer.sessions];
    await this.#bringUp.rekey(remoteVip === undefined ? all : all.filter((s) => s.remoteVip === remoteVip));
  }

  /** Rotates the master key; with `issueNewKeys` sessions get new keys after it. */
  rotateMasterKey(issueNewKeys: boolean): Promise<void> {
    return this.#rotation.rotate(issueNewKeys);
  }

  beginRotation(): void {
    this.#rotation.rotateUnasked();
  }

  async removeTunnels(selection: TunnelSelection): Promise<number> {
    const { order, dormant } = this.#installer.sessions;
    const chosen = [...order, ...dormant].filter((session) => isSelected(session, selection));
    await this.#installer.remove(chosen);
    return chosen.length;
  }

  rekeyTunnels(selection: TunnelSelection): { readonly tunnels: number; readonly done: Promise<void> } {
    const chosen = [...this.#installer.sessions].filter(
      (session) => session.state === 'established' && isSelected(session, selection),
    );
    return { tunnels: chosen.length, done: this.#bringUp.rekey(chosen) };
  }

  /** Removes a session and frees all it held; false when there is none. */
  async removeSession(localVip: IpAddress, remoteVip: IpAddress): Promise<boolean> {
    const session = this.#installer.sessions.get(localVip, remoteVip);
    if (session === undefined) return false;
    await this.#installer.remove([session]);
    return true;
  }

  /**
   * Why other peers cannot be taken on by this gateway, besides what is wrong with them in themselves; empty: they can.
   */
  problemsOf(peers: readonly PeerOptions[]): string[] {
    const { options } = this.#deps;
    const problems: string[] = [];
    for (const { serviceAddress, virtualIps } of peers) {
      for (const ip of virtualIps) {
        if (this.#ownVips.includes(ip))
          problems.push(
            `${serviceText(serviceAddress)}: ${ip} is an address of our own workload, and no peer's`,
          );
      }
    }
    const tooMany = staticTunnelsProblem({ ...options, peers }, this.#ownVips);
    return tooMany === undefined ? problems : [...problems, tooMany];
  }

  /**
   * Other peers and limits from now on, without a pause for those that stay; see Reconfiguration. Of limits those count that
   * flags say may change while the gateway runs. Rejects before the gateway has been started.
   */
  async reconfigure(options: Pick<GatewayOptions, 'peers' | 'limits'>): Promise<ReconfigurationResult> {
    if (this.#startedAtMs === undefined) throw new Error('the gateway has not been started');
    return this.#reconfiguration.apply(options);
  }

  /** The gateway as it is now. */
  view(): GatewayView {
    return { ...this.summary(), sessions: this.#views.sessions() };
  }

  summary(): GatewaySummary {
    return this.#views.summary({
      serviceAddress: this.#serviceAddress,
      startedAtMs: this.#startedAtMs,
      ports: this.#deps.ports?.() ?? [],
      doors: this.#deps.transport.doors?.(),
      tls: this.#certificates?.view(),
    });
  }

  tunnels(selection: TunnelSelection, most: number): ReturnType<GatewayInsight['tunnels']> {
    return this.#views.tunnels(selection, most);
  }

  explain(question: PacketQuestion): Promise<Explanation> {
    return this.#explainer.explain(question);
  }

  watch(observer: GatewayObserver): () => void {
    // Each has one of its own, even if somebody watches twice with the same function.
    const watcher: GatewayObserver = (event) => observer(event);
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Counters of the `sessionsMax` sessions that were used last, the last one first. */
  sessionCounters(sessionsMax: number): Promise<SessionCounters[]> {
    const sessions = [...this.#installer.sessions].slice(-sessionsMax).reverse();
    return countersOfSessions(this.#deps.hal, this.#deps.clock, sessions);
  }

  /** What the device has counted. Rejects with HalError; BAD_STATE before `start` has built the pipeline. */
  deviceCounters(): Promise<DeviceCounters> {
    return readDeviceCounters(this.#deps.hal, this.pipelineOptions);
  }

  /** Stops serving and asking, then closes transport and device. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    const { hal, transport } = this.#deps;
    this.#stopping.abort(new Error('the gateway stops'));
    this.#rotation.stop();
    this.#certificates?.stop();
    this.#recovery.stop();
    this.#expiry.stop();
    this.#announcements.stop();
    this.#failingSources.stop();
    this.#retirement.stop();
    this.#slowPath.stop();
    this.#evidence?.stop();
    await transport.close();
    this.#eventLog.stop();
    this.#installer.stop();
    await this.#installer.settled();
    await this.#state?.stop();
    await hal.close();
  }

  /**
   * Tunnels to addresses that are named by themselves are asked for until they are there. Of a prefix nobody says which
   * addresses are in use: those that its peer refuses are left to their first packet.
   */
  async #makeStaticTunnels(from: IpAddress | 'all', peers: readonly Peer[]): Promise<void> {
    const { options } = this.#deps;
    const all = peers.map((peer) => {
      const pairs = this.#peers.pairsOf(peer, options.maxTunnels, from === 'all' ? undefined : [from]);
      const named = new Set(peer.virtualIps);
      return {
        named: pairs.filter(({ remoteVip }) => named.has(remoteVip)),
        ofPrefixes: pairs.filter(({ remoteVip }) => !named.has(remoteVip)),
      };
    });
    const named = all.flatMap((one) => one.named);
    const ofPrefixes = all.flatMap((one) => one.ofPrefixes);
    try {
      const [, left] = await Promise.all([this.connect(named), this.#connectPrefixes(ofPrefixes)]);
      if (this.#stopping.signal.aborted) return;
      const tunnels = named.length + ofPrefixes.length - left;
      this.#observe({ type: 'static-tunnels-up', tunnels, ...(left > 0 ? { refused: left } : {}) });
    } catch (error) {
      this.#observe({ type: 'work-failed', work: 'static-tunnels', reason: reasonOf(error) });
    }
  }

  /** Resolves, when each has been established or refused, with how many were refused; those have no session. */
  async #connectPrefixes(pairs: readonly AddressPair[]): Promise<number> {
    const sessions = await this.#open(pairs);
    const refused = await this.#bringUp.establishGranted(
      sessions.filter(({ state }) => state !== 'established'),
    );
    await this.#removeUnused(refused);
    return refused.length;
  }
}

function portOf(hal: PipeHal, kind: PortDescription['kind']): PortDescription {
  const port = hal.device.ports.find((candidate) => candidate.kind === kind);
  if (port === undefined) throw new GatewayStartError(`the device has no ${kind} port`);
  return port;
}

function macBehind(vf: PortDescription): MacAddress {
  if (vf.workload === undefined) {
    throw new GatewayStartError('the MAC behind the VF is not known; give it with --decap-dmac');
  }
  return parseMac(vf.workload.mac);
}

/** Destination and source MAC, as pipes take them. */
function macs(destination: MacAddress, source: MacAddress): Uint8Array {
  const octets = new Uint8Array(12);
  octets.set(macToOctets(destination));
  octets.set(macToOctets(source), 6);
  return octets;
}

/** Our virtual addresses: those that were given, and those that the device knows of the workload. */
function localVipsOf(options: GatewayOptions, vf: PortDescription): IpAddress[] {
  const known = vf.workload?.addresses.map(parseIp) ?? [];
  const { staticTunnels } = options;
  const forStatic = staticTunnels === undefined || staticTunnels === 'all' ? [] : [staticTunnels];
  return [...new Set([...options.localVirtualIps, ...forStatic, ...known])];
}

/** The gateway gives the workload its first IPv4 address; undefined: it has none. */
function dhcpServerOf(
  localVips: readonly IpAddress[],
  peers: Peers,
  ourMac: MacAddress,
  pipeline: PipelineOptions,
): DhcpServerOptions | undefined {
  const address = localVips.find((ip): ip is Ipv4Address => ipFamily(ip) === 4);
  if (address === undefined) return undefined;
  const isTaken = (ip: IpAddress) => peers.localVips.has(ip) || peers.ownerOf(ip) !== undefined;
  return { address, router: dhcpRouterOf(address, isTaken), ourMac, mtuOctets: innerMtuOctets(pipeline) };
}

function segmentOf(
  options: GatewayOptions,
  localVips: ReadonlySet<IpAddress>,
  workloadMac: MacAddress,
  nowMs: () => number,
  observe: GatewayObserver,
): Segment {
  const { allowRouters, limits } = options;
  const { neighborsPerSourcePerSecond: perSource, neighborsPerSecond: total } = limits;
  return new Segment({ allowRouters, localVips, workloadMac, perSource, total, nowMs, observe });
}

function underlayIpOf(uplink: PortDescription, options: GatewayOptions): IpAddress {
  if (options.localPip !== undefined) return options.localPip;
  const ip = options.outerFamily === 4 ? uplink.ipv4 : uplink.ipv6;
  if (ip === undefined) {
    throw new GatewayStartError(
      `the uplink has no IPv${options.outerFamily} address; give it one, say --local-pip, or change --outer-ip-type`,
    );
  }
  return parseIp(ip);
}

/** Whether a peer's parameters fit the pipeline that was built at start-up. */
function checkFit(parameters: TunnelParameters, options: GatewayOptions, field: string): void {
  if (options.mode === 'tunnel' && ipFamily(parameters.underlayIp) !== options.outerFamily) {
    throw new RpcError(
      'INVALID_ARGUMENT',
      `${field}.encap_type: the peer is reached over IPv${ipFamily(parameters.underlayIp)}, this gateway encapsulates in IPv${options.outerFamily}`,
    );
  }
  // DOCA's application announces that one always, and asks for it from nobody.
  const wanted = parameters.cookie !== 0n && parameters.cookie !== DOCA_COOKIE;
  if (wanted && !options.cookies) {
    throw new RpcError(
      'INVALID_ARGUMENT',
      `${field}.virt_cookie: this gateway runs without cookies (--cookie)`,
    );
  }
}
