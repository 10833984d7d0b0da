/**
 * From a field's name to code that reads it from, or writes it to, the packet in hand. Values travel as 32-bit
 * words in network order: one for fields of up to 32 bits; a 48-bit field's first word holds its upper 16 bits.
 */

import { MAC_OCTETS } from '../../packet/address.js';
import { ETHERNET_DESTINATION, ETHERNET_SOURCE } from '../../packet/ethernet.js';
import {
  hasCookie,
  PSP_COOKIE,
  PSP_COOKIE_OCTETS,
  PSP_CRYPT_OFFSET,
  PSP_EXT_LEN,
  PSP_FLAGS,
  PSP_NEXT_HEADER,
  PSP_SPI,
  PSP_WORD_6,
  pspHeaderLengthOctets,
} from '../../psp/header.js';
import {
  FIELDS,
  type FieldName,
  type FieldValue,
  L3_IPV4,
  L3_IPV6,
  L3_NONE,
  L4_ICMP,
  L4_UDP,
  type WritableFieldName,
} from '../fields.js';
import { type PacketContext, SYNDROME_NONE } from './packet-context.js';

/** Writes the field's words to `out` at `at`; false, and nothing useful in `out`, when the packet lacks the field. */
export type FieldReader = (packet: PacketContext, out: Uint32Array, at: number) => boolean;

/** Writes the value that stands in `values` from `at` on, under `mask`. No effect when the packet lacks the field. */
export type FieldWriter = (packet: PacketContext, values: Uint32Array, at: number, mask: Uint32Array) => void;

/** Words that a field's value takes. */
export function fieldWords(field: FieldName): number {
  return Math.ceil(FIELDS[field].widthBits / 32);
}

/** Puts a checked value of a field into `out` at `at`. */
export function valueToWords(field: FieldName, value: FieldValue, out: Uint32Array, at: number): void {
  if (typeof value === 'number') {
    out[at] = value;
    return;
  }
  const words = fieldWords(field);
  const leading = words * 4 - value.length;
  for (let word = 0; word < words; word++) {
    let bits = 0;
    for (let octet = word * 4 - leading; octet < word * 4 - leading + 4; octet++) {
      bits = (bits << 8) | (octet < 0 ? 0 : value[octet]);
    }
    out[at + word] = bits;
  }
}

/** The value that stands in `words` from `at` on. */
export function wordsToValue(field: FieldName, words: Uint32Array, at: number): FieldValue {
  const { widthBits } = FIELDS[field];
  if (widthBits <= 32) return words[at];
  const octets = new Uint8Array(widthBits / 8);
  for (let i = 0; i < octets.length; i++) {
    const fromEnd = octets.length - 1 - i;
    octets[i] = words[at + fieldWords(field) - 1 - (fromEnd >>> 2)] >>> (8 * (fromEnd & 3));
  }
  return octets;
}

/** A mask with all bits of the field, and those that its first word has beyond it, which no value has. */
export function fullMask(field: FieldName, out: Uint32Array, at: number): void {
  out.fill(0xffffffff, at, at + fieldWords(field));
}

function load16(frame: Uint8Array, at: number): number {
  return (frame[at] << 8) | frame[at + 1];
}

function load32(frame: Uint8Array, at: number): number {
  return (frame[at] << 24) | (frame[at + 1] << 16) | (frame[at + 2] << 8) | frame[at + 3];
}

function load128(frame: Uint8Array, at: number, out: Uint32Array, to: number): void {
  out[to] = load32(frame, at);
  out[to + 1] = load32(frame, at + 4);
  out[to + 2] = load32(frame, at + 8);
  out[to + 3] = load32(frame, at + 12);
}

const mac =
  (offset: number): FieldReader =>
  (packet, out, at) => {
    if (packet.etherType < 0) return false;
    out[at] = load16(packet.frame, offset);
    out[at + 1] = load32(packet.frame, offset + 2);
    return true;
  };

/** Reads of a header at a fixed place in it, where the packet has that header. */
const ip4 = (bits: 8 | 16 | 32, offset: number): FieldReader => {
  const load = loaderOf(bits);
  return (packet, out, at) => {
    if (packet.l3Type !== L3_IPV4) return false;
    out[at] = load(packet.frame, packet.l3Offset + offset);
    return true;
  };
};

const ip6 = (bits: 8 | 16, offset: number): FieldReader => {
  const load = loaderOf(bits);
  return (packet, out, at) => {
    if (packet.l3Type !== L3_IPV6) return false;
    out[at] = load(packet.frame, packet.l3Offset + offset);
    return true;
  };
};

