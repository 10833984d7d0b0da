/** Selects the frames of a capture that a workload sends again. */
import type { IpAddress } from '../../packet/address.js';
import {
  ETHER_TYPE_ARP,
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  etherType,
} from '../../packet/ethernet.js';
import { IPV4_HEADER_OCTETS_MIN } from '../../packet/ipv4.js';
import { IPV6_HEADER_OCTETS } from '../../packet/ipv6.js';
import { CUT, ethernetFrameOf, unreadReason } from '../../packet/link-type.js';
import type { CaptureRecord } from '../../packet/pcap.js';
import { claimsToBeSegmentMessage } from '../../packet/segment.js';
import { notIpReason, withoutTags } from '../../packet/tags.js';
import { addressOf } from '../packets.js';

/** A frame of a capture and when it was there, from the first one on. */
export interface CapturedFrame extends Pick<CaptureRecord, 'frame' | 'linkType' | 'originalOctets'> {
  readonly atMs: number;
}

/** An Ethernet frame and when it goes, from the start of the flow. */
export interface ReplayFrame {
  readonly atMs: number;
  readonly frame: Uint8Array;
}

/** The frames that a flow sends of a capture, and counts of those that it does not send. */
export interface Replay {
  readonly frames: readonly ReplayFrame[];
  /** Frames that are not sent, by reason. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** Of them, those that the workload sent, or may have sent, and that cannot be sent again: nobody receives them. */
  readonly unplayable: number;
}

/** Reasons why frames are left out: they are not the workload's, or hosts of a topology send their own. */
const OTHER_SOURCE = 'from other addresses';
const RESOLUTION = 'ARP and neighbor discovery';

/** The IP packets that come from one of `addresses`, with the capture's times. */
export function replayOf(addresses: readonly IpAddress[], capture: readonly CapturedFrame[]): Replay {
  const frames: ReplayFrame[] = [];
  const leftOut: Record<string, number> = {};
  let unplayable = 0;
  for (const record of capture) {
    const { frame, reason, isLost } = fateOf(record, addresses);
    if (frame !== undefined) frames.push({ atMs: record.atMs, frame });
    else leftOut[reason] = (leftOut[reason] ?? 0) + 1;
    if (isLost) unplayable++;
  }
  return { frames, leftOut, unplayable };
}

type Fate =
  | { readonly frame: Uint8Array; readonly reason?: undefined; readonly isLost: false }
  | { readonly frame?: undefined; readonly reason: string; readonly isLost: boolean };

function fateOf(record: CapturedFrame, addresses: readonly IpAddress[]): Fate {
  const frame = ethernetFrameOf(record);
  if (frame === undefined) return { reason: unreadReason(record), isLost: true };
  const bare = withoutTags(frame);
  if (etherType(bare) === ETHER_TYPE_ARP) return { reason: RESOLUTION, isLost: false };
  const source = sourceOf(bare);
  const isCut = record.frame.length < record.originalOctets;
  if (source === undefined) {
    // Whose an IP packet was that was cut before its source nobody knows; it may have been the workload's.
    if (isCut && mayBeIp(bare)) return { reason: CUT, isLost: true };
    return { reason: notIpReason(bare) ?? CUT, isLost: false };
  }
  if (!addresses.includes(source)) return { reason: OTHER_SOURCE, isLost: false };
  if (isCut) return { reason: CUT, isLost: true };
  const unfit = notIpReason(frame);
  if (unfit !== undefined) return { reason: unfit, isLost: true };
  if (claimsToBeSegmentMessage(frame)) return { reason: RESOLUTION, isLost: false };
  return { frame, isLost: false };
}

/** Of a frame that was cut, perhaps within its Ethernet header. */
function mayBeIp(frame: Uint8Array): boolean {
  if (frame.length < ETHERNET_HEADER_OCTETS) return true;
  const type = etherType(frame);
  return type === ETHER_TYPE_IPV4 || type === ETHER_TYPE_IPV6;
}

/** The source of an IP packet whose header was captured; undefined: there is none. */
function sourceOf(frame: Uint8Array): IpAddress | undefined {
  const ip = ETHERNET_HEADER_OCTETS;
  const version = (frame[ip] ?? 0) >>> 4;
  const type = etherType(frame);
  if (type === ETHER_TYPE_IPV4 && version === 4 && frame.length >= ip + IPV4_HEADER_OCTETS_MIN) {
    return addressOf(frame, 4, 'source');
  }
  if (type === ETHER_TYPE_IPV6 && version === 6 && frame.length >= ip + IPV6_HEADER_OCTETS) {
    return addressOf(frame, 6, 'source');
  }
  return undefined;
}
