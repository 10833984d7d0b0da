/**
 * A frame's headers for people and programs: a list of layers, outermost first, each with its fields in order. Never
 * throws; where a header is cut off or contradicts itself the list ends with what is left.
 */
import { ipFromOctets, macFromOctets } from './address.js';
import { ARP_REQUEST, parseArp } from './arp.js';
import {
  ETHER_TYPE_ARP,
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  ETHERNET_SOURCE,
  etherType,
} from './ethernet.js';
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
  if (type === ETHER_TYPE_ARP) {
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
    if (upper === undefined || upper.isFragment) return [layer, data('Fragment', packetEnd - offset - 40)];
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
  const room = end - at;
  if (protocol === 17 && room >= 8) {
    const source = u16(octets, at);
    const destination = u16(octets, at + 2);
    const length = u16(octets, at + 4);
    const udp: Layer = {
      name: 'UDP',
      summary: `${source} > ${destination}`,
      fields: [
        ['sourcePort', source],
        ['destinationPort', destination],
        ['length', length],
        ['checksum', hex(u16(octets, at + 6), 4)],
      ],
    };
    const payloadEnd = Math.min(end, at + Math.max(8, length));
    return [udp, ...(dissectUdp?.(destination, octets, at + 8, payloadEnd) ?? [])];
  }
  if (protocol === 6 && room >= 20) {
    const flags = octets[at + 13]!;
    const names = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'].filter((_, bit) => (flags & (1 << bit)) !== 0);
    return [
      {
        name: 'TCP',
        summary: `${u16(octets, at)} > ${u16(octets, at + 2)} [${names.join(' ')}]`,
        fields: [
          ['sourcePort', u16(octets, at)],
          ['destinationPort', u16(octets, at + 2)],
          ['sequence', u32(octets, at + 4)],
          ['acknowledgment', u32(octets, at + 8)],
          ['flags', names.join(' ')],
          ['payloadLength', Math.max(0, room - (octets[at + 12]! >> 4) * 4)],
        ],
      },
    ];
  }
  if ((protocol === 1 || protocol === 58) && room >= 8) {
    const type = octets[at]!;
    const echo = protocol === 1 ? type === 8 || type === 0 : type === 128 || type === 129;
    const request = type === 8 || type === 128;
    const ids = `id ${u16(octets, at + 4)} seq ${u16(octets, at + 6)}`;
    return [
      {
        name: protocolName(protocol),
        summary: echo
          ? `echo ${request ? 'request' : 'reply'} ${ids}`
          : `type ${type} code ${octets[at + 1]}`,
        fields: [
          ['type', type],
          ['code', octets[at + 1]!],
          ...(echo
            ? ([
                ['identifier', u16(octets, at + 4)],
                ['sequence', u16(octets, at + 6)],
              ] as const)
            : []),
        ],
      },
    ];
  }
  return [data(protocolName(protocol), room)];
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
