/**
 * A workload in this process: a host with addresses behind a VF, small but real. It resolves its neighbors, answers
 * those that ask for it, and pings. Everybody is on its link, since the gateway answers for any address.
 */
import { onAbort } from '../../base/abort.js';
import type { Clock } from '../../base/clock.js';
import {
  type IpAddress,
  type Ipv4Address,
  type Ipv6Address,
  ipFamily,
  ipFromOctets,
  type MacAddress,
  macFromOctets,
} from '../../packet/address.js';
import { ARP_REPLY, ARP_REQUEST, buildArp, parseArp } from '../../packet/arp.js';
import { onesComplementSum, pseudoHeaderSum } from '../../packet/checksum.js';
import {
  ETHER_TYPE_ARP,
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  ETHERNET_SOURCE,
  etherType,
} from '../../packet/ethernet.js';
import {
  buildIcmpEcho,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_OCTETS,
  icmpEcho,
} from '../../packet/icmp.js';
import {
  buildIcmpv6Echo,
  buildNeighborAdvertisement,
  ICMPV6_ECHO_REPLY,
  ICMPV6_ECHO_REQUEST,
  ICMPV6_NEIGHBOR_ADVERTISEMENT,
  ICMPV6_NEIGHBOR_SOLICITATION,
  icmpv6Packet,
  parseNeighborMessage,
  UNSPECIFIED_IPV6,
} from '../../packet/icmpv6.js';
import {
  buildIpv4Packet,
  IPV4_DESTINATION,
  IPV4_SOURCE,
  ipv4ChecksumOk,
  ipv4HeaderLength,
  ipv4HeaderValid,
  ipv4IsFragment,
  ipv4Protocol,
  ipv4TotalLength,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
} from '../../packet/ipv4.js';
import {
  findIpv6UpperLayer,
  IPV6_DESTINATION,
  IPV6_HEADER_OCTETS,
  IPV6_SOURCE,
  ipv6HeaderValid,
  ipv6PayloadLength,
} from '../../packet/ipv6.js';
import type { SimPort } from '../port.js';
import { Neighbors } from './neighbors.js';

/** What a host is made of. */
export interface VirtualHostOptions {
  readonly clock: Clock;
  readonly mac: MacAddress;
  readonly addresses: readonly IpAddress[];
  readonly mtuOctets?: number;
}

/** How a host pings. */
export interface PingOptions {
  readonly count: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Absent: the host's first address of the destination's family. */
  readonly source?: IpAddress;
  /** Octets of data in each request. */
  readonly sizeOctets?: number;
  /** The data itself, where it is not to be a count of octets. */
  readonly dataOf?: (sequence: number) => Uint8Array;
  /** A request was sent. */
  readonly onSent?: (sequence: number) => void;
  /** It was answered. */
  readonly onReply?: (sequence: number, rttMs: number) => void;
  /** No answer came in time. */
  readonly onLost?: (sequence: number) => void;
  /** Ends it: what is not answered by then is neither lost nor waited for. */
  readonly signal?: AbortSignal;
}

/** What came of a series of pings. */
export interface PingResult {
  readonly sent: number;
  readonly received: number;
  readonly rttMs: readonly number[];
}

/** A host in this process, behind a port. */
export interface VirtualHost {
  /** The port that the device gets as its VF. */
  readonly port: SimPort;
  /** Pings from the host's address of that family. Throws HostError when it has none. */
  ping(destination: IpAddress, options: PingOptions): Promise<PingResult>;
  /** Sends an IP packet from one of the host's addresses, once the MAC of its destination is known. */
  send(packet: Uint8Array, source: IpAddress, destination: IpAddress): void;
  /** Sends a frame as it is. */
  inject(frames: readonly Uint8Array[]): void;
  /** Sees every frame that the host receives. */
  onFrame(observer: (frame: Uint8Array) => void): void;
  /** Replaces the host's addresses. */
  setAddresses(addresses: readonly IpAddress[]): void;
}

/** The host cannot do what it was asked. */
export class HostError extends Error {
  override readonly name = 'HostError';
}

const MTU_DEFAULT_OCTETS = 9000;
const HOP_LIMIT = 64;
/** The sum over octets that include their own right checksum. */
const CHECKSUM_OK = 0xffff;

/** A host in this process: it answers ARP, neighbor discovery and pings, and pings others. */
export function createVirtualHost(options: VirtualHostOptions): VirtualHost {
  const host = new Host(options);
  return {
    port: host.port,
    ping: (destination, pingOptions) => host.ping(destination, pingOptions),
    send: (packet, source, destination) => host.send(packet, source, destination),
    setAddresses: (addresses) => {
      host.addresses = addresses;
    },
    inject: (frames) => host.transmit(frames),
    onFrame: (observer) => host.observers.push(observer),
  };
}

