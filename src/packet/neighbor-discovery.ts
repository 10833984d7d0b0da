/**
 * Neighbor discovery to the letter (RFC 4861). Options that it does not define are left out of what is built anew, as
 * their receivers would ignore them (section 4.6), but for those of routers (RFC 4191, RFC 8106).
 */
import { type Ipv6Address, ipFromOctets, type MacAddress, macFromOctets } from './address.js';
import { ipKind, isHostAddress, isUnicastMac } from './address-kind.js';
import { solicitedNode } from './icmpv6.js';
import { ALL_NODES, ALL_ROUTERS, type Icmpv6Message, rebuildIcmpv6 } from './icmpv6-segment.js';
import type { SegmentFault, SegmentKind, SegmentMessage } from './segment-message.js';

/** Flags of an advertisement: router, solicited, override; and the solicited one. */
const ADVERTISEMENT_FLAGS = 0xe0;
const FLAG_SOLICITED = 0x40;
const FLAGS = 4;
const TARGET = 8;
const REDIRECTED = 24;

const OPTION_SOURCE_LINK_LAYER = 1;
const OPTION_TARGET_LINK_LAYER = 2;
const OPTION_PREFIX = 3;
const OPTION_MTU = 5;
const OPTION_ROUTE = 24;
const OPTION_DNS_SERVERS = 25;
const OPTION_DNS_SEARCH = 31;

interface Form {
  readonly kind: SegmentKind;
  /** Octets before the options. */
  readonly headOctets: number;
  /** The option that names a MAC. */
  readonly linkLayerOption: number;
  readonly otherOptions: readonly number[];
}

const FORMS: ReadonlyMap<number, Form> = new Map([
  [133, form('router-solicitation', 8, OPTION_SOURCE_LINK_LAYER)],
  [
    134,
    form('router-advertisement', 16, OPTION_SOURCE_LINK_LAYER, [
      OPTION_PREFIX,
      OPTION_MTU,
      OPTION_ROUTE,
      OPTION_DNS_SERVERS,
      OPTION_DNS_SEARCH,
    ]),
  ],
  [135, form('neighbor-solicitation', 24, OPTION_SOURCE_LINK_LAYER)],
  [136, form('neighbor-advertisement', 24, OPTION_TARGET_LINK_LAYER)],
  [137, form('redirect', 40, OPTION_TARGET_LINK_LAYER)],
]);

/** The ICMPv6 types of neighbor discovery. */
export const NEIGHBOR_DISCOVERY_TYPES: readonly number[] = [...FORMS.keys()];

function form(
  kind: SegmentKind,
  headOctets: number,
  linkLayerOption: number,
  otherOptions: readonly number[] = [],
): Form {
  return { kind, headOctets, linkLayerOption, otherOptions };
}

/** Reads a message of one of NEIGHBOR_DISCOVERY_TYPES. */
export function readNeighborDiscovery(message: Icmpv6Message): SegmentMessage | SegmentFault {
  const known = FORMS.get(message.type);
  if (known === undefined) return 'kind';
  if (message.routerAlert) return 'header';
  if (message.octets.length < known.headOctets) return 'size';
  const options = readOptions(message.octets, known);
  if (options === undefined) return 'options';
  const target = known.headOctets >= TARGET + 16 ? ipAt(message.octets, TARGET) : undefined;
  const fault = checkScope(known.kind, message, target, options.linkLayer);
  if (fault !== undefined) return fault;
  return {
    kind: known.kind,
    sourceMac: message.sourceMac,
    source: message.source,
    ...(target === undefined ? {} : { target }),
    ...(options.linkLayer === undefined ? {} : { linkLayer: options.linkLayer }),
    frame: rebuildIcmpv6(message, rebuild(message, known, options.kept)),
  };
}

function ipAt(octets: Uint8Array, at: number): Ipv6Address {
  return ipFromOctets(octets, at, 6) as Ipv6Address;
}

