/** What a gateway is, by its device and its options: its ports' addresses, its virtual addresses, what follows from them, and what it is handed. */
import type { Clock } from '../base/clock.js';
import type { Random } from '../base/random.js';
import type { ShowFrames } from '../hal/frame-tap.js';
import type { DeviceDescription, PipeHal, PortDescription, PortStatus } from '../hal/hal.js';
import {
  type IpAddress,
  type Ipv4Address,
  ipFamily,
  type MacAddress,
  macToOctets,
  parseIp,
  parseMac,
} from '../packet/address.js';
import { algorithmName, isGmac } from '../psp/header.js';
import type { GatewayObserver } from './events.js';
import type { Logger } from './log.js';
import type { GatewayOptions } from './options.js';
import type { Peers } from './peers.js';
import { innerMtuOctets, underlayMtuProblem } from './pipeline/mtu.js';
import type { PipelineOptions } from './pipeline/pipeline-options.js';
import type { StateStore } from './recovery/state-keeper.js';
import type { ControlTransport, TlsSource } from './rpc/transport.js';
import { RpcError } from './rpc/transport.js';
import type { TunnelParameters } from './rpc/tunnel-messages.js';
import { type DhcpServerOptions, dhcpRouterOf } from './slow-path/responders.js';
import { Segment } from './slow-path/segment.js';
import type { RssReason } from './slow-path/slow-path.js';

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
  /** Has the device show its ports' frames; absent: it cannot. */
  readonly showFrames?: ShowFrames | undefined;
}

/** The device lacks something, or the options ask too much of it. */
export class GatewayStartError extends Error {
  override readonly name = 'GatewayStartError';
}

export function portOf(hal: PipeHal, kind: PortDescription['kind']): PortDescription {
  const port = hal.device.ports.find((candidate) => candidate.kind === kind);
  if (port === undefined) throw new GatewayStartError(`the device has no ${kind} port`);
  return port;
}

export function macBehind(vf: PortDescription): MacAddress {
  if (vf.workload === undefined) {
    throw new GatewayStartError('the MAC behind the VF is not known; give it with --decap-dmac');
  }
  return parseMac(vf.workload.mac);
}

/** Destination and source MAC, as pipes take them. */
export function macs(destination: MacAddress, source: MacAddress): Uint8Array {
  const octets = new Uint8Array(12);
  octets.set(macToOctets(destination));
  octets.set(macToOctets(source), 6);
  return octets;
}

/** Our virtual addresses: those that were given, and those that the device knows of the workload. */
export function localVipsOf(options: GatewayOptions, vf: PortDescription): IpAddress[] {
  const known = vf.workload?.addresses.map(parseIp) ?? [];
  const { staticTunnels } = options;
  const forStatic = staticTunnels === undefined || staticTunnels === 'all' ? [] : [staticTunnels];
  return [...new Set([...options.localVirtualIps, ...forStatic, ...known])];
}

/** The gateway gives the workload its first IPv4 address; undefined: it has none. */
export function dhcpServerOf(
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

export function segmentOf(
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

export function underlayIpOf(uplink: PortDescription, options: GatewayOptions): IpAddress {
  if (options.localPip !== undefined) return options.localPip;
  const ip = options.outerFamily === 4 ? uplink.ipv4 : uplink.ipv6;
  if (ip === undefined) {
    throw new GatewayStartError(
      `the uplink has no IPv${options.outerFamily} address; give it one, say --local-pip, or change --outer-ip-type`,
    );
  }
  return parseIp(ip);
}

/** Throws GatewayStartError with all that the device lacks for what the options ask for. */
export function checkDevice(
  device: DeviceDescription,
  { pspVersion, extensionRequired }: GatewayOptions,
  pipeline: PipelineOptions,
): void {
  const problems: string[] = [];
  const tooSmall = underlayMtuProblem(pipeline);
  if (tooSmall !== undefined) problems.push(`the uplink: ${tooSmall}`);
  if (isGmac(pspVersion) && device.gmac !== true) {
    problems.push(
      `--psp-version=${pspVersion}: the device has no ${algorithmName(pspVersion)}; say --psp-version=1`,
    );
  }
  if (extensionRequired !== undefined && device.limits.pspWords !== true) {
    problems.push('--psp-ext-required: the device does not look at words of the PSP header; leave it out');
  }
  if (problems.length > 0) throw new GatewayStartError(problems.join('; '));
}

/** Whether a peer's parameters fit the pipeline that was built at start-up. */
export function checkFit(parameters: TunnelParameters, options: GatewayOptions, field: string): void {
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
