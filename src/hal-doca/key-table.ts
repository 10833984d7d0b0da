/**
 * Keys of one pipe's entries, all of the same length, by slot: open addressing over typed arrays, so that a million entries are a few
 * arrays and no objects.
 */
import { enlarged } from '../base/enlarged.js';
import { fnv1a } from '../base/fnv1a.js';
import { allocateFrame } from '../hal/packet/frame-pool.js';

const SLOTS_START = 16;

export class KeyTable {
  /** By slot. */
  private keys: Uint8Array<ArrayBuffer>;
  /**
   * Pairs: a slot plus one, 0 is none; and its key's hash. By hash: each at its place, or behind it without a gap. At
   * least half are none.
   */
  private pairs = new Int32Array(4 * SLOTS_START);
  private count = 0;

  constructor(private readonly keyOctets: number) {
    this.keys = new Uint8Array(SLOTS_START * keyOctets);
  }

  /** The slot of a key; -1: there is none. */
  find(key: Uint8Array): number {
    const hash = hashOf(key, 0, this.keyOctets);
    const { pairs } = this;
    const mask = pairs.length - 1;
    for (let at = (2 * hash) & mask; pairs[at] !== 0; at = (at + 2) & mask) {
      if (pairs[at + 1] === hash && this.isKeyOf(pairs[at]! - 1, key)) return pairs[at]! - 1;
    }
    return -1;
  }

  /** A copy of the key that a slot has, or had last. */
  keyOf(slot: number): Uint8Array {
    const { keys, keyOctets } = this;
    // Of more than 64 octets an array of its own costs more than all the rest of a removal.
    const key = allocateFrame(keyOctets);
    const base = slot * keyOctets;
    for (let i = 0; i < keyOctets; i++) key[i] = keys[base + i]!;
    return key;
  }

  /** Sets the key of a slot that has none. No other slot has this key. */
  add(slot: number, key: Uint8Array): void {
    const octets = (slot + 1) * this.keyOctets;
    if (this.keys.length < octets) this.keys = enlarged(this.keys, octets);
    if (4 * (this.count + 1) > this.pairs.length) this.spread();
    this.count++;
    this.keys.set(key, slot * this.keyOctets);
    put(this.pairs, slot + 1, hashOf(key, 0, this.keyOctets));
  }

  /** Removes the key of a slot that has one. */
  delete(slot: number): void {
    const { pairs } = this;
    const mask = pairs.length - 1;
    const from = slot * this.keyOctets;
    let gap = (2 * hashOf(this.keys, from, from + this.keyOctets)) & mask;
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
    const at = slot * this.keyOctets;
    for (let i = 0; i < this.keyOctets; i++) if (this.keys[at + i] !== key[i]) return false;
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
