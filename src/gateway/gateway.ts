import type { PipeProgram } from '../hal/program.js';
import type { IpAddress } from '../packet/address.js';
import type { SaKey } from '../psp/keys-file.js';
import type { Capture, CapturedFrame, CaptureSelection } from './capture/captures.js';
import { staticTunnelsProblem } from './config/read-options.js';
import type { PairChecks } from './diagnosis/pair-check.js';
import type { AddressPair } from './directory.js';
import type { GatewayObserver } from './events.js';
import type { Explanation } from './explain/explain.js';
import type { PacketQuestion } from './explain/packet-question.js';
import { isSelected } from './gateway-view.js';
import type { GatewayOptions, PeerOptions } from './options.js';
import type { Peers } from './peers.js';
import { type DeviceCounters, readDeviceCounters } from './pipeline/device-counters.js';
import { buildPipeline } from './pipeline/pipeline.js';
import type { PipelineOptions } from './pipeline/pipeline-options.js';
import type { ReconfigurationResult } from './reconfiguration.js';
import { RequestRefusals } from './rpc/request-refusals.js';
import {
  type CallerIdentity,
  isServiceNamed,
  type RpcMethod,
  type ServiceAddress,
  serviceText,
} from './rpc/transport.js';
import { countersOfSessions, type SessionCounters } from './sessions/session-counters.js';
import type { GatewayDeps } from './surroundings.js';
import type {
  Disconnected,
  DrainOptions,
  DrainView,
  GatewayControl,
  GatewayInsight,
  GatewaySummary,
  GatewayView,
  TunnelSelection,
} from './view.js';
import { type GatewayParts, wire } from './wiring.js';

export class Gateway implements GatewayInsight, GatewayControl, AsyncDisposable {
  readonly #deps: GatewayDeps;
  readonly #parts: GatewayParts;
  readonly #refusals: RequestRefusals;
  #serviceAddress: ServiceAddress | undefined;
  #startedAtMs: number | undefined;
  #stopped: Promise<void> | undefined;

  constructor(deps: GatewayDeps) {
    this.#parts = wire(deps, () => this.#serviceAddress?.port ?? 0);
    const { hal, options, peers, observe } = this.#parts;
    this.#refusals = new RequestRefusals(peers, observe);
    this.#deps = { ...deps, hal, options };
  }

  get pipelineOptions(): PipelineOptions {
    return this.#parts.pipelineOptions;
  }