const ip6Address =
  (offset: number): FieldReader =>
  (packet, out, at) => {
    if (packet.l3Type !== L3_IPV6) return false;
    load128(packet.frame, packet.l3Offset + offset, out, at);
    return true;
  };

const l4 = (type: number, bits: 8 | 16, offset: number): FieldReader => {
  const load = loaderOf(bits);
  return (packet, out, at) => {
    if (packet.l4Type !== type) return false;
    out[at] = load(packet.frame, packet.upperOffset + offset);
    return true;
  };
};

const psp = (bits: 8 | 32, offset: number): FieldReader => {
  const load = loaderOf(bits);
  return (packet, out, at) => {
    if (packet.pspOffset < 0) return false;
    out[at] = load(packet.frame, packet.pspOffset + offset);
    return true;
  };
};

const pspCookie: FieldReader = (packet, out, at) => {
  const start = packet.pspOffset;
  if (start < 0 || !hasCookie(packet.frame, start)) return false;
  const cookie = start + PSP_COOKIE;
  if (packet.frame[start + PSP_EXT_LEN] < 2 || cookie + PSP_COOKIE_OCTETS > packet.ipEnd) return false;
  out[at] = load32(packet.frame, cookie);
  out[at + 1] = load32(packet.frame, cookie + 4);
  return true;
};

/** The offset of a word of the PSP header, which are counted from 1. */
const wordOffset = (word: number) => PSP_WORD_6 + 4 * (word - 6);

const pspWord =
  (word: number): FieldReader =>
  (packet, out, at) => {
    const { pspOffset: start, frame } = packet;
    if (start < 0) return false;
    const octets = Math.min(pspHeaderLengthOctets(frame, start), packet.ipEnd - start);
    // Where a datagram ends within a header, of two words that belong together none is there.
    if (octets < 8 * Math.ceil(word / 2)) return false;
    out[at] = load32(frame, start + wordOffset(word));
    return true;
  };

const inner4 =
  (offset: number): FieldReader =>
  (packet, out, at) => {
    if (packet.innerL3Type !== L3_IPV4) return false;
    out[at] = load32(packet.frame, packet.innerOffset + offset);
    return true;
  };

const inner6 =
  (offset: number): FieldReader =>
  (packet, out, at) => {
    if (packet.innerL3Type !== L3_IPV6) return false;
    load128(packet.frame, packet.innerOffset + offset, out, at);
    return true;
  };

const meta =
  (word: number): FieldReader =>
  (packet, out, at) => {
    out[at] = packet.meta[word];
    return true;
  };

function loaderOf(bits: 8 | 16 | 32): (frame: Uint8Array, at: number) => number {
  if (bits === 8) return (frame, at) => frame[at];
  return bits === 16 ? load16 : load32;
}

export function fieldReader(field: FieldName): FieldReader {
  return READERS[field];
}

