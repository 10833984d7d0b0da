/**
 * What a device computes on its own when it adds or removes PSP headers, and what is visible in the packet:
 * lengths, IPv4 identification and checksum, UDP source port and checksum, next header. PSP leaves some of it to
 * the implementation; this is the one place that decides, for every implementation of this project:
 *
 * - IPv4 identification stays as the given header has it; a gateway gives 0, since its datagrams are never
 *   fragmented on the way (RFC 6864, section 4.1).
 * - The UDP checksum is 0, over IPv4 and IPv6 (RFC 768, RFC 6935, RFC 6936).
 * - The UDP source port is the flow entropy of the packet inside (entropy.ts), or what the caller gives.
 * - In transport mode UDP and PSP stand directly before the upper layer, behind all IPv6 extension headers;
 *   fragments have no whole upper layer and cannot be encapsulated.
 */
import {
  IPV4_PROTOCOL,
  ipv4HeaderLength,
  ipv4IsFragment,
  PROTOCOL_UDP,
  setIpv4Checksum,
  setIpv4TotalLength,
} from '../packet/ipv4.js';
import { findIpv6UpperLayer, IPV6_HEADER_OCTETS, setIpv6PayloadLength } from '../packet/ipv6.js';
import { UDP_CHECKSUM, UDP_HEADER_OCTETS, UDP_LENGTH } from '../packet/udp.js';
import { PSP_NEXT_HEADER } from './header.js';

function isIpv4(frame: Uint8Array, ipOffset: number): boolean {
  return frame[ipOffset]! >>> 4 === 4;
}

function writeLengths(frame: Uint8Array, ipOffset: number, udpOffset: number, end: number): void {
  if (isIpv4(frame, ipOffset)) {
    setIpv4TotalLength(frame, ipOffset, end - ipOffset);
    setIpv4Checksum(frame, ipOffset);
  } else {
    setIpv6PayloadLength(frame, ipOffset, end - ipOffset - IPV6_HEADER_OCTETS);
  }
  const udpOctets = end - udpOffset;
  frame[udpOffset + UDP_LENGTH] = udpOctets >>> 8;
  frame[udpOffset + UDP_LENGTH + 1] = udpOctets;
  frame[udpOffset + UDP_CHECKSUM] = 0;
  frame[udpOffset + UDP_CHECKSUM + 1] = 0;
}

/**
 * Completes the headers of tunnel mode: lengths, IPv4 checksum, UDP source port and checksum.
 *
 * @param frame Ethernet, outer IP, UDP, PSP header, inner packet, room for the ICV
 * @param ipOffset the outer IP header's first octet
 * @param udpOffset the UDP header's
 * @param end the end of the ICV
 */
export function completeTunnel(
  frame: Uint8Array,
  ipOffset: number,
  udpOffset: number,
  end: number,
  sourcePort: number,
): void {
  frame[udpOffset] = sourcePort >>> 8;
  frame[udpOffset + 1] = sourcePort;
  writeLengths(frame, ipOffset, udpOffset, end);
}

/** The place in a packet at which transport mode inserts UDP and PSP. */
export interface TransportPoint {
  /** The upper layer's first octet. */
  readonly offset: number;
  /** The octet that names the upper layer's protocol: IPv4 protocol or the last IPv6 next header. */
  readonly protocolOffset: number;
}

/** undefined for fragments and for packets whose extension headers do not fit. The IP header has been checked. */
export function transportPoint(frame: Uint8Array, ipOffset: number, end: number): TransportPoint | undefined {
  if (isIpv4(frame, ipOffset)) {
    if (ipv4IsFragment(frame, ipOffset)) return undefined;
    return {
      offset: ipOffset + ipv4HeaderLength(frame, ipOffset),
      protocolOffset: ipOffset + IPV4_PROTOCOL,
    };
  }
  const upper = findIpv6UpperLayer(frame, ipOffset, end);
  if (upper === undefined || upper.isFragment) return undefined;
  return { offset: upper.offset, protocolOffset: upper.nextHeaderOffset };
}

/**
 * Completes the headers of transport mode: the replaced protocol goes to the PSP header's Next Header, the IP
 * header names UDP, lengths and checksum follow.
 *
 * @param frame Ethernet, IP, UDP, PSP header, upper layer, room for the ICV
 * @param protocolOffset as transportPoint gave it
 */
export function completeTransport(
  frame: Uint8Array,
  ipOffset: number,
  protocolOffset: number,
  udpOffset: number,
  end: number,
  sourcePort: number,
): void {
  frame[udpOffset + UDP_HEADER_OCTETS + PSP_NEXT_HEADER] = frame[protocolOffset]!;
  frame[protocolOffset] = PROTOCOL_UDP;
  frame[udpOffset] = sourcePort >>> 8;
  frame[udpOffset + 1] = sourcePort;
  writeLengths(frame, ipOffset, udpOffset, end);
}

/**
 * Undoes transport mode in place: Ethernet and IP header move up to the payload, protocol, lengths and checksum are
 * restored. Ethernet padding is gone with the ICV.
 *
 * @param udpOffset the UDP header's first octet
 * @param payloadStart the decrypted payload
 * @param protocolOffset the octet that names UDP: IPv4 protocol or the last IPv6 next header
 * @returns the restored frame, a view of the same buffer
 */
export function restoreTransport(
  frame: Uint8Array,
  ipOffset: number,
  udpOffset: number,
  protocolOffset: number,
  payloadStart: number,
  payloadEnd: number,
): Uint8Array {
  frame[protocolOffset] = frame[udpOffset + UDP_HEADER_OCTETS + PSP_NEXT_HEADER]!;
  const shift = payloadStart - udpOffset;
  frame.copyWithin(shift, 0, udpOffset);
  const restored = frame.subarray(shift, payloadEnd);
  if (isIpv4(restored, ipOffset)) {
    setIpv4TotalLength(restored, ipOffset, restored.length - ipOffset);
    setIpv4Checksum(restored, ipOffset);
  } else {
    setIpv6PayloadLength(restored, ipOffset, restored.length - ipOffset - IPV6_HEADER_OCTETS);
  }
  return restored;
}
