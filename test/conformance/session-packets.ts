/** Packets of sessions: what workloads send, what peers send, and what of that a receiver must refuse. */

import type { Choose } from '../../src/base/choose.js';
import { type IpAddress, ipFamily } from '../../src/packet/address.js';
import { buildIpv4Packet, PROTOCOL_TCP, PROTOCOL_UDP, setIpv4Checksum } from '../../src/packet/ipv4.js';
import { buildIpv6Packet } from '../../src/packet/ipv6.js';
import { opensslEngine } from '../../src/psp/aead-openssl.js';
import { EncapsulationError, encapsulate, locateIpPacket } from '../../src/psp/encapsulate.js';
import { PSP_HEADER_OCTETS, PSP_ICV_OCTETS, type PspVersion } from '../../src/psp/header.js';
import { transportPoint } from '../../src/psp/outer.js';

const ETHERNET_OCTETS = 14;
const UDP_OCTETS = 8;
const SCTP = 132;
/** A datagram that is shorter has no room for PSP's header and ICV. */
const PSP_OCTETS_MIN = PSP_HEADER_OCTETS + PSP_ICV_OCTETS;
const EXTENSION_HEADERS = [0, 43, 60, 51];
const MACS = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];

export interface Flow {
  readonly source: IpAddress;
  readonly destination: IpAddress;
}

/** A workload's frame; its IP packet has `octets`, or any number. */
export function workloadFrame(choose: Choose, flow: Flow, octets?: number): Uint8Array {
  const family = ipFamily(flow.source);
  const protocol = choose.pick([PROTOCOL_UDP, PROTOCOL_UDP, PROTOCOL_TCP, SCTP, family === 4 ? 1 : 58, 253]);
  const optionOctets = family === 4 && choose.once(4) ? 4 * choose.between(1, 10) : 0;
  const extensions = family === 6 && choose.once(3) ? choose.between(1, 5) : 0;
  const before = family === 4 ? 20 + optionOctets : 40 + 8 * extensions;
  const payload = choose.octets(octets === undefined ? choose.between(0, 200) : octets - before);
  // Of ICMP only echo requests: the others are not for sessions.
  if (protocol === 1 && payload.length > 0) payload[0] = 8;
  if (protocol === 58 && payload.length > 0) payload[0] = 128;
  // Few flows, to ports that mean nothing to the pipeline.
  if (payload.length >= 4) payload.set([0x30, choose.below(3), 0x13, choose.below(3)]);
  return ethernet(
    family === 4
      ? withOptions(ipPacket(flow, protocol, payload), optionOctets)
      : ipPacket(flow, ...extended(choose, extensions, protocol, payload)),
  );
}

function ethernet(packet: Uint8Array): Uint8Array {
  const type = packet[0]! >>> 4 === 4 ? [0x08, 0x00] : [0x86, 0xdd];
  return Uint8Array.from([...MACS, ...type, ...packet]);
}

function ipPacket(flow: Flow, protocol: number, payload: Uint8Array): Uint8Array {
  const addresses = { source: flow.source as never, destination: flow.destination as never };
  return ipFamily(flow.source) === 4
    ? buildIpv4Packet({ ...addresses, protocol, ttl: 64, payload, dontFragment: true })
    : buildIpv6Packet({ ...addresses, nextHeader: protocol, hopLimit: 64, payload });
}

/** The same IPv4 packet with so many octets of options, all of them NOP. */
function withOptions(packet: Uint8Array, octets: number): Uint8Array {
  const out = Uint8Array.from([
    ...packet.subarray(0, 20),
    ...new Uint8Array(octets).fill(1),
    ...packet.subarray(20),
  ]);
  out[0] = 0x40 | ((20 + octets) / 4);
  new DataView(out.buffer).setUint16(2, out.length);
  setIpv4Checksum(out, 0);
  return out;
}

/** `count` extension headers of 8 octets before an upper layer. */
function extended(
  choose: Choose,
  count: number,
  protocol: number,
  payload: Uint8Array,
): [nextHeader: number, payload: Uint8Array] {
  let next = protocol;
  let body = payload;
  for (let i = 0; i < count; i++) {
    const header = new Uint8Array(8);
    header[0] = next;
    next = choose.pick(EXTENSION_HEADERS);
    // An authentication header counts words beyond the first two, the others 8 octets beyond the first.
    header[1] = 0;
    body = Uint8Array.from([...header, ...body]);
  }
  return [next, body];
}

