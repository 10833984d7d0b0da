/** Parts that IPv4 and IPv6 packets have in common: their addresses and their payload. */
import { type IpAddress, type IpFamily, ipFromOctets } from './address.js';
import {
  IPV4_DESTINATION,
  IPV4_HEADER_OCTETS_MIN,
  IPV4_SOURCE,
  ipv4HeaderLength,
  ipv4Protocol,
} from './ipv4.js';
import { findIpv6UpperLayer, IPV6_DESTINATION, IPV6_HEADER_OCTETS, IPV6_SOURCE } from './ipv6.js';

/** Octets of a header without options. */
export const IP_HEADER_OCTETS: Readonly<Record<IpFamily, number>> = {
  4: IPV4_HEADER_OCTETS_MIN,
  6: IPV6_HEADER_OCTETS,
};

const ADDRESS_OFFSETS = {
  4: { source: IPV4_SOURCE, destination: IPV4_DESTINATION },
  6: { source: IPV6_SOURCE, destination: IPV6_DESTINATION },
} as const;

/** An address in the header at `at`, which is there whole. */
export function ipAddressAt(
  octets: Uint8Array,
  at: number,
  family: IpFamily,
  which: 'source' | 'destination',
): IpAddress {
  return ipFromOctets(octets, at + ADDRESS_OFFSETS[family][which], family);
}

/** What the packet at `at` carries, and where. Undefined for fragments over IPv6, which may not have it, and where there is none. */
export function upperLayerAt(
  octets: Uint8Array,
  at: number,
  family: IpFamily,
  end: number,
): { readonly protocol: number; readonly offset: number } | undefined {
  if (family === 4) return { protocol: ipv4Protocol(octets, at), offset: at + ipv4HeaderLength(octets, at) };
  const upper = findIpv6UpperLayer(octets, at, end);
  return upper?.isFragment === true ? undefined : upper;
}
