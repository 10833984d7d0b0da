/**
 * Packets of the workload that do not fit the underlay once they are encapsulated. IPv6, and IPv4 with "don't
 * fragment", are answered with the MTU that fits; other IPv4 packets are cut into pieces in tunnel mode. In transport mode they
 * are answered, too: pieces have no whole upper layer, and cannot be encapsulated (RFC 4303, section 3.3.4, has the order).
 */
import {
  type Ipv4Address,
  type Ipv6Address,
  ipFromOctets,
  type MacAddress,
  macToOctets,
} from '../../packet/address.js';
import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  ETHERNET_SOURCE,
  etherType,
  writeEthernetHeader,
} from '../../packet/ethernet.js';
import { fragmentIpv4 } from '../../packet/fragment.js';
import { buildFragmentationNeeded, isIcmpError } from '../../packet/icmp.js';
import { buildPacketTooBig, icmpv6Packet, isIcmpv6Error } from '../../packet/icmpv6.js';
import {
  buildIpv4Packet,
  IPV4_DESTINATION,
  IPV4_FLAG_DONT_FRAGMENT,
  IPV4_FRAGMENT_OFFSET_MASK,
  IPV4_SOURCE,
  ipv4FlagsFragment,
  ipv4HeaderLength,
  ipv4HeaderValid,
  ipv4Protocol,
  ipv4TotalLength,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
} from '../../packet/ipv4.js';
import {
  findIpv6UpperLayer,
  IPV6_DESTINATION,
  IPV6_HEADER_OCTETS,
  IPV6_SOURCE,
  ipv6HeaderValid,
  ipv6PayloadLength,
} from '../../packet/ipv6.js';

const ANSWER_TTL = 64;

export type TooBig =
  /** It fits. */
  | { readonly kind: 'fits' }
  /** Send this back to the workload. */
  | { readonly kind: 'answer'; readonly frame: Uint8Array }
  /** Send these on instead. */
  | { readonly kind: 'fragments'; readonly frames: readonly Uint8Array[] }
  /** Too big, and no answer may be sent (RFC 1812 section 4.3.2.7, RFC 4443 section 2.4). */
  | { readonly kind: 'drop' };

const FITS: TooBig = { kind: 'fits' };
const DROP: TooBig = { kind: 'drop' };

/**
 * What to do with a workload's frame where packets of up to `mtuOctets` fit.
 *
 * @param mayCut whether what is cut can be sent on
 */
export function checkPathMtu(
  frame: Uint8Array,
  mtuOctets: number,
  ourMac: MacAddress,
  mayCut: boolean,
): TooBig {
  const ip = ETHERNET_HEADER_OCTETS;
  switch (etherType(frame)) {
    case ETHER_TYPE_IPV4:
      if (!ipv4HeaderValid(frame, ip, frame.length) || ipv4TotalLength(frame, ip) <= mtuOctets) return FITS;
      return ipv4TooBig(frame, mtuOctets, ourMac, mayCut);
    case ETHER_TYPE_IPV6:
      if (!ipv6HeaderValid(frame, ip, frame.length)) return FITS;
      if (IPV6_HEADER_OCTETS + ipv6PayloadLength(frame, ip) <= mtuOctets) return FITS;
      return ipv6TooBig(frame, mtuOctets, ourMac);
    default:
      return FITS;
  }
}

function ipv4TooBig(frame: Uint8Array, mtuOctets: number, ourMac: MacAddress, mayCut: boolean): TooBig {
  const ip = ETHERNET_HEADER_OCTETS;
  const flags = ipv4FlagsFragment(frame, ip);
  if (mayCut && (flags & IPV4_FLAG_DONT_FRAGMENT) === 0) {
    const frames = fragmentIpv4(frame, mtuOctets);
    return frames === undefined ? DROP : { kind: 'fragments', frames };
  }
  const multicast = frame[ip + IPV4_DESTINATION]! >= 224 || frame[ip + IPV4_SOURCE]! >= 224;
  const laterFragment = (flags & IPV4_FRAGMENT_OFFSET_MASK) !== 0;
  const icmp = ipv4Protocol(frame, ip) === PROTOCOL_ICMP;
  if (multicast || laterFragment || (icmp && isIcmpError(frame[ip + ipv4HeaderLength(frame, ip)]!)))
    return DROP;
  // The router that cannot send it on: to the workload that is where it sent it to.
  const packet = buildIpv4Packet({
    source: ipFromOctets(frame, ip + IPV4_DESTINATION, 4) as Ipv4Address,
    destination: ipFromOctets(frame, ip + IPV4_SOURCE, 4) as Ipv4Address,
    protocol: PROTOCOL_ICMP,
    ttl: ANSWER_TTL,
    payload: buildFragmentationNeeded(frame, ip, mtuOctets),
  });
  return { kind: 'answer', frame: backToWorkload(frame, packet, ourMac, ETHER_TYPE_IPV4) };
}

function ipv6TooBig(frame: Uint8Array, mtuOctets: number, ourMac: MacAddress): TooBig {
  const ip = ETHERNET_HEADER_OCTETS;
  const end = ip + IPV6_HEADER_OCTETS + ipv6PayloadLength(frame, ip);
  const upper = findIpv6UpperLayer(frame, ip, end);
  const icmpError =
    upper?.protocol === PROTOCOL_ICMPV6 && upper.offset < end && isIcmpv6Error(frame[upper.offset]!);
  const sourceUnusable = frame[ip + IPV6_SOURCE] === 0xff || isUnspecified(frame, ip + IPV6_SOURCE);
  if (icmpError || sourceUnusable || frame[ip + IPV6_DESTINATION] === 0xff) return DROP;
  const packet = icmpv6Packet(
    ipFromOctets(frame, ip + IPV6_DESTINATION, 6) as Ipv6Address,
    ipFromOctets(frame, ip + IPV6_SOURCE, 6) as Ipv6Address,
    buildPacketTooBig(frame, ip, mtuOctets),
  );
  return { kind: 'answer', frame: backToWorkload(frame, packet, ourMac, ETHER_TYPE_IPV6) };
}

function isUnspecified(frame: Uint8Array, offset: number): boolean {
  return frame.subarray(offset, offset + 16).every((octet) => octet === 0);
}

function backToWorkload(frame: Uint8Array, packet: Uint8Array, ourMac: MacAddress, type: number): Uint8Array {
  const answer = new Uint8Array(ETHERNET_HEADER_OCTETS + packet.length);
  const workloadMac = frame.subarray(ETHERNET_SOURCE, ETHERNET_SOURCE + 6);
  writeEthernetHeader(answer, workloadMac, macToOctets(ourMac), type);
  answer.set(packet, ETHERNET_HEADER_OCTETS);
  return answer;
}
