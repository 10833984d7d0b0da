/**
 * A frame's headers for people and programs: a list of layers, outermost first, each with its fields in order. Never
 * throws; where a header is cut off or contradicts itself the list ends with what is left. Of a frame that was captured in part
 * all is read that was captured, and nothing else.
 */
import { ipFromOctets, macFromOctets } from './address.js';
import { ARP_REQUEST, parseArp } from './arp.js';
import { DHCP_CLIENT_PORT, DHCP_SERVER_PORT, type DhcpMessage, dhcpTypeName, parseDhcp } from './dhcp.js';
import {
  ETHER_TYPE_ARP,
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
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
  setIpv4TotalLength,
} from './ipv4.js';
import {
  findIpv6UpperLayer,
  IPV6_DESTINATION,
  IPV6_HEADER_OCTETS,
  IPV6_HOP_LIMIT,
  IPV6_SOURCE,
  ipv6HeaderValid,
  ipv6PayloadLength,
  setIpv6PayloadLength,
} from './ipv6.js';
import { ethernetFrameOf, linkHeaderOctets, linkTypeText, unreadReason } from './link-type.js';
import { type CaptureRecord, LINK_TYPE_ETHERNET } from './pcap.js';
import { behindTags, isOffloaded, OFFLOADED } from './tags.js';
import { parseTcp, TCP_HEADER_OCTETS_MIN, tcpFlagNames } from './tcp.js';
import { UDP_CHECKSUM, UDP_DESTINATION_PORT, UDP_HEADER_OCTETS, UDP_LENGTH, UDP_SOURCE_PORT } from './udp.js';
import { uint16At } from './uint16.js';

/** One protocol of a packet, with what its header says. */
export interface Layer {
  readonly name: string;
  /** One phrase, as it stands in a one-line summary. */
  readonly summary: string;
  readonly fields: readonly (readonly [name: string, value: string | number | boolean])[];
}

/**
 * Describes a UDP payload; undefined where it knows nothing about the port. `end` is where the payload ends on the wire,
 * `captured` what was captured of the frame: octets behind that are zeros.
 */
export type UdpDissector = (
  destinationPort: number,
  octets: Uint8Array,
  offset: number,
  end: number,
  captured: number,
) => readonly Layer[] | undefined;

/** The frame that is described, as long as on the wire, with zeros in the place of octets that were not captured. */
interface Scene {
  readonly octets: Uint8Array;
  readonly captured: number;
  readonly dissectUdp: UdpDissector | undefined;
}

/** Behind it a frame that was cut is not described: no frame is as long. */
const WIRE_OCTETS_MAX = 256 * 1024;

const hex = (value: number, digits: number) => `0x${value.toString(16).padStart(digits, '0')}`;
const u32 = (octets: Uint8Array, at: number) => uint16At(octets, at) * 65536 + uint16At(octets, at + 2);

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

/** All layers of a captured record, of whatever link type. */
export function describeRecord(
  record: Pick<CaptureRecord, 'frame' | 'linkType' | 'originalOctets'>,
  dissectUdp?: UdpDissector,
): Layer[] {
  const { frame, linkType, originalOctets } = record;
  const ethernet = ethernetFrameOf(record);
  if (ethernet === undefined) {
    return [
      {
        name: 'Link layer',
        summary: unreadReason(record),
        fields: [
          ['linkType', linkType],
          ['length', originalOctets],
        ],
      },
    ];
  }
  if (linkType === LINK_TYPE_ETHERNET) return describeFrame(frame, dissectUdp, originalOctets);
  const wireOctets = originalOctets - linkHeaderOctets(record)! + ETHERNET_HEADER_OCTETS;
  const [, ...layers] = describeFrame(ethernet, dissectUdp, wireOctets);
  const link = {
    name: 'Link layer',
    summary: linkTypeText(linkType),
    fields: [['linkType', linkType]],
  } as const;
  return [link, ...layers];
}

/** All layers of an Ethernet frame, of which `frame` may be the beginning only. */
export function describeFrame(
  frame: Uint8Array,
  dissectUdp?: UdpDissector,
  originalOctets: number = frame.length,
): Layer[] {
  if (frame.length >= originalOctets) {
    return describeScene({ octets: frame, captured: frame.length, dissectUdp });
  }
  const octets = new Uint8Array(Math.min(originalOctets, Math.max(frame.length, WIRE_OCTETS_MAX)));
  octets.set(frame);
  const layers = describeScene({ octets, captured: frame.length, dissectUdp });
  const cut: Layer = {
    name: 'Captured',
    summary: `${frame.length} of ${originalOctets} octets`,
    fields: [
      ['captured', frame.length],
      ['length', originalOctets],
    ],
  };
  return [...layers, cut];
}

