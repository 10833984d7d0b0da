/** The virtual addresses of a workload's packet. */
import { ipFromOctets } from '../../packet/address.js';
import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  etherType,
} from '../../packet/ethernet.js';
import { IPV4_DESTINATION, IPV4_SOURCE, ipv4HeaderValid } from '../../packet/ipv4.js';
import { IPV6_DESTINATION, IPV6_SOURCE, ipv6HeaderValid } from '../../packet/ipv6.js';
import type { Pair } from '../events.js';

/** Source and destination of a frame's IP packet; undefined for what is not a whole one. */
export function packetPair(frame: Uint8Array): Pair | undefined {
  const ip = ETHERNET_HEADER_OCTETS;
  if (etherType(frame) === ETHER_TYPE_IPV4 && ipv4HeaderValid(frame, ip, frame.length)) {
    return {
      localVip: ipFromOctets(frame, ip + IPV4_SOURCE, 4),
      remoteVip: ipFromOctets(frame, ip + IPV4_DESTINATION, 4),
    };
  }
  if (etherType(frame) === ETHER_TYPE_IPV6 && ipv6HeaderValid(frame, ip, frame.length)) {
    return {
      localVip: ipFromOctets(frame, ip + IPV6_SOURCE, 6),
      remoteVip: ipFromOctets(frame, ip + IPV6_DESTINATION, 6),
    };
  }
  return undefined;
}
