/** ICMPv6 (RFC 4443): echo, packet too big; neighbor discovery (RFC 4861): solicitation and advertisement. */
import {
  type Ipv6Address,
  ipFromOctets,
  ipToOctets,
  type MacAddress,
  macFromOctets,
  macToOctets,
} from './address.js';
import { internetChecksum, onesComplementSum, pseudoHeaderSum } from './checksum.js';
import { ETHER_TYPE_IPV6, ETHERNET_HEADER_OCTETS, etherType, writeEthernetHeader } from './ethernet.js';
import {
  buildIpv6Packet,
  findIpv6UpperLayer,
  IPV6_DESTINATION,
  IPV6_HEADER_OCTETS,
  IPV6_HOP_LIMIT,
  IPV6_MINIMUM_MTU_OCTETS,
  IPV6_SOURCE,
  ipv6HeaderValid,
  ipv6PayloadLength,
} from './ipv6.js';

export const ICMPV6_PACKET_TOO_BIG = 2;
export const ICMPV6_ECHO_REQUEST = 128;
export const ICMPV6_ECHO_REPLY = 129;
export const ICMPV6_ROUTER_ADVERTISEMENT = 134;
export const ICMPV6_NEIGHBOR_SOLICITATION = 135;
export const ICMPV6_NEIGHBOR_ADVERTISEMENT = 136;
export const ICMPV6_REDIRECT = 137;

const PROTOCOL_ICMPV6 = 58;
const HEADER_OCTETS = 8;
const CHECKSUM = 2;
const IDENTIFIER = 4;
const SEQUENCE = 6;
const FLAGS = 4;
/** Offset of the address in a solicitation or advertisement. */
export const NEIGHBOR_TARGET = 8;
const OPTIONS = 24;
/** A solicitation or advertisement without options. */
export const NEIGHBOR_MESSAGE_OCTETS_MIN = OPTIONS;
const OPTION_SOURCE_LINK_LAYER = 1;
const OPTION_TARGET_LINK_LAYER = 2;
const LINK_LAYER_OPTION_OCTETS = 8;
const FLAG_SOLICITED = 0x40;
const FLAG_OVERRIDE = 0x20;
/** Neighbor discovery comes from the same link: no router has lowered this (RFC 4861, section 7.1). */
const ND_HOP_LIMIT = 255;
const MULTICAST_FIRST_OCTET = 0xff;
/** ff02::1:ff00:0/104 (RFC 4291, section 2.7.1); the last three octets are those of the address asked for. */
const SOLICITED_NODE_PREFIX = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff] as const;

export const UNSPECIFIED_IPV6 = '::' as Ipv6Address;

/** Informational types have the top bit set; no error is sent in answer to an error or a redirect (RFC 4443, 2.4). */
export function isIcmpv6Error(type: number): boolean {
  return type < 128 || type === ICMPV6_REDIRECT;
}

/** Writes the checksum of the message at `offset`, up to `end`, of a packet whose IPv6 header is complete. */
export function setIcmpv6Checksum(octets: Uint8Array, ipOffset: number, offset: number, end: number): void {
  octets[offset + CHECKSUM] = 0;
  octets[offset + CHECKSUM + 1] = 0;
  const initial = pseudoHeaderSum(octets, ipOffset, 6, PROTOCOL_ICMPV6, end - offset);
  const checksum = internetChecksum(octets, offset, end, initial);
  octets[offset + CHECKSUM] = checksum >>> 8;
  octets[offset + CHECKSUM + 1] = checksum;
}

/** An IPv6 packet around a message whose checksum is still to be computed. */
export function icmpv6Packet(
  source: Ipv6Address,
  destination: Ipv6Address,
  message: Uint8Array,
  hopLimit = 64,
): Uint8Array {
  const packet = buildIpv6Packet({
    source,
    destination,
    nextHeader: PROTOCOL_ICMPV6,
    hopLimit,
    payload: message,
  });
  setIcmpv6Checksum(packet, 0, IPV6_HEADER_OCTETS, packet.length);
  return packet;
}

