/** Packets and frames that an insider makes. */
import {
  type IpAddress,
  type IpFamily,
  type Ipv4Address,
  type Ipv6Address,
  ipFamily,
} from '../../../packet/address.js';
import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  writeEthernetHeader,
} from '../../../packet/ethernet.js';
import { buildIpv4Packet, PROTOCOL_UDP } from '../../../packet/ipv4.js';
import { buildIpv6Packet } from '../../../packet/ipv6.js';
import { buildUdp, setUdpChecksum, UDP_HEADER_OCTETS } from '../../../packet/udp.js';

/** Ports of its datagrams, and identifier of its echo requests. */
export const PORT = 40_000;
export const HOP_LIMIT = 64;

/** An IP packet with a UDP datagram. */
export function datagram(source: IpAddress, destination: IpAddress, payload: Uint8Array): Uint8Array {
  const packet = ipPacket(source, destination, buildUdp(PORT, PORT, payload));
  setUdpChecksum(packet, 0, ipFamily(source), packet.length - payload.length - UDP_HEADER_OCTETS);
  return packet;
}

export function ipPacket(source: IpAddress, destination: IpAddress, payload: Uint8Array): Uint8Array {
  return ipFamily(destination) === 4
    ? buildIpv4Packet({
        source: source as Ipv4Address,
        destination: destination as Ipv4Address,
        protocol: PROTOCOL_UDP,
        ttl: HOP_LIMIT,
        dontFragment: true,
        payload,
      })
    : buildIpv6Packet({
        source: source as Ipv6Address,
        destination: destination as Ipv6Address,
        nextHeader: PROTOCOL_UDP,
        hopLimit: HOP_LIMIT,
        payload,
      });
}

/** An Ethernet frame with an IP packet. */
export function ethernet(to: Uint8Array, from: Uint8Array, family: IpFamily, packet: Uint8Array): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER_OCTETS + packet.length);
  writeEthernetHeader(frame, to, from, family === 4 ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6);
  frame.set(packet, ETHERNET_HEADER_OCTETS);
  return frame;
}
