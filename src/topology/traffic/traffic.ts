/** Starts the flows of a scenario between workloads, and finds the flow of every packet that a workload receives. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type Clock, sleep } from '../../base/clock.js';
import {
  type IpAddress,
  type IpFamily,
  type Ipv4Address,
  type Ipv6Address,
  ipFamily,
} from '../../packet/address.js';
import { ETHERNET_HEADER_OCTETS } from '../../packet/ethernet.js';
import {
  buildIpv4Packet,
  ipv4HeaderLength,
  ipv4Protocol,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../../packet/ipv4.js';
import { buildIpv6Packet, IPV6_HEADER_OCTETS, IPV6_NEXT_HEADER } from '../../packet/ipv6.js';
import { setTcpChecksum, tcpChecksumOk } from '../../packet/tcp.js';
import { buildUdp, setUdpChecksum, UDP_HEADER_OCTETS, udpChecksumOk } from '../../packet/udp.js';
import { locateIpPacket } from '../../psp/encapsulate.js';
import type {
  FloodPlan,
  PingPlan,
  ReplayPlan,
  TrafficPlan,
  TransferPlan,
  UdpPlan,
  WorkloadPlan,
} from '../model.js';
import type { GatewayNode } from '../nodes/gateway-node.js';
import { pace } from '../pace.js';
import { addressOf } from '../packets.js';
import { Flow } from './flow.js';
import { CutPackets } from './fragments.js';
import { buildPayload, readPayload } from './payload.js';
import type { Replay } from './replay.js';
import { Transfer } from './transfer.js';

const HOP_LIMIT = 64;
const FLOW_PORT = 5201;
const SOURCE_PORT_FIRST = 10_000;
const SOURCE_PORTS = 50_000;
/** Fits every underlay that a topology may have. */
const SEGMENT_OCTETS = 1_120;
/** Nobody's: RFC 2544 and RFC 5180 keep these for benchmarks. */
const FLOOD_IPV4 = '198.18.0.';
const FLOOD_IPV6 = '2001:2::';
const FLOOD_DESTINATIONS = 250;
const FLOOD_PAYLOAD_OCTETS = 64;

/** A packet of a flow. */
interface Sent {
  readonly flow: Flow;
  readonly sequence: number;
}

export interface TrafficDeps {
  readonly clock: Clock;
  /** Gateway and plan of a workload. */
  readonly workload: (name: string) => { readonly node: GatewayNode; readonly plan: WorkloadPlan };
  /** The frames of replay flows, by flow. */
  readonly replays: ReadonlyMap<string, Replay>;
}

export class Traffic {
  readonly flows: readonly Flow[];
  readonly #transfers = new Map<string, Transfer>();
  /** Frames of replays that are on their way, by hash. */
  readonly #replayed = new Map<string, Sent[]>();
  /** Those of them that may arrive as fragments. */
  readonly #cut = new CutPackets<Sent>();

  constructor(
    plans: readonly TrafficPlan[],
    private readonly deps: TrafficDeps,
  ) {
    this.flows = plans.map((plan, number) => new Flow(plan, number, deps.replays.get(plan.name)));
  }

  /** Looks at what the node's workloads receive. */
  attach(node: GatewayNode): void {
    node.host.onFrame((frame) => this.#received(node, frame));
  }

  /** Starts every flow at its time; resolves when all have ended. */
  async run(): Promise<void> {
    await Promise.all(
      this.flows.map(async (flow) => {
        await sleep(this.deps.clock, flow.plan.startMs);
        await this.#start(flow);
        flow.ended = true;
      }),
    );
  }

  #start(flow: Flow): Promise<void> {
    const { plan } = flow;
    switch (plan.type) {
      case 'ping':
        return this.#ping(flow, plan);
      case 'udp':
        return this.#udp(flow, plan);
      case 'transfer':
        return this.#transfer(flow, plan);
      case 'replay':
        return this.#replay(flow, plan);
      case 'flood':
      case 'sweep':
        return this.#flood(flow, plan);
    }
  }

