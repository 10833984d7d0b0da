/** Messages with which hosts of one segment find each other: ARP, neighbor discovery, multicast listener discovery. */
import { readArpMessage } from './arp-message.js';
import { ETHER_TYPE_ARP, ETHER_TYPE_IPV6, ETHERNET_HEADER_OCTETS, etherType } from './ethernet.js';
import { readIcmpv6Message } from './icmpv6-segment.js';
import { PROTOCOL_ICMPV6 } from './ipv4.js';
import { findIpv6UpperLayer, ipv6HeaderValid } from './ipv6.js';
import { MULTICAST_LISTENER_TYPES, readMulticastListener } from './multicast-listener.js';
import { NEIGHBOR_DISCOVERY_TYPES, readNeighborDiscovery } from './neighbor-discovery.js';
import type { SegmentFault, SegmentMessage } from './segment-message.js';

/** The ICMPv6 types that belong to a segment. */
export const SEGMENT_ICMPV6_TYPES: readonly number[] = [
  ...NEIGHBOR_DISCOVERY_TYPES,
  ...MULTICAST_LISTENER_TYPES,
];

/** Whether a frame claims to be such a message, by its Ethernet or ICMPv6 type alone. */
export function claimsToBeSegmentMessage(frame: Uint8Array): boolean {
  const type = etherType(frame);
  if (type === ETHER_TYPE_ARP) return true;
  if (type !== ETHER_TYPE_IPV6 || !ipv6HeaderValid(frame, ETHERNET_HEADER_OCTETS, frame.length)) return false;
  const upper = findIpv6UpperLayer(frame, ETHERNET_HEADER_OCTETS, frame.length);
  return (
    upper !== undefined &&
    !upper.isFragment &&
    upper.protocol === PROTOCOL_ICMPV6 &&
    SEGMENT_ICMPV6_TYPES.includes(frame[upper.offset] ?? -1)
  );
}

/** The message in a frame, or what is not to the letter. */
export function readSegmentMessage(frame: Uint8Array): SegmentMessage | SegmentFault {
  switch (etherType(frame)) {
    case ETHER_TYPE_ARP:
      return readArpMessage(frame);
    case ETHER_TYPE_IPV6: {
      const message = readIcmpv6Message(frame);
      if (typeof message === 'string') return message;
      if (MULTICAST_LISTENER_TYPES.includes(message.type)) return readMulticastListener(message);
      return readNeighborDiscovery(message);
    }
    default:
      return 'kind';
  }
}
