/**
 * The messages of ICMPv6 that belong to one segment, to the letter: neighbor discovery (RFC 4861, sections 4, 6.1, 7.1 and
 * 8.1) and multicast listener discovery (RFC 2710, RFC 3810), as far as neighbor discovery needs it. This is what both have in
 * common; neighbor-discovery.ts and multicast-listener.ts read the rest.
 */
import { type Ipv6Address, ipFromOctets, type MacAddress, macFromOctets, macToOctets } from './address.js';
import { ipKind, isHostAddress, isUnicastMac } from './address-kind.js';
import { onesComplementSum, pseudoHeaderSum } from './checksum.js';
import {
  ETHER_TYPE_IPV6,
  ETHERNET_DESTINATION,
  ETHERNET_HEADER_OCTETS,
  ETHERNET_SOURCE,
  writeEthernetHeader,
} from './ethernet.js';
import { setIcmpv6Checksum } from './icmpv6.js';
import { PROTOCOL_ICMPV6 } from './ipv4.js';
import {
  buildIpv6Packet,
  IPV6_DESTINATION,
  IPV6_HEADER_OCTETS,
  IPV6_HOP_LIMIT,
  IPV6_NEXT_HEADER,
  IPV6_SOURCE,
  ipv6HeaderValid,
  ipv6PayloadLength,
  NEXT_HEADER_HOP_BY_HOP,
} from './ipv6.js';
import type { SegmentFault } from './segment-message.js';

export const ALL_NODES = 'ff02::1' as Ipv6Address;
export const ALL_ROUTERS = 'ff02::2' as Ipv6Address;

/** Type, code, checksum. */
const ICMP_HEADER_OCTETS = 4;
/** A message of one link comes from it: no router has lowered this (RFC 4861), or none would pass it on (RFC 2710). */
const ND_HOP_LIMIT = 255;
const MLD_HOP_LIMIT = 1;
/** Hop-by-hop options with router alert 0 (RFC 2711) and PadN behind it; the first octet is the next header. */
const ROUTER_ALERT = [PROTOCOL_ICMPV6, 0, 5, 2, 0, 0, 1, 0] as const;

/** An ICMPv6 message of a segment whose outer layers are in order. */
export interface Icmpv6Message {
  readonly sourceMac: MacAddress;
  readonly destinationMac: MacAddress;
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
  readonly type: number;
  /** The message, from its type on. */
  readonly octets: Uint8Array;
  /** Behind hop-by-hop options with a router alert, as MLD is. */
  readonly routerAlert: boolean;
}

/** Reads Ethernet, IPv6 and the head of ICMPv6. Of the source nothing more is known than that it is no group. */
export function readIcmpv6Message(frame: Uint8Array): Icmpv6Message | SegmentFault {
  const ip = ETHERNET_HEADER_OCTETS;
  if (!ipv6HeaderValid(frame, ip, frame.length)) return 'size';
  // Never so short that Ethernet would pad it.
  if (frame.length !== ip + IPV6_HEADER_OCTETS + ipv6PayloadLength(frame, ip)) return 'padding';
  const routerAlert = frame[ip + IPV6_NEXT_HEADER] === NEXT_HEADER_HOP_BY_HOP;
  let at = ip + IPV6_HEADER_OCTETS;
  if (routerAlert) {
    if (!isRouterAlert(frame, at)) return 'header';
    at += ROUTER_ALERT.length;
  } else if (frame[ip + IPV6_NEXT_HEADER] !== PROTOCOL_ICMPV6) return 'header';
  if (frame.length - at < ICMP_HEADER_OCTETS) return 'size';
  if (frame[ip + IPV6_HOP_LIMIT] !== (routerAlert ? MLD_HOP_LIMIT : ND_HOP_LIMIT)) return 'hop-limit';
  if (frame[at + 1] !== 0) return 'code';
  const initial = pseudoHeaderSum(frame, ip, 6, PROTOCOL_ICMPV6, frame.length - at);
  if (onesComplementSum(frame, at, frame.length, initial) !== 0xffff) return 'checksum';
  const sourceMac = macFromOctets(frame, ETHERNET_SOURCE);
  const destinationMac = macFromOctets(frame, ETHERNET_DESTINATION);
  const source = ipFromOctets(frame, ip + IPV6_SOURCE, 6) as Ipv6Address;
  const destination = ipFromOctets(frame, ip + IPV6_DESTINATION, 6) as Ipv6Address;
  if (!isUnicastMac(sourceMac)) return 'addresses';
  if (ipKind(destination) === 'multicast' ? !isGroupMac(frame, ip) : !isUnicastMac(destinationMac))
    return 'addresses';
  if (ipKind(source) !== 'unspecified' && !isHostAddress(source)) return 'scope';
  if (ipKind(destination) !== 'multicast' && !isHostAddress(destination)) return 'scope';
  return {
    sourceMac,
    destinationMac,
    source,
    destination,
    type: frame[at]!,
    octets: frame.subarray(at),
    routerAlert,
  };
}

/** Options may stand in any order; there are these two, or the alert alone with two Pad1. */
function isRouterAlert(frame: Uint8Array, at: number): boolean {
  if (frame.length - at < ROUTER_ALERT.length) return false;
  const octets = [...frame.subarray(at, at + ROUTER_ALERT.length)];
  const forms = [
    ROUTER_ALERT,
    [58, 0, 1, 0, 5, 2, 0, 0],
    [58, 0, 5, 2, 0, 0, 0, 0],
    [58, 0, 0, 0, 5, 2, 0, 0],
  ];
  return forms.some((form) => form.every((octet, i) => octet === octets[i]));
}

/** RFC 2464, section 7: the MAC of a group is 33:33 and the last four octets of its address. */
function isGroupMac(frame: Uint8Array, ip: number): boolean {
  const group = ip + IPV6_DESTINATION + 12;
  if (frame[0] !== 0x33 || frame[1] !== 0x33) return false;
  for (let i = 0; i < 4; i++) if (frame[2 + i] !== frame[group + i]) return false;
  return true;
}

/** A frame with `octets`, a message whose checksum is not there yet, between the same addresses as `like`. */
export function rebuildIcmpv6(like: Icmpv6Message, octets: Uint8Array): Uint8Array {
  const options = like.routerAlert ? ROUTER_ALERT.length : 0;
  const payload = new Uint8Array(options + octets.length);
  if (like.routerAlert) payload.set(ROUTER_ALERT);
  payload.set(octets, options);
  const packet = buildIpv6Packet({
    source: like.source,
    destination: like.destination,
    nextHeader: like.routerAlert ? NEXT_HEADER_HOP_BY_HOP : PROTOCOL_ICMPV6,
    hopLimit: like.routerAlert ? MLD_HOP_LIMIT : ND_HOP_LIMIT,
    payload,
  });
  setIcmpv6Checksum(packet, 0, IPV6_HEADER_OCTETS + options, packet.length);
  const frame = new Uint8Array(ETHERNET_HEADER_OCTETS + packet.length);
  writeEthernetHeader(frame, macToOctets(like.destinationMac), macToOctets(like.sourceMac), ETHER_TYPE_IPV6);
  frame.set(packet, ETHERNET_HEADER_OCTETS);
  return frame;
}
