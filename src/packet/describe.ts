/**
 * A frame's headers for people and programs: a list of layers, outermost first, each with its fields in order. Never
 * throws; where a header is cut off or contradicts itself the list ends with what is left.
 */
import { ipFromOctets, macFromOctets } from './address.js';
import { ARP_REQUEST, parseArp } from './arp.js';
import { DHCP_CLIENT_PORT, DHCP_SERVER_PORT, type DhcpMessage, dhcpTypeName, parseDhcp } from './dhcp.js';
import {
  ETHER_TYPE_ARP,
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHER_TYPE_VLAN,
  ETHERNET_HEADER_OCTETS,
  ETHERNET_SOURCE,
  etherType,
} from './ethernet.js';
import {
  fragmentationNeededMtu,
  ICMP_CODE_FRAGMENTATION_NEEDED,
  ICMP_DESTINATION_UNREACHABLE,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_OCTETS,
} from './icmp.js';
import {
  ICMPV6_ECHO_REPLY,
  ICMPV6_ECHO_REQUEST,
  ICMPV6_NEIGHBOR_ADVERTISEMENT,
  ICMPV6_NEIGHBOR_SOLICITATION,
  ICMPV6_PACKET_TOO_BIG,
  NEIGHBOR_MESSAGE_OCTETS_MIN,
  NEIGHBOR_TARGET,
  packetTooBigMtu,
} from './icmpv6.js';
import {
  IPV4_DESTINATION,
  IPV4_SOURCE,
  IPV4_TTL,
  ipv4ChecksumOk,
  ipv4FlagsFragment,
  ipv4HeaderLength,
  ipv4HeaderValid,
  ipv4IsFragment,
  ipv4Protocol,
  ipv4TotalLength,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from './ipv4.js';
import {
  findIpv6UpperLayer,
  IPV6_DESTINATION,
  IPV6_HEADER_OCTETS,
  IPV6_HOP_LIMIT,
  IPV6_SOURCE,
  ipv6HeaderValid,
  ipv6PayloadLength,
} from './ipv6.js';
import { parseTcp, tcpFlagNames } from './tcp.js';
import { UDP_CHECKSUM, UDP_DESTINATION_PORT, UDP_HEADER_OCTETS, UDP_LENGTH, UDP_SOURCE_PORT } from './udp.js';

export interface Layer {
  readonly name: string;
  /** One phrase, as it stands in a one-line summary. */
  readonly summary: string;
  readonly fields: readonly (readonly [name: string, value: string | number | boolean])[];
}

/** Describes a UDP payload; undefined where it knows nothing about the port. */
export type UdpDissector = (
  destinationPort: number,
  octets: Uint8Array,
  offset: number,
  end: number,
) => readonly Layer[] | undefined;

const hex = (value: number, digits: number) => `0x${value.toString(16).padStart(digits, '0')}`;
const u16 = (octets: Uint8Array, at: number) => (octets[at]! << 8) | octets[at + 1]!;
const u32 = (octets: Uint8Array, at: number) => u16(octets, at) * 65536 + u16(octets, at + 2);

const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  1: 'ICMP',
  4: 'IPv4',
  6: 'TCP',
  17: 'UDP',
  41: 'IPv6',
  58: 'ICMPv6',
  132: 'SCTP',
};

export function protocolName(protocol: number): string {
  return PROTOCOL_NAMES[protocol] ?? `protocol ${protocol}`;
}

