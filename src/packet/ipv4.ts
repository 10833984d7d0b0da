/** IPv4 (RFC 791). */
import { type Ipv4Address, ipToOctets } from './address.js';
import { internetChecksum, onesComplementSum } from './checksum.js';

export const IPV4_HEADER_OCTETS_MIN = 20;
export const IPV4_TOTAL_LENGTH = 2;
export const IPV4_IDENTIFICATION = 4;
export const IPV4_FLAGS_FRAGMENT = 6;
export const IPV4_TTL = 8;
export const IPV4_PROTOCOL = 9;
export const IPV4_CHECKSUM = 10;
export const IPV4_SOURCE = 12;
export const IPV4_DESTINATION = 16;

export const IPV4_FLAG_DONT_FRAGMENT = 0x4000;
export const IPV4_FLAG_MORE_FRAGMENTS = 0x2000;
export const IPV4_FRAGMENT_OFFSET_MASK = 0x1fff;

/** The protocol number of ICMP. */
export const PROTOCOL_ICMP = 1;
/** The protocol number of TCP. */
export const PROTOCOL_TCP = 6;
/** The protocol number of UDP. */
export const PROTOCOL_UDP = 17;
/** The protocol number of ICMPv6. */
export const PROTOCOL_ICMPV6 = 58;

/** Octets, by the IHL field. */
export function ipv4HeaderLength(octets: Uint8Array, offset: number): number {
  return (octets[offset]! & 0x0f) * 4;
}

export function ipv4TotalLength(octets: Uint8Array, offset: number): number {
  return (octets[offset + IPV4_TOTAL_LENGTH]! << 8) | octets[offset + IPV4_TOTAL_LENGTH + 1]!;
}

export function setIpv4TotalLength(octets: Uint8Array, offset: number, lengthOctets: number): void {
  octets[offset + IPV4_TOTAL_LENGTH] = lengthOctets >>> 8;
  octets[offset + IPV4_TOTAL_LENGTH + 1] = lengthOctets;
}

export function ipv4Protocol(octets: Uint8Array, offset: number): number {
  return octets[offset + IPV4_PROTOCOL]!;
}

/** Flags and fragment offset, as one 16-bit field. */
export function ipv4FlagsFragment(octets: Uint8Array, offset: number): number {
  return (octets[offset + IPV4_FLAGS_FRAGMENT]! << 8) | octets[offset + IPV4_FLAGS_FRAGMENT + 1]!;
}

/** Whether a packet is a fragment. */
export function ipv4IsFragment(octets: Uint8Array, offset: number): boolean {
  return (ipv4FlagsFragment(octets, offset) & (IPV4_FLAG_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET_MASK)) !== 0;
}

/** Whether a whole IPv4 packet begins at `offset` and ends at or before `end`. The checksum is not checked. */
export function ipv4HeaderValid(octets: Uint8Array, offset: number, end: number): boolean {
  if (end - offset < IPV4_HEADER_OCTETS_MIN || octets[offset]! >>> 4 !== 4) return false;
  const headerOctets = ipv4HeaderLength(octets, offset);
  const totalOctets = ipv4TotalLength(octets, offset);
  return headerOctets >= IPV4_HEADER_OCTETS_MIN && totalOctets >= headerOctets && offset + totalOctets <= end;
}

export function ipv4ChecksumOk(octets: Uint8Array, offset: number): boolean {
  return onesComplementSum(octets, offset, offset + ipv4HeaderLength(octets, offset)) === 0xffff;
}

/** Computes and writes the header checksum. */
export function setIpv4Checksum(octets: Uint8Array, offset: number): void {
  octets[offset + IPV4_CHECKSUM] = 0;
  octets[offset + IPV4_CHECKSUM + 1] = 0;
  const checksum = internetChecksum(octets, offset, offset + ipv4HeaderLength(octets, offset));
  octets[offset + IPV4_CHECKSUM] = checksum >>> 8;
  octets[offset + IPV4_CHECKSUM + 1] = checksum;
}

/** An IPv4 packet without options around `payload`. */
export function buildIpv4Packet(packet: {
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
  readonly protocol: number;
  readonly ttl: number;
  readonly payload: Uint8Array;
  readonly identification?: number;
  readonly dontFragment?: boolean;
  readonly dscpEcn?: number;
}): Uint8Array {
  const octets = new Uint8Array(IPV4_HEADER_OCTETS_MIN + packet.payload.length);
  octets[0] = 0x45;
  octets[1] = packet.dscpEcn ?? 0;
  setIpv4TotalLength(octets, 0, octets.length);
  const identification = packet.identification ?? 0;
  octets[IPV4_IDENTIFICATION] = identification >>> 8;
  octets[IPV4_IDENTIFICATION + 1] = identification;
  if (packet.dontFragment === true) octets[IPV4_FLAGS_FRAGMENT] = IPV4_FLAG_DONT_FRAGMENT >>> 8;
  octets[IPV4_TTL] = packet.ttl;
  octets[IPV4_PROTOCOL] = packet.protocol;
  octets.set(ipToOctets(packet.source), IPV4_SOURCE);
  octets.set(ipToOctets(packet.destination), IPV4_DESTINATION);
  octets.set(packet.payload, IPV4_HEADER_OCTETS_MIN);
  setIpv4Checksum(octets, 0);
  return octets;
}