/** Echo request or reply, checksum 0. */
export function buildIcmpv6Echo(
  type: typeof ICMPV6_ECHO_REQUEST | typeof ICMPV6_ECHO_REPLY,
  identifier: number,
  sequence: number,
  data: Uint8Array,
): Uint8Array {
  const octets = new Uint8Array(HEADER_OCTETS + data.length);
  const view = new DataView(octets.buffer);
  view.setUint8(0, type);
  view.setUint16(IDENTIFIER, identifier);
  view.setUint16(SEQUENCE, sequence);
  octets.set(data, HEADER_OCTETS);
  return octets;
}

/** "Packet too big" with as much of the packet at `ipOffset` as fits the minimum MTU; checksum 0. */
export function buildPacketTooBig(frame: Uint8Array, ipOffset: number, mtuOctets: number): Uint8Array {
  const room = IPV6_MINIMUM_MTU_OCTETS - IPV6_HEADER_OCTETS - HEADER_OCTETS;
  const packetOctets = IPV6_HEADER_OCTETS + ipv6PayloadLength(frame, ipOffset);
  const quoted = frame.subarray(ipOffset, ipOffset + Math.min(room, packetOctets));
  const octets = new Uint8Array(HEADER_OCTETS + quoted.length);
  const view = new DataView(octets.buffer);
  view.setUint8(0, ICMPV6_PACKET_TOO_BIG);
  view.setUint32(IDENTIFIER, mtuOctets);
  octets.set(quoted, HEADER_OCTETS);
  return octets;
}

/** MTU of a "packet too big" message at `offset`; undefined when its header is cut off. */
export function packetTooBigMtu(octets: Uint8Array, offset: number): number | undefined {
  if (offset + HEADER_OCTETS > octets.length) return undefined;
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength).getUint32(offset + IDENTIFIER);
}

export interface NeighborMessage {
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
  readonly target: Ipv6Address;
  /** The MAC in the source (solicitation) or target (advertisement) link-layer address option. */
  readonly linkLayer?: MacAddress;
}

/**
 * The solicitation or advertisement in a frame that passes the checks of RFC 4861, section 7.1: hop limit 255,
 * right checksum, code 0, a target that is not multicast, whole options; a solicitation without source address goes
 * to a solicited-node group and names no link-layer address, a multicast advertisement is not flagged as solicited.
 * undefined otherwise.
 */
export function parseNeighborMessage(
  frame: Uint8Array,
  type: typeof ICMPV6_NEIGHBOR_SOLICITATION | typeof ICMPV6_NEIGHBOR_ADVERTISEMENT,
): NeighborMessage | undefined {
  const ip = ETHERNET_HEADER_OCTETS;
  if (etherType(frame) !== ETHER_TYPE_IPV6 || !ipv6HeaderValid(frame, ip, frame.length)) return undefined;
  const end = ip + IPV6_HEADER_OCTETS + ipv6PayloadLength(frame, ip);
  const upper = findIpv6UpperLayer(frame, ip, end);
  if (upper === undefined || upper.isFragment || upper.protocol !== PROTOCOL_ICMPV6) return undefined;
  const at = upper.offset;
  if (end - at < OPTIONS || frame[at] !== type || frame[at + 1] !== 0) return undefined;
  if (frame[ip + IPV6_HOP_LIMIT] !== ND_HOP_LIMIT) return undefined;
  const initial = pseudoHeaderSum(frame, ip, 6, PROTOCOL_ICMPV6, end - at);
  if (onesComplementSum(frame, at, end, initial) !== 0xffff) return undefined;
  const wanted = type === ICMPV6_NEIGHBOR_SOLICITATION ? OPTION_SOURCE_LINK_LAYER : OPTION_TARGET_LINK_LAYER;
  let linkLayer: MacAddress | undefined;
  for (let option = at + OPTIONS; option < end; ) {
    if (option + 2 > end) return undefined;
    const lengthOctets = frame[option + 1]! * 8;
    if (lengthOctets === 0 || option + lengthOctets > end) return undefined;
    if (frame[option] === wanted) linkLayer = macFromOctets(frame, option + 2);
    option += lengthOctets;
  }
  const source = ipFromOctets(frame, ip + IPV6_SOURCE, 6) as Ipv6Address;
  const destination = ipFromOctets(frame, ip + IPV6_DESTINATION, 6) as Ipv6Address;
  if (frame[at + NEIGHBOR_TARGET] === MULTICAST_FIRST_OCTET) return undefined;
  if (type === ICMPV6_NEIGHBOR_ADVERTISEMENT) {
    const solicited = (frame[at + FLAGS]! & FLAG_SOLICITED) !== 0;
    if (solicited && frame[ip + IPV6_DESTINATION] === MULTICAST_FIRST_OCTET) return undefined;
  } else if (source === UNSPECIFIED_IPV6) {
    const toGroup = SOLICITED_NODE_PREFIX.every((octet, i) => frame[ip + IPV6_DESTINATION + i] === octet);
    if (!toGroup || linkLayer !== undefined) return undefined;
  }
  return {
    source,
    destination,
    target: ipFromOctets(frame, at + NEIGHBOR_TARGET, 6) as Ipv6Address,
    ...(linkLayer === undefined ? {} : { linkLayer }),
  };
}

