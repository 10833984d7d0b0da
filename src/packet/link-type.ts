/**
 * What a captured frame is below IP: link types of capture files (tcpdump.org/linktypes.html), and frames of those that
 * carry IP as Ethernet frames, so that everything else here has to know Ethernet only.
 */
import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHER_TYPE_MIN,
  ETHERNET_HEADER_OCTETS,
  ETHERNET_SOURCE,
} from './ethernet.js';
import { type CaptureRecord, LINK_TYPE_ETHERNET } from './pcap.js';
import { hasOffloadedPacket, OFFLOADED } from './tags.js';
import { uint16At } from './uint16.js';

const NAMES: Readonly<Record<number, string>> = {
  0: 'BSD loopback',
  1: 'Ethernet',
  6: 'IEEE 802.5 token ring',
  8: 'SLIP',
  9: 'PPP',
  10: 'FDDI',
  12: 'raw IP',
  14: 'raw IP',
  50: 'PPP in HDLC framing',
  51: 'PPPoE without Ethernet header',
  101: 'raw IP',
  104: 'Cisco HDLC',
  105: 'IEEE 802.11',
  107: 'frame relay',
  108: 'OpenBSD loopback',
  113: 'Linux cooked capture',
  119: 'IEEE 802.11 with Prism header',
  127: 'IEEE 802.11 with radiotap header',
  187: 'Bluetooth HCI',
  189: 'USB, Linux',
  195: 'IEEE 802.15.4',
  201: 'Bluetooth HCI with direction',
  220: 'USB, Linux, memory-mapped',
  227: 'CAN',
  228: 'raw IPv4',
  229: 'raw IPv6',
  239: 'Linux NFLOG',
  249: 'USBPcap',
  253: 'Linux netlink',
  276: 'Linux cooked capture, version 2',
};

/** "link type 105, IEEE 802.11"; without a name where none is known here. */
export function linkTypeText(linkType: number): string {
  const name = NAMES[linkType];
  return name === undefined ? `link type ${linkType}` : `link type ${linkType}, ${name}`;
}

/** The header before the packet, decoded. */
interface LinkHeader {
  readonly octets: number;
  /** EtherType of the packet; undefined: it is none that has one. */
  readonly etherType: number | undefined;
  /** Offset of the sender's MAC. */
  readonly macAt?: number;
}

/** Address families of the operating systems whose captures have them: BSD's IPv6 has three numbers, Linux' is 10. */
const AF_INET = 2;
const AF_INET6: readonly number[] = [10, 24, 28, 30];
const MAC_OCTETS = 6;

function ipEtherType(frame: Uint8Array, at: number): number | undefined {
  const version = (frame[at] ?? 0) >>> 4;
  return version === 4 ? ETHER_TYPE_IPV4 : version === 6 ? ETHER_TYPE_IPV6 : undefined;
}

function familyEtherType(family: number): number | undefined {
  if (family === AF_INET) return ETHER_TYPE_IPV4;
  return AF_INET6.includes(family) ? ETHER_TYPE_IPV6 : undefined;
}

const rawIp = (frame: Uint8Array): LinkHeader => ({ octets: 0, etherType: ipEtherType(frame, 0) });
const etherTypeAt = (frame: Uint8Array, at: number) => {
  const type = uint16At(frame, at);
  return type < ETHER_TYPE_MIN ? undefined : type;
};

/** Decoders by link type, each for frames of at least so many octets. */
const HEADERS: Readonly<Record<number, readonly [octets: number, read: (frame: Uint8Array) => LinkHeader]>> =
  {
    0: [
      4,
      (frame) => ({
        octets: 4,
        // The family is in the byte order of the capturing machine; it is a small number in either order.
        etherType: familyEtherType(
          uint16At(frame, 0) === 0 ? uint16At(frame, 2) : frame[0]! | (frame[1]! << 8),
        ),
      }),
    ],
    12: [1, rawIp],
    14: [1, rawIp],
    101: [1, rawIp],
    108: [4, (frame) => ({ octets: 4, etherType: familyEtherType(uint16At(frame, 2)) })],
    113: [
      16,
      (frame) => ({
        octets: 16,
        etherType: etherTypeAt(frame, 14),
        ...(uint16At(frame, 4) === MAC_OCTETS ? { macAt: 6 } : {}),
      }),
    ],
    228: [1, rawIp],
    229: [1, rawIp],
    276: [
      20,
      (frame) => ({
        octets: 20,
        etherType: etherTypeAt(frame, 0),
        ...(frame[11] === MAC_OCTETS ? { macAt: 12 } : {}),
      }),
    ],
  };

/** What it takes to find an Ethernet frame in a record. */
export type Captured = Pick<CaptureRecord, 'frame' | 'linkType' | 'originalOctets'>;

/** Octets of the header that a frame of this link type has before its packet; undefined: it is not read here. */
export function linkHeaderOctets(record: Captured): number | undefined {
  return record.linkType === LINK_TYPE_ETHERNET ? ETHERNET_HEADER_OCTETS : headerOf(record)?.octets;
}

/** Decodes a frame of a link type other than Ethernet. Undefined: the type is not read here, or the frame is not whole. */
function headerOf({ frame, linkType }: Captured): LinkHeader | undefined {
  const [octetsMin, read] = HEADERS[linkType] ?? [];
  return read === undefined || frame.length < octetsMin! ? undefined : read(frame);
}

/**
 * The record's frame as an Ethernet frame, with as many octets of the packet as were captured. What had another header gets
 * an Ethernet header with the sender's MAC where it was captured, zeros otherwise; undefined: its link type is not read here,
 * or the frame has no packet with an EtherType.
 */
export function ethernetFrameOf(record: Captured): Uint8Array | undefined {
  const { frame, linkType } = record;
  if (linkType === LINK_TYPE_ETHERNET) return frame;
  const header = headerOf(record);
  if (header?.etherType === undefined) return undefined;
  const { octets, etherType, macAt } = header;
  const out = new Uint8Array(ETHERNET_HEADER_OCTETS + frame.length - octets);
  if (macAt !== undefined) out.set(frame.subarray(macAt, macAt + MAC_OCTETS), ETHERNET_SOURCE);
  out[ETHERNET_HEADER_OCTETS - 2] = etherType >>> 8;
  out[ETHERNET_HEADER_OCTETS - 1] = etherType & 0xff;
  out.set(frame.subarray(octets), ETHERNET_HEADER_OCTETS);
  return out;
}

/** The record as a whole Ethernet frame, as it could be on a wire, or why there is none. */
export function wholeFrameOf(record: Captured): { readonly frame: Uint8Array } | { readonly reason: string } {
  if (record.frame.length < record.originalOctets) return { reason: CUT };
  const frame = ethernetFrameOf(record);
  if (frame === undefined) return { reason: unreadReason(record) };
  return hasOffloadedPacket(frame) ? { reason: OFFLOADED } : { frame };
}

/** Whether frames of this link type are read here. */
export function isRead(linkType: number): boolean {
  return linkType === LINK_TYPE_ETHERNET || linkType in HEADERS;
}

/** Why a record's frame is not read. */
export function unreadReason({ linkType }: Captured): string {
  return `${linkTypeText(linkType)}: ${isRead(linkType) ? 'not IP' : 'not read'}`;
}

export const CUT = 'captured in part only';