  async #ping(flow: Flow, plan: PingPlan): Promise<void> {
    const { clock } = this.deps;
    const [source, destination] = this.#addresses(plan);
    await this.deps.workload(plan.from).node.host.ping(destination, {
      ...plan,
      source,
      dataOf: (sequence) => buildPayload(flow.number, sequence - 1, plan.sizeOctets),
      onSent: () => flow.send(clock.nowMs()),
      onReply: (sequence) => flow.arrive(sequence - 1, clock.nowMs()),
    });
  }

  async #udp(flow: Flow, plan: UdpPlan): Promise<void> {
    const [source, destination] = this.#addresses(plan);
    const { host } = this.deps.workload(plan.from).node;
    await pace(this.deps.clock, plan.packetsPerSecond, plan.durationMs, () => {
      const sequence = flow.send(this.deps.clock.nowMs());
      const payload = buildPayload(flow.number, sequence, plan.sizeOctets);
      const packet = datagram(source, destination, sourcePortOf(flow), payload, plan.port);
      host.send(packet, source, destination);
    });
  }

  async #flood(flow: Flow, plan: FloodPlan): Promise<void> {
    const { node, plan: workload } = this.deps.workload(plan.from);
    const source = workload.addresses[0]!;
    const destinations =
      plan.type === 'flood' ? nobodys(ipFamily(source)) : addressesOfPeers(node, ipFamily(source));
    if (destinations.length === 0) return;
    await pace(this.deps.clock, plan.packetsPerSecond, plan.durationMs, () => {
      const sequence = flow.send(this.deps.clock.nowMs());
      const destination = destinations[sequence % destinations.length]!;
      const payload = buildPayload(flow.number, sequence, FLOOD_PAYLOAD_OCTETS);
      node.host.send(datagram(source, destination, sourcePortOf(flow), payload), source, destination);
    });
  }

  #transfer(flow: Flow, plan: TransferPlan): Promise<void> {
    const [from, to] = this.#addresses(plan);
    const ports = { from: sourcePortOf(flow), to: FLOW_PORT };
    const fromHost = this.deps.workload(plan.from).node.host;
    const toHost = this.deps.workload(plan.to).node.host;
    const transfer = new Transfer({
      clock: this.deps.clock,
      flow,
      sizeOctets: plan.sizeOctets,
      segmentOctets: SEGMENT_OCTETS,
      ports,
      sendData: (segment) => fromHost.send(tcpPacket(from, to, segment), from, to),
      sendAck: (segment) => toHost.send(tcpPacket(to, from, segment), to, from),
    });
    this.#transfers.set(transferKey(from, to, ports.from), transfer);
    return transfer.run();
  }

  async #replay(flow: Flow, plan: ReplayPlan): Promise<void> {
    const { clock, replays } = this.deps;
    const { host } = this.deps.workload(plan.from).node;
    const startMs = clock.nowMs();
    for (const { atMs, frame } of replays.get(plan.name)?.frames ?? []) {
      await sleep(clock, startMs + atMs - clock.nowMs());
      const packet = { flow, sequence: flow.send(clock.nowMs()) };
      const key = packetKey(frame);
      const sent = this.#replayed.get(key);
      if (sent === undefined) this.#replayed.set(key, [packet]);
      else sent.push(packet);
      this.#cut.sent(frame, packet);
      host.inject([frame.slice()]);
    }
  }

  /** Source and destination of a flow's packets. */
  #addresses({ from, to, family }: PingPlan | UdpPlan | TransferPlan): readonly [IpAddress, IpAddress] {
    const address = (name: string) =>
      this.deps.workload(name).plan.addresses.find((ip) => ipFamily(ip) === family)!;
    return [address(from), address(to)];
  }

  #received(node: GatewayNode, frame: Uint8Array): void {
    const place = locateIpPacket(frame);
    if (place === undefined) return;
    const { family, end } = place;
    const now = this.deps.clock.nowMs();
    if (this.#replayed.size > 0) {
      const replayed = this.#replayed.get(packetKey(frame));
      if (replayed !== undefined) {
        // Equal packets arrive one after the other; arrivals beyond their number count twice for the last.
        while (replayed.length > 1 && replayed[0]!.flow.hasArrived(replayed[0]!.sequence)) replayed.shift();
        const { flow, sequence } = replayed[0]!;
        flow.arrive(sequence, now);
        return;
      }
      const whole = this.#cut.arrived(frame);
      if (whole !== undefined) {
        whole.flow.arrive(whole.sequence, now);
        return;
      }
    }
    const destination = addressOf(frame, family, 'destination');
    // A host takes only what is for one of its addresses, which may be gone.
    if (!node.addresses.includes(destination)) return;
    const ip = ETHERNET_HEADER_OCTETS;
    const protocol = family === 4 ? ipv4Protocol(frame, ip) : frame[ip + IPV6_NEXT_HEADER]!;
    const at = ip + (family === 4 ? ipv4HeaderLength(frame, ip) : IPV6_HEADER_OCTETS);
    if (protocol === PROTOCOL_UDP) {
      if (!udpChecksumOk(frame, ip, family, at)) return;
      const payload = readPayload(frame, at + UDP_HEADER_OCTETS, end);
      if (payload === undefined) return;
      this.flows[payload.flow]?.arrive(payload.sequence, now);
    } else if (protocol === PROTOCOL_TCP && tcpChecksumOk(frame, ip, family, at, end)) {
      const source = addressOf(frame, family, 'source');
      const view = new DataView(frame.buffer, frame.byteOffset + at, 4);
      const [sourcePort, destinationPort] = [view.getUint16(0), view.getUint16(2)];
      if (destinationPort === FLOW_PORT)
        this.#transfers.get(transferKey(source, destination, sourcePort))?.onData(frame, at, end);
      else this.#transfers.get(transferKey(destination, source, destinationPort))?.onAck(frame, at, end);
    }
  }
}