/** How a peer seals. */
export interface Sealing {
  readonly spi: number;
  /** 0 to 15; only the first four exist. */
  readonly version: number;
  /** 16 or 32 octets, by version. */
  readonly key: Uint8Array;
  readonly cryptOffsetWords: number;
  readonly cookie?: bigint;
  readonly extension?: Uint8Array;
  /** Tunnel mode: the outer header's addresses. */
  readonly outer?: Flow;
}

/** A PSP frame, and where its UDP header begins. */
export interface Sealed {
  readonly frame: Uint8Array;
  readonly udpAt: number;
}

/** undefined where the crypt offset points behind what the frame has. */
export function sealFrame(choose: Choose, inner: Uint8Array, sealing: Sealing): Sealed | undefined {
  const { outer, version, ...rest } = sealing;
  const outerHeader = outer === undefined ? undefined : outerHeaderOf(choose, outer);
  try {
    const frame = encapsulate(inner, {
      ...rest,
      engine: opensslEngine,
      version: version as PspVersion,
      iv: BigInt(choose.uint32()),
      sourcePort: 50_000,
      ...(outerHeader === undefined ? {} : { outerHeader }),
    });
    const udpAt =
      outerHeader?.length ?? transportPoint(inner, ETHERNET_OCTETS, locateIpPacket(inner)!.end)!.offset;
    return { frame, udpAt };
  } catch (error) {
    if (error instanceof EncapsulationError) return undefined;
    throw error;
  }
}

/** Ethernet and IP header, now and then with options or extension headers. */
function outerHeaderOf(choose: Choose, outer: Flow): Uint8Array {
  const none = new Uint8Array(0);
  const unusual = choose.once(4);
  if (ipFamily(outer.source) === 4) {
    const packet = ipPacket(outer, PROTOCOL_UDP, none);
    return ethernet(unusual ? withOptions(packet, 4 * choose.between(1, 10)) : packet);
  }
  const extensions = unusual ? choose.between(1, 3) : 0;
  return ethernet(ipPacket(outer, ...extended(choose, extensions, PROTOCOL_UDP, none)));
}

/** Lengths as given, and a checksum that fits them. */
function writeLengths(frame: Uint8Array, udpAt: number, udpOctets: number, ipEnd: number): void {
  const view = new DataView(frame.buffer);
  view.setUint16(udpAt + 4, udpOctets);
  if (frame[ETHERNET_OCTETS]! >>> 4 === 4) {
    view.setUint16(ETHERNET_OCTETS + 2, ipEnd - ETHERNET_OCTETS);
    setIpv4Checksum(frame, ETHERNET_OCTETS);
  } else {
    view.setUint16(ETHERNET_OCTETS + 4, ipEnd - ETHERNET_OCTETS - 40);
  }
}

/** A whole datagram that is about as long as header and ICV. */
export function cutShort(choose: Choose, { frame, udpAt }: Sealed): Uint8Array {
  const octets = choose.between(PSP_OCTETS_MIN - 2, PSP_OCTETS_MIN + 1);
  const cut = frame.slice(0, udpAt + UDP_OCTETS + octets);
  writeLengths(cut, udpAt, UDP_OCTETS + octets, cut.length);
  return cut;
}

/** A datagram that is whole, but for IP, which says that it ends before. */
export function beyondIp(choose: Choose, { frame, udpAt }: Sealed): Uint8Array {
  const longer = frame.slice();
  writeLengths(longer, udpAt, frame.length - udpAt, frame.length - choose.between(1, 8));
  return longer;
}

export function flipped(choose: Choose, frame: Uint8Array): Uint8Array {
  const copy = frame.slice();
  const at = choose.once(2) ? choose.below(Math.min(copy.length, 90)) : choose.below(copy.length);
  copy[at]! ^= 1 << choose.below(8);
  return copy;
}

/** With what Ethernet puts behind short packets. */
export function padded(choose: Choose, frame: Uint8Array): Uint8Array {
  return Uint8Array.from([...frame, ...choose.octets(choose.between(1, 20))]);
}
