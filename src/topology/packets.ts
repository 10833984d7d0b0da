/** Offsets in the frames of a run: PSP headers, addresses. */
import type { IpAddress, IpFamily } from '../packet/address.js';
import { ETHERNET_HEADER_OCTETS } from '../packet/ethernet.js';
import { ipAddressAt, upperLayerAt } from '../packet/ip.js';
import { PROTOCOL_UDP } from '../packet/ipv4.js';
import { UDP_DESTINATION_PORT, UDP_HEADER_OCTETS } from '../packet/udp.js';
import { uint16At } from '../packet/uint16.js';
import { locateIpPacket } from '../psp/encapsulate.js';
import { checkPspHeader, PSP_UDP_PORT } from '../psp/header.js';

export interface PspPlace {
  /** Octet of the PSP header. */
  readonly at: number;
  readonly to: IpAddress;
}

/** Offset of a frame's PSP header; undefined for a frame that is no sound PSP packet. */
export function locatePsp(frame: Uint8Array): PspPlace | undefined {
  const place = locateIpPacket(frame);
  if (place === undefined) return undefined;
  const { family, end } = place;
  const udp = upperLayerAt(frame, ETHERNET_HEADER_OCTETS, family, end);
  if (udp === undefined || udp.protocol !== PROTOCOL_UDP) return undefined;
  const port = uint16At(frame, udp.offset + UDP_DESTINATION_PORT);
  const at = udp.offset + UDP_HEADER_OCTETS;
  if (port !== PSP_UDP_PORT || checkPspHeader(frame, at, end) !== undefined) return undefined;
  return { at, to: addressOf(frame, family, 'destination') };
}

export const addressOf = (frame: Uint8Array, family: IpFamily, which: 'source' | 'destination'): IpAddress =>
  ipAddressAt(frame, ETHERNET_HEADER_OCTETS, family, which);
