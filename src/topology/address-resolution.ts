/** What belongs to a segment and not to the workloads' talk: ARP (RFC 826) and neighbor discovery (RFC 4861). */
import { ETHER_TYPE_ARP, ETHERNET_HEADER_OCTETS, etherType } from '../packet/ethernet.js';
import { PROTOCOL_ICMPV6 } from '../packet/ipv4.js';
import { findIpv6UpperLayer } from '../packet/ipv6.js';
import { locateIpPacket } from '../psp/encapsulate.js';

/** Router and neighbor solicitation and advertisement, redirect. */
const NEIGHBOR_DISCOVERY_TYPES = [133, 134, 135, 136, 137];

export function isAddressResolution(frame: Uint8Array): boolean {
  if (frame.length < ETHERNET_HEADER_OCTETS) return false;
  if (etherType(frame) === ETHER_TYPE_ARP) return true;
  const place = locateIpPacket(frame);
  if (place?.family !== 6) return false;
  const upper = findIpv6UpperLayer(frame, ETHERNET_HEADER_OCTETS, place.end);
  return (
    upper?.protocol === PROTOCOL_ICMPV6 &&
    !upper.isFragment &&
    NEIGHBOR_DISCOVERY_TYPES.includes(frame[upper.offset]!)
  );
}
