/** Frames of PSP as they can be compared, without what PSP leaves to each device. */
import { IPV4_CHECKSUM, IPV4_IDENTIFICATION, setIpv4Checksum, setIpv4TotalLength } from '../packet/ipv4.js';
import { setIpv6PayloadLength } from '../packet/ipv6.js';
import { PSP_IV } from '../psp/header.js';
import { opened } from './opened.js';

/**
 * The frame decrypted, with UDP source port, UDP checksum, IPv4 identification and checksum, IV and ICV as zeros; as it is where none
 * of the keys opens it.
 */
export function normalized(frame: Uint8Array, keys: readonly Uint8Array[]): Uint8Array {
  for (const key of keys) {
    const plain = opened(frame, () => key);
    if (plain === undefined) continue;
    const { pspAt } = plain;
    const copy = plain.frame;
    copy.fill(0, copy.length - 16);
    copy.fill(0, pspAt + PSP_IV, pspAt + PSP_IV + 8);
    withoutOwnFields(copy, pspAt - 8);
    return copy;
  }
  return frame;
}

/** Clears what a device writes into the outer headers as it likes. */
function withoutOwnFields(frame: Uint8Array, udpAt: number): void {
  frame.fill(0, udpAt, udpAt + 2);
  frame.fill(0, udpAt + 6, udpAt + 8);
  if (frame[14]! >>> 4 !== 4) return;
  for (const at of [IPV4_IDENTIFICATION, IPV4_CHECKSUM]) frame.fill(0, 14 + at, 14 + at + 2);
}

/** A whole frame, lengths and checksum included, with so many octets behind the UDP header. */
export function cutBehindUdp(wire: Uint8Array, udpAt: number, octets: number): Uint8Array {
  const frame = wire.slice(0, udpAt + 8 + octets);
  new DataView(frame.buffer).setUint16(udpAt + 4, 8 + octets);
  if (frame[14]! >>> 4 === 4) {
    setIpv4TotalLength(frame, 14, frame.length - 14);
    setIpv4Checksum(frame, 14);
  } else {
    setIpv6PayloadLength(frame, 14, frame.length - 54);
  }
  return frame;
}

/** The IV of a session's frame. */
export function ivOf(frame: Uint8Array, pspAt: number): bigint {
  return new DataView(frame.buffer, frame.byteOffset).getBigUint64(pspAt + PSP_IV);
}