  /** Builds the pipeline, serves peers, and begins with static tunnels where they were asked for. */
  async start(): Promise<void> {
    const parts = this.#parts;
    const { hal, transport, options, logger } = this.#deps;
    await hal.build(buildPipeline(parts.pipelineOptions));
    const answeredAtMs = await parts.state?.load();
    await parts.failingSources.start();
    hal.onReceive((packets) => parts.slowPath.receive(packets));
    this.#serviceAddress = await transport.listen(
      options.serviceAddress,
      this.#refusals.watched((method, request, caller) => this.#answer(method, request, caller)),
      parts.peers,
      parts.observe,
    );
    this.#startedAtMs = this.#deps.clock.nowMs();
    parts.rotation.start();
    parts.expiry.start();
    parts.state?.start();
    parts.certificates?.start();
    logger.log('info', 'gateway started', {
      hal: hal.device.hal,
      service: `${this.#serviceAddress.host} port ${this.#serviceAddress.port}`,
      peers: parts.peers.all.length,
    });
    parts.recovery.start((peer) => answeredAtMs?.get(peer));
    parts.askedTunnels.makeStatic(parts.peers.all);
  }

  /** See Peers.identitiesOf. */
  identitiesOf(service: ServiceAddress): ReturnType<Peers['identitiesOf']> {
    return this.#parts.peers.identitiesOf(service);
  }

  #answer(method: RpcMethod, request: Uint8Array, caller: CallerIdentity): Promise<Uint8Array> {
    const { peerStarts, peerComparison, service } = this.#parts;
    switch (method) {
      case 'Announce':
        return peerStarts.handle(request, caller);
      case 'Compare':
        return peerComparison.handle(request, caller);
      default:
        return service.handle(method, request, caller);
    }
  }

  /** Address at which the tunnel service listens, once started. */
  get serviceAddress(): ServiceAddress | undefined {
    return this.#serviceAddress;
  }

  /** Makes sessions now instead of at their first packet; resolves when all are established, or at stop. */
  connect(pairs: readonly AddressPair[]): Promise<void> {
    return this.#parts.askedTunnels.connect(pairs);
  }

  /**
   * Likewise, but once and at once, without jitter: rejects with what the first peer that failed said, and leaves no session
   * that was not there before and has not been established. Sessions that are being asked for already are left to that.
   */
  connectNow(pairs: readonly AddressPair[]): Promise<void> {
    return this.#parts.askedTunnels.connectNow(pairs);
  }

  /** New keys for all sessions, or those of one remote address. */
  async rekey(remoteVip?: IpAddress): Promise<void> {
    const all = [...this.#parts.installer.sessions];
    await this.#parts.bringUp.rekey(
      remoteVip === undefined ? all : all.filter((s) => s.remoteVip === remoteVip),
    );
  }

  /** Rotates the master key; with `issueNewKeys` sessions get new keys after it. */
  rotateMasterKey(issueNewKeys: boolean): Promise<void> {
    return this.#parts.rotation.rotate(issueNewKeys);
  }

  beginRotation(): void {
    this.#parts.rotation.rotateUnasked();
  }

  drain(options: DrainOptions): DrainView {
    if (this.#startedAtMs === undefined) throw new Error('the gateway has not been started');
    return this.#parts.draining.begin(options);
  }

  cancelDrain(): boolean {
    return this.#parts.draining.cancel();
  }

  async removeTunnels(selection: TunnelSelection): Promise<number> {
    const { order, dormant } = this.#parts.installer.sessions;
    const chosen = [...order, ...dormant].filter((session) => isSelected(session, selection));
    await this.#parts.installer.remove(chosen);
    return chosen.length;
  }

  async disconnectPeers(name: string): Promise<Disconnected> {
    const { peers, installer, observe } = this.#parts;
    const { transport } = this.#deps;
    const sum = { connections: 0, sessions: 0 };
    for (const peer of peers.all.filter((one) => isServiceNamed(one.name, name))) {
      const connections = transport.disconnect?.((caller) => peers.isCaller(caller, peer)) ?? 0;
      transport.forget(peer.serviceAddress);
      // A step that is under way may be about to put a session into the table: it ends before this one has its turn.
      await installer.remove([]);
      const { order, dormant } = installer.sessions;
      const sessions = [...order, ...dormant].filter((session) => session.peer === peer);
      await installer.remove(sessions);
      observe({ type: 'peer-disconnected', peer: peer.name, connections, sessions: sessions.length });
      sum.connections += connections;
      sum.sessions += sessions.length;
    }
    return sum;
  }

  rekeyTunnels(selection: TunnelSelection): { readonly tunnels: number; readonly done: Promise<void> } {
    const chosen = [...this.#parts.installer.sessions].filter(
      (session) => session.state === 'established' && isSelected(session, selection),
    );
    return { tunnels: chosen.length, done: this.#parts.bringUp.rekey(chosen) };
  }

  /** Removes a session and frees all it held; false when there is none. */
  async removeSession(localVip: IpAddress, remoteVip: IpAddress): Promise<boolean> {
    const session = this.#parts.installer.sessions.get(localVip, remoteVip);
    if (session === undefined) return false;
    await this.#parts.installer.remove([session]);
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
        if (this.#parts.ownVips.includes(ip))
          problems.push(
            `${serviceText(serviceAddress)}: ${ip} is an address of our own workload, and no peer's`,
          );
      }
    }
    const tooMany = staticTunnelsProblem({ ...options, peers }, this.#parts.ownVips);
    return tooMany === undefined ? problems : [...problems, tooMany];
  }

  /**
   * Other peers and limits from now on, without a pause for those that stay; see Reconfiguration. Of limits those count that
   * flags say may change while the gateway runs. Rejects before the gateway has been started.
   */
  async reconfigure(options: Pick<GatewayOptions, 'peers' | 'limits'>): Promise<ReconfigurationResult> {
    if (this.#startedAtMs === undefined) throw new Error('the gateway has not been started');
    return this.#parts.reconfiguration.apply(options);
  }

  /** The gateway as it is now. */
  view(): GatewayView {
    return { ...this.summary(), sessions: this.#parts.views.sessions() };
  }

  summary(): GatewaySummary {
    return this.#parts.views.summary({
      serviceAddress: this.#serviceAddress,
      mode: this.#deps.options.mode,
      stateProblem: this.#parts.state?.problem,
      startedAtMs: this.#startedAtMs,
      ports: this.#deps.ports?.() ?? [],
      doors: this.#deps.transport.doors?.(),
      tls: this.#parts.certificates?.view(),
      refusedToPeers: { requests: this.#refusals.requests, rotations: this.#refusals.rotations },
    });
  }

  tunnels(selection: TunnelSelection, most: number): ReturnType<GatewayInsight['tunnels']> {
    return this.#parts.views.tunnels(selection, most);
  }

  capture(selection: CaptureSelection, onFrame: (frame: CapturedFrame) => void): Capture {
    return this.#parts.captures.start(selection, onFrame);
  }

  showKeys(viewer: (key: SaKey) => void): (() => void) | undefined {
    return this.#parts.debugKeys?.show(viewer);
  }

  checkPairs(): Promise<PairChecks> {
    return this.#parts.pairCheck.look();
  }

  explain(question: PacketQuestion): Promise<Explanation> {
    return this.#parts.explainer.explain(question);
  }

  watch(observer: GatewayObserver): () => void {
    // Each has one of its own, even if somebody watches twice with the same function.
    const watcher: GatewayObserver = (event) => observer(event);
    this.#parts.watchers.add(watcher);
    return () => this.#parts.watchers.delete(watcher);
  }

  /** Counters of the `sessionsMax` sessions that were used last, the last one first. */
  sessionCounters(sessionsMax: number): Promise<SessionCounters[]> {
    const sessions = [...this.#parts.installer.sessions].slice(-sessionsMax).reverse();
    return countersOfSessions(this.#deps.hal, this.#deps.clock, sessions);
  }

  program(): PipeProgram {
    return buildPipeline(this.pipelineOptions);
  }

  /** What the device has counted. Rejects with HalError; BAD_STATE before `start` has built the pipeline. */
  deviceCounters(): Promise<DeviceCounters> {
    return readDeviceCounters(this.#deps.hal, this.#parts.pipelineOptions);
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
    const parts = this.#parts;
    const { hal, transport } = this.#deps;
    parts.stopping.abort(new Error('the gateway stops'));
    parts.rotation.stop();
    parts.certificates?.stop();
    parts.draining.stop();
    parts.recovery.stop();
    parts.expiry.stop();
    parts.announcements.stop();
    parts.failingSources.stop();
    parts.retirement.stop();
    parts.slowPath.stop();
    parts.evidence?.stop();
    await transport.close();
    parts.eventLog.stop();
    parts.installer.stop();
    await parts.installer.settled();
    await parts.state?.stop();
    await hal.close();
  }
}
