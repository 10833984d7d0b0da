/**
 * The gateway: puts its parts together over one PipeHal and one ControlTransport, starts them and stops them.
 */
import { setMaxListeners } from 'node:events';
import type { Clock } from '../hal/clock.js';
import { reasonOf } from '../hal/errors.js';
import type { PipeHal, PortDescription } from '../hal/hal.js';
import type { Random } from '../hal/random.js';
import {
  type IpAddress,
  type Ipv4Address,
  ipFamily,
  type MacAddress,
  macToOctets,
  parseIp,
  parseMac,
} from '../packet/address.js';
import { BringUp, groupByPeer } from './bring-up.js';
import type { GatewayObserver } from './events.js';
import type { Logger } from './log.js';
import type { GatewayOptions } from './options.js';
import { Peers } from './peers.js';
import { buildPipeline, innerMtuOctets, type PipelineOptions } from './pipeline.js';
import { Recovery } from './recovery.js';
import { Retirement } from './retirement.js';
import { Rotation } from './rotation.js';
import { mayAsk, type Session } from './session.js';
import { SessionInstaller } from './session-installer.js';
import { type RssReason, SlowPath } from './slow-path.js';
import { TokenBucket } from './token-bucket.js';
import { type ControlTransport, RpcError, type ServiceAddress } from './transport.js';
import { TunnelClient } from './tunnel-client.js';
import type { TunnelParameters } from './tunnel-messages.js';
import { TunnelService } from './tunnel-service.js';
import type { GatewayView } from './view.js';

/** The cookie that DOCA's application puts into all of its parameters, with --cookie and without. */
const DOCA_COOKIE = 0x7788_99aa_bbcc_ddeen;
/** Rotations that peers may ask for, on average: one in this time. */
const ROTATION_REQUEST_INTERVAL_S = 10;

export interface GatewayDeps {
  readonly hal: PipeHal;
  readonly transport: ControlTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly options: GatewayOptions;
  readonly observe?: GatewayObserver;
  /** Sees every packet that comes to the CPU. */
  readonly onReceived?: (why: RssReason, frame: Uint8Array) => void;
}

/** What the device lacks, or the options ask too much of it. */
export class GatewayStartError extends Error {
  override readonly name = 'GatewayStartError';
}

export class Gateway implements AsyncDisposable {
  readonly pipelineOptions: PipelineOptions;
  readonly #deps: GatewayDeps;
  readonly #stopping = new AbortController();
  readonly #installer: SessionInstaller;
  readonly #retirement: Retirement;
  readonly #peers: Peers;
  readonly #client: TunnelClient;
  readonly #service: TunnelService;
  readonly #slowPath: SlowPath;
  readonly #bringUp: BringUp;
  readonly #rotation: Rotation;
  readonly #recovery: Recovery;
  #serviceAddress: ServiceAddress | undefined;
  #stopped: Promise<void> | undefined;