function describeScene(scene: Scene): Layer[] {
  const { octets, captured } = scene;
  if (captured < ETHERNET_HEADER_OCTETS) return [data('Data', captured)];
  const destination = macFromOctets(octets);
  const source = macFromOctets(octets, ETHERNET_SOURCE);
  const { tags, type, offset } = behindTags(octets.subarray(0, captured));
  const layers: Layer[] = [
    {
      name: 'Ethernet',
      summary: `${source} > ${destination}`,
      fields: [
        ['destination', destination],
        ['source', source],
        ['type', hex(etherType(octets), 4)],
      ],
    },
    ...tags,
  ];
  if (type === ETHER_TYPE_ARP) {
    const arp = tags.length === 0 ? parseArp(octets.subarray(0, captured)) : undefined;
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
    layers.push(...describeIp(scene, offset));
  }
  return layers;
}

/** The IP packet at `offset` and what is in it. */
function describeIp(scene: Scene, offset: number): Layer[] {
  const { octets, captured } = scene;
  const end = octets.length;
  if (isOffloaded(octets.subarray(0, captured), offset, captured)) return describeOffloaded(scene, offset);
  if (ipv4HeaderValid(octets, offset, end)) {
    const protocol = ipv4Protocol(octets, offset);
    const source = ipFromOctets(octets, offset + IPV4_SOURCE, 4);
    const destination = ipFromOctets(octets, offset + IPV4_DESTINATION, 4);
    const packetEnd = offset + ipv4TotalLength(octets, offset);
    const l4 = offset + ipv4HeaderLength(octets, offset);
    if (l4 > captured) return [notCaptured(packetEnd - offset)];
    const layer: Layer = {
      name: 'IPv4',
      summary: `${source} > ${destination}`,
      fields: [
        ['source', source],
        ['destination', destination],
        ['protocol', protocolName(protocol)],
        ['ttl', octets[offset + IPV4_TTL]!],
        ['totalLength', ipv4TotalLength(octets, offset)],
        ['identification', hex(uint16At(octets, offset + 4), 4)],
        ['flagsAndFragmentOffset', hex(ipv4FlagsFragment(octets, offset), 4)],
        ['checksumOk', ipv4ChecksumOk(octets, offset)],
      ],
    };
    if (ipv4IsFragment(octets, offset)) return [layer, data('Fragment', packetEnd - l4)];
    return [layer, ...describeL4(scene, protocol, l4, packetEnd)];
  }
  if (ipv6HeaderValid(octets, offset, end)) {
    const packetEnd = offset + IPV6_HEADER_OCTETS + ipv6PayloadLength(octets, offset);
    if (offset + IPV6_HEADER_OCTETS > captured) return [notCaptured(packetEnd - offset)];
    const source = ipFromOctets(octets, offset + IPV6_SOURCE, 6);
    const destination = ipFromOctets(octets, offset + IPV6_DESTINATION, 6);
    const upper = findIpv6UpperLayer(octets, offset, packetEnd);
    const isCut = upper !== undefined && upper.offset > captured;
    const layer: Layer = {
      name: 'IPv6',
      summary: `${source} > ${destination}`,
      fields: [
        ['source', source],
        ['destination', destination],
        ['protocol', upper === undefined || isCut ? 'unreadable' : protocolName(upper.protocol)],
        ['hopLimit', octets[offset + IPV6_HOP_LIMIT]!],
        ['payloadLength', ipv6PayloadLength(octets, offset)],
        ['flowLabel', hex(u32(octets, offset) & 0xfffff, 5)],
      ],
    };
    if (upper === undefined) return [layer, data('Malformed extension headers', packetEnd - offset - 40)];
    if (isCut) return [layer, notCaptured(packetEnd - offset - 40)];
    if (upper.isFragment) return [layer, data('Fragment', packetEnd - upper.offset)];
    return [layer, ...describeL4(scene, upper.protocol, upper.offset, packetEnd)];
  }
  return [data('Malformed IP packet', captured - offset)];
}