/** All layers of a frame. */
export function describeFrame(frame: Uint8Array, dissectUdp?: UdpDissector): Layer[] {
  const layers: Layer[] = [];
  if (frame.length < ETHERNET_HEADER_OCTETS) {
    return [{ name: 'Data', summary: `${frame.length} octets`, fields: [['length', frame.length]] }];
  }
  const type = etherType(frame);
  const destination = macFromOctets(frame);
  const source = macFromOctets(frame, ETHERNET_SOURCE);
  layers.push({
    name: 'Ethernet',
    summary: `${source} > ${destination}`,
    fields: [
      ['destination', destination],
      ['source', source],
      ['type', hex(type, 4)],
    ],
  });
  if (type === ETHER_TYPE_VLAN) layers.push(...describeVlan(frame, dissectUdp));
  else if (type === ETHER_TYPE_ARP) {
    const arp = parseArp(frame);
    if (arp !== undefined) {
      const asks = arp.operation === ARP_REQUEST;
      layers.push({
        name: 'ARP',
        summary: asks
          ? `who has ${arp.targetIp}? tell ${arp.senderIp}`
          : `${arp.senderIp} is at ${arp.senderMac}`,
        fields: Object.entries(arp),
      });
    }
  } else if (type === ETHER_TYPE_IPV4 || type === ETHER_TYPE_IPV6) {
    layers.push(...describeIp(frame, ETHERNET_HEADER_OCTETS, frame.length, dissectUdp));
  }
  return layers;
}

const VLAN_TAG_OCTETS = 4;
const VLAN_ID_MASK = 0x0fff;

/** Tags of IEEE 802.1Q, one within the other, and an IP packet behind them. */
function describeVlan(frame: Uint8Array, dissectUdp: UdpDissector | undefined): Layer[] {
  const layers: Layer[] = [];
  let type: number = ETHER_TYPE_VLAN;
  let at = ETHERNET_HEADER_OCTETS;
  for (; type === ETHER_TYPE_VLAN && at + VLAN_TAG_OCTETS <= frame.length; at += VLAN_TAG_OCTETS) {
    const tag = u16(frame, at);
    type = u16(frame, at + 2);
    layers.push({
      name: 'VLAN',
      summary: String(tag & VLAN_ID_MASK),
      fields: [
        ['id', tag & VLAN_ID_MASK],
        ['priority', tag >>> 13],
        ['type', hex(type, 4)],
      ],
    });
  }
  if (type === ETHER_TYPE_IPV4 || type === ETHER_TYPE_IPV6) {
    layers.push(...describeIp(frame, at, frame.length, dissectUdp));
  }
  return layers;
}

/** The IP packet at `offset` and what is in it. */
export function describeIp(
  octets: Uint8Array,
  offset: number,
  end: number,
  dissectUdp?: UdpDissector,
): Layer[] {
  if (ipv4HeaderValid(octets, offset, end)) {
    const protocol = ipv4Protocol(octets, offset);
    const source = ipFromOctets(octets, offset + IPV4_SOURCE, 4);
    const destination = ipFromOctets(octets, offset + IPV4_DESTINATION, 4);
    const packetEnd = offset + ipv4TotalLength(octets, offset);
    const l4 = offset + ipv4HeaderLength(octets, offset);
    const layer: Layer = {
      name: 'IPv4',
      summary: `${source} > ${destination}`,
      fields: [
        ['source', source],
        ['destination', destination],
        ['protocol', protocolName(protocol)],
        ['ttl', octets[offset + IPV4_TTL]!],
        ['totalLength', ipv4TotalLength(octets, offset)],
        ['identification', hex(u16(octets, offset + 4), 4)],
        ['flagsAndFragmentOffset', hex(ipv4FlagsFragment(octets, offset), 4)],
        ['checksumOk', ipv4ChecksumOk(octets, offset)],
      ],
    };
    if (ipv4IsFragment(octets, offset)) return [layer, data('Fragment', packetEnd - l4)];
    return [layer, ...describeL4(octets, protocol, l4, packetEnd, dissectUdp)];
  }
  if (ipv6HeaderValid(octets, offset, end)) {
    const source = ipFromOctets(octets, offset + IPV6_SOURCE, 6);
    const destination = ipFromOctets(octets, offset + IPV6_DESTINATION, 6);
    const packetEnd = offset + IPV6_HEADER_OCTETS + ipv6PayloadLength(octets, offset);
    const upper = findIpv6UpperLayer(octets, offset, packetEnd);
    const layer: Layer = {
      name: 'IPv6',
      summary: `${source} > ${destination}`,
      fields: [
        ['source', source],
        ['destination', destination],
        ['protocol', upper === undefined ? 'unreadable' : protocolName(upper.protocol)],
        ['hopLimit', octets[offset + IPV6_HOP_LIMIT]!],
        ['payloadLength', ipv6PayloadLength(octets, offset)],
        ['flowLabel', hex(u32(octets, offset) & 0xfffff, 5)],
      ],
    };
    if (upper === undefined) return [layer, data('Malformed extension headers', packetEnd - offset - 40)];
    if (upper.isFragment) return [layer, data('Fragment', packetEnd - upper.offset)];
    return [layer, ...describeL4(octets, upper.protocol, upper.offset, packetEnd, dissectUdp)];
  }
  return [data('Malformed IP packet', end - offset)];
}

