/**
 * Whole gateways over simulated devices, or others, on one virtual clock: workloads are ports in the test's hands, the
 * underlay is a hub of links, the control plane is in memory. Everything that crosses the underlay is kept.
 */

import type { Clock } from '../../src/base/clock.js';
import { seededRandom } from '../../src/base/random.js';
import type { VirtualClock } from '../../src/base/virtual-clock.js';
import { DOOR_LIMITS } from '../../src/gateway/doors/door-limits.js';
import type { GatewayEvent } from '../../src/gateway/events.js';
import { Gateway } from '../../src/gateway/gateway.js';
import type { LogFields, Logger, LogLevel } from '../../src/gateway/log.js';
import type { GatewayLimits, GatewayOptions, PeerOptions } from '../../src/gateway/options.js';
import type { StateStore } from '../../src/gateway/recovery/state-keeper.js';
import { MemoryNetwork } from '../../src/gateway/rpc/memory-transport.js';
import {
  type ControlTransport,
  RpcError,
  type RpcMethod,
  type ServiceAddress,
  type TlsSource,
} from '../../src/gateway/rpc/transport.js';
import type { RssReason } from '../../src/gateway/slow-path/slow-path.js';
import type { GatewayDeps } from '../../src/gateway/surroundings.js';
import type { ShowFrames } from '../../src/hal/frame-tap.js';
import type { PipeHal, PortStatus } from '../../src/hal/hal.js';
import type { SimHal, SimHalLimits } from '../../src/hal-sim/device.js';
import { type IpAddress, ipFromOctets, macFromOctets, parseIp } from '../../src/packet/address.js';
import { frameOf, type InnerPacket, WORKLOAD_MAC } from '../../src/verify/inner-packets.js';
import { type NodeDevice, type NodeDevices, SimDevices, type Workload } from './node-devices.js';

export const LIMITS: GatewayLimits = {
  rpcDeadlineMs: 1000,
  backoffMinMs: 100,
  backoffMaxMs: 2000,
  missedPacketsPerSession: 64,
  missedPacketsTotal: 1024,
  missedPacketTtlMs: 10_000,
  rekeyGraceMs: 5000,
  rotationPeriodMs: 0,
  rotationDeadlineMs: 600_000,
  rotationRequestIntervalMs: 10_000,
  tunnelsPerRequest: 100,
  requestOctetsMax: 1 << 20,
  sessionIdleS: 0,
  sessionReplacementsPerSecond: 10,
  unknownSourceRequestsPerMinute: 4,
  tunnelsPerPeerPerSecond: 100_000,
  doors: DOOR_LIMITS,
  neighborsPerSourcePerSecond: 100,
  neighborsPerSecond: 1000,
  spisPerPeerPerHour: 1_000_000,
  sampledLinesPerSecond: 10,
  capturedPacketsPerSecond: 1000,
};

export interface NodeOptions extends Partial<Omit<GatewayOptions, 'limits'>> {
  readonly limits?: Partial<GatewayLimits>;
  /** Of the device. */
  readonly keySlots?: number;
  readonly simLimits?: Partial<SimHalLimits>;
  /** Wraps what the gateway gets, to break it. */
  readonly wrapHal?: (hal: PipeHal) => PipeHal;
  /** The gateway's clock, not its device's. */
  readonly wrapClock?: (clock: Clock) => Clock;
  readonly wrapTransport?: (transport: ControlTransport) => ControlTransport;
  readonly state?: StateStore;
  readonly tlsSource?: TlsSource;
  /** Gets the lines beside the test. */
  readonly logger?: Logger;
  readonly onReceived?: (why: RssReason, frame: Uint8Array) => void;
  readonly ports?: () => readonly PortStatus[];
  /** Makes the gateway, which may start in turns of the clock. */
  readonly make?: (deps: GatewayDeps) => Gateway;
  /** Of a simulated device: shows its ports' frames to who captures them. */
  readonly showFrames?: (hal: PipeHal) => ShowFrames;
}