function neighborFrame(
  type: number,
  flags: number,
  option: number,
  message: NeighborMessage & { readonly linkLayer: MacAddress },
  destinationMac: Uint8Array,
): Uint8Array {
  const octets = new Uint8Array(OPTIONS + LINK_LAYER_OPTION_OCTETS);
  octets[0] = type;
  octets[FLAGS] = flags;
  octets.set(ipToOctets(message.target), NEIGHBOR_TARGET);
  octets[OPTIONS] = option;
  octets[OPTIONS + 1] = 1;
  const mac = macToOctets(message.linkLayer);
  octets.set(mac, OPTIONS + 2);
  const packet = icmpv6Packet(message.source, message.destination, octets, ND_HOP_LIMIT);
  const frame = new Uint8Array(ETHERNET_HEADER_OCTETS + packet.length);
  writeEthernetHeader(frame, destinationMac, mac, ETHER_TYPE_IPV6);
  frame.set(packet, ETHERNET_HEADER_OCTETS);
  return frame;
}

/** The multicast group in which the owner of `target` listens, and its MAC (RFC 4291, 2.7.1; RFC 2464, 7). */
export function solicitedNode(target: Ipv6Address): {
  readonly group: Ipv6Address;
  readonly mac: Uint8Array;
} {
  const last = ipToOctets(target).subarray(13);
  const group = Uint8Array.from([...SOLICITED_NODE_PREFIX, ...last]);
  return {
    group: ipFromOctets(group, 0, 6) as Ipv6Address,
    mac: Uint8Array.from([0x33, 0x33, 0xff, ...last]),
  };
}

/** Whether a group is the solicited-node group of some address. */
export function isSolicitedNode(group: Ipv6Address): boolean {
  const octets = ipToOctets(group);
  return SOLICITED_NODE_PREFIX.every((octet, i) => octets[i] === octet);
}

/** A whole frame that asks for the owner of `target`. */
export function buildNeighborSolicitation(
  source: Ipv6Address,
  target: Ipv6Address,
  linkLayer: MacAddress,
): Uint8Array {
  const { group, mac } = solicitedNode(target);
  const message = { source, destination: group, target, linkLayer };
  return neighborFrame(ICMPV6_NEIGHBOR_SOLICITATION, 0, OPTION_SOURCE_LINK_LAYER, message, mac);
}

/** A whole frame that answers a solicitation: solicited, override, target link-layer address. */
export function buildNeighborAdvertisement(
  target: Ipv6Address,
  destination: Ipv6Address,
  destinationMac: MacAddress,
  linkLayer: MacAddress,
): Uint8Array {
  const message = { source: target, destination, target, linkLayer };
  const flags = FLAG_SOLICITED | FLAG_OVERRIDE;
  return neighborFrame(
    ICMPV6_NEIGHBOR_ADVERTISEMENT,
    flags,
    OPTION_TARGET_LINK_LAYER,
    message,
    macToOctets(destinationMac),
  );
}