class Host {
  readonly port: SimPort;
  readonly observers: ((frame: Uint8Array) => void)[] = [];
  readonly #neighbors: Neighbors;
  readonly #echoes = new Map<number, (sequence: number) => void>();
  #deliver: ((frames: readonly Uint8Array[]) => void) | undefined;
  #outgoing: Uint8Array[] = [];
  #nextIdentifier = 1;
  addresses: readonly IpAddress[];

  constructor(private readonly options: VirtualHostOptions) {
    this.addresses = options.addresses;
    this.#neighbors = new Neighbors(options.clock, options.mac, (frames) => this.transmit(frames));
    this.port = {
      name: `host ${options.addresses.join(', ')}`,
      mtuOctets: options.mtuOctets ?? MTU_DEFAULT_OCTETS,
      send: (frames) => {
        const copies = [...frames];
        options.clock.setTimer(() => {
          for (const frame of copies) this.#receive(frame);
        }, 0);
      },
      start: async (receive) => {
        this.#deliver = receive;
      },
      close: async () => {
        this.#deliver = undefined;
        this.#neighbors.clear();
      },
    };
  }

  /** Frames go to the device in their own turn, together. */
  transmit(frames: readonly Uint8Array[]): void {
    const first = this.#outgoing.length === 0;
    this.#outgoing.push(...frames);
    if (!first) return;
    this.options.clock.setTimer(() => {
      const batch = this.#outgoing;
      this.#outgoing = [];
      if (batch.length > 0) this.#deliver?.(batch);
    }, 0);
  }

