/**
 * Constructs the parts of a gateway over one PipeHal and one ControlTransport, from the device up, each with those that it is built
 * on, and connects those below to those above. Nothing begins to work here; gateway.ts starts the parts, and stops them.
 */
import { type IpAddress, parseIp, parseMac } from '../packet/address.js';
import { AskedTunnels } from './asked-tunnels.js';
import { Captures } from './capture/captures.js';
import { DebugKeys } from './capture/debug-keys.js';
import { PairCheck } from './diagnosis/pair-check.js';
import { PeerComparison } from './diagnosis/peer-comparison.js';
import { Draining } from './drain.js';
import { DrainState } from './drain-state.js';
import { EventLog } from './event-log.js';
import type { GatewayObserver } from './events.js';
import { Explainer } from './explain/explain.js';
import { GatewayViews } from './gateway-view.js';
import { observedHal } from './observed-hal.js';
import type { GatewayOptions } from './options.js';
import { type Peer, Peers } from './peers.js';
import { packetsWithoutWords, tunnelPackets } from './pipeline/device-counters.js';
import { innerMtuOctets } from './pipeline/mtu.js';
import { holdsUnproved, type PipelineOptions } from './pipeline/pipeline-options.js';
import { budgetLimits, Reconfiguration } from './reconfiguration.js';
import { Announcements } from './recovery/announcements.js';
import { DrainNotices } from './recovery/drain-notices.js';
import { FailingSources } from './recovery/failing-sources.js';
import { PairSearch } from './recovery/pair-search.js';
import { PeerStarts } from './recovery/peer-starts.js';
import { Recovery } from './recovery/recovery.js';
import { StateKeeper } from './recovery/state-keeper.js';
import { CertificateKeeper } from './rpc/certificate-keeper.js';
import type { TunnelParameters } from './rpc/tunnel-messages.js';
import { BringUp } from './sessions/bring-up.js';
import { Retirement } from './sessions/retirement.js';
import { Rotation } from './sessions/rotation.js';
import { SessionExpiry } from './sessions/session-expiry.js';
import { SessionInstaller } from './sessions/session-installer.js';
import { TunnelClient } from './sessions/tunnel-client.js';
import { TunnelService } from './sessions/tunnel-service.js';
import { Versions } from './sessions/versions.js';
import { SlowPath } from './slow-path/slow-path.js';
import {
  checkDevice,
  checkFit,
  dhcpServerOf,
  type GatewayDeps,
  localVipsOf,
  macBehind,
  macs,
  portOf,
  segmentOf,
  underlayIpOf,
} from './surroundings.js';
import { UnderlayAddresses } from './underlay/underlay-addresses.js';
import { UnderlayEvidence } from './underlay/underlay-evidence.js';
import { UnderlayHold } from './underlay/underlay-hold.js';
import { prefixesOf, UnderlayPolicy } from './underlay/underlay-policy.js';
import { UpwardCalls } from './upward-calls.js';

/** The parts of a gateway, with what they have in common. */
export type GatewayParts = ReturnType<typeof wire>;

/**
 * @param servicePort of the tunnel service, once it listens; before that 0
 */
