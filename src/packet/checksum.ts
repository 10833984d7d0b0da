/** The Internet checksum (RFC 1071) and the pseudo headers of IPv4 (RFC 9293, section 3.1) and IPv6 (RFC 8200, section 8.1). */
import type { IpFamily } from './address.js';

/**
 * Sum of the 16-bit words of octets[start, end), an odd last octet padded with zero, added to `initial`; folded to 16 bits.
 */
export function onesComplementSum(octets: Uint8Array, start: number, end: number, initial = 0): number {
  let sum = initial;
  let i = start;
  for (; i + 1 < end; i += 2) sum += (octets[i]! << 8) | octets[i + 1]!;
  if (i < end) sum += octets[i]! << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

/** The checksum to write: one's complement of the sum. Over octets that hold a right checksum it is 0. */
export function internetChecksum(octets: Uint8Array, start: number, end: number, initial = 0): number {
  return ~onesComplementSum(octets, start, end, initial) & 0xffff;
}

/**
 * Partial sum of the pseudo header, to be passed as `initial`.
 *
 * @param ipOffset where the IP header begins
 * @param l4LengthOctets upper-layer header and data
 */
export function pseudoHeaderSum(
  frame: Uint8Array,
  ipOffset: number,
  family: IpFamily,
  protocol: number,
  l4LengthOctets: number,
): number {
  const start = ipOffset + (family === 4 ? 12 : 8);
  const end = start + (family === 4 ? 8 : 32);
  return onesComplementSum(frame, start, end, protocol + (l4LengthOctets & 0xffff) + (l4LengthOctets >>> 16));
}
