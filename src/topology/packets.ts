/** Where things are in the frames of a run: PSP headers, addresses, upper layers, address resolution. */
import { type IpAddress, type IpFamily, ipFromOctets } from '../packet/address.js';
import { ETHER_TYPE_ARP, ETHERNET_HEADER_OCTETS, etherType } from '../packet/ethernet.js';
import {
  IPV4_DESTINATION,
  IPV4_SOURCE,
  ipv4HeaderLength,
  ipv4Protocol,
  PROTOCOL_ICMPV6,
  PROTOCOL_UDP,
} from '../packet/ipv4.js';
import { findIpv6UpperLayer, IPV6_DESTINATION, IPV6_SOURCE } from '../packet/ipv6.js';
import { UDP_DESTINATION_PORT, UDP_HEADER_OCTETS } from '../packet/udp.js';
import { locateIpPacket } from '../psp/encapsulate.js';
import { checkPspHeader, PSP_UDP_PORT } from '../psp/header.js';

export interface PspPlace {
  /** Octet of the PSP header. */
  readonly at: number;
  readonly to: IpAddress;
}

/** Where the PSP header of a frame is; undefined for what is no sound PSP packet. */
export function locatePsp(frame: Uint8Array): PspPlace | undefined {
  const place = locateIpPacket(frame);
  if (place === undefined) return undefined;
  const { family, end } = place;
  const udp = upperLayerOf(frame, family, end);
  if (udp === undefined || udp.protocol !== PROTOCOL_UDP) return undefined;
  const port = portAt(frame, udp.offset + UDP_DESTINATION_PORT);
  const at = udp.offset + UDP_HEADER_OCTETS;
  if (port !== PSP_UDP_PORT || checkPspHeader(frame, at, end) !== undefined) return undefined;
  return { at, to: addressOf(frame, family, 'destination') };
}

export const portAt = (frame: Uint8Array, offset: number) => (frame[offset]! << 8) | frame[offset + 1]!;

/** Undefined for fragments over IPv6, which may not have it, and where there is none. */
export function upperLayerOf(
  frame: Uint8Array,
  family: IpFamily,
  end: number,
): { readonly protocol: number; readonly offset: number } | undefined {
  const at = ETHERNET_HEADER_OCTETS;
  if (family === 4) return { protocol: ipv4Protocol(frame, at), offset: at + ipv4HeaderLength(frame, at) };
  const upper = findIpv6UpperLayer(frame, at, end);
  return upper?.isFragment === true ? undefined : upper;
}

export function addressOf(frame: Uint8Array, family: IpFamily, which: 'source' | 'destination'): IpAddress {
  const offset =
    family === 4
      ? which === 'source'
        ? IPV4_SOURCE
        : IPV4_DESTINATION
      : which === 'source'
        ? IPV6_SOURCE
        : IPV6_DESTINATION;
  return ipFromOctets(frame, ETHERNET_HEADER_OCTETS + offset, family);
}

/** Router and neighbor solicitation and advertisement, redirect. */
const NEIGHBOR_DISCOVERY_TYPES = [133, 134, 135, 136, 137];

/** What belongs to a segment and not to the workloads' talk: ARP (RFC 826) and neighbor discovery (RFC 4861). */
export function isAddressResolution(frame: Uint8Array): boolean {
  if (frame.length < ETHERNET_HEADER_OCTETS) return false;
  if (etherType(frame) === ETHER_TYPE_ARP) return true;
  const place = locateIpPacket(frame);
  if (place?.family !== 6) return false;
  const upper = upperLayerOf(frame, 6, place.end);
  return upper?.protocol === PROTOCOL_ICMPV6 && NEIGHBOR_DISCOVERY_TYPES.includes(frame[upper.offset]!);
}
