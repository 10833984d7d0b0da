/** What may cross the underlay between two gateways. */
import { ETHER_TYPE_IPV6, ETHERNET_HEADER_OCTETS, etherType } from '../../src/packet/ethernet.js';
import { PROTOCOL_ICMPV6, PROTOCOL_UDP } from '../../src/packet/ipv4.js';
import { findIpv6UpperLayer } from '../../src/packet/ipv6.js';
import { PSP_UDP_PORT } from '../../src/psp/header.js';

/** Router and neighbor messages (RFC 4861), and the multicast reports that go with them (RFC 3810 section 5.2). */
const NEIGHBOR_DISCOVERY: readonly number[] = [133, 134, 135, 136, 137, 143];

/** What a frame on the underlay is; undefined: what must not be there. */
export function onUnderlay(frame: Uint8Array): 'psp' | 'neighborDiscovery' | undefined {
  const upper =
    etherType(frame) === ETHER_TYPE_IPV6
      ? findIpv6UpperLayer(frame, ETHERNET_HEADER_OCTETS, frame.length)
      : undefined;
  if (upper === undefined) return undefined;
  const { protocol, offset } = upper;
  if (protocol === PROTOCOL_UDP) {
    const destination = (frame[offset + 2]! << 8) | frame[offset + 3]!;
    return destination === PSP_UDP_PORT ? 'psp' : undefined;
  }
  if (protocol === PROTOCOL_ICMPV6 && NEIGHBOR_DISCOVERY.includes(frame[offset]!)) return 'neighborDiscovery';
  return undefined;
}