export interface TestNode<Hal extends PipeHal = PipeHal> {
  readonly number: number;
  readonly gateway: Gateway;
  readonly hal: Hal;
  readonly workload: Workload;
  readonly service: ServiceAddress;
  readonly events: GatewayEvent[];
  readonly logs: {
    readonly level: LogLevel;
    readonly message: string;
    readonly fields: LogFields | undefined;
  }[];
}

/** Virtual addresses of node n's workload: 192.168.1.n and fd00:0:0:1::n. */
export function vipOctets(number: number, family: 4 | 6): Uint8Array {
  return family === 4
    ? Uint8Array.from([192, 168, 1, number])
    : Uint8Array.from([0xfd, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, number]);
}

export function vip(number: number, family: 4 | 6 = 4): IpAddress {
  return ipFromOctets(vipOctets(number, family), 0, family);
}

/** A packet of node `from`'s workload for node `to`'s, told apart by `id`. */
export function packetBetween(from: number, to: number, id: number, family: 4 | 6 = 4): InnerPacket {
  const payload = new Uint8Array(64).fill(0x77);
  payload.set([0x9c, 0x40, 0x13, 0x88, 0, 64, 0, 0]);
  new DataView(payload.buffer).setUint32(12, id);
  return {
    family,
    source: vipOctets(from, family),
    destination: vipOctets(to, family),
    protocol: 17,
    payload,
    trafficClass: 0,
    ttl: 64,
  };
}

/** The ids of delivered packets that packetBetween made. */
export function idsOf(frames: readonly Uint8Array[]): number[] {
  return frames
    .filter((frame) => frame.length >= 78)
    .map((frame) => new DataView(frame.buffer, frame.byteOffset).getUint32(frame[12] === 8 ? 46 : 66));
}

const serviceOf = (number: number): ServiceAddress => ({ host: parseIp(`10.0.0.${number}`), port: 3000 });
const uplinkIp = (number: number) => ({ ipv4: `203.0.113.${number}`, ipv6: `2001:db8::${number}` });
const uplinkMac = (number: number) => macFromOctets(Uint8Array.from([2, 0, 0, 0, 1, number]));

/** A peer that does not know the RPCs of this program among themselves, as DOCA's application does not. */
export function likeDoca(transport: ControlTransport): ControlTransport {
  const unknown = () => Promise.reject(new RpcError('UNIMPLEMENTED', 'no such RPC'));
  const isOurs = (method: RpcMethod) => method === 'Announce' || method === 'Compare';
  return {
    ...transport,
    listen: (address, handler, doorkeeper) =>
      transport.listen(
        address,
        (method, ...rest) => (isOurs(method) ? unknown() : handler(method, ...rest)),
        doorkeeper,
      ),
    call: (peer, method, ...rest) => (isOurs(method) ? unknown() : transport.call(peer, method, ...rest)),
  };
}

export class GatewayNetwork<Hal extends PipeHal = PipeHal> {
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  /** Every frame that was put onto the underlay. */
  readonly wire: Uint8Array[] = [];
  /** Decides whether a frame is lost on the underlay. */
  lose: (frame: Uint8Array) => boolean = () => false;
  readonly nodes = new Map<number, TestNode<Hal>>();
  readonly #devices = new Map<string, NodeDevice<Hal>>();
  #seed: number;

  constructor(
    private readonly devices: NodeDevices<Hal>,
    seed = 1,
  ) {
    this.clock = devices.clock;
    this.network = new MemoryNetwork({ clock: this.clock });
    this.#seed = seed;
  }

