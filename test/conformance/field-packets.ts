/**
 * For every field, packets of which some have the value that a pipe looks for and others do not, alike in all the rest: the
 * field alone decides. All the rest is drawn at random, so that whoever reads a wrong octet sees another value.
 */

import type { Choose } from '../../src/base/choose.js';
import {
  FIELDS,
  type FieldName,
  type FieldValue,
  L3_IPV4,
  L3_IPV6,
  L3_NONE,
  L4_ICMP,
  L4_NONE,
  L4_TCP,
  L4_UDP,
  SYNDROME_BAD_TRAILER,
  SYNDROME_ICV_FAIL,
  SYNDROME_OK,
  type WritableFieldName,
} from '../../src/hal/fields.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { ipv4ChecksumOk, ipv4HeaderLength, setIpv4Checksum } from '../../src/packet/ipv4.js';
import { opensslEngine } from '../../src/psp/aead-openssl.js';
import { encapsulate } from '../../src/psp/encapsulate.js';
import { pspSpi } from '../../src/psp/header.js';
import { deriveKey } from '../../src/psp/key-derivation.js';
import { MASTER_KEYS } from '../../src/verify/master-keys.js';

export interface FieldPacket {
  readonly port: number;
  readonly frame: Uint8Array;
  /** undefined: it has no such field; 'drawn': only the devices know. */
  readonly value: FieldValue | 'drawn' | undefined;
  /** What an action writes into the field; the packet's UDP source port, 1 and on, says so. */
  readonly written?: FieldValue;
}

export interface FieldCase {
  /** What the pipes look for. */
  readonly target: FieldValue;
  /** Packets are opened before. */
  readonly decrypt?: true;
  readonly packets: readonly FieldPacket[];
}

type CasesOf = (choose: Choose) => FieldCase[];

const CASES_PER_FIELD = 2;
const IP = 14;
const IP4_L4 = IP + 20;
const IP6_L4 = IP + 40;
const PSP = IP4_L4 + 8;
const PAYLOAD_OCTETS = 64;
const [UDP, TCP, ICMP, ICMPV6, NO_UPPER_LAYER] = [17, 6, 1, 58, 253];
const PSP_PORT = 1000;
const OTHER_PORT = 4500;

const put16 = (frame: Uint8Array, at: number, value: number) =>
  frame.set([(value >>> 8) & 0xff, value & 0xff], at);

/** Whatever is not said is random. */
function ip4(choose: Choose, protocol: number, payloadOctets = PAYLOAD_OCTETS): Uint8Array {
  const frame = choose.octets(IP4_L4 + payloadOctets);
  put16(frame, 12, 0x0800);
  frame[IP] = 0x45;
  put16(frame, IP + 2, frame.length - IP);
  put16(frame, IP + 6, 0);
  frame[IP + 9] = protocol;
  if (protocol === UDP) put16(frame, IP4_L4 + 4, payloadOctets);
  setIpv4Checksum(frame, IP);
  return frame;
}

function ip6(choose: Choose, protocol: number): Uint8Array {
  const frame = choose.octets(IP6_L4 + PAYLOAD_OCTETS);
  put16(frame, 12, 0x86dd);
  frame[IP] = 0x60;
  put16(frame, IP + 4, PAYLOAD_OCTETS);
  frame[IP + 6] = protocol;
  if (protocol === UDP) put16(frame, IP6_L4 + 4, PAYLOAD_OCTETS);
  return frame;
}

/** Whose PSP header is random, but has room for a cookie. */
function psp(choose: Choose): Uint8Array {
  const frame = ip4(choose, UDP);
  put16(frame, IP4_L4 + 2, PSP_PORT);
  frame[PSP + 1] = 2;
  frame[PSP + 3]! |= 0x02;
  return frame;
}

function arp(choose: Choose): Uint8Array {
  return changed(ip4(choose, UDP), 12, 0x08, 0x06);
}

