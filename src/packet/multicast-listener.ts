/**
 * Multicast listener discovery to the letter (RFC 2710; version 2: RFC 3810), for the groups in which hosts are asked for
 * their MACs (RFC 4291, section 2.7.1). Other groups are left out: their traffic does not pass a gateway, and a report of any group
 * could say anything.
 */
import { type Ipv6Address, ipFromOctets } from './address.js';
import { ipKind } from './address-kind.js';
import { isSolicitedNode } from './icmpv6.js';
import { ALL_NODES, ALL_ROUTERS, type Icmpv6Message, rebuildIcmpv6 } from './icmpv6-segment.js';
import type { SegmentFault, SegmentKind, SegmentMessage } from './segment-message.js';

const QUERY = 130;
const REPORT_1 = 131;
const DONE_1 = 132;
const REPORT_2 = 143;

/** The ICMPv6 types of multicast listener discovery. */
export const MULTICAST_LISTENER_TYPES: readonly number[] = [QUERY, REPORT_1, DONE_1, REPORT_2];

/** All routers that speak version 2 (RFC 3810, section 5.2.14). */
const ALL_MLD2_ROUTERS = 'ff02::16' as Ipv6Address;
const RESPONSE_DELAY = 4;
const GROUP = 8;
/** A message of version 1, and a query of version 2 without sources. */
const MESSAGE_1_OCTETS = 24;
const QUERY_2_OCTETS = 28;
const SOURCES = 26;
const RECORDS = 6;
const FIRST_RECORD = 8;
const RECORD_OCTETS = 20;
const RECORD_TYPES_MAX = 6;
/** Groups in one report that are passed on: those of a host's addresses. */
const RECORDS_KEPT_MAX = 8;

/** Reads a message of one of MULTICAST_LISTENER_TYPES. */
export function readMulticastListener(message: Icmpv6Message): SegmentMessage | SegmentFault {
  if (!message.routerAlert) return 'header';
  switch (message.type) {
    case QUERY:
      return readQuery(message);
    case REPORT_1:
      return readVersion1(message, 'mld-report');
    case DONE_1:
      return readVersion1(message, 'mld-done');
    case REPORT_2:
      return readReport2(message);
    default:
      return 'kind';
  }
}

function groupAt(octets: Uint8Array, at: number): Ipv6Address {
  return ipFromOctets(octets, at, 6) as Ipv6Address;
}

/** Reports may have no source address while the host has none (RFC 3590). */
function mayReport({ source }: Icmpv6Message): boolean {
  return ipKind(source) === 'link-local' || ipKind(source) === 'unspecified';
}

function readQuery(message: Icmpv6Message): SegmentMessage | SegmentFault {
  const { octets, source, destination } = message;
  const second = octets.length >= QUERY_2_OCTETS;
  if (!second && octets.length !== MESSAGE_1_OCTETS) return 'size';
  if (second && octets.length !== QUERY_2_OCTETS + 16 * ((octets[SOURCES]! << 8) | octets[SOURCES + 1]!))
    return 'size';
  const group = groupAt(octets, GROUP);
  const general = ipKind(group) === 'unspecified';
  if (ipKind(source) !== 'link-local' || destination !== (general ? ALL_NODES : group)) return 'scope';
  if (!general && !isSolicitedNode(group)) return 'group';
  // Of version 2: how sure and how often, but no sources: such groups have none.
  const rebuilt = new Uint8Array(second ? QUERY_2_OCTETS : MESSAGE_1_OCTETS);
  rebuilt[0] = QUERY;
  rebuilt.set(octets.subarray(RESPONSE_DELAY, RESPONSE_DELAY + 2), RESPONSE_DELAY);
  rebuilt.set(octets.subarray(GROUP, GROUP + 16), GROUP);
  if (second) rebuilt.set([octets[24]! & 0x0f, octets[25]!], 24);
  return messageOf(message, 'mld-query', rebuilt);
}

function readVersion1(
  message: Icmpv6Message,
  kind: 'mld-report' | 'mld-done',
): SegmentMessage | SegmentFault {
  const { octets, source, destination } = message;
  if (octets.length !== MESSAGE_1_OCTETS) return 'size';
  const group = groupAt(octets, GROUP);
  const allowed = kind === 'mld-report' ? mayReport(message) : ipKind(source) === 'link-local';
  if (!allowed || destination !== (kind === 'mld-report' ? group : ALL_ROUTERS)) return 'scope';
  if (!isSolicitedNode(group)) return 'group';
  const rebuilt = new Uint8Array(MESSAGE_1_OCTETS);
  rebuilt[0] = message.type;
  rebuilt.set(octets.subarray(GROUP), GROUP);
  return messageOf(message, kind, rebuilt);
}

function readReport2(message: Icmpv6Message): SegmentMessage | SegmentFault {
  const { octets, destination } = message;
  if (octets.length < FIRST_RECORD + RECORD_OCTETS) return 'size';
  if (!mayReport(message) || destination !== ALL_MLD2_ROUTERS) return 'scope';
  const records = (octets[RECORDS]! << 8) | octets[RECORDS + 1]!;
  const kept: Uint8Array[] = [];
  let at = FIRST_RECORD;
  for (let i = 0; i < records; i++) {
    if (at + RECORD_OCTETS > octets.length) return 'size';
    const type = octets[at]!;
    const auxiliaryWords = octets[at + 1]!;
    const sources = (octets[at + 2]! << 8) | octets[at + 3]!;
    // Version 2 has no auxiliary data (section 5.2.10).
    if (type < 1 || type > RECORD_TYPES_MAX || auxiliaryWords !== 0) return 'header';
    const isNeighbors = sources === 0 && isSolicitedNode(groupAt(octets, at + 4));
    if (isNeighbors && kept.length < RECORDS_KEPT_MAX) kept.push(octets.subarray(at, at + RECORD_OCTETS));
    at += RECORD_OCTETS + 16 * sources;
  }
  if (at !== octets.length) return 'size';
  if (kept.length === 0) return 'group';
  const rebuilt = new Uint8Array(FIRST_RECORD + RECORD_OCTETS * kept.length);
  rebuilt[0] = REPORT_2;
  rebuilt[RECORDS + 1] = kept.length;
  for (const [i, record] of kept.entries()) rebuilt.set(record, FIRST_RECORD + RECORD_OCTETS * i);
  return messageOf(message, 'mld-report', rebuilt);
}

function messageOf(message: Icmpv6Message, kind: SegmentKind, octets: Uint8Array): SegmentMessage {
  return {
    kind,
    sourceMac: message.sourceMac,
    source: message.source,
    frame: rebuildIcmpv6(message, octets),
  };
}