  async ping(destination: IpAddress, options: PingOptions): Promise<PingResult> {
    const family = ipFamily(destination);
    const source = options.source ?? this.addresses.find((address) => ipFamily(address) === family);
    if (source === undefined)
      throw new HostError(`the workload has no IPv${family} address to ping ${destination} from`);
    const { clock } = this.options;
    const { signal } = options;
    const identifier = this.#nextIdentifier++ & 0xffff;
    const rttMs: number[] = [];
    const waiting = new Map<number, { sentMs: number; finish: (answered: boolean) => void }>();
    this.#echoes.set(identifier, (sequence) => waiting.get(sequence)?.finish(true));
    let endPause: (() => void) | undefined;
    const interrupt = () => {
      for (const { finish } of [...waiting.values()]) finish(false);
      endPause?.();
    };
    const release = signal?.aborted === false ? onAbort(signal, interrupt) : undefined;
    const count = new Uint8Array(options.sizeOctets ?? 56).map((_, i) => i);
    const sendOne = (sequence: number): Promise<void> =>
      new Promise((resolve) => {
        const timer = clock.setTimer(() => waiting.get(sequence)?.finish(false), options.timeoutMs);
        const sentMs = clock.nowMs();
        waiting.set(sequence, {
          sentMs,
          finish: (answered) => {
            waiting.delete(sequence);
            timer.cancel();
            const rtt = clock.nowMs() - sentMs;
            if (answered) {
              rttMs.push(rtt);
              options.onReply?.(sequence, rtt);
            } else if (signal?.aborted !== true) options.onLost?.(sequence);
            resolve();
          },
        });
        options.onSent?.(sequence);
        const data = options.dataOf?.(sequence) ?? count;
        this.#neighbors.send(
          echoPacket(source, destination, true, identifier, sequence, data),
          source,
          destination,
        );
      });
    const pause = () =>
      new Promise<void>((resolve) => {
        const timer = clock.setTimer(resolve, options.intervalMs);
        endPause = () => {
          timer.cancel();
          resolve();
        };
      });
    const all: Promise<void>[] = [];
    for (let sequence = 1; sequence <= options.count && signal?.aborted !== true; sequence++) {
      all.push(sendOne(sequence));
      if (sequence < options.count) await pause();
    }
    await Promise.all(all);
    release?.();
    this.#echoes.delete(identifier);
    return { sent: all.length, received: rttMs.length, rttMs };
  }

  send(packet: Uint8Array, source: IpAddress, destination: IpAddress): void {
    this.#neighbors.send(packet, source, destination);
  }

  #isOwn(ip: IpAddress): boolean {
    return this.addresses.includes(ip);
  }

  #receive(frame: Uint8Array): void {
    for (const observe of this.observers) observe(frame);
    switch (etherType(frame)) {
      case ETHER_TYPE_ARP:
        this.#receiveArp(frame);
        break;
      case ETHER_TYPE_IPV4:
        this.#receiveIpv4(frame);
        break;
      case ETHER_TYPE_IPV6:
        this.#receiveIpv6(frame);
        break;
    }
  }

  #receiveArp(frame: Uint8Array): void {
    const arp = parseArp(frame);
    if (arp === undefined) return;
    if (arp.operation === ARP_REPLY) this.#neighbors.learn(arp.senderIp, arp.senderMac);
    else if (arp.operation === ARP_REQUEST && this.#isOwn(arp.targetIp)) {
      this.transmit([
        buildArp({
          operation: ARP_REPLY,
          senderMac: this.options.mac,
          senderIp: arp.targetIp,
          targetMac: arp.senderMac,
          targetIp: arp.senderIp,
        }),
      ]);
    }
  }

  #receiveIpv4(frame: Uint8Array): void {
    const ip = ETHERNET_HEADER_OCTETS;
    if (!ipv4HeaderValid(frame, ip, frame.length) || ipv4IsFragment(frame, ip)) return;
    if (ipv4Protocol(frame, ip) !== PROTOCOL_ICMP) return;
    const at = ip + ipv4HeaderLength(frame, ip);
    const end = ip + ipv4TotalLength(frame, ip);
    const source = ipFromOctets(frame, ip + IPV4_SOURCE, 4);
    const destination = ipFromOctets(frame, ip + IPV4_DESTINATION, 4);
    if (!ipv4ChecksumOk(frame, ip) || onesComplementSum(frame, at, end) !== CHECKSUM_OK) return;
    this.#receiveEcho(frame, at, end, source, destination, ICMP_ECHO_REQUEST, ICMP_ECHO_REPLY);
  }

  #receiveIpv6(frame: Uint8Array): void {
    const ip = ETHERNET_HEADER_OCTETS;
    if (!ipv6HeaderValid(frame, ip, frame.length)) return;
    const advertisement = parseNeighborMessage(frame, ICMPV6_NEIGHBOR_ADVERTISEMENT);
    if (advertisement?.linkLayer !== undefined)
      this.#neighbors.learn(advertisement.target, advertisement.linkLayer);
    const solicitation = parseNeighborMessage(frame, ICMPV6_NEIGHBOR_SOLICITATION);
    if (
      solicitation !== undefined &&
      solicitation.source !== UNSPECIFIED_IPV6 &&
      this.#isOwn(solicitation.target)
    ) {
      const to = solicitation.linkLayer ?? macFromOctets(frame, ETHERNET_SOURCE);
      this.transmit([
        buildNeighborAdvertisement(solicitation.target, solicitation.source, to, this.options.mac),
      ]);
    }
    const end = ip + IPV6_HEADER_OCTETS + ipv6PayloadLength(frame, ip);
    const upper = findIpv6UpperLayer(frame, ip, end);
    if (upper?.protocol !== PROTOCOL_ICMPV6 || upper.isFragment) return;
    const source = ipFromOctets(frame, ip + IPV6_SOURCE, 6);
    const destination = ipFromOctets(frame, ip + IPV6_DESTINATION, 6);
    const initial = pseudoHeaderSum(frame, ip, 6, PROTOCOL_ICMPV6, end - upper.offset);
    if (onesComplementSum(frame, upper.offset, end, initial) !== CHECKSUM_OK) return;
    this.#receiveEcho(frame, upper.offset, end, source, destination, ICMPV6_ECHO_REQUEST, ICMPV6_ECHO_REPLY);
  }

  #receiveEcho(
    frame: Uint8Array,
    at: number,
    end: number,
    source: IpAddress,
    destination: IpAddress,
    request: number,
    reply: number,
  ): void {
    if (end - at < ICMP_HEADER_OCTETS || !this.#isOwn(destination)) return;
    const echo = icmpEcho(frame, at);
    if (echo === undefined) return;
    const { identifier, sequence } = echo;
    if (frame[at] === reply) this.#echoes.get(identifier)?.(sequence);
    if (frame[at] !== request) return;
    const data = frame.slice(at + ICMP_HEADER_OCTETS, end);
    this.#neighbors.send(
      echoPacket(destination, source, false, identifier, sequence, data),
      destination,
      source,
    );
  }
}

/** A whole IP packet. */
export function echoPacket(
  source: IpAddress,
  destination: IpAddress,
  request: boolean,
  identifier: number,
  sequence: number,
  data: Uint8Array,
): Uint8Array {
  if (ipFamily(source) === 4) {
    return buildIpv4Packet({
      source: source as Ipv4Address,
      destination: destination as Ipv4Address,
      protocol: PROTOCOL_ICMP,
      ttl: HOP_LIMIT,
      dontFragment: true,
      payload: buildIcmpEcho(request ? ICMP_ECHO_REQUEST : ICMP_ECHO_REPLY, identifier, sequence, data),
    });
  }
  const message = buildIcmpv6Echo(
    request ? ICMPV6_ECHO_REQUEST : ICMPV6_ECHO_REPLY,
    identifier,
    sequence,
    data,
  );
  return icmpv6Packet(source as Ipv6Address, destination as Ipv6Address, message);
}