function changed(frame: Uint8Array, at: number, ...octets: number[]): Uint8Array {
  const copy = frame.slice();
  copy.set(octets, at);
  return copy;
}

/** Now and then with IPv4 options, where the header is right: what is behind them is found all the same. */
function optioned(choose: Choose, frame: Uint8Array): Uint8Array {
  const isIpv4 = frame.length >= IP4_L4 && frame[12] === 0x08 && frame[13] === 0 && frame[IP] === 0x45;
  if (!isIpv4 || !ipv4ChecksumOk(frame, IP) || choose.once(2)) return frame;
  const words = choose.between(1, 10);
  const copy = Uint8Array.from([
    ...frame.subarray(0, IP4_L4),
    ...choose.octets(4 * words),
    ...frame.subarray(IP4_L4),
  ]);
  copy[IP] = 0x45 + words;
  put16(copy, IP + 2, ((frame[IP + 2]! << 8) | frame[IP + 3]!) + 4 * words);
  setIpv4Checksum(copy, IP);
  return copy;
}

function outerHeader(choose: Choose): Uint8Array {
  if (choose.once(2)) return ip6(choose, UDP).subarray(0, IP6_L4);
  const whole = optioned(choose, ip4(choose, UDP));
  return whole.subarray(0, IP + ipv4HeaderLength(whole, IP));
}

/** A packet as a peer seals it. */
function sealed(choose: Choose, inner: Uint8Array, mode: 'tunnel' | 'transport' = 'tunnel'): Uint8Array {
  const spi = choose.between(1, 1000);
  return encapsulate(inner, {
    engine: opensslEngine,
    version: 1,
    spi,
    key: deriveKey(MASTER_KEYS[0], spi, 1),
    iv: BigInt(choose.uint32()),
    cryptOffsetWords: 0,
    sourcePort: 50_000,
    ...(mode === 'tunnel' ? { outerHeader: outerHeader(choose) } : {}),
  });
}

/** A packet that a peer seals and sends to another UDP port than PSP's; `decrypt` opens it all the same. */
export function sealedToOtherPort(choose: Choose): { readonly frame: Uint8Array; readonly spi: number } {
  const frame = sealed(choose, udp4(choose));
  const udp = frame[12] === 0x08 ? IP + ipv4HeaderLength(frame, IP) : IP6_L4;
  put16(frame, udp + 2, OTHER_PORT);
  return { frame, spi: pspSpi(frame, udp + 8) };
}

const withoutTag = (frame: Uint8Array) => changed(frame, frame.length - 1, frame.at(-1)! ^ 1);

const from = (port: number, frame: Uint8Array, value: FieldPacket['value']): FieldPacket => ({
  port,
  frame,
  value,
});

/** Octets as a field of that width has them. */
function numberOf(octets: Uint8Array): FieldValue {
  if (octets.length > 4) return octets;
  return octets.reduce((value, octet) => value * 256 + octet, 0);
}

/** Every value that has another bit. */
function flips(octets: Uint8Array): Uint8Array[] {
  return Array.from({ length: octets.length * 8 }, (_, bit) =>
    changed(octets, bit >>> 3, octets[bit >>> 3]! ^ (1 << (bit & 7))),
  );
}

interface Place {
  /** Frames that have the field, and where. */
  readonly base: (choose: Choose) => Uint8Array;
  readonly at: number;
  readonly octets: number;
  /** The same frame without the field, whose octets are there all the same. */
  readonly without?: (frame: Uint8Array) => Uint8Array;
}

/** One frame, with every bit of the field changed in turn, and other frames with the same value. */
function valuesAt({ base, at, octets, without }: Place, choose: Choose) {
  const target = choose.octets(octets);
  const frame = changed(base(choose), at, ...target);
  const others = choose.times(3, () => changed(base(choose), at, ...target));
  const packets = [
    ...[frame, ...others].map((one) => ({ frame: one, value: numberOf(target) as FieldValue | undefined })),
    ...flips(target).map((value) => ({ frame: changed(frame, at, ...value), value: numberOf(value) })),
    ...(without === undefined ? [] : [{ frame: without(frame), value: undefined }]),
  ];
  return { target: numberOf(target), packets };
}

