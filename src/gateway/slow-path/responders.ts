/**
 * Answers that the gateway gives its workload itself: ARP and neighbor discovery for any address (the peer may be
 * anywhere; the gateway is the way there), and DHCP with the address that the gateway was told. Each takes a frame
 * from the workload and gives the frame to send back, or undefined where no answer is due.
 */
import {
  type Ipv4Address,
  type Ipv6Address,
  ipFromOctets,
  type MacAddress,
  macFromOctets,
  macToOctets,
} from '../../packet/address.js';
import { ARP_REPLY, ARP_REQUEST, buildArp, parseArp } from '../../packet/arp.js';
import {
  BOOT_REPLY,
  BOOT_REQUEST,
  buildDhcp,
  DHCP_ACK,
  DHCP_CLIENT_PORT,
  DHCP_DISCOVER,
  DHCP_INFORM,
  DHCP_NAK,
  DHCP_OFFER,
  DHCP_REQUEST,
  DHCP_SERVER_PORT,
  type DhcpMessage,
  parseDhcp,
} from '../../packet/dhcp.js';
import {
  ETHER_TYPE_IPV4,
  ETHERNET_HEADER_OCTETS,
  ETHERNET_SOURCE,
  etherType,
  writeEthernetHeader,
} from '../../packet/ethernet.js';
import {
  buildNeighborAdvertisement,
  ICMPV6_NEIGHBOR_SOLICITATION,
  parseNeighborMessage,
  UNSPECIFIED_IPV6,
} from '../../packet/icmpv6.js';
import {
  buildIpv4Packet,
  IPV4_DESTINATION,
  IPV4_HEADER_OCTETS_MIN,
  ipv4HeaderLength,
  ipv4HeaderValid,
  ipv4IsFragment,
  ipv4Protocol,
  PROTOCOL_UDP,
} from '../../packet/ipv4.js';
import {
  buildUdp,
  setUdpChecksum,
  UDP_DESTINATION_PORT,
  UDP_HEADER_OCTETS,
  UDP_LENGTH,
} from '../../packet/udp.js';

const BROADCAST_IP = '255.255.255.255' as Ipv4Address;
const REPLY_TTL = 64;
/** A lease outlives restarts of the gateway, which keeps no record of it. */
const LEASE_SECONDS = 86_400;
const HOST_MASK = '255.255.255.0' as Ipv4Address;

/** ARP: any address but the asker's own is at our MAC. */
export function answerArp(frame: Uint8Array, ourMac: MacAddress): Uint8Array | undefined {
  const arp = parseArp(frame);
  if (arp === undefined || arp.operation !== ARP_REQUEST) return undefined;
  // A probe (RFC 5227) or an announcement: an answer would take the workload's address away from it.
  if (arp.senderIp === '0.0.0.0' || arp.senderIp === arp.targetIp) return undefined;
  return buildArp({
    operation: ARP_REPLY,
    senderMac: ourMac,
    senderIp: arp.targetIp,
    targetMac: arp.senderMac,
    targetIp: arp.senderIp,
  });
}

/** Neighbor discovery: likewise, and no answer to duplicate address detection (RFC 4862, section 5.4). */
export function answerNeighborSolicitation(frame: Uint8Array, ourMac: MacAddress): Uint8Array | undefined {
  const solicitation = parseNeighborMessage(frame, ICMPV6_NEIGHBOR_SOLICITATION);
  if (solicitation === undefined || solicitation.source === UNSPECIFIED_IPV6) return undefined;
  if (solicitation.source === solicitation.target) return undefined;
  const to = solicitation.linkLayer ?? macFromOctets(frame, ETHERNET_SOURCE);
  return buildNeighborAdvertisement(solicitation.target as Ipv6Address, solicitation.source, to, ourMac);
}

export interface DhcpServerOptions {
  /** The one address that is given out. */
  readonly address: Ipv4Address;
  /** The gateway's own in that subnet: server and router. */
  readonly router: Ipv4Address;
  readonly ourMac: MacAddress;
  /** Largest packet that fits into a tunnel. */
  readonly mtuOctets: number;
}

