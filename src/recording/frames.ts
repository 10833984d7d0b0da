/**
 * Frames as recordings have them: headers without the payload behind them, unless that is asked for, and with stand-ins for the cookies of
 * PSP headers. What a gateway answers itself, and would not understand without its content, stays whole: ARP, neighbor
 * discovery and its like, DHCP.
 */
import {
  ETHER_TYPE_ARP,
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  etherType,
} from '../packet/ethernet.js';
import { isIcmpError } from '../packet/icmp.js';
import { IP_HEADER_OCTETS } from '../packet/ip.js';
import { ipv4HeaderLength, ipv4Protocol, ipv4TotalLength } from '../packet/ipv4.js';
import { findIpv6UpperLayer } from '../packet/ipv6.js';
import { uint16At } from '../packet/uint16.js';
import {
  hasCookie,
  NEXT_HEADER_IPV4,
  NEXT_HEADER_IPV6,
  PSP_COOKIE,
  PSP_COOKIE_OCTETS,
  PSP_HEADER_OCTETS,
  PSP_ICV_OCTETS,
  PSP_NEXT_HEADER,
  PSP_UDP_PORT,
  pspHeaderLengthOctets,
} from '../psp/header.js';
import type { SecretsShown } from './stand-ins.js';
import { hexOf } from './values.js';

/** A frame in a recording. */
export interface ShownFrame {
  /** Its first octets, in hexadecimal digits. */
  readonly f: string;
  /** Octets of the whole frame; absent: so many as there are. */
  readonly l?: number;
}

const VLAN_TYPES: readonly number[] = [0x8100, 0x88a8];
const TAG_OCTETS = 4;
const PROTOCOL_ICMP = 1;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const PROTOCOL_ICMPV6 = 58;
const UDP_OCTETS = 8;
const TCP_OCTETS = 20;
const ICMP_OCTETS = 8;
const DHCP_PORTS: readonly number[] = [67, 68];
/** BOOTP's fixed fields, behind which DHCP has its cookie (RFC 2131, section 3). */
const DHCP_COOKIE_AT = 236;
const DHCP_COOKIE = 0x6382_5363;
/** ICMPv6 up to here are errors, which quote a packet. */
const ICMPV6_ERROR_MAX = 127;
/** Multicast listener and neighbor discovery (RFC 2710, RFC 4861, RFC 3810). */
const ICMPV6_OF_LINK: readonly number[] = [130, 131, 132, 133, 134, 135, 136, 137, 143];
/** An envelope within a quotation within an envelope is as deep as it gets. */
const DEPTH_MAX = 6;

/** What a look at a frame has found. */
interface Look {
  /** End of the headers. */
  end: number;
  /** Where the cookies of PSP headers are. */
  readonly cookies: number[];
  /** Checksums of messages that quote a packet, which are over octets that are left out. */
  readonly checksums: number[];
}

/** A frame as it goes into a recording. */
export function shownFrame(frame: Uint8Array, withPayload: boolean, standIns: SecretsShown): ShownFrame {
  const look: Look = { end: 0, cookies: [], checksums: [] };
  lookAtFrame(frame, look);
  const end = withPayload ? frame.length : Math.min(look.end, frame.length);
  // Not `slice`, which of a Buffer is no copy.
  const shown = new Uint8Array(frame.subarray(0, end));
  for (const at of look.cookies) if (at + PSP_COOKIE_OCTETS <= end) standIns.replaceCookie(shown, at);
  if (end === frame.length) return { f: hexOf(shown) };
  for (const at of look.checksums) if (at + 2 <= end) shown.fill(0, at, at + 2);
  return { f: hexOf(shown), l: frame.length };
}

/** Where an outer header may have its PSP header: over IPv4, over IPv6, and in transport mode behind UDP alone. */
const PSP_PLACES: readonly number[] = [
  ETHERNET_HEADER_OCTETS + IP_HEADER_OCTETS[4] + UDP_OCTETS,
  ETHERNET_HEADER_OCTETS + IP_HEADER_OCTETS[6] + UDP_OCTETS,
  UDP_OCTETS,
];

/** An outer header as a gateway gives it to its device. It ends with the PSP header; nothing stays of one that does not. */
export function shownOuterHeader(header: Uint8Array, standIns: SecretsShown): Uint8Array {
  // Not `slice`, which of a Buffer is no copy.
  const shown = new Uint8Array(header);
  const psp = PSP_PLACES.find(
    (at) =>
      at + PSP_HEADER_OCTETS <= header.length &&
      uint16At(header, at - UDP_OCTETS + 2) === PSP_UDP_PORT &&
      at + pspHeaderLengthOctets(header, at) === header.length,
  );
  if (psp === undefined) return shown.fill(0);
  if (hasCookie(header, psp) && psp + PSP_COOKIE + PSP_COOKIE_OCTETS <= header.length)
    standIns.replaceCookie(shown, psp + PSP_COOKIE);
  return shown;
}

