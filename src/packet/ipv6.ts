/** IPv6 (RFC 8200): fixed header, extension headers as far as the upper layer must be found behind them. */
import { type Ipv6Address, ipToOctets } from './address.js';

export const IPV6_HEADER_OCTETS = 40;
export const IPV6_PAYLOAD_LENGTH = 4;
export const IPV6_NEXT_HEADER = 6;
export const IPV6_HOP_LIMIT = 7;
export const IPV6_SOURCE = 8;
export const IPV6_DESTINATION = 24;
export const IPV6_MINIMUM_MTU_OCTETS = 1280;

export const NEXT_HEADER_HOP_BY_HOP = 0;
export const NEXT_HEADER_ROUTING = 43;
export const NEXT_HEADER_FRAGMENT = 44;
export const NEXT_HEADER_AUTHENTICATION = 51;
export const NEXT_HEADER_NONE = 59;
export const NEXT_HEADER_DESTINATION_OPTIONS = 60;

const FRAGMENT_HEADER_OCTETS = 8;
/** More extension headers than any honest packet has. */
const EXTENSION_HEADERS_MAX = 16;

export function ipv6PayloadLength(octets: Uint8Array, offset: number): number {
  return (octets[offset + IPV6_PAYLOAD_LENGTH]! << 8) | octets[offset + IPV6_PAYLOAD_LENGTH + 1]!;
}

export function setIpv6PayloadLength(octets: Uint8Array, offset: number, lengthOctets: number): void {
  octets[offset + IPV6_PAYLOAD_LENGTH] = lengthOctets >>> 8;
  octets[offset + IPV6_PAYLOAD_LENGTH + 1] = lengthOctets;
}

/** Whether a whole IPv6 packet begins at `offset` and ends at or before `end`. */
export function ipv6HeaderValid(octets: Uint8Array, offset: number, end: number): boolean {
  return (
    end - offset >= IPV6_HEADER_OCTETS &&
    octets[offset]! >>> 4 === 6 &&
    offset + IPV6_HEADER_OCTETS + ipv6PayloadLength(octets, offset) <= end
  );
}

/** What is behind the extension headers of an IPv6 packet. */
export interface UpperLayer {
  /** The first protocol that is not an extension header, or the one that a later fragment continues. */
  readonly protocol: number;
  /** Offset of the upper layer; for fragments, of the fragment's data. */
  readonly offset: number;
  readonly isFragment: boolean;
  /** A fragment with offset 0, which holds the upper layer's header. */
  readonly isFirstFragment: boolean;
  /** Offset of the Next Header octet that names `protocol`. */
  readonly nextHeaderOffset: number;
}

/**
 * Walks the extension headers. undefined when the fixed header or one of them does not fit the packet.
 *
 * @param offset where the fixed header begins
 * @param end the end of the packet
 */
export function findIpv6UpperLayer(octets: Uint8Array, offset: number, end: number): UpperLayer | undefined {
  let nextHeaderOffset = offset + IPV6_NEXT_HEADER;
  let at = offset + IPV6_HEADER_OCTETS;
  if (at > end) return undefined;
  let isFragment = false;
  for (let count = 0; count <= EXTENSION_HEADERS_MAX; count++) {
    const protocol = octets[nextHeaderOffset]!;
    let lengthOctets: number;
    switch (protocol) {
      case NEXT_HEADER_HOP_BY_HOP:
      case NEXT_HEADER_ROUTING:
      case NEXT_HEADER_DESTINATION_OPTIONS:
        lengthOctets = (octets[at + 1]! + 1) * 8;
        break;
      case NEXT_HEADER_AUTHENTICATION:
        lengthOctets = (octets[at + 1]! + 2) * 4;
        break;
      case NEXT_HEADER_FRAGMENT: {
        lengthOctets = FRAGMENT_HEADER_OCTETS;
        if (at + lengthOctets > end) return undefined;
        const offsetAndFlags = (octets[at + 2]! << 8) | octets[at + 3]!;
        // Offset 0 and no more fragments: an atomic fragment (RFC 6946), a whole packet.
        isFragment ||= (offsetAndFlags & 0xfff9) !== 0;
        if ((offsetAndFlags & 0xfff8) !== 0) {
          return {
            protocol: octets[at]!,
            offset: at + lengthOctets,
            isFragment: true,
            isFirstFragment: false,
            nextHeaderOffset: at,
          };
        }
        break;
      }
      default:
        return { protocol, offset: at, isFragment, isFirstFragment: isFragment, nextHeaderOffset };
    }
    if (at + lengthOctets > end || Number.isNaN(lengthOctets)) return undefined;
    nextHeaderOffset = at;
    at += lengthOctets;
  }
  return undefined;
}

/** An IPv6 packet with flow label 0 around `payload`. */
export function buildIpv6Packet(packet: {
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly payload: Uint8Array;
  readonly trafficClass?: number;
}): Uint8Array {
  const octets = new Uint8Array(IPV6_HEADER_OCTETS + packet.payload.length);
  const trafficClass = packet.trafficClass ?? 0;
  octets[0] = 0x60 | (trafficClass >>> 4);
  octets[1] = (trafficClass & 0x0f) << 4;
  setIpv6PayloadLength(octets, 0, packet.payload.length);
  octets[IPV6_NEXT_HEADER] = packet.nextHeader;
  octets[IPV6_HOP_LIMIT] = packet.hopLimit;
  octets.set(ipToOctets(packet.source), IPV6_SOURCE);
  octets.set(ipToOctets(packet.destination), IPV6_DESTINATION);
  octets.set(packet.payload, IPV6_HEADER_OCTETS);
  return octets;
}
