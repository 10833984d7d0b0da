/**
 * PSP encapsulation of whole Ethernet frames, in one step, with everything given: what a tool needs that works on
 * captures. The simulator does the same through its pipes; tests hold the two against each other.
 */
import { ETHER_TYPE_IPV4, ETHER_TYPE_IPV6, ETHERNET_HEADER_OCTETS, etherType } from '../packet/ethernet.js';
import { ipv4HeaderValid, ipv4TotalLength } from '../packet/ipv4.js';
import { IPV6_HEADER_OCTETS, ipv6HeaderValid, ipv6PayloadLength } from '../packet/ipv6.js';
import { UDP_HEADER_OCTETS } from '../packet/udp.js';
import type { AeadEngine } from './aead.js';
import {
  builtHeaderLengthOctets,
  encryptStart,
  framingProblem,
  NEXT_HEADER_IPV4,
  NEXT_HEADER_IPV6,
  PSP_ICV_OCTETS,
  PSP_NONCE_OCTETS,
  PSP_SPI,
  PSP_UDP_PORT,
  type PspVersion,
  writePspHeader,
} from './header.js';
import { completeTransport, completeTunnel, transportPoint } from './outer.js';

/** What a frame is encapsulated with. */
export interface EncapsulateOptions {
  readonly engine: AeadEngine;
  readonly version: PspVersion;
  readonly spi: number;
  /** 16 or 32 octets, by version. */
  readonly key: Uint8Array;
  readonly iv: bigint;
  readonly cryptOffsetWords: number;
  /** Present: V is set. */
  readonly cookie?: bigint;
  readonly sample?: boolean;
  readonly drop?: boolean;
  /** Opaque extension fields, a multiple of 8 octets. */
  readonly extension?: Uint8Array;
  /** UDP source port of the outer header. */
  readonly sourcePort: number;
  /**
   * Tunnel mode: the new Ethernet and IP header, lengths and checksum left open; its protocol is UDP.
   * Absent: transport mode.
   */
  readonly outerHeader?: Uint8Array;
}

/** Why a frame was not encapsulated. */
export class EncapsulationError extends Error {
  override readonly name = 'EncapsulationError';
}

/** Family and extent of a frame's IP packet; Ethernet padding is not part of it. */
export function locateIpPacket(frame: Uint8Array): { family: 4 | 6; end: number } | undefined {
  const ip = ETHERNET_HEADER_OCTETS;
  const type = etherType(frame);
  if (type === ETHER_TYPE_IPV4 && ipv4HeaderValid(frame, ip, frame.length)) {
    return { family: 4, end: ip + ipv4TotalLength(frame, ip) };
  }
  if (type === ETHER_TYPE_IPV6 && ipv6HeaderValid(frame, ip, frame.length)) {
    return { family: 6, end: ip + IPV6_HEADER_OCTETS + ipv6PayloadLength(frame, ip) };
  }
  return undefined;
}

/**
 * The encrypted frame. Throws EncapsulationError for what cannot be encapsulated: no whole IP packet, a fragment in
 * transport mode, a crypt offset behind the payload's end.
 */
export function encapsulate(frame: Uint8Array, options: EncapsulateOptions): Uint8Array {
  const packet = locateIpPacket(frame);
  if (packet === undefined) throw new EncapsulationError('the frame holds no whole IPv4 or IPv6 packet');
  const ip = ETHERNET_HEADER_OCTETS;
  const { outerHeader } = options;
  const point = outerHeader === undefined ? transportPoint(frame, ip, packet.end) : undefined;
  if (outerHeader === undefined && point === undefined) {
    throw new EncapsulationError('transport mode needs a whole upper layer, not a fragment');
  }
  const before = outerHeader ?? frame.subarray(0, point!.offset);
  const payload = frame.subarray(point?.offset ?? ip, packet.end);
  const pspAt = before.length + UDP_HEADER_OCTETS;
  const payloadAt = pspAt + builtHeaderLengthOctets(options);
  const payloadEnd = payloadAt + payload.length;
  const out = new Uint8Array(payloadEnd + PSP_ICV_OCTETS);
  out.set(before);
  out[before.length + 2] = PSP_UDP_PORT >>> 8;
  out[before.length + 3] = PSP_UDP_PORT & 0xff;
  const nextHeader = packet.family === 4 ? NEXT_HEADER_IPV4 : NEXT_HEADER_IPV6;
  writePspHeader(out, pspAt, { ...options, nextHeader });
  out.set(payload, payloadAt);
  if (point === undefined) completeTunnel(out, ip, before.length, out.length, options.sourcePort);
  else completeTransport(out, ip, point.protocolOffset, before.length, out.length, options.sourcePort);
  if (framingProblem(out, pspAt, payloadEnd) !== undefined) {
    throw new EncapsulationError(
      `a crypt offset of ${options.cryptOffsetWords * 4} octets points past the end of the payload`,
    );
  }
  const nonce = out.slice(pspAt + PSP_SPI, pspAt + PSP_SPI + PSP_NONCE_OCTETS);
  options.engine.seal(options.key, nonce, out, pspAt, encryptStart(out, pspAt, payloadEnd), payloadEnd);
  return out;
}