function lookAtFrame(frame: Uint8Array, look: Look): void {
  if (frame.length < ETHERNET_HEADER_OCTETS) {
    look.end = frame.length;
    return;
  }
  let at = ETHERNET_HEADER_OCTETS;
  let type = etherType(frame);
  for (let tags = 0; tags < 2 && VLAN_TYPES.includes(type) && at + TAG_OCTETS <= frame.length; tags++) {
    type = uint16At(frame, at + 2);
    at += TAG_OCTETS;
  }
  look.end = at;
  if (type === ETHER_TYPE_ARP) look.end = frame.length;
  else if (type === ETHER_TYPE_IPV4) lookAtIp(frame, at, 4, look, DEPTH_MAX);
  else if (type === ETHER_TYPE_IPV6) lookAtIp(frame, at, 6, look, DEPTH_MAX);
}

function lookAtIp(frame: Uint8Array, at: number, family: 4 | 6, look: Look, depth: number): void {
  if (depth === 0 || at + IP_HEADER_OCTETS[family] > frame.length || frame[at]! >>> 4 !== family) return;
  if (family === 6) {
    const upper = findIpv6UpperLayer(frame, at, frame.length);
    look.end = upper?.offset ?? at + IP_HEADER_OCTETS[6];
    if (upper !== undefined && !upper.isFragment)
      lookAtUpper(frame, upper.protocol, upper.offset, look, depth);
    return;
  }
  const upper = at + ipv4HeaderLength(frame, at);
  look.end = upper;
  const isLaterFragment = (uint16At(frame, at + 6) & 0x1fff) !== 0;
  if (!isLaterFragment) lookAtUpper(frame, ipv4Protocol(frame, at), upper, look, depth);
}

function lookAtUpper(frame: Uint8Array, protocol: number, at: number, look: Look, depth: number): void {
  if (protocol === PROTOCOL_TCP && at + TCP_OCTETS <= frame.length) {
    look.end = at + Math.max(TCP_OCTETS, (frame[at + 12]! >>> 4) * 4);
  } else if (protocol === PROTOCOL_UDP && at + UDP_OCTETS <= frame.length) {
    look.end = at + UDP_OCTETS;
    if (isDhcp(frame, at)) look.end = frame.length;
    else if (uint16At(frame, at + 2) === PSP_UDP_PORT) lookAtPsp(frame, at + UDP_OCTETS, look, depth);
  } else if (
    (protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6) &&
    at + ICMP_OCTETS <= frame.length
  ) {
    look.end = at + ICMP_OCTETS;
    const type = frame[at]!;
    const isV6 = protocol === PROTOCOL_ICMPV6;
    if (isV6 && ICMPV6_OF_LINK.includes(type)) look.end = frame.length;
    else if (isV6 ? type <= ICMPV6_ERROR_MAX : isIcmpError(type)) {
      look.checksums.push(at + 2);
      lookAtIp(frame, at + ICMP_OCTETS, isV6 ? 6 : 4, look, depth - 1);
    }
  }
}

function isDhcp(frame: Uint8Array, at: number): boolean {
  const cookieAt = at + UDP_OCTETS + DHCP_COOKIE_AT;
  if (!DHCP_PORTS.includes(uint16At(frame, at + 2)) || cookieAt + 4 > frame.length) return false;
  return new DataView(frame.buffer, frame.byteOffset).getUint32(cookieAt) === DHCP_COOKIE;
}

/** Nobody knows whether the packet in an envelope is encrypted: it is looked into where its length fits the envelope's. */
function lookAtPsp(frame: Uint8Array, at: number, look: Look, depth: number): void {
  if (at + PSP_HEADER_OCTETS > frame.length) return;
  const inside = at + Math.max(PSP_HEADER_OCTETS, pspHeaderLengthOctets(frame, at));
  look.end = inside;
  if (hasCookie(frame, at)) look.cookies.push(at + PSP_COOKIE);
  const room = frame.length - PSP_ICV_OCTETS - inside;
  const next = frame[at + PSP_NEXT_HEADER];
  if (next === NEXT_HEADER_IPV4 && room >= IP_HEADER_OCTETS[4]) {
    if (ipv4TotalLength(frame, inside) === room) lookAtIp(frame, inside, 4, look, depth - 1);
  } else if (next === NEXT_HEADER_IPV6 && room >= IP_HEADER_OCTETS[6]) {
    if (uint16At(frame, inside + 4) + IP_HEADER_OCTETS[6] === room)
      lookAtIp(frame, inside, 6, look, depth - 1);
  }
}
