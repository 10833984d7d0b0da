/**
 * The packet fields that a pipe can match or write, under the names that DOCA Flow's structures give them
 * (doca_flow_match, doca_flow_parser_meta, doca_flow_meta, doca_flow_header_format, doca_flow_header_psp).
 *
 * `outer` is the first Ethernet, IP and L4 header of the packet as it is now; after `decrypt` and before
 * `decap` that is the tunnel's header, `tun.psp` is the PSP header and `inner` the packet inside (tunnel mode).
 * A header field of a header that the packet does not have matches nothing.
 *
 * What every device's parser finds, and nothing else:
 * - Ethernet without tags. A frame with a VLAN tag, of 802.3 length form, or shorter than an Ethernet header has no IP
 *   header here; `outer.eth.*` needs a whole Ethernet header.
 * - IPv4 or IPv6 where the EtherType and the version nibble both say so and the fixed header is there. Its fields can be
 *   read then, whether the header is right or not; `outer_l3_ok` says whether its lengths fit the frame. What follows the
 *   IP packet in the frame is padding.
 * - An L4 header only behind an IP header with `outer_l3_ok`, and only where all of it is there: UDP 8 octets, TCP 20, ICMP
 *   4. A fragment has none, the first one neither. Of IPv6's extension headers hop-by-hop options, routing and destination
 *   options are stepped over; behind any other there is none.
 * - A PSP header behind UDP with destination port 1000 and 16 octets or more for it. `decrypt` looks behind the UDP header of
 *   any port, and where it succeeds the PSP header is the one that it found.
 * - An inner packet from a successful `decrypt` on, until the packet is next rebuilt (decap, encap): its IP header by the PSP
 *   header's Next Header, 4 or 41, where its lengths fit the decrypted payload; its L4 type by the same rules as outside. In
 *   transport mode there is no inner packet.
 */

/** Width in bits; fields of up to 32 bits carry numbers, wider ones octets in network order. */
export interface FieldDefinition {
  readonly widthBits: number;
  /** Whether an action may write the field. */
  readonly writable: boolean;
}

const read = (widthBits: number) => ({ widthBits, writable: false }) as const;
const write = (widthBits: number) => ({ widthBits, writable: true }) as const;

/** All fields of a packet that pipes can look at or write, by name. */
export const FIELDS = {
  /** Logical port by which the packet came in; UPLINK_PORT for packets from `transmit`. */
  'parser_meta.port_id': read(16),
  /** L3_NONE, L3_IPV4 or L3_IPV6. */
  'parser_meta.outer_l3_type': read(8),
  /** L4_NONE, L4_TCP, L4_UDP, L4_ICMP (v4 and v6). */
  'parser_meta.outer_l4_type': read(8),
  'parser_meta.inner_l3_type': read(8),
  /** Matches nothing without an inner packet. */
  'parser_meta.inner_l4_type': read(8),
  /** 1: the outer IP header is well formed and its lengths fit the packet. */
  'parser_meta.outer_l3_ok': read(1),
  /** 1: the outer IPv4 header's checksum is right. Always 0 for IPv6. */
  'parser_meta.outer_ip4_checksum_ok': read(1),
  /** Result of the last decrypt: SYNDROME_OK, SYNDROME_ICV_FAIL or SYNDROME_BAD_TRAILER. Matches nothing before the first. */
  'parser_meta.psp_syndrome': read(8),
  /** 16 fresh random bits per packet and look-up: one draw for all entries of a pipe, and none in pipes that do not look. */
  'parser_meta.random': read(16),
  /** Packet metadata; follows the packet to RSS. 0 at ingress; given with `transmit`. */
  'meta.pkt_meta': write(32),
  /** Scratch words, valid within the pipeline after an action wrote them; 0 before. */
  'meta.u32.0': write(32),
  'meta.u32.1': write(32),
  'meta.u32.2': write(32),
  'meta.u32.3': write(32),
  'meta.u32.4': write(32),
  'outer.eth.dst_mac': write(48),
  'outer.eth.src_mac': write(48),
  'outer.eth.type': read(16),
  'outer.ip4.src_ip': read(32),
  'outer.ip4.dst_ip': read(32),
  'outer.ip4.next_proto': read(8),
  'outer.ip4.total_len': read(16),
  'outer.ip4.flags_fragment_offset': read(16),
  'outer.ip6.src_ip': read(128),
  'outer.ip6.dst_ip': read(128),
  'outer.ip6.next_proto': read(8),
  'outer.ip6.payload_len': read(16),
  'outer.udp.src_port': read(16),
  'outer.udp.dst_port': read(16),
  'outer.icmp.type': read(8),
  'outer.icmp.code': read(8),
  'tun.psp.nexthdr': read(8),
  'tun.psp.hdrextlen': read(8),
  'tun.psp.res_cryptofst': read(8),
  'tun.psp.s_d_ver_v': write(8),
  'tun.psp.spi': read(32),
  /** The virtualization cookie; absent (never matches) where the V bit is 0. */
  'tun.psp.vc': read(64),
  /**
   * Words of the PSP header, counted from 1: its octets 20 to 35, which are the second half of the cookie, where it has one, and
   * the extension fields behind that. Absent (never match, and are not written) where the header is shorter by its Hdr Ext Len.
   * Only for devices that say so (DeviceLimits.pspWords).
   */
  'tun.psp.dw6': write(32),
  'tun.psp.dw7': write(32),
  'tun.psp.dw8': write(32),
  'tun.psp.dw9': write(32),
  'inner.ip4.src_ip': read(32),
  'inner.ip4.dst_ip': read(32),
  'inner.ip6.src_ip': read(128),
  'inner.ip6.dst_ip': read(128),
} as const satisfies Record<string, FieldDefinition>;

/** Whether a field is a word of the PSP header, tun.psp.dw6 to dw9. */
export function isPspWord(field: string): boolean {
  return field.startsWith('tun.psp.dw');
}

/** The name of a field. */
export type FieldName = keyof typeof FIELDS;

/** The name of a field that an action can write. */
export type WritableFieldName = {
  [Name in FieldName]: (typeof FIELDS)[Name]['writable'] extends true ? Name : never;
}[FieldName];

/** Unsigned number for fields of up to 32 bits; for wider fields that many octets, network order. */
export type FieldValue = number | Uint8Array;

/** doca_flow_l3_meta */
export const L3_NONE = 0;
/** An IPv4 header, as `parser_meta.outer_l3_type` and its like say it. */
export const L3_IPV4 = 1;
/** An IPv6 header. */
export const L3_IPV6 = 2;
/** doca_flow_l4_meta */
export const L4_NONE = 0;
/** A TCP header, as `parser_meta.outer_l4_type` and its like say it. */
export const L4_TCP = 1;
/** A UDP header. */
export const L4_UDP = 2;
/** An ICMP header. */
export const L4_ICMP = 3;
/** doca_flow_crypto_syndrome */
export const SYNDROME_OK = 0;
/**
 * Not authenticated: ICV mismatch, unknown or evicted master key, reserved version, or a header that cannot be
 * right. The device's statistics tell these apart.
 */
export const SYNDROME_ICV_FAIL = 1;
/** The datagram is too short to hold a PSP header and an ICV. */
export const SYNDROME_BAD_TRAILER = 2;
