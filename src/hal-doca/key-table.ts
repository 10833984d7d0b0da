/**
 * Keys of one pipe's entries, all of the same length, and the slots that they belong to: open addressing over typed
 * arrays, so that a million entries are a few arrays and no objects.
 */

const SLOTS_START = 16;
const FNV_OFFSET_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export class KeyTable {
  /** By slot. */
  private keys: Uint8Array;
  private hashes = new Int32Array(SLOTS_START);
  /** Slots plus one, by hash, each at its place or behind it without a gap; at least half are 0, which is none. */
  private places = new Int32Array(2 * SLOTS_START);
  private count = 0;

  constructor(private readonly keyOctets: number) {
    this.keys = new Uint8Array(SLOTS_START * keyOctets);
  }

  /** The slot of a key, or -1. */
  find(key: Uint8Array): number {
    const hash = hashOf(key);
    const mask = this.places.length - 1;
    for (let place = hash & mask; this.places[place] !== 0; place = (place + 1) & mask) {
      const slot = this.places[place]! - 1;
      if (this.hashes[slot] === hash && this.isKeyOf(slot, key)) return slot;
    }
    return -1;
  }

  /** Of a slot that has none, a key that no other slot has. */
  add(slot: number, key: Uint8Array): void {
    if (slot >= this.hashes.length) this.makeRoom(slot);
    if (2 * (this.count + 1) > this.places.length) this.spread();
    this.count++;
    this.hashes[slot] = hashOf(key);
    this.keys.set(key, slot * this.keyOctets);
    this.put(slot);
  }

  /** Of a slot that has a key. */
  delete(slot: number): void {
    const mask = this.places.length - 1;
    let gap = this.hashes[slot]! & mask;
    while (this.places[gap] !== slot + 1) gap = (gap + 1) & mask;
    // Those behind move up, unless that were before the place that their hash says.
    for (let place = (gap + 1) & mask; this.places[place] !== 0; place = (place + 1) & mask) {
      const home = this.hashes[this.places[place]! - 1]! & mask;
      if (((place - home) & mask) < ((place - gap) & mask)) continue;
      this.places[gap] = this.places[place]!;
      gap = place;
    }
    this.places[gap] = 0;
    this.count--;
  }

  private isKeyOf(slot: number, key: Uint8Array): boolean {
    const at = slot * this.keyOctets;
    for (let i = 0; i < this.keyOctets; i++) if (this.keys[at + i] !== key[i]) return false;
    return true;
  }

  private put(slot: number): void {
    const mask = this.places.length - 1;
    let place = this.hashes[slot]! & mask;
    while (this.places[place] !== 0) place = (place + 1) & mask;
    this.places[place] = slot + 1;
  }

  private makeRoom(slot: number): void {
    const slots = Math.max(slot + 1, 2 * this.hashes.length);
    const hashes = new Int32Array(slots);
    hashes.set(this.hashes);
    this.hashes = hashes;
    const keys = new Uint8Array(slots * this.keyOctets);
    keys.set(this.keys);
    this.keys = keys;
  }

  private spread(): void {
    const former = this.places;
    this.places = new Int32Array(2 * former.length);
    for (const place of former) if (place !== 0) this.put(place - 1);
  }
}

/** FNV-1a, whose low bits are mixed with the high ones. */
function hashOf(key: Uint8Array): number {
  let hash = FNV_OFFSET_BASIS;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key[i]!, FNV_PRIME);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
