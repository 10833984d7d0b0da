/** Fragmentation of IPv4 packets (RFC 791, section 3.2), and which packets are fragments. */
import { ETHER_TYPE_IPV4, ETHER_TYPE_IPV6, ETHERNET_HEADER_OCTETS, etherType } from './ethernet.js';
import {
  IPV4_FLAG_MORE_FRAGMENTS,
  IPV4_FLAGS_FRAGMENT,
  IPV4_FRAGMENT_OFFSET_MASK,
  IPV4_HEADER_OCTETS_MIN,
  ipv4FlagsFragment,
  ipv4HeaderLength,
  ipv4HeaderValid,
  ipv4IsFragment,
  ipv4TotalLength,
  setIpv4Checksum,
  setIpv4TotalLength,
} from './ipv4.js';
import { findIpv6UpperLayer, IPV6_HEADER_OCTETS, ipv6HeaderValid, ipv6PayloadLength } from './ipv6.js';

const FRAGMENT_UNIT_OCTETS = 8;
const OPTION_COPIED = 0x80;
const OPTION_END = 0;
const OPTION_NOP = 1;

/** Options that go into every fragment, padded to whole words; undefined when the list is damaged. */
function copiedOptions(header: Uint8Array): Uint8Array | undefined {
  const copied: number[] = [];
  for (let at = IPV4_HEADER_OCTETS_MIN; at < header.length; ) {
    const type = header[at]!;
    if (type === OPTION_END) break;
    if (type === OPTION_NOP) {
      at++;
      continue;
    }
    const lengthOctets = header[at + 1] ?? 0;
    if (lengthOctets < 2 || at + lengthOctets > header.length) return undefined;
    if ((type & OPTION_COPIED) !== 0) copied.push(...header.subarray(at, at + lengthOctets));
    at += lengthOctets;
  }
  while (copied.length % 4 !== 0) copied.push(OPTION_END);
  return Uint8Array.from(copied);
}

/**
 * Cuts the IPv4 packet of an Ethernet frame into frames whose packets fit `mtuOctets`. The packet has been checked,
 * and may itself be a fragment. undefined when it cannot be cut: damaged options, no room for data, or a fragment that
 * reaches beyond what the offset field can count.
 */
export function fragmentIpv4(frame: Uint8Array, mtuOctets: number): Uint8Array[] | undefined {
  const ip = ETHERNET_HEADER_OCTETS;
  const headerOctets = ipv4HeaderLength(frame, ip);
  const end = ip + ipv4TotalLength(frame, ip);
  const options = copiedOptions(frame.subarray(ip, ip + headerOctets));
  if (options === undefined) return undefined;
  const flags = ipv4FlagsFragment(frame, ip);
  const fragments: Uint8Array[] = [];
  for (let at = ip + headerOctets; at < end; ) {
    const first = fragments.length === 0;
    const ownHeaderOctets = first ? headerOctets : IPV4_HEADER_OCTETS_MIN + options.length;
    const room = Math.floor((mtuOctets - ownHeaderOctets) / FRAGMENT_UNIT_OCTETS) * FRAGMENT_UNIT_OCTETS;
    if (room < FRAGMENT_UNIT_OCTETS) return undefined;
    const dataOctets = Math.min(room, end - at);
    const fragment = new Uint8Array(ETHERNET_HEADER_OCTETS + ownHeaderOctets + dataOctets);
    fragment.set(frame.subarray(0, ip + (first ? headerOctets : IPV4_HEADER_OCTETS_MIN)));
    if (!first) {
      fragment.set(options, ip + IPV4_HEADER_OCTETS_MIN);
      fragment[ip] = 0x40 | (ownHeaderOctets / 4);
    }
    fragment.set(frame.subarray(at, at + dataOctets), ip + ownHeaderOctets);
    const units = (at - ip - headerOctets) / FRAGMENT_UNIT_OCTETS + (flags & IPV4_FRAGMENT_OFFSET_MASK);
    if (units > IPV4_FRAGMENT_OFFSET_MASK) return undefined;
    const more = at + dataOctets < end || (flags & IPV4_FLAG_MORE_FRAGMENTS) !== 0;
    const field = units | (more ? IPV4_FLAG_MORE_FRAGMENTS : 0);
    fragment[ip + IPV4_FLAGS_FRAGMENT] = field >>> 8;
    fragment[ip + IPV4_FLAGS_FRAGMENT + 1] = field;
    setIpv4TotalLength(fragment, ip, fragment.length - ip);
    setIpv4Checksum(fragment, ip);
    fragments.push(fragment);
    at += dataOctets;
  }
  return fragments;
}

/** Whether an Ethernet frame contains a whole IP packet that is a fragment of another one. */
export function isIpFragment(frame: Uint8Array): boolean {
  const ip = ETHERNET_HEADER_OCTETS;
  switch (etherType(frame)) {
    case ETHER_TYPE_IPV4:
      return ipv4HeaderValid(frame, ip, frame.length) && ipv4IsFragment(frame, ip);
    case ETHER_TYPE_IPV6: {
      if (!ipv6HeaderValid(frame, ip, frame.length)) return false;
      const end = ip + IPV6_HEADER_OCTETS + ipv6PayloadLength(frame, ip);
      return findIpv6UpperLayer(frame, ip, end)?.isFragment === true;
    }
    default:
      return false;
  }
}
