/** Keys of one pipe's entries, all of the same length, by slot, in typed arrays: a million entries are no objects. */
import { enlarged } from '../base/enlarged.js';
import { fnv1a } from '../base/fnv1a.js';
import { HashIndex, LOAD_MAX_LOOSE } from '../base/hash-index.js';
import { allocateFrame } from '../hal/packet/frame-pool.js';

const SLOTS_START = 16;

export class KeyTable {
  /** By slot. */
  private keys: Uint8Array<ArrayBuffer>;
  private readonly index: HashIndex;

  /** Slots are 0 to slotsMax - 1. */
  constructor(
    private readonly keyOctets: number,
    slotsMax: number,
  ) {
    this.keys = new Uint8Array(SLOTS_START * keyOctets);
    this.index = new HashIndex(slotsMax, (slot) => this.hashOf(slot), LOAD_MAX_LOOSE);
  }

  /** The slot of a key; -1: there is none. */
  find(key: Uint8Array): number {
    const { index, keys, keyOctets } = this;
    const hash = hash32(key, 0, keyOctets);
    for (let slot = index.first(hash); slot >= 0; slot = index.next(hash)) {
      const at = slot * keyOctets;
      let i = 0;
      while (i < keyOctets && keys[at + i] === key[i]) i++;
      if (i === keyOctets) return slot;
    }
    return -1;
  }

  /** A copy of the key that a slot has, or had last. */
  keyOf(slot: number): Uint8Array {
    const { keys, keyOctets } = this;
    // Of more than 64 octets an array of its own costs more than all the rest of a removal.
    const key = allocateFrame(keyOctets);
    const at = slot * keyOctets;
    for (let i = 0; i < keyOctets; i++) key[i] = keys[at + i]!;
    return key;
  }

  /** Sets the key of a slot that has none. No other slot has this key. */
  add(slot: number, key: Uint8Array): void {
    const { keyOctets } = this;
    this.keys = enlarged(this.keys, (slot + 1) * keyOctets);
    this.keys.set(key, slot * keyOctets);
    this.index.add(slot, hash32(key, 0, keyOctets));
  }

  /** Removes the key of a slot that has one. */
  delete(slot: number): void {
    this.index.remove(slot, this.hashOf(slot));
  }

  private hashOf(slot: number): number {
    const at = slot * this.keyOctets;
    return hash32(this.keys, at, at + this.keyOctets);
  }
}

/** FNV-1a, whose low bits are mixed with the high ones. */
function hash32(octets: Uint8Array, from: number, to: number): number {
  let hash = fnv1a(octets, from, to);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
