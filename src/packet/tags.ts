/**
 * What may stand between an Ethernet header and an IP packet: tags of IEEE 802.1Q and 802.1ad, LLC with SNAP (IEEE 802),
 * PPPoE sessions (RFC 2516), MPLS labels (RFC 3032).
 */
import {
  ETHER_TYPE_ARP,
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHER_TYPE_MIN,
  ETHER_TYPE_SERVICE_VLAN,
  ETHER_TYPE_VLAN,
  ETHERNET_HEADER_OCTETS,
  ETHERNET_TYPE,
  etherType,
} from './ethernet.js';
import { IPV4_HEADER_OCTETS_MIN, ipv4HeaderValid, ipv4TotalLength } from './ipv4.js';
import {
  IPV6_HEADER_OCTETS,
  IPV6_NEXT_HEADER,
  ipv6HeaderValid,
  ipv6PayloadLength,
  NEXT_HEADER_NONE,
} from './ipv6.js';
import { uint16At } from './uint16.js';

const ETHER_TYPE_MPLS = 0x8847;
const ETHER_TYPE_MPLS_UPSTREAM = 0x8848;
const ETHER_TYPE_PPPOE_DISCOVERY = 0x8863;
const ETHER_TYPE_PPPOE_SESSION = 0x8864;
const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;
const VLAN_ID_MASK = 0x0fff;
const SNAP_HEADER: readonly number[] = [0xaa, 0xaa, 0x03];
/** Tags that are looked behind; networks have two or three. */
export const TAGS_MAX = 16;

export interface Tag {
  readonly name: 'VLAN' | 'LLC/SNAP' | 'PPPoE' | 'MPLS';
  /** What distinguishes it from others of its kind: the number of the VLAN, session or label. */
  readonly summary: string;
  readonly fields: readonly (readonly [name: string, value: string | number | boolean])[];
}

export interface Tagged {
  /** Outermost first. */
  readonly tags: readonly Tag[];
  /** EtherType of what is behind them; 0: it has none. */
  readonly type: number;
  /** Offset of the payload. */
  readonly offset: number;
}

/** One tag, its length, and the EtherType behind it; undefined: there is none of a kind known here, or not whole. */
function tagAt(frame: Uint8Array, type: number, at: number): [Tag, octets: number, type: number] | undefined {
  const room = frame.length - at;
  if (type === ETHER_TYPE_VLAN || type === ETHER_TYPE_SERVICE_VLAN) {
    if (room < 4) return undefined;
    const tag = uint16At(frame, at);
    const next = uint16At(frame, at + 2);
    const fields: Tag['fields'] = [
      ['id', tag & VLAN_ID_MASK],
      ['priority', tag >>> 13],
      ['type', hex(next)],
    ];
    return [{ name: 'VLAN', summary: String(tag & VLAN_ID_MASK), fields }, 4, next];
  }
  if (type === ETHER_TYPE_PPPOE_SESSION) {
    if (room < 8) return undefined;
    const session = uint16At(frame, at + 2);
    const protocol = uint16At(frame, at + 6);
    const next = protocol === PPP_IPV4 ? ETHER_TYPE_IPV4 : protocol === PPP_IPV6 ? ETHER_TYPE_IPV6 : 0;
    const fields: Tag['fields'] = [
      ['session', session],
      ['protocol', hex(protocol)],
    ];
    return [{ name: 'PPPoE', summary: `session ${session}`, fields }, 8, next];
  }
  if (type === ETHER_TYPE_MPLS || type === ETHER_TYPE_MPLS_UPSTREAM) {
    if (room < 4) return undefined;
    const label = (uint16At(frame, at) << 4) | (frame[at + 2]! >>> 4);
    const bottom = (frame[at + 2]! & 1) === 1;
    const version = (frame[at + 4] ?? 0) >>> 4;
    // Nothing says what is behind the last label but what it looks like.
    const behind = version === 4 ? ETHER_TYPE_IPV4 : version === 6 ? ETHER_TYPE_IPV6 : 0;
    const fields: Tag['fields'] = [
      ['label', label],
      ['bottomOfStack', bottom],
      ['ttl', frame[at + 3]!],
    ];
    return [{ name: 'MPLS', summary: `label ${label}`, fields }, 4, bottom ? behind : type];
  }
  if (type < ETHER_TYPE_MIN && room >= 8 && SNAP_HEADER.every((octet, i) => frame[at + i] === octet)) {
    const next = uint16At(frame, at + 6);
    const organization = Buffer.from(frame.subarray(at + 3, at + 6)).toString('hex');
    const fields: Tag['fields'] = [
      ['organization', organization],
      ['type', hex(next)],
    ];
    const known = organization === '000000' && next >= ETHER_TYPE_MIN;
    return [{ name: 'LLC/SNAP', summary: hex(next), fields }, 8, known ? next : 0];
  }
  return undefined;
}

