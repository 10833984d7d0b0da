/** Messages by which hosts of a segment find each other, made octet by octet: right ones, and wrong in one point. */
import {
  type Ipv4Address,
  type Ipv6Address,
  type MacAddress,
  macToOctets,
} from '../../src/packet/address.js';
import { ARP_REPLY, ARP_REQUEST, buildArp } from '../../src/packet/arp.js';
import { setIcmpv6Checksum, solicitedNode } from '../../src/packet/icmpv6.js';
import { buildIpv6Packet } from '../../src/packet/ipv6.js';

export interface Icmpv6Options {
  readonly source: string;
  readonly destination: string;
  readonly mac: string;
  /** Of a group: what follows from its address. */
  readonly destinationMac?: string;
  readonly hopLimit?: number;
  /** Behind these extension headers, of which the last one's next header is 58. */
  readonly extensions?: readonly number[];
  readonly trafficClass?: number;
  /** Leaves the checksum wrong by one. */
  readonly badChecksum?: boolean;
}

export const ROUTER_ALERT = [58, 0, 5, 2, 0, 0, 1, 0];

/** A frame with an ICMPv6 message, given without checksum. */
export function icmpv6Frame(message: readonly number[], options: Icmpv6Options): Uint8Array {
  const extensions = options.extensions ?? [];
  const packet = buildIpv6Packet({
    source: options.source as Ipv6Address,
    destination: options.destination as Ipv6Address,
    nextHeader: extensions.length === 0 ? 58 : 0,
    hopLimit: options.hopLimit ?? 255,
    payload: Uint8Array.from([...extensions, ...message]),
    trafficClass: options.trafficClass ?? 0,
  });
  setIcmpv6Checksum(packet, 0, 40 + extensions.length, packet.length);
  if (options.badChecksum === true) packet[40 + extensions.length + 3]! ^= 1;
  const group = [0x33, 0x33, ...packet.subarray(36, 40)];
  const to =
    options.destinationMac === undefined ? group : [...macToOctets(options.destinationMac as MacAddress)];
  return Uint8Array.from([...to, ...macToOctets(options.mac as MacAddress), 0x86, 0xdd, ...packet]);
}

export const octetsOf = (ip: string): number[] => [
  ...buildIpv6Packet({
    source: ip as Ipv6Address,
    destination: '::' as Ipv6Address,
    nextHeader: 0,
    hopLimit: 0,
    payload: new Uint8Array(0),
  }).subarray(8, 24),
];

/** An option that names a MAC: 1 of the source, 2 of the target. */
export const linkLayerOption = (type: number, mac: string): number[] => [
  type,
  1,
  ...macToOctets(mac as MacAddress),
];

export function solicitation(
  source: string,
  target: string,
  mac: string,
  options: Partial<Icmpv6Options> & { readonly options?: readonly number[] } = {},
): Uint8Array {
  const named = source === '::' ? [] : linkLayerOption(1, mac);
  return icmpv6Frame([135, 0, 0, 0, 0, 0, 0, 0, ...octetsOf(target), ...(options.options ?? named)], {
    source,
    destination: solicitedNode(target as Ipv6Address).group,
    mac,
    ...options,
  });
}

export function advertisement(
  target: string,
  to: { readonly ip: string; readonly mac: string },
  mac: string,
  flags = 0x60,
): Uint8Array {
  return icmpv6Frame([136, 0, 0, 0, flags, 0, 0, 0, ...octetsOf(target), ...linkLayerOption(2, mac)], {
    source: target,
    destination: to.ip,
    destinationMac: to.mac,
    mac,
  });
}

/** With a prefix that the host would take an address of, for a day. */
export function routerAdvertisement(
  source: string,
  mac: string,
  extra: Partial<Icmpv6Options> = {},
): Uint8Array {
  const prefix = [
    3,
    4,
    64,
    0xc0,
    0,
    1,
    0x51,
    0x80,
    0,
    1,
    0x51,
    0x80,
    0,
    0,
    0,
    0,
    ...octetsOf('2001:db8:bad::'),
  ];
  return icmpv6Frame(
    [134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, ...linkLayerOption(1, mac), ...prefix],
    { source, destination: 'ff02::1', mac, ...extra },
  );
}

export function redirect(
  source: string,
  mac: string,
  to: { readonly ip: string; readonly mac: string },
  target: string,
  about: string,
): Uint8Array {
  return icmpv6Frame([137, 0, 0, 0, 0, 0, 0, 0, ...octetsOf(target), ...octetsOf(about)], {
    source,
    destination: to.ip,
    destinationMac: to.mac,
    mac,
  });
}

/** Version 2, one record for each group. */
export function listenerReport(
  source: string,
  mac: string,
  groups: readonly string[],
  extra: Partial<Icmpv6Options> = {},
): Uint8Array {
  const records = groups.flatMap((group) => [4, 0, 0, 0, ...octetsOf(group)]);
  return icmpv6Frame([143, 0, 0, 0, 0, 0, 0, groups.length, ...records], {
    source,
    destination: 'ff02::16',
    mac,
    hopLimit: 1,
    extensions: ROUTER_ALERT,
    ...extra,
  });
}

/** Version 1: 130 query, 131 report, 132 done. */
export function listenerMessage(
  type: 130 | 131 | 132,
  source: string,
  mac: string,
  group: string,
  destination: string,
  extra: Partial<Icmpv6Options> = {},
): Uint8Array {
  return icmpv6Frame([type, 0, 0, 0, 0, 0, 0, 0, ...octetsOf(group)], {
    source,
    destination,
    mac,
    hopLimit: 1,
    extensions: ROUTER_ALERT,
    ...extra,
  });
}

export function arpRequest(senderIp: string, targetIp: string, mac: string): Uint8Array {
  return buildArp({
    operation: ARP_REQUEST,
    senderMac: mac as MacAddress,
    senderIp: senderIp as Ipv4Address,
    targetMac: '00:00:00:00:00:00' as MacAddress,
    targetIp: targetIp as Ipv4Address,
  });
}

export function arpReply(
  senderIp: string,
  mac: string,
  to: { readonly ip: string; readonly mac: string },
): Uint8Array {
  return buildArp({
    operation: ARP_REPLY,
    senderMac: mac as MacAddress,
    senderIp: senderIp as Ipv4Address,
    targetMac: to.mac as MacAddress,
    targetIp: to.ip as Ipv4Address,
  });
}

/** A frame with some octets replaced. */
export function changed(frame: Uint8Array, at: number, ...octets: readonly number[]): Uint8Array {
  const copy = frame.slice();
  copy.set(octets, at);
  return copy;
}

/** A frame with octets behind it. */
export function followedBy(frame: Uint8Array, ...octets: readonly number[]): Uint8Array {
  return Uint8Array.from([...frame, ...octets]);
}