function data(name: string, lengthOctets: number): Layer {
  return { name, summary: `${lengthOctets} octets`, fields: [['length', lengthOctets]] };
}

function describeL4(
  octets: Uint8Array,
  protocol: number,
  at: number,
  end: number,
  dissectUdp: UdpDissector | undefined,
): Layer[] {
  if (protocol === PROTOCOL_UDP && end - at >= UDP_HEADER_OCTETS) {
    return describeUdp(octets, at, end, dissectUdp);
  }
  if (protocol === PROTOCOL_TCP) return [describeTcp(octets, at, end)];
  if (protocol === PROTOCOL_ICMP && end - at >= ICMP_HEADER_OCTETS) return [describeIcmp(octets, at, end)];
  if (protocol === PROTOCOL_ICMPV6 && end - at >= ICMP_HEADER_OCTETS)
    return [describeIcmpv6(octets, at, end)];
  return [data(protocolName(protocol), end - at)];
}

function describeUdp(
  octets: Uint8Array,
  at: number,
  end: number,
  dissectUdp: UdpDissector | undefined,
): Layer[] {
  const source = u16(octets, at + UDP_SOURCE_PORT);
  const destination = u16(octets, at + UDP_DESTINATION_PORT);
  const length = u16(octets, at + UDP_LENGTH);
  const udp: Layer = {
    name: 'UDP',
    summary: `${source} > ${destination}`,
    fields: [
      ['sourcePort', source],
      ['destinationPort', destination],
      ['length', length],
      ['checksum', hex(u16(octets, at + UDP_CHECKSUM), 4)],
    ],
  };
  const payload = at + UDP_HEADER_OCTETS;
  const payloadEnd = Math.min(end, Math.max(payload, at + length));
  if (destination === DHCP_SERVER_PORT || destination === DHCP_CLIENT_PORT) {
    const dhcp = parseDhcp(octets.subarray(payload, payloadEnd));
    if (dhcp !== undefined) return [udp, describeDhcp(dhcp)];
  }
  return [udp, ...(dissectUdp?.(destination, octets, payload, payloadEnd) ?? [])];
}

function describeDhcp(message: DhcpMessage): Layer {
  const address = message.yourIp ?? message.requestedIp ?? message.clientIp;
  return {
    name: 'DHCP',
    summary: `${dhcpTypeName(message.type)} ${message.clientMac}${address === undefined ? '' : `, ${address}`}`,
    fields: Object.entries({ ...message, transactionId: hex(message.transactionId, 8) }),
  };
}

function describeTcp(octets: Uint8Array, at: number, end: number): Layer {
  const tcp = parseTcp(octets, at, end);
  if (tcp === undefined) return data('Malformed TCP segment', end - at);
  const flags = tcpFlagNames(tcp.flags).join(' ');
  const payloadOctets = end - at - tcp.headerOctets;
  return {
    name: 'TCP',
    summary: `${tcp.sourcePort} > ${tcp.destinationPort} [${flags}]`,
    fields: [
      ['sourcePort', tcp.sourcePort],
      ['destinationPort', tcp.destinationPort],
      ['sequence', tcp.sequence],
      ['acknowledgment', tcp.acknowledgment],
      ['flags', flags],
      ['window', tcp.window],
      ['payloadLength', payloadOctets],
    ],
  };
}