const hex = (value: number) => `0x${value.toString(16).padStart(4, '0')}`;

/** The tags of an Ethernet frame, and what is behind them. */
export function behindTags(frame: Uint8Array): Tagged {
  const tags: Tag[] = [];
  let type = etherType(frame);
  let offset = ETHERNET_HEADER_OCTETS;
  while (tags.length < TAGS_MAX && frame.length >= ETHERNET_HEADER_OCTETS) {
    const tag = tagAt(frame, type, offset);
    if (tag === undefined) break;
    tags.push(tag[0]);
    offset += tag[1];
    type = tag[2];
  }
  return { tags, type, offset };
}

/** The frame with its Ethernet header directly before what is behind its tags; the frame itself where it has none. */
export function withoutTags(frame: Uint8Array): Uint8Array {
  const { tags, type, offset } = behindTags(frame);
  if (tags.length === 0) return frame;
  const out = new Uint8Array(frame.length - offset + ETHERNET_HEADER_OCTETS);
  out.set(frame.subarray(0, ETHERNET_TYPE));
  out[ETHERNET_TYPE] = type >>> 8;
  out[ETHERNET_TYPE + 1] = type & 0xff;
  out.set(frame.subarray(offset), ETHERNET_HEADER_OCTETS);
  return out;
}

/**
 * Whether the IP packet at `offset` has no length in its header, and more behind that: captures of a sender that leaves cutting
 * to its interface (TSO) have such packets, which were never on a wire. The largest of them (BIG TCP) have their length in a
 * jumbo option (RFC 2675), or nowhere.
 */
export function isOffloaded(frame: Uint8Array, offset: number, end: number): boolean {
  const version = (frame[offset] ?? 0) >>> 4;
  if (version === 4) return end - offset > IPV4_HEADER_OCTETS_MIN && ipv4TotalLength(frame, offset) === 0;
  if (version !== 6 || end - offset <= IPV6_HEADER_OCTETS) return false;
  // Only behind No Next Header there is nothing (RFC 8200, section 4.7): what follows is then padding.
  const isEmpty = frame[offset + IPV6_NEXT_HEADER] === NEXT_HEADER_NONE;
  return ipv6PayloadLength(frame, offset) === 0 && !isEmpty;
}

/** Whether an Ethernet frame contains such a packet, behind tags too. */
export function hasOffloadedPacket(frame: Uint8Array, { type, offset }: Tagged = behindTags(frame)): boolean {
  const isIp = type === ETHER_TYPE_IPV4 || type === ETHER_TYPE_IPV6;
  return isIp && isOffloaded(frame, offset, frame.length);
}

export const OFFLOADED = 'no length in the IP header: segmentation was left to the interface (TSO)';

/** Why an Ethernet frame has no whole IP packet directly behind its header; undefined: it has one. */
export function notIpReason(frame: Uint8Array): string | undefined {
  const ip = ETHERNET_HEADER_OCTETS;
  if (frame.length < ip) return 'shorter than an Ethernet header';
  const behind = behindTags(frame);
  if (hasOffloadedPacket(frame, behind)) return OFFLOADED;
  const type = etherType(frame);
  const { tags } = behind;
  if (tags.length > 0) return `tagged (${tags[0]!.name})`;
  if (type === ETHER_TYPE_ARP) return 'ARP';
  if (type === ETHER_TYPE_PPPOE_DISCOVERY) return 'PPPoE discovery';
  if (type < ETHER_TYPE_MIN) return 'IEEE 802.3 with LLC, not IP';
  if (type !== ETHER_TYPE_IPV4 && type !== ETHER_TYPE_IPV6) return `EtherType ${hex(type)}, not IP`;
  const valid = type === ETHER_TYPE_IPV4 ? ipv4HeaderValid : ipv6HeaderValid;
  return valid(frame, ip, frame.length) ? undefined : 'malformed IP packet';
}
