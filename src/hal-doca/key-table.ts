/**
 * Records of one pipe's entries, all of the same length, by slot, each of which begins with a key: open addressing over typed
 * arrays, so that a million entries are a few arrays and no objects.
 */
import { enlarged } from '../base/enlarged.js';
import { fnv1a } from '../base/fnv1a.js';
import { allocateFrame } from '../hal/packet/frame-pool.js';

const SLOTS_START = 16;

export class KeyTable {
  /** By slot. */
  private records: Uint8Array<ArrayBuffer>;
  /**
   * Pairs: a slot plus one, 0 is none; and its key's hash. By hash: each at its place, or behind it without a gap. At
   * least half are none.
   */
  private pairs = new Int32Array(4 * SLOTS_START);
  private count = 0;

  constructor(
    private readonly keyOctets: number,
    readonly recordOctets: number = keyOctets,
  ) {
    this.records = new Uint8Array(SLOTS_START * recordOctets);
  }

  /** The slot of a key, or of the one that a record begins with; -1: there is none. */
  find(key: Uint8Array): number {
    const hash = hashOf(key, 0, this.keyOctets);
    const { pairs } = this;
    const mask = pairs.length - 1;
    for (let at = (2 * hash) & mask; pairs[at] !== 0; at = (at + 2) & mask) {
      if (pairs[at + 1] === hash && this.isKeyOf(pairs[at]! - 1, key)) return pairs[at]! - 1;
    }
    return -1;
  }

  /** A copy of the record of a slot. */
  recordOf(slot: number): Uint8Array {
    // Of more than 64 octets an array of its own costs more than all the rest of a removal.
    const record = allocateFrame(this.recordOctets);
    this.copyTo(slot, record, 0);
    return record;
  }

  /** Copies the record of a slot to `octets`, at `at`. */
  copyTo(slot: number, octets: Uint8Array, at: number): void {
    const { records, recordOctets } = this;
    const base = slot * recordOctets;
    for (let i = 0; i < recordOctets; i++) octets[at + i] = records[base + i]!;
  }

  /** Puts octets[from, to) into the record of a slot that has a key, which they leave as it is. */
  write(slot: number, at: number, octets: Uint8Array, from: number, to: number): void {
    const { records } = this;
    const base = slot * this.recordOctets + at;
    // Quicker than `set` of a view, for so few.
    for (let i = from; i < to; i++) records[base + i - from] = octets[i]!;
  }

  /** Puts one octet there. */
  set(slot: number, at: number, octet: number): void {
    this.records[slot * this.recordOctets + at] = octet;
  }

  /** Sets the key of a slot that has none, and what follows it in `record`. No other slot has this key. */
  add(slot: number, record: Uint8Array): void {
    const octets = (slot + 1) * this.recordOctets;
    if (this.records.length < octets) this.records = enlarged(this.records, octets);
    if (4 * (this.count + 1) > this.pairs.length) this.spread();
    this.count++;
    this.records.set(record, slot * this.recordOctets);
    put(this.pairs, slot + 1, hashOf(record, 0, this.keyOctets));
  }

  /** Removes the key of a slot that has one. */
  delete(slot: number): void {
    const { pairs } = this;
    const mask = pairs.length - 1;
    const from = slot * this.recordOctets;
    let gap = (2 * hashOf(this.records, from, from + this.keyOctets)) & mask;
    while (pairs[gap] !== slot + 1) gap = (gap + 2) & mask;
    // Pairs behind the gap move up, unless that would put them before the place of their hash.
    for (let at = (gap + 2) & mask; pairs[at] !== 0; at = (at + 2) & mask) {
      const home = (2 * pairs[at + 1]!) & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      pairs[gap] = pairs[at]!;
      pairs[gap + 1] = pairs[at + 1]!;
      gap = at;
    }
    pairs[gap] = 0;
    this.count--;
  }

  private isKeyOf(slot: number, key: Uint8Array): boolean {
    const at = slot * this.recordOctets;
    for (let i = 0; i < this.keyOctets; i++) if (this.records[at + i] !== key[i]) return false;
    return true;
  }

  private spread(): void {
    const former = this.pairs;
    this.pairs = new Int32Array(2 * former.length);
    for (let at = 0; at < former.length; at += 2) {
      if (former[at] !== 0) put(this.pairs, former[at]!, former[at + 1]!);
    }
  }
}

function put(pairs: Int32Array, slotPlusOne: number, hash: number): void {
  const mask = pairs.length - 1;
  let at = (2 * hash) & mask;
  while (pairs[at] !== 0) at = (at + 2) & mask;
  pairs[at] = slotPlusOne;
  pairs[at + 1] = hash;
}

/** FNV-1a, whose low bits are mixed with the high ones. */
function hashOf(octets: Uint8Array, from: number, to: number): number {
  let hash = fnv1a(octets, from, to);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