/** Reason why a message's sender or destination is wrong; undefined: both are right. */
function checkScope(
  kind: SegmentKind,
  message: Icmpv6Message,
  target: Ipv6Address | undefined,
  linkLayer: MacAddress | undefined,
): SegmentFault | undefined {
  const { source, destination, octets } = message;
  const nobody = ipKind(source) === 'unspecified';
  const multicast = ipKind(destination) === 'multicast';
  const fromLink = ipKind(source) === 'link-local';
  if (target !== undefined && !isHostAddress(target)) return 'scope';
  switch (kind) {
    case 'router-solicitation':
      if (nobody && linkLayer !== undefined) return 'options';
      return destination === ALL_ROUTERS ? undefined : 'scope';
    case 'router-advertisement':
      return fromLink && (!multicast || destination === ALL_NODES) ? undefined : 'scope';
    case 'neighbor-solicitation': {
      if (nobody && linkLayer !== undefined) return 'options';
      if (destination === solicitedNode(target!).group) return undefined;
      return !nobody && destination === target ? undefined : 'scope';
    }
    case 'neighbor-advertisement': {
      const solicited = (octets[FLAGS]! & FLAG_SOLICITED) !== 0;
      if (nobody || (multicast && (solicited || destination !== ALL_NODES))) return 'scope';
      return undefined;
    }
    default: {
      // A redirect: to a neighbor of its own, or to a router by its address on the link (section 8.1).
      const redirected = ipAt(octets, REDIRECTED);
      const onLink = ipKind(target!) === 'link-local' || target === redirected;
      return fromLink && !multicast && onLink && isHostAddress(redirected) ? undefined : 'scope';
    }
  }
}

/** The options that are kept, in order; undefined when one of them is not as it should be. */
function readOptions(
  octets: Uint8Array,
  known: Form,
): { readonly kept: readonly Uint8Array[]; readonly linkLayer?: MacAddress } | undefined {
  const kept: Uint8Array[] = [];
  let linkLayer: MacAddress | undefined;
  for (let at = known.headOctets; at < octets.length; ) {
    const lengthOctets = (octets[at + 1] ?? 0) * 8;
    if (lengthOctets === 0 || at + lengthOctets > octets.length) return undefined;
    const type = octets[at]!;
    const option = octets.subarray(at, at + lengthOctets);
    at += lengthOctets;
    if (type === known.linkLayerOption) {
      if (linkLayer !== undefined || lengthOctets !== 8) return undefined;
      linkLayer = macFromOctets(option, 2);
      if (!isUnicastMac(linkLayer)) return undefined;
      kept.push(option);
    } else if (known.otherOptions.includes(type)) {
      if (!hasLengthOf(type, lengthOctets)) return undefined;
      kept.push(option);
    }
  }
  return { kept, ...(linkLayer === undefined ? {} : { linkLayer }) };
}

function hasLengthOf(type: number, octets: number): boolean {
  switch (type) {
    case OPTION_PREFIX:
      return octets === 32;
    case OPTION_MTU:
      return octets === 8;
    case OPTION_ROUTE:
      return octets <= 24;
    case OPTION_DNS_SERVERS:
      return octets >= 24 && octets % 16 === 8;
    default:
      return octets >= 16;
  }
}

/** The message without reserved bits and without what it need not have; checksum 0. */
function rebuild(message: Icmpv6Message, known: Form, options: readonly Uint8Array[]): Uint8Array {
  const optionOctets = options.reduce((sum, option) => sum + option.length, 0);
  const octets = new Uint8Array(known.headOctets + optionOctets);
  octets[0] = message.type;
  const original = message.octets;
  if (known.kind === 'router-advertisement') octets.set(original.subarray(FLAGS, known.headOctets), FLAGS);
  else octets.set(original.subarray(TARGET, known.headOctets), TARGET);
  if (known.kind === 'neighbor-advertisement') octets[FLAGS] = original[FLAGS]! & ADVERTISEMENT_FLAGS;
  let at = known.headOctets;
  for (const option of options) {
    octets.set(option, at);
    at += option.length;
  }
  return octets;
}
