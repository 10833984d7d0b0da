/**
 * Exact match over keys of a fixed number of 32-bit words, which stand in the records of a slab: open addressing
 * with linear probing. Slots are the caller's handles: small numbers, reused after removal.
 */
import type { RecordSlab } from './record-slab.js';

const PLACES_START = 32;
/** Places in use per place, at most: dense, so that the index of 100,000 entries still fits a core's cache. */
const LOAD_MAX = 0.8;
/** A place holds slot + 1 below, and above it bits of the key's hash, which spare most looks at other keys. */
const SLOT_BITS = 24;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
/** Slots are below this. */
export const EXACT_TABLE_SLOTS_MAX = SLOT_MASK - 1;
/** Odd constants with well-spread bits (of xxHash). */
const MIX_WORD = 0x85ebca77;
const MIX_END = 0xc2b2ae3d;

export class ExactTable {
  /** 0: a free place. */
  private index = new Int32Array(PLACES_START);
  private placeMask = PLACES_START - 1;
  private size = 0;

  /** @param keyAt the key's first word in a record */
  constructor(
    private readonly slab: RecordSlab,
    private readonly keyAt: number,
    readonly keyWords: number,
  ) {}

  /** The slot whose key equals the words of `words` from `at` on, or -1. */
  find(words: Uint32Array, at: number): number {
    const { index, placeMask, slab, keyAt, keyWords } = this;
    const keys = slab.words;
    const hash = hashWords(words, at, keyWords);
    let place = hash & placeMask;
    for (;;) {
      const entry = index[place];
      if (entry === 0) return -1;
      if (((entry ^ hash) & ~SLOT_MASK) === 0) {
        const slot = (entry & SLOT_MASK) - 1;
        const base = slot * slab.recordWords + keyAt;
        let word = 0;
        while (word < keyWords && keys[base + word] === words[at + word]) word++;
        if (word === keyWords) return slot;
      }
      place = (place + 1) & placeMask;
    }
  }

  /** Files `slot`, which has its place in the slab, under a key that is not in the table. */
  insert(slot: number, words: Uint32Array, at: number): void {
    const { slab, keyAt, keyWords } = this;
    if (this.size + 1 > (this.placeMask + 1) * LOAD_MAX) this.grow();
    const base = slot * slab.recordWords + keyAt;
    for (let word = 0; word < keyWords; word++) slab.words[base + word] = words[at + word];
    this.put(slot);
    this.size++;
  }

  /** Takes out `slot`, which is in the table. */
  remove(slot: number): void {
    const { index, placeMask } = this;
    let hole = this.hashOf(slot) & placeMask;
    while ((index[hole] & SLOT_MASK) !== slot + 1) hole = (hole + 1) & placeMask;
    // Entries behind the hole move up, unless that would put them before their own place.
    for (let next = (hole + 1) & placeMask; index[next] !== 0; next = (next + 1) & placeMask) {
      const home = this.hashOf((index[next] & SLOT_MASK) - 1) & placeMask;
      if (((next - home) & placeMask) < ((next - hole) & placeMask)) continue;
      index[hole] = index[next];
      hole = next;
    }
    index[hole] = 0;
    this.size--;
  }

  /** Every slot in the table, in no order. */
  *slots(): Generator<number> {
    for (const entry of this.index) if (entry !== 0) yield (entry & SLOT_MASK) - 1;
  }

  clear(): void {
    this.index.fill(0);
    this.size = 0;
  }

  private hashOf(slot: number): number {
    const { slab, keyAt, keyWords } = this;
    return hashWords(slab.words, slot * slab.recordWords + keyAt, keyWords);
  }

  private put(slot: number): void {
    const { index, placeMask } = this;
    const hash = this.hashOf(slot);
    let place = hash & placeMask;
    while (index[place] !== 0) place = (place + 1) & placeMask;
    index[place] = (hash & ~SLOT_MASK) | (slot + 1);
  }

  private grow(): void {
    const former = this.index;
    this.index = new Int32Array(former.length * 2);
    this.placeMask = this.index.length - 1;
    for (const entry of former) if (entry !== 0) this.put((entry & SLOT_MASK) - 1);
  }
}

function hashWords(words: Uint32Array, at: number, count: number): number {
  let hash = count;
  for (let i = at; i < at + count; i++) {
    hash = Math.imul(hash ^ words[i], MIX_WORD);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, MIX_END);
  return hash ^ (hash >>> 13);
}
