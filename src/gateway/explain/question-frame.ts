/** The frame that a packet would be that somebody asks about. */
import { type IpFamily, type Ipv4Address, type Ipv6Address, ipFamily } from '../../packet/address.js';
import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  writeEthernetHeader,
} from '../../packet/ethernet.js';
import { buildIcmpEcho, ICMP_ECHO_REQUEST } from '../../packet/icmp.js';
import { buildIcmpv6Echo, ICMPV6_ECHO_REQUEST, setIcmpv6Checksum } from '../../packet/icmpv6.js';
import { IP_HEADER_OCTETS } from '../../packet/ip.js';
import {
  buildIpv4Packet,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../../packet/ipv4.js';
import { buildIpv6Packet } from '../../packet/ipv6.js';
import { buildTcp, setTcpChecksum, TCP_SYN } from '../../packet/tcp.js';
import { buildUdp, setUdpChecksum } from '../../packet/udp.js';
import type { PacketQuestion } from './packet-question.js';

const HOPS = 64;
const PAYLOAD = new Uint8Array(32);
/** A SYN's window; any would do. */
const WINDOW_OCTETS = 65_535;

/** The frame of such a packet, with right checksums. MACs have 6 octets. */
export function frameOf(question: PacketQuestion, toMac: Uint8Array, fromMac: Uint8Array): Uint8Array {
  const { source, destination, protocol } = question;
  const family = ipFamily(source);
  const { number, payload } = upperLayer(question, family);
  const packet =
    family === 4
      ? buildIpv4Packet({
          source: source as Ipv4Address,
          destination: destination as Ipv4Address,
          protocol: number,
          ttl: HOPS,
          payload,
        })
      : buildIpv6Packet({
          source: source as Ipv6Address,
          destination: destination as Ipv6Address,
          nextHeader: number,
          hopLimit: HOPS,
          payload,
        });
  const at = IP_HEADER_OCTETS[family];
  if (protocol === 'udp') setUdpChecksum(packet, 0, family, at);
  else if (protocol === 'tcp') setTcpChecksum(packet, 0, family, at, packet.length);
  else if (family === 6) setIcmpv6Checksum(packet, 0, at, packet.length);
  const frame = new Uint8Array(ETHERNET_HEADER_OCTETS + packet.length);
  writeEthernetHeader(frame, toMac, fromMac, family === 4 ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6);
  frame.set(packet, ETHERNET_HEADER_OCTETS);
  return frame;
}

function upperLayer(
  { protocol, sourcePort, destinationPort }: PacketQuestion,
  family: IpFamily,
): { readonly number: number; readonly payload: Uint8Array } {
  if (protocol === 'udp')
    return { number: PROTOCOL_UDP, payload: buildUdp(sourcePort, destinationPort, PAYLOAD) };
  if (protocol === 'tcp') {
    const header = {
      sourcePort,
      destinationPort,
      sequence: 1,
      acknowledgment: 0,
      flags: TCP_SYN,
      window: WINDOW_OCTETS,
    };
    return { number: PROTOCOL_TCP, payload: buildTcp(header, new Uint8Array()) };
  }
  return family === 4
    ? { number: PROTOCOL_ICMP, payload: buildIcmpEcho(ICMP_ECHO_REQUEST, 1, 1, PAYLOAD) }
    : { number: PROTOCOL_ICMPV6, payload: buildIcmpv6Echo(ICMPV6_ECHO_REQUEST, 1, 1, PAYLOAD) };
}