const sourcePortOf = (flow: Flow) => SOURCE_PORT_FIRST + (flow.number % SOURCE_PORTS);

const transferKey = (from: IpAddress, to: IpAddress, port: number) => `${from} ${to} ${port}`;

/** An IP packet by its content, without what hops change (TTL, IPv4 checksum). */
function packetKey(frame: Uint8Array): string {
  const ip = ETHERNET_HEADER_OCTETS;
  const copy = frame.slice(ip, locateIpPacket(frame)?.end ?? frame.length);
  if (copy[0]! >>> 4 === 4) copy.fill(0, 8, 9).fill(0, 10, 12);
  else copy.fill(0, 7, 8);
  return bytesToHex(sha256(copy));
}

function datagram(
  source: IpAddress,
  destination: IpAddress,
  sourcePort: number,
  payload: Uint8Array,
  port = FLOW_PORT,
): Uint8Array {
  const family = ipFamily(source);
  const packet = ipPacket(source, destination, PROTOCOL_UDP, buildUdp(sourcePort, port, payload));
  setUdpChecksum(packet, 0, family, packet.length - payload.length - UDP_HEADER_OCTETS);
  return packet;
}

function tcpPacket(source: IpAddress, destination: IpAddress, segment: Uint8Array): Uint8Array {
  const packet = ipPacket(source, destination, PROTOCOL_TCP, segment);
  setTcpChecksum(packet, 0, ipFamily(source), packet.length - segment.length, packet.length);
  return packet;
}

function ipPacket(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  payload: Uint8Array,
): Uint8Array {
  const family: IpFamily = ipFamily(source);
  return family === 4
    ? buildIpv4Packet({
        source: source as Ipv4Address,
        destination: destination as Ipv4Address,
        protocol,
        ttl: HOP_LIMIT,
        dontFragment: true,
        payload,
      })
    : buildIpv6Packet({
        source: source as Ipv6Address,
        destination: destination as Ipv6Address,
        nextHeader: protocol,
        hopLimit: HOP_LIMIT,
        payload,
      });
}

function nobodys(family: IpFamily): IpAddress[] {
  const prefix = family === 4 ? FLOOD_IPV4 : FLOOD_IPV6;
  return Array.from({ length: FLOOD_DESTINATIONS }, (_, i) => `${prefix}${i + 1}` as IpAddress);
}

function addressesOfPeers({ plan }: GatewayNode, family: IpFamily): IpAddress[] {
  return plan.options.peers
    .flatMap(({ virtualIps }) => virtualIps)
    .filter((address) => ipFamily(address) === family);
}
