/** PSP decapsulation of whole Ethernet frames, tunnel and transport mode: the inverse of encapsulate.ts. */
import { type IpAddress, ipFromOctets } from '../packet/address.js';
import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  ETHERNET_TYPE,
} from '../packet/ethernet.js';
import { IPV4_DESTINATION, IPV4_PROTOCOL, ipv4HeaderLength, PROTOCOL_UDP } from '../packet/ipv4.js';
import { IPV6_DESTINATION } from '../packet/ipv6.js';
import { UDP_HEADER_OCTETS } from '../packet/udp.js';
import type { AeadEngine } from './aead.js';
import { locateIpPacket } from './encapsulate.js';
import {
  checkPspHeader,
  encryptStart,
  keyLengthOctets,
  NEXT_HEADER_IPV4,
  NEXT_HEADER_IPV6,
  PSP_ICV_OCTETS,
  PSP_NEXT_HEADER,
  PSP_NONCE_OCTETS,
  PSP_SPI,
  PSP_UDP_PORT,
  type PspVersion,
  pspHeaderLengthOctets,
  pspSpi,
  pspVersion,
} from './header.js';
import { restoreTransport, type TransportPoint, transportPoint } from './outer.js';

/**
 * Why a frame was dropped: not PSP at all; ICV mismatch; lengths or framing wrong; reserved version or impossible SPI.
 */
export type DecapsulateFailure = 'not-psp' | 'auth-fail' | 'error' | 'bad';

/** What opens frames. */
export interface DecapsulateOptions {
  readonly engine: AeadEngine;
  /** Writes the key of an SPI to `out`: 16 or 32 octets, by version. */
  readonly deriveKeyInto: (spi: number, version: PspVersion, out: Uint8Array, offset: number) => void;
}

/** Offsets of the parts of a PSP frame, from its first octet. */
interface Located extends TransportPoint {
  /** The PSP header's first octet. */
  readonly pspAt: number;
  /** The end of the ICV. */
  readonly end: number;
}

/** The datagram to port 1000 that a frame holds, header checked; or why there is none. */
function locatePsp(frame: Uint8Array): Located | Exclude<DecapsulateFailure, 'auth-fail'> {
  const packet = locateIpPacket(frame);
  if (packet === undefined) return 'not-psp';
  const point = transportPoint(frame, ETHERNET_HEADER_OCTETS, packet.end);
  if (point !== undefined) return locateBehind(frame, point, packet.end);
  if (packet.family === 6) return 'not-psp';
  // The reference tool copies the fragment bits of what it encrypts into the outer header, of a datagram that is whole.
  const ip = ETHERNET_HEADER_OCTETS;
  const copied = { offset: ip + ipv4HeaderLength(frame, ip), protocolOffset: ip + IPV4_PROTOCOL };
  const psp = locateBehind(frame, copied, packet.end);
  return typeof psp !== 'string' && psp.end === packet.end ? psp : 'not-psp';
}

function locateBehind(
  frame: Uint8Array,
  point: TransportPoint,
  packetEnd: number,
): Located | Exclude<DecapsulateFailure, 'auth-fail'> {
  if (frame[point.protocolOffset] !== PROTOCOL_UDP) return 'not-psp';
  if (packetEnd - point.offset < UDP_HEADER_OCTETS) return 'not-psp';
  if (((frame[point.offset + 2]! << 8) | frame[point.offset + 3]!) !== PSP_UDP_PORT) return 'not-psp';
  const udpOctets = (frame[point.offset + 4]! << 8) | frame[point.offset + 5]!;
  const pspAt = point.offset + UDP_HEADER_OCTETS;
  const end = point.offset + udpOctets;
  if (udpOctets < UDP_HEADER_OCTETS || end > packetEnd) return 'error';
  const problem = checkPspHeader(frame, pspAt, end);
  if (problem !== undefined) return problem === 'bad' ? 'bad' : 'error';
  return { ...point, pspAt, end };
}

/** Which key a PSP frame needs: an SPI means something to its receiver only. */
export interface Association {
  /** The outer header's destination. */
  readonly receiver: IpAddress;
  readonly spi: number;
  readonly version: PspVersion;
}

/** The association of a PSP frame, whose header has been checked; or why it has none. */
export function associationOf(frame: Uint8Array): Association | Exclude<DecapsulateFailure, 'auth-fail'> {
  const psp = locatePsp(frame);
  if (typeof psp === 'string') return psp;
  const ip = ETHERNET_HEADER_OCTETS;
  const isIpv4 = frame[ip]! >>> 4 === 4;
  const receiver = isIpv4
    ? ipFromOctets(frame, ip + IPV4_DESTINATION, 4)
    : ipFromOctets(frame, ip + IPV6_DESTINATION, 6);
  return { receiver, spi: pspSpi(frame, psp.pspAt), version: pspVersion(frame, psp.pspAt) as PspVersion };
}

/**
 * The inner frame, or why there is none. Tunnel mode keeps the outer Ethernet addresses. The input is not changed.
 */
export function decapsulate(
  input: Uint8Array,
  options: DecapsulateOptions,
):
  | { readonly frame: Uint8Array; readonly mode: 'tunnel' | 'transport' }
  | { readonly failure: DecapsulateFailure } {
  const psp = locatePsp(input);
  if (typeof psp === 'string') return { failure: psp };
  const { pspAt, end } = psp;
  // Not slice: of a Buffer that would be a view of the input.
  const frame = new Uint8Array(input);
  const version = pspVersion(frame, pspAt) as PspVersion;
  const key = new Uint8Array(keyLengthOctets(version));
  options.deriveKeyInto(pspSpi(frame, pspAt), version, key, 0);
  const nonce = frame.slice(pspAt + PSP_SPI, pspAt + PSP_SPI + PSP_NONCE_OCTETS);
  const payloadEnd = end - PSP_ICV_OCTETS;
  const opened = options.engine.open(
    key,
    nonce,
    frame,
    pspAt,
    encryptStart(frame, pspAt, payloadEnd),
    payloadEnd,
  );
  key.fill(0);
  if (!opened) return { failure: 'auth-fail' };
  const payloadAt = pspAt + pspHeaderLengthOctets(frame, pspAt);
  const nextHeader = frame[pspAt + PSP_NEXT_HEADER]!;
  if (nextHeader !== NEXT_HEADER_IPV4 && nextHeader !== NEXT_HEADER_IPV6) {
    const ip = ETHERNET_HEADER_OCTETS;
    const restored = restoreTransport(frame, ip, psp.offset, psp.protocolOffset, payloadAt, payloadEnd);
    return { frame: restored, mode: 'transport' };
  }
  const start = payloadAt - ETHERNET_HEADER_OCTETS;
  frame.copyWithin(start, 0, ETHERNET_TYPE);
  const type = nextHeader === NEXT_HEADER_IPV4 ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6;
  frame[start + ETHERNET_TYPE] = type >>> 8;
  frame[start + ETHERNET_TYPE + 1] = type & 0xff;
  const inner = frame.subarray(start, payloadEnd);
  const family = locateIpPacket(inner)?.family;
  return family === (nextHeader === NEXT_HEADER_IPV4 ? 4 : 6)
    ? { frame: inner, mode: 'tunnel' }
    : { failure: 'error' };
}
