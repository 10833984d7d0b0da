/** TCP segments (RFC 9293, section 3.1): the header and its checksum, no connection. Options are kept as they are. */
import type { IpFamily } from './address.js';
import { internetChecksum, onesComplementSum, pseudoHeaderSum } from './checksum.js';
import { PROTOCOL_TCP } from './ipv4.js';

export const TCP_HEADER_OCTETS_MIN = 20;
export const TCP_SOURCE_PORT = 0;
export const TCP_DESTINATION_PORT = 2;
export const TCP_SEQUENCE = 4;
export const TCP_ACKNOWLEDGMENT = 8;
export const TCP_DATA_OFFSET = 12;
export const TCP_FLAGS = 13;
export const TCP_WINDOW = 14;
export const TCP_CHECKSUM = 16;

export const TCP_SYN = 0x02;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;

const FLAG_NAMES = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];

/** A TCP header. */
export interface TcpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  /** TCP_SYN and the others, combined. */
  readonly flags: number;
  /** The window as it stands in the header, without scaling. */
  readonly window: number;
}

/** A TCP segment that was read. */
export interface TcpSegment extends TcpHeader {
  /** Length of the header with its options: the offset of the data from the segment's start. */
  readonly headerOctets: number;
}

/** The header of the segment in octets[offset, end); undefined when it does not fit or contradicts itself. */
export function parseTcp(octets: Uint8Array, offset: number, end: number): TcpSegment | undefined {
  if (end > octets.length || end - offset < TCP_HEADER_OCTETS_MIN) return undefined;
  const view = new DataView(octets.buffer, octets.byteOffset + offset, TCP_HEADER_OCTETS_MIN);
  const headerOctets = (view.getUint8(TCP_DATA_OFFSET) >>> 4) * 4;
  if (headerOctets < TCP_HEADER_OCTETS_MIN || offset + headerOctets > end) return undefined;
  return {
    sourcePort: view.getUint16(TCP_SOURCE_PORT),
    destinationPort: view.getUint16(TCP_DESTINATION_PORT),
    sequence: view.getUint32(TCP_SEQUENCE),
    acknowledgment: view.getUint32(TCP_ACKNOWLEDGMENT),
    flags: view.getUint8(TCP_FLAGS),
    window: view.getUint16(TCP_WINDOW),
    headerOctets,
  };
}

/** A segment without options and without checksum; setTcpChecksum writes it once the IP header is in place. */
export function buildTcp(header: TcpHeader, payload: Uint8Array): Uint8Array {
  const octets = new Uint8Array(TCP_HEADER_OCTETS_MIN + payload.length);
  const view = new DataView(octets.buffer);
  view.setUint16(TCP_SOURCE_PORT, header.sourcePort);
  view.setUint16(TCP_DESTINATION_PORT, header.destinationPort);
  view.setUint32(TCP_SEQUENCE, header.sequence);
  view.setUint32(TCP_ACKNOWLEDGMENT, header.acknowledgment);
  view.setUint8(TCP_DATA_OFFSET, (TCP_HEADER_OCTETS_MIN / 4) << 4);
  view.setUint8(TCP_FLAGS, header.flags);
  view.setUint16(TCP_WINDOW, header.window);
  octets.set(payload, TCP_HEADER_OCTETS_MIN);
  return octets;
}

/** Writes the checksum of the segment in octets[offset, end) of a packet whose IP header is complete. */
export function setTcpChecksum(
  octets: Uint8Array,
  ipOffset: number,
  family: IpFamily,
  offset: number,
  end: number,
): void {
  octets[offset + TCP_CHECKSUM] = 0;
  octets[offset + TCP_CHECKSUM + 1] = 0;
  const initial = pseudoHeaderSum(octets, ipOffset, family, PROTOCOL_TCP, end - offset);
  const checksum = internetChecksum(octets, offset, end, initial);
  octets[offset + TCP_CHECKSUM] = checksum >>> 8;
  octets[offset + TCP_CHECKSUM + 1] = checksum;
}

/** Whether a header fits into octets[offset, end) and the segment's checksum is right. */
export function tcpChecksumOk(
  octets: Uint8Array,
  ipOffset: number,
  family: IpFamily,
  offset: number,
  end: number,
): boolean {
  if (end > octets.length || end - offset < TCP_HEADER_OCTETS_MIN) return false;
  const initial = pseudoHeaderSum(octets, ipOffset, family, PROTOCOL_TCP, end - offset);
  return onesComplementSum(octets, offset, end, initial) === 0xffff;
}

/** Names of the flags that are set, lowest bit first. */
export function tcpFlagNames(flags: number): string[] {
  return FLAG_NAMES.filter((_, bit) => (flags & (1 << bit)) !== 0);
}