const inHeader =
  (place: Place): CasesOf =>
  (choose) =>
    choose.times(CASES_PER_FIELD, () => {
      const { target, packets } = valuesAt(place, choose);
      const placed = (frame: Uint8Array) => (place.at < IP4_L4 ? frame : optioned(choose, frame));
      return { target, packets: packets.map(({ frame, value }) => from(VF_PORT, placed(frame), value)) };
    });

/** Of the packet in a tunnel. */
const inside =
  ({ base, at, octets }: Place): CasesOf =>
  (choose) =>
    choose.times(CASES_PER_FIELD, () => {
      const { target, packets } = valuesAt({ base, at, octets }, choose);
      const all = packets.map(({ frame, value }) => from(UPLINK_PORT, sealed(choose, frame), value));
      const refused = from(UPLINK_PORT, withoutTag(all[0]!.frame), undefined);
      return { target, decrypt: true, packets: [...all, refused] };
    });

/** Written by an action before. `unwritten`: what a packet has that none writes to. */
const written =
  (
    field: WritableFieldName,
    base: (choose: Choose) => Uint8Array,
    unwritten: (frame: Uint8Array) => FieldValue,
  ): CasesOf =>
  (choose) =>
    choose.times(CASES_PER_FIELD, () => {
      const target = choose.octets(FIELDS[field].widthBits / 8);
      const values = [target, target, ...flips(target)];
      const packets = values.map((octets, i): FieldPacket => {
        const value = numberOf(octets);
        const frame = optioned(choose, changed(base(choose), IP4_L4, 0, i + 1));
        return { port: VF_PORT, frame, value, written: value };
      });
      const untouched = changed(base(choose), IP4_L4, 0xff, 0);
      return {
        target: numberOf(target),
        packets: [...packets, from(VF_PORT, untouched, unwritten(untouched))],
      };
    });

/** Packets by the value that each has; each value is looked for in turn. */
const oneOf =
  (packetsOf: (choose: Choose) => FieldPacket[], decrypt?: true): CasesOf =>
  (choose) => {
    const targets = new Set(
      packetsOf(choose).flatMap(({ value }) => (typeof value === 'number' ? [value] : [])),
    );
    return [...targets].map((target) => ({
      target,
      ...(decrypt === undefined ? {} : { decrypt }),
      packets: choose.times(3, () => packetsOf(choose)).flat(),
    }));
  };

const each = (port: number, ...packets: (readonly [FieldPacket['value'], Uint8Array])[]): FieldPacket[] =>
  packets.map(([value, frame]) => from(port, frame, value));

const udp4 = (choose: Choose) => ip4(choose, UDP);
/** Where nothing behind the IP header has to be found by its place. */
const any4 = (choose: Choose, protocol = UDP) => optioned(choose, ip4(choose, protocol));
const udp6 = (choose: Choose) => ip6(choose, UDP);
const icmp4 = (choose: Choose) => ip4(choose, ICMP);
const meta = (field: WritableFieldName) => written(field, udp4, () => 0);
const eth = (at: number, octets: number) =>
  inHeader({ base: udp4, at, octets, without: (frame) => frame.subarray(0, IP - 1) });
const inIp4 = (at: number, octets: number): Place => ({
  base: udp4,
  at: IP + at,
  octets,
  without: (frame) => changed(frame, 12, 0x86, 0xdd),
});
const inIp6 = (at: number, octets: number): Place => ({
  base: udp6,
  at: IP + at,
  octets,
  without: (frame) => changed(frame, 12, 0x08, 0x00),
});
const inL4 = (base: Place['base'], at: number, octets: number) =>
  inHeader({ base, at: IP4_L4 + at, octets, without: (frame) => changed(frame, IP + 9, NO_UPPER_LAYER) });
