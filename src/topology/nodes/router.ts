/**
 * A router for IPv4 and IPv6: longest match is exact match here, since every destination is a gateway's address.
 * Among next hops of equal cost it chooses by addresses, protocol and UDP or TCP ports (RFC 2992), so that the entropy in PSP's
 * UDP source port spreads flows. Answers nobody and sends no ICMP: underlay routers of a topology are dumb.
 */
import { FNV1A_START, fnv1a, fnv1aStep } from '../../base/fnv1a.js';
import type { SimPort } from '../../hal-sim/port.js';
import { type IpAddress, ipFromOctets, type MacAddress, macToOctets } from '../../packet/address.js';
import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_DESTINATION,
  ETHERNET_HEADER_OCTETS,
  ETHERNET_SOURCE,
  etherType,
} from '../../packet/ethernet.js';
import {
  IPV4_CHECKSUM,
  IPV4_DESTINATION,
  IPV4_SOURCE,
  IPV4_TTL,
  ipv4ChecksumOk,
  ipv4HeaderLength,
  ipv4HeaderValid,
  ipv4IsFragment,
  ipv4Protocol,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../../packet/ipv4.js';
import {
  IPV6_DESTINATION,
  IPV6_HEADER_OCTETS,
  IPV6_HOP_LIMIT,
  IPV6_NEXT_HEADER,
  IPV6_SOURCE,
  ipv6HeaderValid,
} from '../../packet/ipv6.js';

export interface RouterPort {
  readonly name: string;
  readonly mac: MacAddress;
  readonly port: SimPort;
}

/** One of the next hops of equal cost to a destination. */
export interface NextHop {
  /** Index of the router's port. */
  readonly port: number;
  /** MAC of the next node. */
  readonly nextMac: Uint8Array;
}

export interface RouterCounters {
  forwarded: number;
  /** Not IP, damaged, or for another MAC. */
  ignored: number;
  noRoute: number;
  hopLimit: number;
  /** Larger than the MTU of the port that they had to leave by. */
  tooBig: number;
}

export class Router {
  readonly counters: RouterCounters = { forwarded: 0, ignored: 0, noRoute: 0, hopLimit: 0, tooBig: 0 };
  /** Packets that left by each port, under the port's name; shows how ECMP spreads. */
  readonly sent: Record<string, number> = {};
  readonly #ports: readonly RouterPort[];
  readonly #macs: readonly Uint8Array[];
  #routes: ReadonlyMap<IpAddress, readonly NextHop[]> = new Map();

  /** @param salt makes routers of one topology choose independently of each other. */
  constructor(
    ports: readonly RouterPort[],
    private readonly salt: number,
  ) {
    this.#ports = ports;
    this.#macs = ports.map(({ mac }) => macToOctets(mac));
    for (const [index, { name, port }] of ports.entries()) {
      this.sent[name] = 0;
      void port.start((frames) => {
        for (const frame of frames) this.#forward(index, frame);
      });
    }
  }

  /** Replaces all routes. */
  setRoutes(routes: ReadonlyMap<IpAddress, readonly NextHop[]>): void {
    this.#routes = routes;
  }

  #forward(from: number, frame: Uint8Array): void {
    const { counters } = this;
    const at = ETHERNET_HEADER_OCTETS;
    const family = this.#familyOf(from, frame);
    if (family === undefined) {
      counters.ignored++;
      return;
    }
    const hops = this.#routes.get(
      ipFromOctets(frame, at + (family === 4 ? IPV4_DESTINATION : IPV6_DESTINATION), family),
    );
    if (hops === undefined || hops.length === 0) {
      counters.noRoute++;
      return;
    }
    const hopLimitAt = at + (family === 4 ? IPV4_TTL : IPV6_HOP_LIMIT);
    if (frame[hopLimitAt]! <= 1) {
      counters.hopLimit++;
      return;
    }
    const { port, nextMac } = hops[hops.length === 1 ? 0 : flowHash(frame, family, this.salt) % hops.length]!;
    const out = this.#ports[port]!;
    if (frame.length > out.port.mtuOctets + ETHERNET_HEADER_OCTETS) {
      counters.tooBig++;
      return;
    }
    frame[hopLimitAt]!--;
    if (family === 4) addToChecksum(frame, at + IPV4_CHECKSUM);
    frame.set(nextMac, ETHERNET_DESTINATION);
    frame.set(this.#macs[port]!, ETHERNET_SOURCE);
    counters.forwarded++;
    this.sent[out.name]!++;
    out.port.send([frame]);
  }

  /** The IP version of a sound packet for this port's MAC. */
  #familyOf(port: number, frame: Uint8Array): 4 | 6 | undefined {
    if (!this.#macs[port]!.every((octet, i) => frame[i] === octet)) return undefined;
    const at = ETHERNET_HEADER_OCTETS;
    const type = etherType(frame);
    if (type === ETHER_TYPE_IPV4)
      return ipv4HeaderValid(frame, at, frame.length) && ipv4ChecksumOk(frame, at) ? 4 : undefined;
    return type === ETHER_TYPE_IPV6 && ipv6HeaderValid(frame, at, frame.length) ? 6 : undefined;
  }
}

/**
 * For a TTL that went down by one: the high octet of a word of the header. Never 0xffff, which no sum over a header
 * gives (RFC 1624, section 3).
 */
function addToChecksum(frame: Uint8Array, at: number): void {
  const sum = ((frame[at]! << 8) | frame[at + 1]!) + 0x100;
  const folded = sum < 0xffff ? sum : sum - 0xffff;
  frame[at] = folded >>> 8;
  frame[at + 1] = folded;
}

/** 32 bits out of addresses, protocol and ports; fragments have no ports. */
function flowHash(frame: Uint8Array, family: 4 | 6, salt: number): number {
  const at = ETHERNET_HEADER_OCTETS;
  const protocol = family === 4 ? ipv4Protocol(frame, at) : frame[at + IPV6_NEXT_HEADER]!;
  let hash = fnv1aStep(FNV1A_START ^ salt, protocol);
  const from = at + (family === 4 ? IPV4_SOURCE : IPV6_SOURCE);
  hash = fnv1a(frame, from, from + (family === 4 ? 8 : 32), hash);
  const ports = at + (family === 4 ? ipv4HeaderLength(frame, at) : IPV6_HEADER_OCTETS);
  const hasPorts = protocol === PROTOCOL_UDP || protocol === PROTOCOL_TCP;
  if (hasPorts && ports + 4 <= frame.length && !(family === 4 && ipv4IsFragment(frame, at))) {
    hash = fnv1a(frame, ports, ports + 4, hash);
  }
  // The low bits of the plain hash follow the last octets too closely.
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return (hash ^ (hash >>> 15)) >>> 0;
}