/** What is common to both versions: type, code and, for echo messages, what matches a reply with its request. */
function icmpLayer(
  name: string,
  octets: Uint8Array,
  at: number,
  end: number,
  echo: 'request' | 'reply' | undefined,
  special?: { readonly summary: string; readonly fields: Layer['fields'] },
): Layer {
  const type = octets[at]!;
  const code = octets[at + 1]!;
  const common: Layer['fields'] = [
    ['type', type],
    ['code', code],
  ];
  if (echo === undefined) {
    const summary = special?.summary ?? `type ${type} code ${code}`;
    return { name, summary, fields: [...common, ...(special?.fields ?? [])] };
  }
  const identifier = u16(octets, at + 4);
  const sequence = u16(octets, at + 6);
  return {
    name,
    summary: `echo ${echo} id ${identifier} seq ${sequence}, length ${end - at}`,
    fields: [...common, ['identifier', identifier], ['sequence', sequence]],
  };
}

function describeIcmp(octets: Uint8Array, at: number, end: number): Layer {
  const type = octets[at]!;
  const echo =
    type === ICMP_ECHO_REQUEST ? 'request' : type === ICMP_ECHO_REPLY ? ('reply' as const) : undefined;
  const tooBig =
    type === ICMP_DESTINATION_UNREACHABLE && octets[at + 1] === ICMP_CODE_FRAGMENTATION_NEEDED
      ? fragmentationNeededMtu(octets, at)
      : undefined;
  if (tooBig === undefined) return icmpLayer('ICMP', octets, at, end, echo);
  return icmpLayer('ICMP', octets, at, end, undefined, {
    summary: `fragmentation needed, MTU ${tooBig}`,
    fields: [['nextHopMtu', tooBig]],
  });
}

function describeIcmpv6(octets: Uint8Array, at: number, end: number): Layer {
  const type = octets[at]!;
  if (type === ICMPV6_PACKET_TOO_BIG) {
    const mtuOctets = packetTooBigMtu(octets, at)!;
    return icmpLayer('ICMPv6', octets, at, end, undefined, {
      summary: `packet too big, MTU ${mtuOctets}`,
      fields: [['mtu', mtuOctets]],
    });
  }
  const asks = type === ICMPV6_NEIGHBOR_SOLICITATION;
  if ((asks || type === ICMPV6_NEIGHBOR_ADVERTISEMENT) && end - at >= NEIGHBOR_MESSAGE_OCTETS_MIN) {
    const target = ipFromOctets(octets, at + NEIGHBOR_TARGET, 6);
    return icmpLayer('ICMPv6', octets, at, end, undefined, {
      summary: asks ? `neighbor solicitation, who has ${target}?` : `neighbor advertisement, ${target}`,
      fields: [['target', target]],
    });
  }
  const echo =
    type === ICMPV6_ECHO_REQUEST ? 'request' : type === ICMPV6_ECHO_REPLY ? ('reply' as const) : undefined;
  return icmpLayer('ICMPv6', octets, at, end, echo);
}

/** One line: the innermost addresses and protocol, with what encloses them. */
export function summarize(layers: readonly Layer[]): string {
  return layers
    .slice(layers.length > 1 ? 1 : 0)
    .map(({ name, summary }) => `${name} ${summary}`)
    .join(' | ');
}

/** A line per layer and field, indented. */
export function renderTree(layers: readonly Layer[]): string {
  return layers
    .map(
      ({ name, summary, fields }) =>
        `  ${name}: ${summary}\n${fields.map(([key, value]) => `      ${key}: ${value}\n`).join('')}`,
    )
    .join('');
}
