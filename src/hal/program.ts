/**
 * A PipeProgram: the whole match-action pipeline of a device as one plain value. It can be validated
 * (validate.ts), drawn (render.ts), compared, and built by any PipeHAL.
 *
 * The level is DOCA Flow's: pipes, entries, mirrors. Semantics are DOCA Flow's where it defines them.
 */
import type { FieldName, FieldValue, WritableFieldName } from './fields.js';

/** Logical port ids: the PF that faces the network, and the representor that faces the workload. */
export const UPLINK_PORT = 0;
/** The representor that faces the workload. */
export const VF_PORT = 1;

/** doca_flow_pipe_domain. */
export type Domain = 'default' | 'secure-ingress' | 'egress' | 'secure-egress';

/**
 * How a pipe looks at one field: `value` fixed in the template, or 'entry' when every entry gives its own.
 * `mask` says which bits count (all, when absent). A field that is not listed is not looked at.
 */
export interface FieldMatch {
  readonly value: FieldValue | 'entry';
  readonly mask?: FieldValue;
}

/** How a pipe looks at the fields that it looks at. */
export type MatchTemplate = Readonly<Partial<Record<FieldName, FieldMatch>>>;

/** Compares one field (of up to 32 bits) with a constant: doca_flow_match_condition. Control entries only. */
export interface MatchCondition {
  readonly field: FieldName;
  readonly operation: 'lt' | 'le' | 'gt' | 'ge' | 'ne';
  readonly value: number;
}

/** doca_flow_crypto_encap_net_type: a whole new outer header, or UDP and PSP between IP header and payload. */
export type PspNetType = 'psp-tunnel' | 'psp-over-ipv4' | 'psp-over-ipv6';

/**
 * What a pipe does to a packet, always in this order, whatever the order of the keys:
 * decrypt, decap, set, encap, encrypt.
 *
 * A packet that an action cannot be done to is dropped and counted under its reason; it does not go on half done. No
 * template has decrypt or decap together with encap or encrypt: they belong in domains of different directions, which
 * `validate` holds.
 */
export interface ActionTemplate {
  /**
   * Authenticate and decrypt now, with the key that follows from the packet's SPI and the device's master keys
   * (DOCA_FLOW_PSP_DECRYPTION_ID). Sets parser_meta.psp_syndrome; headers stay until `decap`.
   * A packet that fails stays as it came.
   */
  readonly decrypt?: true;
  /**
   * Remove UDP, PSP header and ICV. psp-tunnel: everything before the inner IP header is replaced by
   * `ethernetHeader` (14 octets, or 'entry'). Transport: IP protocol, lengths and checksum are restored.
   * A packet whose syndrome is not OK is dropped and counted as an error, never decapsulated; likewise one without an IP
   * packet inside (psp-tunnel), or of another family than the net type's (transport).
   */
  readonly decap?: { readonly netType: PspNetType; readonly ethernetHeader?: Uint8Array | 'entry' };
  /** Writes `value` under `mask` (all bits when absent). A field of a header that the packet does not have is left out. */
  readonly set?: Readonly<Partial<Record<WritableFieldName, FieldMatch>>>;
  /**
   * Add the outer header, given per entry with the entry's `encapHeader`: psp-tunnel: Ethernet, IP, UDP and PSP
   * header (the packet's own Ethernet header goes); transport: UDP and PSP header. The device computes lengths,
   * IPv4 checksum and identification, UDP source port (flow entropy) and, in transport mode, the next header.
   * Where `outer`, `cookie` and `extensionOctets` come from decides the header's length; see encapHeaderLengthOctets.
   * Refused, which drops the packet and counts it as txError: what is not IP, or has lengths that do not fit (outer_l3_ok
   * 0); what would be an IP packet of more than 65,535 octets; in transport mode a packet of the other family, a fragment,
   * and an IPv6 packet behind whose extension headers the parser finds nothing. Padding behind the IP packet is cut off.
   * From then on the packet is plaintext in an envelope of PSP: it leaves by the uplink encrypted, or is dropped and
   * counted as txError. By the VF it may leave.
   */
  readonly encap?: {
    readonly netType: PspNetType;
    /** Outer family; for transport mode the family of the packet. */
    readonly outer: 'ipv4' | 'ipv6';
    readonly cookie: boolean;
    /** Octets of extension fields in the PSP header: a multiple of 8 up to 24; absent: 0. */
    readonly extensionOctets?: number;
  };
  /**
   * Attach a key slot. The AEAD runs, and the IV is drawn, when the packet leaves through a port or is copied by
   * a mirror, after the last header change. A packet whose slot has no key of the length that the header's version needs, or
   * that no `encap` has given a PSP header, is dropped and counted as txError, never sent. The AEAD runs once: a packet that
   * a mirror has had encrypted is dropped and counted so when another `encrypt` gives it a second key.
   */
  readonly encrypt?: { readonly cryptoId: number | 'entry' };
}

