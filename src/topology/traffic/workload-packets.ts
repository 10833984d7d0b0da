/** The packets that workloads send. */
import {
  type IpAddress,
  type IpFamily,
  type Ipv4Address,
  type Ipv6Address,
  ipFamily,
} from '../../packet/address.js';
import { buildIpv4Packet, PROTOCOL_TCP, PROTOCOL_UDP } from '../../packet/ipv4.js';
import { buildIpv6Packet } from '../../packet/ipv6.js';
import { setTcpChecksum } from '../../packet/tcp.js';
import { buildUdp, setUdpChecksum, UDP_HEADER_OCTETS } from '../../packet/udp.js';
import type { Flow } from './flow.js';

const HOP_LIMIT = 64;
/** That flows are for, unless they say another. */
export const FLOW_PORT = 5201;
const SOURCE_PORT_FIRST = 10_000;
const SOURCE_PORTS = 50_000;

/** The flow's source port. */
export const sourcePortOf = (flow: Flow): number => SOURCE_PORT_FIRST + (flow.number % SOURCE_PORTS);

export function datagram(
  source: IpAddress,
  destination: IpAddress,
  sourcePort: number,
  payload: Uint8Array,
  port = FLOW_PORT,
): Uint8Array {
  const family = ipFamily(source);
  const packet = ipPacket(source, destination, PROTOCOL_UDP, buildUdp(sourcePort, port, payload));
  setUdpChecksum(packet, 0, family, packet.length - payload.length - UDP_HEADER_OCTETS);
  return packet;
}

export function tcpPacket(source: IpAddress, destination: IpAddress, segment: Uint8Array): Uint8Array {
  const packet = ipPacket(source, destination, PROTOCOL_TCP, segment);
  setTcpChecksum(packet, 0, ipFamily(source), packet.length - segment.length, packet.length);
  return packet;
}

function ipPacket(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  payload: Uint8Array,
): Uint8Array {
  const family: IpFamily = ipFamily(source);
  return family === 4
    ? buildIpv4Packet({
        source: source as Ipv4Address,
        destination: destination as Ipv4Address,
        protocol,
        ttl: HOP_LIMIT,
        dontFragment: true,
        payload,
      })
    : buildIpv6Packet({
        source: source as Ipv6Address,
        destination: destination as Ipv6Address,
        nextHeader: protocol,
        hopLimit: HOP_LIMIT,
        payload,
      });
}