const inPsp = (at: number, octets: number) =>
  inHeader({ base: psp, at: PSP + at, octets, without: (frame) => changed(frame, IP4_L4 + 3, 0xe9) });
const mac = (field: WritableFieldName, at: number): CasesOf => {
  const [read, write] = [eth(at, 6), written(field, udp4, (frame) => frame.slice(at, at + 6))];
  return (choose) => [...read(choose), ...write(choose)];
};

/** Of a header that is shortened by its own length, and by the datagram's, the words that do not fit are missing. */
const pspWord = (word: 6 | 7 | 8 | 9): CasesOf => {
  const at = PSP + 4 * (word - 1);
  const long = (choose: Choose) => changed(psp(choose), PSP + 1, 4);
  const shorter = Math.ceil(word / 2) - 2;
  const read = [
    inHeader({ base: long, at, octets: 4, without: (frame) => changed(frame, PSP + 1, shorter) }),
    inHeader({ base: long, at, octets: 4, without: (frame) => changed(frame, IP4_L4 + 3, 0xe9) }),
  ];
  const write = written(`tun.psp.dw${word}`, long, (frame) => numberOf(frame.slice(at, at + 4)));
  return (choose) => [...read, write].flatMap((cases) => cases(choose));
};

export const FIELD_CASES: Readonly<Record<FieldName, CasesOf>> = {
  'parser_meta.port_id': oneOf((choose) =>
    [UPLINK_PORT, VF_PORT].map((port) => from(port, udp4(choose), port)),
  ),
  'parser_meta.outer_l3_type': oneOf((choose) =>
    each(
      VF_PORT,
      [L3_IPV4, any4(choose)],
      [L3_IPV6, udp6(choose)],
      [L3_NONE, arp(choose)],
      [L3_NONE, changed(udp4(choose), IP, 0x65)],
    ),
  ),
  'parser_meta.outer_l4_type': oneOf((choose) =>
    each(
      VF_PORT,
      [L4_UDP, any4(choose)],
      [L4_UDP, udp6(choose)],
      [L4_TCP, any4(choose, TCP)],
      [L4_TCP, ip6(choose, TCP)],
      [L4_ICMP, any4(choose, ICMP)],
      [L4_ICMP, ip6(choose, ICMPV6)],
      [L4_NONE, any4(choose, NO_UPPER_LAYER)],
      [L4_NONE, changed(udp4(choose), IP + 6, 0x20)],
    ),
  ),
  'parser_meta.inner_l3_type': oneOf(
    (choose) =>
      each(
        UPLINK_PORT,
        [L3_IPV4, sealed(choose, any4(choose))],
        [L3_IPV6, sealed(choose, udp6(choose))],
        [L3_NONE, sealed(choose, any4(choose), 'transport')],
        [L3_NONE, withoutTag(sealed(choose, udp4(choose)))],
      ),
    true,
  ),
  'parser_meta.inner_l4_type': oneOf(
    (choose) =>
      each(
        UPLINK_PORT,
        [L4_UDP, sealed(choose, any4(choose))],
        [L4_TCP, sealed(choose, ip6(choose, TCP))],
        [L4_ICMP, sealed(choose, any4(choose, ICMP))],
        [L4_NONE, sealed(choose, ip6(choose, NO_UPPER_LAYER))],
        [undefined, withoutTag(sealed(choose, udp4(choose)))],
      ),
    true,
  ),
  'parser_meta.outer_l3_ok': oneOf((choose) =>
    each(
      VF_PORT,
      [1, any4(choose)],
      [1, udp6(choose)],
      [0, changed(udp4(choose), IP + 2, 0xff)],
      [0, changed(udp6(choose), IP + 4, 0xff)],
      [0, arp(choose)],
    ),
  ),
  'parser_meta.outer_ip4_checksum_ok': oneOf((choose) => {
    const frame = any4(choose);
    return each(
      VF_PORT,
      [1, frame],
      [0, changed(frame, IP + 10, frame[IP + 10]! ^ 0x10)],
      [0, changed(frame, IP + 1, frame[IP + 1]! ^ 0x01)],
      [0, udp6(choose)],
    );
  }),
  'parser_meta.psp_syndrome': oneOf((choose) => {
    const frame = sealed(choose, any4(choose), choose.once(2) ? 'tunnel' : 'transport');
    // Too short for a PSP header and an ICV.
    const short = changed(ip4(choose, UDP, 8 + 31), IP4_L4 + 2, PSP_PORT >>> 8, PSP_PORT & 0xff);
    return each(
      UPLINK_PORT,
      [SYNDROME_OK, frame],
      [SYNDROME_ICV_FAIL, withoutTag(frame)],
      [SYNDROME_BAD_TRAILER, short],
    );
  }, true),
  'parser_meta.random': (choose) => [
    { target: 0x8000, packets: choose.times(64, () => from(VF_PORT, udp4(choose), 'drawn')) },
  ],
  'meta.pkt_meta': meta('meta.pkt_meta'),
  'meta.u32.0': meta('meta.u32.0'),
  'meta.u32.1': meta('meta.u32.1'),
  'meta.u32.2': meta('meta.u32.2'),
  'meta.u32.3': meta('meta.u32.3'),
  'meta.u32.4': meta('meta.u32.4'),
  'outer.eth.dst_mac': mac('outer.eth.dst_mac', 0),
  'outer.eth.src_mac': mac('outer.eth.src_mac', 6),
  'outer.eth.type': eth(12, 2),
  'outer.ip4.src_ip': inHeader(inIp4(12, 4)),
  'outer.ip4.dst_ip': inHeader(inIp4(16, 4)),
  'outer.ip4.next_proto': inHeader(inIp4(9, 1)),
  'outer.ip4.total_len': inHeader(inIp4(2, 2)),
  'outer.ip4.flags_fragment_offset': inHeader(inIp4(6, 2)),
  'outer.ip6.src_ip': inHeader(inIp6(8, 16)),
  'outer.ip6.dst_ip': inHeader(inIp6(24, 16)),
  'outer.ip6.next_proto': inHeader(inIp6(6, 1)),
  'outer.ip6.payload_len': inHeader(inIp6(4, 2)),
  'outer.udp.src_port': inL4(udp4, 0, 2),
  'outer.udp.dst_port': inL4(udp4, 2, 2),
  'outer.icmp.type': inL4(icmp4, 0, 1),
  'outer.icmp.code': inL4(icmp4, 1, 1),
  'tun.psp.nexthdr': inPsp(0, 1),
  'tun.psp.hdrextlen': inPsp(1, 1),
  'tun.psp.res_cryptofst': inPsp(2, 1),
  'tun.psp.s_d_ver_v': (choose) => [
    ...inPsp(3, 1)(choose),
    ...written('tun.psp.s_d_ver_v', psp, (frame) => frame[PSP + 3]!)(choose),
  ],
  'tun.psp.spi': inPsp(4, 4),
  'tun.psp.vc': inHeader({
    base: psp,
    at: PSP + 16,
    octets: 8,
    without: (frame) => changed(frame, PSP + 3, frame[PSP + 3]! & ~0x02),
  }),
  'tun.psp.dw6': pspWord(6),
  'tun.psp.dw7': pspWord(7),
  'tun.psp.dw8': pspWord(8),
  'tun.psp.dw9': pspWord(9),
  'inner.ip4.src_ip': inside(inIp4(12, 4)),
  'inner.ip4.dst_ip': inside(inIp4(16, 4)),
  'inner.ip6.src_ip': inside(inIp6(8, 16)),
  'inner.ip6.dst_ip': inside(inIp6(24, 16)),
};