/** A packet that was captured before its interface cut it: as if it were as long as the frame is. */
function describeOffloaded(scene: Scene, offset: number): Layer[] {
  const octets = scene.octets.slice();
  const packetOctets = octets.length - offset;
  if (octets[offset]! >>> 4 === 4) setIpv4TotalLength(octets, offset, Math.min(packetOctets, 0xffff));
  else setIpv6PayloadLength(octets, offset, Math.min(packetOctets - IPV6_HEADER_OCTETS, 0xffff));
  const [ip, ...upper] = describeIp({ ...scene, octets }, offset);
  const zero = (name: string) => name === 'totalLength' || name === 'payloadLength';
  const fields = ip!.fields.map((field) => (zero(field[0]) ? ([field[0], 0] as const) : field));
  const note: Layer = { name: 'Offloaded', summary: OFFLOADED, fields: [['length', packetOctets]] };
  return [{ ...ip!, fields }, ...upper, note];
}

function data(name: string, lengthOctets: number): Layer {
  return { name, summary: `${lengthOctets} octets`, fields: [['length', lengthOctets]] };
}

function notCaptured(lengthOctets: number): Layer {
  return data('Not captured', lengthOctets);
}

function describeL4(scene: Scene, protocol: number, at: number, end: number): Layer[] {
  const { octets, captured } = scene;
  const seen = (headerOctets: number) => at + headerOctets <= captured;
  if (protocol === PROTOCOL_UDP && end - at >= UDP_HEADER_OCTETS) {
    return seen(UDP_HEADER_OCTETS) ? describeUdp(scene, at, end) : [notCaptured(end - at)];
  }
  if (protocol === PROTOCOL_TCP) {
    return [
      seen(Math.min(TCP_HEADER_OCTETS_MIN, end - at)) ? describeTcp(octets, at, end) : notCaptured(end - at),
    ];
  }
  const isIcmp = protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6;
  if (isIcmp && end - at >= ICMP_HEADER_OCTETS) {
    if (!seen(ICMP_HEADER_OCTETS)) return [notCaptured(end - at)];
    return [
      protocol === PROTOCOL_ICMP
        ? describeIcmp(octets, at, end)
        : describeIcmpv6(octets, at, end, seen(NEIGHBOR_MESSAGE_OCTETS_MIN)),
    ];
  }
  return [data(protocolName(protocol), end - at)];
}

function describeUdp({ octets, captured, dissectUdp }: Scene, at: number, end: number): Layer[] {
  const source = uint16At(octets, at + UDP_SOURCE_PORT);
  const destination = uint16At(octets, at + UDP_DESTINATION_PORT);
  const length = uint16At(octets, at + UDP_LENGTH);
  const udp: Layer = {
    name: 'UDP',
    summary: `${source} > ${destination}`,
    fields: [
      ['sourcePort', source],
      ['destinationPort', destination],
      ['length', length],
      ['checksum', hex(uint16At(octets, at + UDP_CHECKSUM), 4)],
    ],
  };
  const payload = at + UDP_HEADER_OCTETS;
  const payloadEnd = Math.min(end, Math.max(payload, at + length));
  const isDhcp = destination === DHCP_SERVER_PORT || destination === DHCP_CLIENT_PORT;
  if (isDhcp && payloadEnd <= captured) {
    const dhcp = parseDhcp(octets.subarray(payload, payloadEnd));
    if (dhcp !== undefined) return [udp, describeDhcp(dhcp)];
  }
  return [udp, ...(dissectUdp?.(destination, octets, payload, payloadEnd, captured) ?? [])];
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

/** The part common to both versions: type, code and, for echo messages, the fields that match a reply to its request. */
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
  const identifier = uint16At(octets, at + 4);
  const sequence = uint16At(octets, at + 6);
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

function describeIcmpv6(octets: Uint8Array, at: number, end: number, targetSeen: boolean): Layer {
  const type = octets[at]!;
  if (type === ICMPV6_PACKET_TOO_BIG) {
    const mtuOctets = packetTooBigMtu(octets, at)!;
    return icmpLayer('ICMPv6', octets, at, end, undefined, {
      summary: `packet too big, MTU ${mtuOctets}`,
      fields: [['mtu', mtuOctets]],
    });
  }
  const asks = type === ICMPV6_NEIGHBOR_SOLICITATION;
  const isNeighbor = asks || type === ICMPV6_NEIGHBOR_ADVERTISEMENT;
  if (isNeighbor && targetSeen && end - at >= NEIGHBOR_MESSAGE_OCTETS_MIN) {
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