  constructor(deps: GatewayDeps) {
    this.#deps = deps;
    const { hal, transport, clock, random, logger, options } = deps;
    const { limits } = options;
    const observe = deps.observe ?? (() => {});
    const now = () => clock.nowMs();
    const uplink = portOf(hal, 'uplink');
    const vf = portOf(hal, 'vf');
    const uplinkMac = parseMac(uplink.mac);
    this.pipelineOptions = {
      underlayMtuOctets: uplink.mtuOctets,
      decapMacs: macs(options.decapDmac ?? workloadMac(vf), uplinkMac),
      ...options,
    };
    const localVips = localVipsOf(options, vf);
    this.#peers = new Peers({
      peers: options.peers,
      localVips,
      tunnelsPerSecond: limits.tunnelsPerPeerPerSecond,
      nowMs: now,
    });
    this.#installer = new SessionInstaller({
      hal,
      options,
      pipeline: this.pipelineOptions,
      uplink: { mac: uplinkMac, ip: underlayIpOf(uplink, options) },
      fillRandom: (octets) => random.fill(octets),
      observe,
      onSpisExhausted: () => this.#rotation.onSpisExhausted(),
      debugKey: (text, spi, key) => {
        if (!options.debugKeys) return;
        logger.log('debug', `key ${text}`, { spi, key: Buffer.from(key).toString('hex') });
      },
    });
    this.#retirement = new Retirement(
      hal,
      clock,
      this.#installer,
      limits.rekeyGraceMs,
      (sessions) => this.#rekey(sessions),
      logger,
    );
    const checkParameters = (parameters: TunnelParameters) => checkFit(parameters, options);
    const onEstablished = (sessions: readonly Session[]) => this.#slowPath.flush(sessions);
    const common = {
      installer: this.#installer,
      retirement: this.#retirement,
      limits,
      checkParameters,
      onEstablished,
      observe,
    };
    const { signal } = this.#stopping;
    // Every call under way listens to it, however many those are.
    setMaxListeners(0, signal);
    this.#client = new TunnelClient({
      clock,
      random,
      transport,
      pspVersion: options.pspVersion,
      signal,
      ...common,
    });
    this.#bringUp = new BringUp({ client: this.#client, clock, random, logger, limits, signal });
    this.#rotation = new Rotation({
      hal,
      clock,
      logger,
      observe,
      installer: this.#installer,
      bringUp: this.#bringUp,
      periodMs: limits.rotationPeriodMs,
    });
    this.#recovery = new Recovery({
      hal,
      clock,
      logger,
      peers: this.#peers,
      installer: this.#installer,
      bringUp: this.#bringUp,
      maxTunnels: options.maxTunnels,
    });
    this.#service = new TunnelService({
      peers: this.#peers,
      rotate: (issueNewKeys) => this.#rotation.rotate(issueNewKeys),
      rotationRequests: new TokenBucket(1 / ROTATION_REQUEST_INTERVAL_S, 1, now),
      ...common,
    });
    const dhcpAddress = localVips.find((ip): ip is Ipv4Address => ipFamily(ip) === 4);
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
      ...(dhcpAddress === undefined ? {} : { dhcpAddress }),
      onReceived: deps.onReceived ?? (() => {}),
    });
  }

  /** Builds the pipeline, serves peers, and begins with static tunnels where they were asked for. */
  async start(): Promise<void> {
    const { hal, transport, options, logger } = this.#deps;
    await hal.build(buildPipeline(this.pipelineOptions));
    // Keys of an earlier run may still be in the device; after two rotations none is.
    await hal.rotateMasterKey();
    await hal.rotateMasterKey();
    hal.onReceive((packets) => this.#slowPath.receive(packets));
    this.#serviceAddress = await transport.listen(options.serviceAddress, (method, request, caller) =>
      this.#service.handle(method, request, caller),
    );
    this.#rotation.start();
    this.#recovery.start();
    logger.log('info', 'gateway started', {
      hal: hal.device.hal,
      service: `${this.#serviceAddress.host} port ${this.#serviceAddress.port}`,
      peers: this.#peers.all.length,
    });
    if (options.staticTunnels !== undefined) void this.#makeStaticTunnels(options.staticTunnels);
  }

  /** Where the tunnel service listens, once started. */
  get serviceAddress(): ServiceAddress | undefined {
    return this.#serviceAddress;
  }

  /** Makes sessions now instead of at their first packet; resolves when all are established, or at stop. */
  async connect(pairs: readonly { localVip: IpAddress; remoteVip: IpAddress }[]): Promise<void> {
    const sessions = await this.#open(pairs);
    await this.#bringUp.establish(sessions.filter(({ state }) => state !== 'established'));
  }

  /**
   * Likewise, but once and at once, without jitter: rejects with what the first peer that failed said, and leaves no
   * session of that request that was not there before. Sessions that are being asked for already are left to that.
   */
  async connectNow(pairs: readonly { localVip: IpAddress; remoteVip: IpAddress }[]): Promise<void> {
    const { tunnelsPerRequest } = this.#deps.options.limits;
    for (const [peer, sessions] of groupByPeer(await this.#open(pairs))) {
      for (let at = 0; at < sessions.length; at += tunnelsPerRequest) {
        const batch = sessions.slice(at, at + tunnelsPerRequest).filter(mayAsk);
        try {
          if (batch.length > 0) await this.#client.exchange(peer, batch);
        } catch (error) {
          await this.#removeSessions(batch.filter(({ state, wanted }) => state === 'backing-off' && !wanted));
          throw error;
        }
      }
    }
  }

  #rekey(sessions: readonly Session[]): void {
    const { logger } = this.#deps;
    this.#bringUp
      .rekey(sessions)
      .catch((error: unknown) => logger.log('error', `re-keying failed: ${reasonOf(error)}`));
  }

  async #removeSessions(sessions: readonly Session[]): Promise<void> {
    for (const session of sessions) {
      this.#slowPath.counters.abandoned += this.#slowPath.missed.drop(session);
    }
    await this.#installer.remove(sessions);
  }

  #open(pairs: readonly { localVip: IpAddress; remoteVip: IpAddress }[]): Promise<Session[]> {
    const owned = pairs.map((pair) => {
      const peer = this.#peers.ownerOf(pair.remoteVip);
      if (peer === undefined) throw new GatewayStartError(`no peer owns ${pair.remoteVip}`);
      return { peer, ...pair };
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

  /** Removes a session and frees all it held; false when there is none. */
  async removeSession(localVip: IpAddress, remoteVip: IpAddress): Promise<boolean> {
    const session = this.#installer.sessions.get(localVip, remoteVip);
    if (session === undefined) return false;
    await this.#removeSessions([session]);
    return true;
  }

  /** The gateway as it is now. */
  view(): GatewayView {
    const { missed, counters } = this.#slowPath;
    return {
      serviceAddress: this.#serviceAddress,
      sessions: [...this.#installer.sessions].map((session) => ({
        localVip: session.localVip,
        remoteVip: session.remoteVip,
        peer: session.peer.name,
        state: session.state,
        ingressSpis: session.ingress.map(({ spi }) => spi),
        egressSpi: session.egress?.spi,
        waitingPackets: missed.countOf(session),
      })),
      peers: this.#peers.all.map(({ name, virtualIps, dialect, failures, answeredAtMs }) => ({
        name,
        virtualIps: virtualIps.length,
        dialect,
        failures,
        answeredAtMs,
      })),
      keySlotsUsed: this.#installer.keySlotsUsed,
      spisRetiring: this.#retirement.waiting,
      rotations: this.#installer.generation,
      slowPath: { ...counters, overflowed: missed.overflowed, expired: missed.expired },
      refused: Object.fromEntries(this.#service.refused),
    };
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
    this.#recovery.stop();
    this.#retirement.stop();
    this.#slowPath.stop();
    await transport.close();
    await this.#installer.settled();
    await hal.close();
  }

  async #makeStaticTunnels(localVip: IpAddress): Promise<void> {
    const { logger } = this.#deps;
    const pairs = this.#peers.all.flatMap((peer) =>
      this.#peers.pairsOf(peer).filter((pair) => pair.localVip === localVip || peer.pairs !== undefined),
    );
    try {
      await this.connect(pairs);
      if (this.#stopping.signal.aborted) return;
      logger.log('info', 'all static tunnels are up', { tunnels: pairs.length });
      this.#deps.observe?.({ type: 'static-tunnels-up', tunnels: pairs.length });
    } catch (error) {
      logger.log('error', `static tunnels: ${reasonOf(error)}`);
    }
  }
}