/** DHCP: offers and confirms the one address; refuses others. */
export function answerDhcp(frame: Uint8Array, options: DhcpServerOptions): Uint8Array | undefined {
  const request = dhcpRequestOf(frame, options.router);
  if (request === undefined) return undefined;
  const { router } = options;
  const type = replyType(request, options);
  if (type === undefined) return undefined;
  const granted = type !== DHCP_NAK;
  return dhcpFrame(
    {
      operation: BOOT_REPLY,
      type,
      transactionId: request.transactionId,
      clientMac: request.clientMac,
      broadcast: request.broadcast === true,
      serverId: router,
      ...(request.clientIp === undefined ? {} : { clientIp: request.clientIp }),
      ...(granted ? { subnetMask: HOST_MASK, router, mtuOctets: options.mtuOctets, serverIp: router } : {}),
      ...(granted && request.type !== DHCP_INFORM
        ? { yourIp: options.address, leaseSeconds: LEASE_SECONDS }
        : {}),
    },
    options.ourMac,
    router,
  );
}

function replyType(request: DhcpMessage, { address, router }: DhcpServerOptions): number | undefined {
  switch (request.type) {
    case DHCP_DISCOVER:
      return DHCP_OFFER;
    case DHCP_REQUEST: {
      // Another server was chosen.
      if (request.serverId !== undefined && request.serverId !== router) return undefined;
      return (request.requestedIp ?? request.clientIp) === address ? DHCP_ACK : DHCP_NAK;
    }
    case DHCP_INFORM:
      return DHCP_ACK;
    default:
      return undefined;
  }
}

/**
 * The gateway has no address of its own on the workload's side: the first of the subnet that is nobody's. `isTaken` says
 * which are the workload's or a peer's: what goes to a peer's is not for us.
 */
export function dhcpRouterOf(address: Ipv4Address, isTaken: (ip: Ipv4Address) => boolean): Ipv4Address {
  const subnet = address.slice(0, address.lastIndexOf('.'));
  const hosts = Array.from({ length: 254 }, (_, i) => `${subnet}.${i + 1}` as Ipv4Address);
  const others = hosts.filter((ip) => ip !== address);
  return others.find((ip) => !isTaken(ip)) ?? others[0]!;
}

/** A request to every server or to us; to other addresses it is traffic like other traffic. */
function dhcpRequestOf(frame: Uint8Array, router: Ipv4Address): DhcpMessage | undefined {
  const ip = ETHERNET_HEADER_OCTETS;
  if (etherType(frame) !== ETHER_TYPE_IPV4 || !ipv4HeaderValid(frame, ip, frame.length)) return undefined;
  if (ipv4Protocol(frame, ip) !== PROTOCOL_UDP || ipv4IsFragment(frame, ip)) return undefined;
  const destination = ipFromOctets(frame, ip + IPV4_DESTINATION, 4);
  if (destination !== BROADCAST_IP && destination !== router) return undefined;
  const udp = ip + ipv4HeaderLength(frame, ip);
  if (udp + UDP_HEADER_OCTETS > frame.length) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getUint16(udp + UDP_DESTINATION_PORT) !== DHCP_SERVER_PORT) return undefined;
  const end = udp + view.getUint16(udp + UDP_LENGTH);
  if (end > frame.length || end < udp + UDP_HEADER_OCTETS) return undefined;
  const message = parseDhcp(frame.subarray(udp + UDP_HEADER_OCTETS, end));
  return message?.operation === BOOT_REQUEST ? message : undefined;
}

function dhcpFrame(message: DhcpMessage, ourMac: MacAddress, source: Ipv4Address): Uint8Array {
  const unicast = message.type === DHCP_ACK && message.clientIp !== undefined;
  const packet = buildIpv4Packet({
    source,
    destination: unicast ? message.clientIp! : BROADCAST_IP,
    protocol: PROTOCOL_UDP,
    ttl: REPLY_TTL,
    payload: buildUdp(DHCP_SERVER_PORT, DHCP_CLIENT_PORT, buildDhcp(message)),
  });
  setUdpChecksum(packet, 0, 4, IPV4_HEADER_OCTETS_MIN);
  const frame = new Uint8Array(ETHERNET_HEADER_OCTETS + packet.length);
  const to = message.broadcast === true ? new Uint8Array(6).fill(0xff) : macToOctets(message.clientMac);
  writeEthernetHeader(frame, to, macToOctets(ourMac), ETHER_TYPE_IPV4);
  frame.set(packet, ETHERNET_HEADER_OCTETS);
  return frame;
}