const READERS: Readonly<Record<FieldName, FieldReader>> = {
  'parser_meta.random': (packet, out, at) => {
    out[at] = packet.random;
    return true;
  },
  'parser_meta.port_id': (packet, out, at) => {
    out[at] = packet.portId;
    return true;
  },
  'parser_meta.outer_l3_type': (packet, out, at) => {
    out[at] = packet.l3Type;
    return true;
  },
  'parser_meta.outer_l4_type': (packet, out, at) => {
    out[at] = packet.l4Type;
    return true;
  },
  'parser_meta.inner_l3_type': (packet, out, at) => {
    out[at] = packet.innerL3Type;
    return true;
  },
  'parser_meta.inner_l4_type': (packet, out, at) => {
    out[at] = packet.innerL4Type;
    return packet.innerL3Type !== L3_NONE;
  },
  'parser_meta.outer_l3_ok': (packet, out, at) => {
    out[at] = packet.l3Ok;
    return true;
  },
  'parser_meta.outer_ip4_checksum_ok': (packet, out, at) => {
    out[at] = packet.ip4ChecksumOk;
    return true;
  },
  'parser_meta.psp_syndrome': (packet, out, at) => {
    out[at] = packet.syndrome;
    return packet.syndrome !== SYNDROME_NONE;
  },
  'meta.pkt_meta': meta(0),
  'meta.u32.0': meta(1),
  'meta.u32.1': meta(2),
  'meta.u32.2': meta(3),
  'meta.u32.3': meta(4),
  'meta.u32.4': meta(5),
  'outer.eth.dst_mac': mac(ETHERNET_DESTINATION),
  'outer.eth.src_mac': mac(ETHERNET_SOURCE),
  'outer.eth.type': (packet, out, at) => {
    out[at] = packet.etherType;
    return packet.etherType >= 0;
  },
  'outer.ip4.src_ip': ip4(32, 12),
  'outer.ip4.dst_ip': ip4(32, 16),
  'outer.ip4.next_proto': ip4(8, 9),
  'outer.ip4.total_len': ip4(16, 2),
  'outer.ip4.flags_fragment_offset': ip4(16, 6),
  'outer.ip6.src_ip': ip6Address(8),
  'outer.ip6.dst_ip': ip6Address(24),
  'outer.ip6.next_proto': ip6(8, 6),
  'outer.ip6.payload_len': ip6(16, 4),
  'outer.udp.src_port': l4(L4_UDP, 16, 0),
  'outer.udp.dst_port': l4(L4_UDP, 16, 2),
  'outer.icmp.type': l4(L4_ICMP, 8, 0),
  'outer.icmp.code': l4(L4_ICMP, 8, 1),
  'tun.psp.nexthdr': psp(8, PSP_NEXT_HEADER),
  'tun.psp.hdrextlen': psp(8, PSP_EXT_LEN),
  'tun.psp.res_cryptofst': psp(8, PSP_CRYPT_OFFSET),
  'tun.psp.s_d_ver_v': psp(8, PSP_FLAGS),
  'tun.psp.spi': psp(32, PSP_SPI),
  'tun.psp.vc': pspCookie,
  'tun.psp.dw6': pspWord(6),
  'tun.psp.dw7': pspWord(7),
  'tun.psp.dw8': pspWord(8),
  'tun.psp.dw9': pspWord(9),
  'inner.ip4.src_ip': inner4(12),
  'inner.ip4.dst_ip': inner4(16),
  'inner.ip6.src_ip': inner6(8),
  'inner.ip6.dst_ip': inner6(24),
};

const writeMeta =
  (word: number): FieldWriter =>
  (packet, values, at, mask) => {
    packet.meta[word] = (packet.meta[word] & ~mask[0]) | (values[at] & mask[0]);
  };

const writeMac =
  (offset: number): FieldWriter =>
  (packet, values, at, mask) => {
    const frame = packet.frame;
    // Of a frame that is cut behind it, too, as the software DOCA does.
    if (frame.length < offset + MAC_OCTETS) return;
    for (let i = 0; i < MAC_OCTETS; i++) {
      const word = i < 2 ? 0 : 1;
      const shift = i < 2 ? (1 - i) * 8 : (5 - i) * 8;
      const bits = mask[word] >>> shift;
      frame[offset + i] = (frame[offset + i] & ~bits) | ((values[at + word] >>> shift) & bits);
    }
  };

const writePspWord =
  (word: number): FieldWriter =>
  ({ frame, pspOffset: start }, values, at, mask) => {
    const end = wordOffset(word) + 4;
    if (start < 0 || start + end > frame.length || pspHeaderLengthOctets(frame, start) < end) return;
    for (let i = 0; i < 4; i++) {
      const bits = mask[0] >>> (8 * (3 - i));
      const octet = start + end - 4 + i;
      frame[octet] = (frame[octet] & ~bits) | ((values[at] >>> (8 * (3 - i))) & bits);
    }
  };

export const FIELD_WRITERS: Readonly<Record<WritableFieldName, FieldWriter>> = {
  'meta.pkt_meta': writeMeta(0),
  'meta.u32.0': writeMeta(1),
  'meta.u32.1': writeMeta(2),
  'meta.u32.2': writeMeta(3),
  'meta.u32.3': writeMeta(4),
  'meta.u32.4': writeMeta(5),
  'outer.eth.dst_mac': writeMac(ETHERNET_DESTINATION),
  'outer.eth.src_mac': writeMac(ETHERNET_SOURCE),
  'tun.psp.s_d_ver_v': (packet, values, at, mask) => {
    if (packet.pspOffset < 0) return;
    const flags = packet.pspOffset + PSP_FLAGS;
    packet.frame[flags] = (packet.frame[flags] & ~mask[0]) | (values[at] & mask[0]);
  },
  'tun.psp.dw6': writePspWord(6),
  'tun.psp.dw7': writePspWord(7),
  'tun.psp.dw8': writePspWord(8),
  'tun.psp.dw9': writePspWord(9),
};
