/**
 * What `lookup` of a PipeHal answers: which entry a packet would hit in which pipe, what each action would do to it, and where it would
 * end. It is found from the program, the books of entries and key slots, and what the device lends of entries' values; no packet is sent,
 * nothing is counted and nothing changes. Operations that are under way count from when the device has taken them.
 *
 * The answer is plain data: objects, arrays, numbers, texts and octets (Uint8Array), for which JSON needs a replacer.
 *
 * What these cannot decide forks the path, with a condition for each branch: random numbers, and what `decrypt` finds where the packet
 * does not say what is to be assumed. Whether a port can carry the packet right now, and whether IVs are left, is taken for granted.
 */
import type { FieldName, FieldValue } from '../fields.js';
import type { EntryId } from '../hal.js';
import type {
  BasicEntry,
  ControlEntry,
  Domain,
  Forward,
  MatchCondition,
  Pipe,
  PspNetType,
} from '../program.js';

/** A packet that is asked about. Its frame stays as it is. */
export interface LookupPacket {
  /**
   * The whole frame. Of a packet that a peer has encrypted: with the payload readable in its place, the IV and the ICV being of no
   * matter (so is a cookie readable, which before `decrypt` it is to a device only where the crypt offset leaves it out). `frameInEnvelope` makes such a frame of an inner packet and an SPI; the frame at the end of a sender's path is one, too.
   */
  readonly frame: Uint8Array;
  /** UPLINK_PORT or VF_PORT, by which it comes in. Absent: it is given to `transmit`. */
  readonly port?: number;
  /** meta.pkt_meta that is given to `transmit`; 0 when absent. */
  readonly packetMeta?: number;
  /**
   * What `decrypt` is assumed to find of the packet as it came: SYNDROME_OK, SYNDROME_ICV_FAIL or SYNDROME_BAD_TRAILER. Headers that cannot
   * be right, and those that were changed on the way, fail whatever is assumed. Absent: a branch for OK and one for ICV_FAIL. What is
   * inside of a packet that was opened is not what is assumed; another `decrypt` there forks.
   */
  readonly syndrome?: number;
}

/** A packet's way, or the rest of one: through pipes as far as that is decided. */
export interface LookupPath {
  readonly steps: readonly LookupStep[];
  readonly end: LookupEnd;
}

/** Where a path ends, or what decides how it goes on. Frames are as on the wire, but readable: IV and ICV are not filled in. */
export type LookupEnd =
  /** It leaves by a port; encrypted, where a key slot was attached to it. */
  | {
      readonly end: 'port';
      readonly port: number;
      readonly frame: Uint8Array;
      readonly encrypted?: LookupEncryption;
    }
  /** It goes to the CPU; encrypted, where a mirror has copied it before. */
  | {
      readonly end: 'rss';
      readonly frame: Uint8Array;
      readonly packetMeta: number;
      readonly encrypted?: LookupEncryption;
    }
  /** It is left to the host's own network stack. */
  | { readonly end: 'kernel' }
  | { readonly end: 'drop'; readonly because: LookupDropReason }
  /** Exactly one of the conditions holds. */
  | { readonly end: 'fork'; readonly branches: readonly LookupBranch[] };

/**
 * Why a packet is dropped:
 *
 * - `forward`: the last pipe's forward, or miss, says so.
 * - `circle`: it has been through more pipes than the program has.
 * - `not-decapsulated`: it is not authenticated, or has no packet of the net type inside.
 * - `not-encapsulated`: what `encap` refuses (program.ts).
 * - `second-key`: a mirror has had it encrypted already.
 * - `not-encrypted`: no PSP header of ours, one that cannot be right, or no key of the version's length in the slot.
 * - `plaintext`: it is plaintext in an envelope of PSP, which never leaves by the uplink.
 * - `too-long`: the port's MTU is smaller.
 */
export type LookupDropReason =
  | 'forward'
  | 'circle'
  | 'not-decapsulated'
  | 'not-encapsulated'
  | 'second-key'
  | 'not-encrypted'
  | 'plaintext'
  | 'too-long';

/** With what a packet is encrypted. */
export interface LookupEncryption {
  readonly cryptoId: number;
  readonly spi: number;
  /** PSP version of the header, 0 to 3. */
  readonly version: number;
}

/** One of several ways to go on. */
export interface LookupBranch {
  readonly condition: LookupCondition;
  readonly path: LookupPath;
}

/** Under which a branch is taken. */
export type LookupCondition = RandomCondition | SyndromeCondition;

