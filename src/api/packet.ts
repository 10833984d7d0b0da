/**
 * Packets as octets: addresses, Ethernet, ARP, IPv4, IPv6, UDP, TCP, ICMP, checksums, and descriptions for people. A frame is an
 * Ethernet frame without FCS in a Uint8Array; functions that read take an offset into it and copy nothing.
 *
 * @packageDocumentation
 */
export {
  AddressError,
  type IpAddress,
  type IpFamily,
  type Ipv4Address,
  type Ipv6Address,
  ipFamily,
  ipFromOctets,
  ipToOctets,
  type MacAddress,
  macFromOctets,
  macToOctets,
  parseIp,
  parseIpv4,
  parseIpv6,
  parseMac,
} from '../packet/address.js';
export { ARP_REPLY, ARP_REQUEST, type Arp, buildArp, parseArp } from '../packet/arp.js';
export { internetChecksum } from '../packet/checksum.js';
export { describeFrame, type Layer, renderTree, summarize, type UdpDissector } from '../packet/describe.js';
export {
  ETHER_TYPE_ARP,
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  etherType,
  writeEthernetHeader,
} from '../packet/ethernet.js';
export { fragmentIpv4 } from '../packet/fragment.js';
export { buildIcmpEcho } from '../packet/icmp.js';
export { buildIcmpv6Echo } from '../packet/icmpv6.js';
export {
  buildIpv4Packet,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../packet/ipv4.js';
export { buildIpv6Packet, findIpv6UpperLayer, type UpperLayer } from '../packet/ipv6.js';
export { type IpPrefix, parsePrefix, prefixHolds } from '../packet/prefix.js';
export {
  buildTcp,
  parseTcp,
  setTcpChecksum,
  type TcpHeader,
  type TcpSegment,
  tcpChecksumOk,
} from '../packet/tcp.js';
export { buildUdp, setUdpChecksum, udpChecksumOk } from '../packet/udp.js';
