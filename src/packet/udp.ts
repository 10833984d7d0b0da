/** UDP (RFC 768). */
import type { IpFamily } from './address.js';
import { internetChecksum, onesComplementSum, pseudoHeaderSum } from './checksum.js';

export const UDP_HEADER_OCTETS = 8;
export const UDP_SOURCE_PORT = 0;
export const UDP_DESTINATION_PORT = 2;
export const UDP_LENGTH = 4;
export const UDP_CHECKSUM = 6;
const PROTOCOL_UDP = 17;

/** A datagram without checksum; setUdpChecksum writes it once the IP header is in place. */
export function buildUdp(sourcePort: number, destinationPort: number, payload: Uint8Array): Uint8Array {
  const octets = new Uint8Array(UDP_HEADER_OCTETS + payload.length);
  const view = new DataView(octets.buffer);
  view.setUint16(UDP_SOURCE_PORT, sourcePort);
  view.setUint16(UDP_DESTINATION_PORT, destinationPort);
  view.setUint16(UDP_LENGTH, octets.length);
  octets.set(payload, UDP_HEADER_OCTETS);
  return octets;
}

/** Computes and writes the checksum of the datagram at `offset` of a packet whose IP header is complete. */
export function setUdpChecksum(octets: Uint8Array, ipOffset: number, family: IpFamily, offset: number): void {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const lengthOctets = view.getUint16(offset + UDP_LENGTH);
  view.setUint16(offset + UDP_CHECKSUM, 0);
  const initial = pseudoHeaderSum(octets, ipOffset, family, PROTOCOL_UDP, lengthOctets);
  // 0 means "no checksum", so a computed 0 is sent as all ones.
  view.setUint16(
    offset + UDP_CHECKSUM,
    internetChecksum(octets, offset, offset + lengthOctets, initial) || 0xffff,
  );
}

/**
 * Whether a whole datagram stands at `offset` and its checksum is right, or absent over IPv4, where that is allowed
 * (RFC 768, RFC 8200 section 8.1).
 */
export function udpChecksumOk(
  octets: Uint8Array,
  ipOffset: number,
  family: IpFamily,
  offset: number,
): boolean {
  if (offset + UDP_HEADER_OCTETS > octets.length) return false;
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const lengthOctets = view.getUint16(offset + UDP_LENGTH);
  if (lengthOctets < UDP_HEADER_OCTETS || offset + lengthOctets > octets.length) return false;
  if (view.getUint16(offset + UDP_CHECKSUM) === 0) return family === 4;
  const initial = pseudoHeaderSum(octets, ipOffset, family, PROTOCOL_UDP, lengthOctets);
  return onesComplementSum(octets, offset, offset + lengthOctets, initial) === 0xffff;
}