/** The random number that is drawn for a pipe's look-up. */
export interface RandomCondition {
  readonly of: 'random';
  readonly pipe: string;
  /** Of the entry that is hit; absent: none is. */
  readonly holds?: RandomTest;
  /** Of entries before it, none of which may hold. */
  readonly fails: readonly RandomTest[];
  /** From 0 to 1. */
  readonly probability: number;
}

/** What an entry, or its pipe, wants of the random number. Both hold, where there are both. */
export interface RandomTest {
  /** The number's bits under `mask` (all 16, when absent) are `value`. */
  readonly match?: { readonly value: number; readonly mask?: number };
  readonly condition?: Pick<MatchCondition, 'operation' | 'value'>;
}

/** What `decrypt` finds. */
export interface SyndromeCondition {
  readonly of: 'syndrome';
  readonly pipe: string;
  readonly syndrome: number;
}

/** What happens to a packet in one pipe. */
export interface LookupStep {
  readonly pipe: string;
  readonly type: Pipe['type'];
  readonly domain: Domain;
  /** Of the frame as it comes to the pipe: what its counters count. */
  readonly frameOctets: number;
  /** The entry that it hits; null: none. */
  readonly hit: LookupHit | null;
  /**
   * Why it hits no other entry. Of a basic pipe that is missed: the field that alone decides it; none where no entry has the values of
   * `key`. Of a control pipe: one test for each entry that comes before the one that is hit, the first that fails.
   */
  readonly failed: readonly FailedTest[];
  /** Of a basic pipe: what its entries are asked for, under the pipe's masks; without fields that the packet lacks. */
  readonly key: Readonly<Partial<Record<FieldName, FieldValue>>>;
  /** Whether a counter counts it: the entry's or, where it hits none, the pipe's miss counter. */
  readonly isCounted: boolean;
  /** What the entry's actions do, in the order in which they do it, up to one that drops the packet. */
  readonly effects: readonly LookupEffect[];
  /** What is copied, after the actions. */
  readonly mirror?: LookupMirror;
  /** The entry's or the pipe's, or the pipe's miss. Not taken, where the packet was dropped in the pipe: then this step is the last one. */
  readonly forward: Forward;
}

/** An entry that is hit. */
export interface LookupHit {
  readonly id: EntryId;
  readonly label?: string;
  /** As it is now, updates included. */
  readonly entry: BasicEntry | ControlEntry;
}

/** A comparison that has failed. */
export interface FailedTest {
  /** Of an entry of a control pipe. */
  readonly entry?: { readonly id: EntryId; readonly label?: string };
  readonly field: FieldName;
  /** The packet's, under the mask. Absent: the packet lacks the field, or it is the random number that is yet to be drawn. */
  readonly value?: FieldValue;
  readonly mask?: FieldValue;
  /** What it is compared with. Absent: any value would do, if the packet had the field. */
  readonly wanted?: FieldValue;
  /** Absent: equality. */
  readonly operation?: MatchCondition['operation'];
}

/** What one action does. */
export type LookupEffect =
  /** `spi`: of the PSP header, where there is one. */
  | { readonly effect: 'decrypt'; readonly syndrome: number; readonly spi?: number }
  /** `ethernetHeader`: the new one, in a tunnel. */
  | { readonly effect: 'decap'; readonly netType: PspNetType; readonly ethernetHeader?: Uint8Array }
  /** `before` and `after`: the whole field; absent, and nothing was written, where the packet lacks it. */
  | {
      readonly effect: 'set';
      readonly field: FieldName;
      readonly value: FieldValue;
      readonly mask?: FieldValue;
      readonly before?: FieldValue;
      readonly after?: FieldValue;
    }
  /** `header`: the entry's. What the device fills in stands in the frame. */
  | {
      readonly effect: 'encap';
      readonly netType: PspNetType;
      readonly outer: 'ipv4' | 'ipv6';
      readonly header: Uint8Array;
      readonly spi: number;
    }
  /** The key slot is attached; the packet is encrypted when it is copied, or leaves. */
  | { readonly effect: 'encrypt'; readonly cryptoId: number };

/** What a mirror does. */
export interface LookupMirror {
  readonly name: string;
  /** The packet had a key slot: it is encrypted before it is copied. */
  readonly encrypted?: LookupEncryption;
  /** In the order in which they are made. */
  readonly copies: readonly { readonly target: Forward; readonly path: LookupPath }[];
}

/** Steps of one answer, all branches and copies together. More are refused with TOO_BIG. */
export const LOOKUP_STEPS_MAX = 4096;