function portOf(hal: PipeHal, kind: PortDescription['kind']): PortDescription {
  const port = hal.device.ports.find((candidate) => candidate.kind === kind);
  if (port === undefined) throw new GatewayStartError(`the device has no ${kind} port`);
  return port;
}

function workloadMac(vf: PortDescription): MacAddress {
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
  const forStatic = options.staticTunnels === undefined ? [] : [options.staticTunnels];
  return [...new Set([...options.localVirtualIps, ...forStatic, ...known])];
}

function underlayIpOf(uplink: PortDescription, options: GatewayOptions): IpAddress {
  const ip = options.outerFamily === 4 ? uplink.ipv4 : uplink.ipv6;
  if (ip === undefined) {
    throw new GatewayStartError(
      `the uplink has no IPv${options.outerFamily} address; give it one or change --outer-ip-type`,
    );
  }
  return parseIp(ip);
}

/** Whether a peer's parameters fit the pipeline that was built at start-up. */
function checkFit(parameters: TunnelParameters, options: GatewayOptions): void {
  if (options.mode === 'tunnel' && ipFamily(parameters.underlayIp) !== options.outerFamily) {
    throw new RpcError(
      'INVALID_ARGUMENT',
      `encap_type: the peer is reached over IPv${ipFamily(parameters.underlayIp)}, this gateway encapsulates in IPv${options.outerFamily}`,
    );
  }
  // DOCA's application announces that one always, and asks for it from nobody.
  const wanted = parameters.cookie !== 0n && parameters.cookie !== DOCA_COOKIE;
  if (wanted && !options.cookies) {
    throw new RpcError('INVALID_ARGUMENT', 'virt_cookie: this gateway runs without cookies (--cookie)');
  }
}
