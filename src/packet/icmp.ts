/** ICMP for IPv4 (RFC 792): echo, and destination unreachable with the next hop's MTU (RFC 1191). */
import { internetChecksum } from './checksum.js';
import { ipv4TotalLength } from './ipv4.js';

export const ICMP_ECHO_REPLY = 0;
export const ICMP_DESTINATION_UNREACHABLE = 3;
export const ICMP_ECHO_REQUEST = 8;
export const ICMP_CODE_FRAGMENTATION_NEEDED = 4;

export const ICMP_HEADER_OCTETS = 8;
const CHECKSUM = 2;
const IDENTIFIER = 4;
const SEQUENCE = 6;
const NEXT_HOP_MTU = 6;
/** An error message quotes so much that the whole packet stays within 576 octets (RFC 1812, section 4.3.2.3). */
const ERROR_PACKET_OCTETS_MAX = 576;
const IPV4_HEADER_OCTETS = 20;

/** Types that are errors; no error is sent in answer to one (RFC 1122, section 3.2.2). */
export function isIcmpError(type: number): boolean {
  return type === 3 || type === 4 || type === 5 || type === 11 || type === 12;
}

function complete(octets: Uint8Array): Uint8Array {
  new DataView(octets.buffer).setUint16(CHECKSUM, internetChecksum(octets, 0, octets.length));
  return octets;
}

/** Echo request or reply. */
export function buildIcmpEcho(
  type: typeof ICMP_ECHO_REQUEST | typeof ICMP_ECHO_REPLY,
  identifier: number,
  sequence: number,
  data: Uint8Array,
): Uint8Array {
  const octets = new Uint8Array(ICMP_HEADER_OCTETS + data.length);
  const view = new DataView(octets.buffer);
  view.setUint8(0, type);
  view.setUint16(IDENTIFIER, identifier);
  view.setUint16(SEQUENCE, sequence);
  octets.set(data, ICMP_HEADER_OCTETS);
  return complete(octets);
}

/** "Fragmentation needed and DF set", quoting the packet at `ipOffset` of `frame`. */
export function buildFragmentationNeeded(
  frame: Uint8Array,
  ipOffset: number,
  nextHopMtuOctets: number,
): Uint8Array {
  const room = ERROR_PACKET_OCTETS_MAX - IPV4_HEADER_OCTETS - ICMP_HEADER_OCTETS;
  const quoted = frame.subarray(ipOffset, ipOffset + Math.min(room, ipv4TotalLength(frame, ipOffset)));
  const octets = new Uint8Array(ICMP_HEADER_OCTETS + quoted.length);
  const view = new DataView(octets.buffer);
  view.setUint8(0, ICMP_DESTINATION_UNREACHABLE);
  view.setUint8(1, ICMP_CODE_FRAGMENTATION_NEEDED);
  view.setUint16(NEXT_HOP_MTU, nextHopMtuOctets);
  octets.set(quoted, ICMP_HEADER_OCTETS);
  return complete(octets);
}

/** Next-hop MTU of a "fragmentation needed" message at `offset`; undefined when its header is cut off. */
export function fragmentationNeededMtu(octets: Uint8Array, offset: number): number | undefined {
  if (offset + ICMP_HEADER_OCTETS > octets.length) return undefined;
  return (octets[offset + NEXT_HOP_MTU]! << 8) | octets[offset + NEXT_HOP_MTU + 1]!;
}

/** Identifier and sequence number of an echo message at `offset`; undefined when its header is cut off. */
export function icmpEcho(
  octets: Uint8Array,
  offset: number,
): { identifier: number; sequence: number } | undefined {
  if (offset + ICMP_HEADER_OCTETS > octets.length) return undefined;
  return {
    identifier: (octets[offset + IDENTIFIER]! << 8) | octets[offset + IDENTIFIER + 1]!,
    sequence: (octets[offset + SEQUENCE]! << 8) | octets[offset + SEQUENCE + 1]!,
  };
}