export function wire(deps: GatewayDeps, servicePort: () => number) {
  const watchers = new Set<GatewayObserver>();
  const { transport, clock, random, logger } = deps;
  // Changed in place when they are configured anew.
  const limits = { ...deps.options.limits };
  const options: GatewayOptions = { ...deps.options, limits };
  const hal = observedHal(deps.hal, clock, (event) => observe(event));
  const now = () => clock.nowMs();
  const drain = new DrainState(clock);
  const drainNotice = () => drain.notice();
  const eventLog = new EventLog({ clock, logger });
  const underlayAddresses = new UnderlayAddresses(now);
  const uplink = portOf(hal, 'uplink');
  const vf = portOf(hal, 'vf');
  const uplinkMac = parseMac(uplink.mac);
  const workloadMac = options.decapDmac ?? macBehind(vf);
  const pipelineOptions: PipelineOptions = {
    underlayMtuOctets: uplink.mtuOctets,
    decapMacs: macs(workloadMac, uplinkMac),
    ...options,
  };
  checkDevice(hal.device, options, pipelineOptions);
  const localVips = localVipsOf(options, vf);
  const peers = new Peers({
    peers: options.peers,
    localVips,
    budgets: budgetLimits(limits, options.maxTunnels),
    mayRotate: !options.insecure,
    nowMs: now,
  });
  const own = [uplink.ipv4, uplink.ipv6].flatMap((ip) => (ip === undefined ? [] : [parseIp(ip)]));
  const stopping = new AbortController();
  const { signal } = stopping;
  const upward = new UpwardCalls({
    clock,
    signal,
    holdsUnproved: holdsUnproved(pipelineOptions),
    observer: (event) => {
      eventLog.tell(event);
      deps.observe?.(event);
      for (const watcher of watchers) watcher(event);
    },
  });
  const { observe } = upward;
  const ownUplink = { mac: uplinkMac, ip: underlayIpOf(uplink, options) };
  const underlay = new UnderlayPolicy({
    prefixes: prefixesOf(peers.all, options.peers),
    addresses: underlayAddresses,
    uplink: ownUplink,
    own: [...own, options.serviceAddress.host],
    observe,
  });
  const captures = new Captures({
    clock,
    showFrames: deps.showFrames,
    sessionOf: (localVip, remoteVip) => installer.sessions.get(localVip, remoteVip),
    packetsPerSecond: limits.capturedPacketsPerSecond,
    isSampling: options.sampleRateLog2 > 0,
  });
  const debugKeys = options.debugKeys ? new DebugKeys() : undefined;
  const isHeld = (peer: Peer, address: IpAddress) =>
    holdsUnproved(pipelineOptions) && underlay.isUnproved(peer, address);
  const installer = new SessionInstaller({
    hal,
    clock,
    options,
    pipeline: pipelineOptions,
    uplink: ownUplink,
    fillRandom: (octets) => random.fill(octets),
    observe,
    mayTalk: (pair) => peers.mayTalk(pair),
    isHeld,
    drain,
    shortageListener: upward,
    sessionListener: upward,
    debugKey: (text, spi, key) => {
      if (debugKeys === undefined) return;
      debugKeys.add(spi, key);
      logger.log('info', `key ${text}`, { spi, key: Buffer.from(key).toString('hex') });
    },
  });
  const evidence =
    options.mode === 'tunnel'
      ? new UnderlayEvidence({
          hal,
          clock,
          observe,
          pipeline: pipelineOptions,
          sessions: installer.sessions,
          addresses: underlayAddresses,
          policy: underlay,
          onConfirmed: (peer, address) => upward.onConfirmed(peer, address),
        })
      : undefined;
  const hold = new UnderlayHold(now);
  const retirement = new Retirement(hal, clock, installer, limits.rekeyGraceMs, upward);
  const checkParameters = (peer: Peer, parameters: TunnelParameters, field: string) => {
    checkFit(parameters, options, field);
    underlay.check(peer, parameters, field);
  };
  const versions = new Versions(options.pspVersion);
  const common = {
    versions,
    installer,
    retirement,
    limits,
    checkParameters,
    claimUnderlay: (peer: Peer, parameters: readonly TunnelParameters[]) => underlay.claim(peer, parameters),
    peerListener: upward,
    sessionListener: upward,
    observe,
    drain,
  };
  const client = new TunnelClient({
    clock,
    random,
    transport,
    signal,
    rekeyListener: upward,
    ...common,
  });
  const bringUp = new BringUp({ client, clock, random, observe, limits, signal });
  const rotation = new Rotation({
    clock,
    observe,
    installer,
    retirement,
    bringUp,
    limits,
  });
  const announcements = new Announcements({
    clock,
    random,
    transport,
    observe,
    servicePort,
    get deadlineMs() {
      return limits.rpcDeadlineMs;
    },
    signal,
    drainNotice,
    peerListener: upward,
  });
  const sessionsOfPeers = {
    hal,
    clock,
    observe,
    limits,
    peers,
    installer,
    drain,
    bringUp,
  };
  const expiry = new SessionExpiry({
    clock,
    observe,
    installer,
    rekeyListener: upward,
    idleS: limits.sessionIdleS,
  });
  const peerStarts = new PeerStarts({
    random,
    transport,
    signal,
    onStart: (peer, ageMs) => announcements.heardStart(peer, ageMs),
    drainNotice,
    peerListener: upward,
    ...sessionsOfPeers,
  });
  const recovery = new Recovery({
    clock,
    random,
    observe,
    peers,
    addresses: underlayAddresses,
    announcements,
    search: new PairSearch(sessionsOfPeers),
    unknownSourceStepsPerMinute: limits.unknownSourceRequestsPerMinute,
  });
  const failingSources = new FailingSources({
    hal,
    clock,
    observe,
    pipeline: pipelineOptions,
    addresses: underlayAddresses,
    get peers() {
      return peers.all;
    },
    onFailed: (failed) => recovery.failed(failed),
  });
  const state =
    deps.state === undefined
      ? undefined
      : new StateKeeper({
          store: deps.state,
          clock,
          logger,
          observe,
          peers,
          addresses: underlayAddresses,
        });
  const certificates =
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
  const service = new TunnelService({
    peers,
    clock,
    rotateNow: (issueNewKeys) => rotation.rotateNow(issueNewKeys),
    ...common,
  });
  const dhcp = dhcpServerOf(localVips, peers, uplinkMac, pipelineOptions);
  const segment =
    options.mode === 'transport' ? segmentOf(options, peers.localVips, workloadMac, now, observe) : undefined;
  const slowPath = new SlowPath({
    hal,
    clock,
    logger,
    observe,
    limits,
    peers,
    installer,
    drain,
    client,
    ourMac: uplinkMac,
    innerMtuOctets: innerMtuOctets(pipelineOptions),
    hold,
    sampledOctets: options.sampledOctets,
    sampleBeforeEncryption: options.sampleBeforeEncryption,
    ...(dhcp === undefined ? {} : { dhcp }),
    ...(segment === undefined ? {} : { segment }),
    onReceived: deps.onReceived ?? (() => {}),
    watch: captures,
  });
  const views = new GatewayViews({
    hal,
    clock,
    peers,
    installer,
    retirement,
    rotation,
    versions,
    service,
    slowPath,
    segment,
    underlay,
    evidence,
    hold,
    announcements,
    peerStarts,
    recovery,
    failingSources,
    draining: () => draining.view(),
    eventLog,
  });
  const explainer = new Explainer({
    hal,
    clock,
    options,
    peers,
    drain,
    installer,
    underlay,
    uplink: ownUplink,
    workloadMac,
  });
  const askedTunnels = new AskedTunnels({
    options,
    peers,
    installer,
    client,
    bringUp,
    missed: slowPath.missed,
    drain,
    observe,
    signal,
  });
  const draining = new Draining({
    clock,
    observe,
    state: drain,
    notices: new DrainNotices({
      transport,
      peers: () => peers.all,
      announcements,
      notice: drainNotice,
      servicePort,
      limits,
      signal,
    }),
    sessions: () => installer.sessions.inUse,
    packets: () => tunnelPackets(hal, pipelineOptions),
    onCancelled: () => askedTunnels.makeStatic(peers.all),
  });
  const { sessions } = installer;
  const pairCheck = new PairCheck({
    hal,
    withoutWords: () => packetsWithoutWords(hal, pipelineOptions),
    clock,
    sessions,
    transport,
    servicePort,
    limits,
    peerListener: upward,
    signal,
  });
  const peerComparison = new PeerComparison({
    hal,
    clock,
    sessions,
    peers,
    mode: options.mode,
    peerListener: upward,
  });
  const reconfiguration = new Reconfiguration({
    clock,
    logger,
    observe,
    signal,
    transport,
    peers,
    limits,
    maxTunnels: options.maxTunnels,
    installer,
    retirement,
    rotation,
    expiry,
    underlay,
    announcements,
    peerStarts,
    recovery,
    failingSources,
    makeStaticTunnels: (some) => askedTunnels.makeStatic(some),
  });
  upward.connect({
    installer,
    rotation,
    bringUp,
    announcements,
    slowPath,
    underlay,
    evidence,
  });
  return {
    hal,
    options,
    pipelineOptions,
    ownVips: localVips,
    stopping,
    observe,
    watchers,
    eventLog,
    peers,
    installer,
    retirement,
    evidence,
    bringUp,
    rotation,
    announcements,
    peerStarts,
    recovery,
    expiry,
    failingSources,
    state,
    certificates,
    service,
    slowPath,
    askedTunnels,
    draining,
    views,
    captures,
    debugKeys,
    explainer,
    pairCheck,
    peerComparison,
    reconfiguration,
  };
}