  /** A started gateway that knows nodes 1 to `peers` as its peers. */
  async start(
    number: number,
    peerNumbers: readonly number[],
    options: NodeOptions = {},
  ): Promise<TestNode<Hal>> {
    const {
      limits,
      keySlots,
      simLimits,
      wrapHal,
      wrapClock,
      wrapTransport,
      state,
      tlsSource,
      logger,
      onReceived,
      ports,
      showFrames,
      make = (deps) => new Gateway(deps),
      ...rest
    } = options;
    const mac = uplinkMac(number);
    const device = await this.devices.open({
      place: {
        uplink: { mac, ...uplinkIp(number) },
        vf: {
          mac: macFromOctets(Uint8Array.from([2, 0, 0, 0, 2, number])),
          workload: { mac: macFromOctets(WORKLOAD_MAC), addresses: [vip(number, 4), vip(number, 6)] },
        },
      },
      randomSeed: this.#seed++,
      ...(keySlots === undefined ? {} : { keySlots }),
      ...(simLimits === undefined ? {} : { simLimits }),
      send: (frames) => this.#send(frames),
    });
    this.#devices.set(mac, device);
    const { hal, workload } = device;
    const service = serviceOf(number);
    const peers: PeerOptions[] = peerNumbers.map((peer) => ({
      serviceAddress: serviceOf(peer),
      virtualIps: [vip(peer, 4), vip(peer, 6)],
    }));
    const events: GatewayEvent[] = [];
    const logs: TestNode['logs'] = [];
    const transport = this.network.transport(service);
    const gateway = make({
      hal: wrapHal?.(hal) ?? hal,
      transport: wrapTransport?.(transport) ?? transport,
      clock: wrapClock?.(this.clock) ?? this.clock,
      random: seededRandom(this.#seed++),
      logger: {
        log: (level, message, fields) => {
          logs.push({ level, message, fields });
          logger?.log(level, message, fields);
        },
        enabled: () => true,
      },
      observe: (event) => events.push(event),
      ...(state === undefined ? {} : { state }),
      ...(tlsSource === undefined ? {} : { tls: tlsSource }),
      ...(onReceived === undefined ? {} : { onReceived }),
      ...(ports === undefined ? {} : { ports }),
      ...(showFrames === undefined ? {} : { showFrames: showFrames(hal) }),
      options: { ...gatewayOptions(service, peers), ...rest, limits: { ...LIMITS, ...limits } },
    });
    await (options.make === undefined
      ? gateway.start()
      : Promise.all([gateway.start(), this.clock.advance(0)]));
    const node: TestNode<Hal> = { number, gateway, hal, workload, service, events, logs };
    this.nodes.set(number, node);
    return node;
  }

  /** Stops a gateway, as a crash would: its peers are not told. */
  async stop(node: TestNode): Promise<void> {
    this.nodes.delete(node.number);
    this.#devices.delete(uplinkMac(node.number));
    await node.gateway.stop();
  }

  async stopAll(): Promise<void> {
    for (const node of this.nodes.values()) await this.stop(node);
  }

  /** Packets from one node's workload to another's, given to the first one's VF. */
  send(from: TestNode, to: number, ids: readonly number[], family: 4 | 6 = 4): void {
    from.workload.inject(ids.map((id) => frameOf(packetBetween(from.number, to, id, family))));
  }

  /** Frames that somebody on the underlay sends to a gateway. */
  arrive(at: TestNode, frames: Uint8Array[]): void {
    this.#devices.get(uplinkMac(at.number))?.arrive(frames);
  }

  run(durationMs: number): Promise<void> {
    return this.clock.advance(durationMs);
  }

  #send(frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      this.wire.push(frame.slice());
      if (this.lose(frame)) continue;
      const to = macFromOctets(frame);
      this.clock.setTimer(() => this.#devices.get(to)?.arrive([frame]), 0.05);
    }
  }
}

/** Over simulated devices. */
export class TestNetwork extends GatewayNetwork<SimHal> {
  constructor(seed = 1) {
    super(new SimDevices(), seed);
  }
}

export function gatewayOptions(service: ServiceAddress, peers: readonly PeerOptions[]): GatewayOptions {
  return {
    hal: 'sim',
    aead: 'openssl',
    pciAddress: '0000:00:00.0',
    representor: '[0]',
    localVirtualIps: [],
    coreMask: '0x3',
    serviceAddress: service,
    peers,
    cookies: false,
    ingressAcl: true,
    sampleRateLog2: 0,
    maintainOrder: false,
    sampleBeforeEncryption: false,
    sampledOctets: false,
    maxTunnels: 256,
    pspVersion: 1,
    debugKeys: false,
    statPrint: false,
    showRssRxPackets: false,
    outerFamily: 6,
    innerFamilies: [4, 6],
    mode: 'tunnel',
    confirmUnderlay: false,
    allowRouters: [],
    insecure: false,
    limits: LIMITS,
  };
}