/**
 * Where a packet goes next. 'entry': each entry says (doca_flow_fwd CHANGEABLE). Which domains, roots and ends a pipe may send packets
 * to is the same for a program's own entries and for those that come later. A program's own cannot send packets
 * in a circle; those that come later may, and a packet (with the copies that mirrors make of it) that has been through more
 * pipes than the program has is dropped.
 */
export type Forward =
  | { readonly to: 'pipe'; readonly pipe: string }
  | { readonly to: 'port'; readonly port: number }
  | { readonly to: 'rss' }
  | { readonly to: 'drop' }
  /** Leaves our pipeline for the host's own network stack (isolated mode). */
  | { readonly to: 'kernel' };

/** A miss can go to a pipe, be dropped, or (ingress root only) go to the kernel; not to a port or to RSS. */
export type MissForward = Extract<Forward, { to: 'pipe' | 'drop' | 'kernel' }>;

/** What is counted and copied of packets that match. */
export interface Monitor {
  /** Count packets and octets of the frame, as it is when it matches, per entry. */
  readonly counter?: boolean;
  /** Name of a mirror of the program: each of its targets gets a copy, the packet itself goes on. */
  readonly mirror?: string;
}

/**
 * Copies a packet: doca_flow_resource_mirror_cfg. A copy starts at its target as the packet is after the actions
 * of the pipe that mirrors it. Copies are made, in order, before the packet itself goes on. A packet that has a key slot is
 * encrypted first, so that its copies and itself are the same on the wire.
 */
export interface Mirror {
  readonly name: string;
  readonly targets: readonly Forward[];
}

/** What pipes of both kinds have. */
export interface PipeCommon {
  readonly name: string;
  readonly domain: Domain;
  /** One ingress root (domain default) and one egress root (domain egress) per program. */
  readonly isRoot?: boolean;
  /** Entries that the pipe can hold; one more is refused with FULL. */
  readonly sizeEntries: number;
  /** Count packets and octets that match no entry. */
  readonly missCounter?: boolean;
  /** One line for people, shown in drawings. */
  readonly description?: string;
}

/** doca_flow_pipe BASIC: one set of fields for all entries; exact match under the template's mask. */
export interface BasicPipe extends PipeCommon {
  readonly type: 'basic';
  readonly match: MatchTemplate;
  /** Action templates; an entry picks one by `actionIndex`. Absent: no actions. */
  readonly actions?: readonly ActionTemplate[];
  readonly forward: Forward | 'entry';
  readonly miss: MissForward;
  readonly monitor?: Monitor;
  /** Entries that are there from the start. */
  readonly entries?: readonly BasicEntry[];
}

/** doca_flow_pipe CONTROL: every entry has its own match, actions, forward and priority. */
export interface ControlPipe extends PipeCommon {
  readonly type: 'control';
  readonly miss: MissForward;
  readonly entries?: readonly ControlEntry[];
}

/** A pipe of either kind. */
export type Pipe = BasicPipe | ControlPipe;

/** The values that an entry gives for the 'entry' places of its action template. */
export interface ActionValues {
  readonly ethernetHeader?: Uint8Array;
  readonly set?: Readonly<Partial<Record<WritableFieldName, FieldValue>>>;
  readonly encapHeader?: Uint8Array;
  readonly cryptoId?: number;
}

/** An entry of a basic pipe: a value for each field that its pipe leaves to entries. */
export interface BasicEntry {
  /** For drawings, counters and errors; unique within the pipe where given. */
  readonly label?: string;
  /** A value for every 'entry' field of the pipe's match, and for no other. */
  readonly match?: Readonly<Partial<Record<FieldName, FieldValue>>>;
  /** Which action template of the pipe; 0 when absent. */
  readonly actionIndex?: number;
  readonly values?: ActionValues;
  /** Given if and only if the pipe's forward is 'entry'. */
  readonly forward?: Forward;
}

/** An entry of a control pipe, which says everything itself. */
export interface ControlEntry {
  readonly label?: string;
  /**
   * 0 is the highest, 6 the lowest; the first that matches decides. Of equal priority the earlier added; an update leaves an
   * entry at its place.
   */
  readonly priority: number;
  /** Fixed values only; an empty match takes every packet. */
  readonly match: MatchTemplate;
  readonly condition?: MatchCondition;
  /** Fixed values only. */
  readonly actions?: ActionTemplate;
  readonly values?: ActionValues;
  readonly forward: Forward;
  readonly monitor?: Monitor;
}

/** The whole pipeline of a device. */
export interface PipeProgram {
  readonly name: string;
  readonly pipes: readonly Pipe[];
  readonly mirrors?: readonly Mirror[];
}
