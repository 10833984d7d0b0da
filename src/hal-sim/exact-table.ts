/**
 * Exact match over keys of a fixed number of 32-bit words, which stand in the records of a slab. Slots are the caller's handles: small
 * numbers, reused after removal.
 */
import { HashIndex } from '../base/hash-index.js';
import type { RecordSlab } from './record-slab.js';

/** Slots are below this: an index of so many has eight bits left for a key's hash. */
export const EXACT_TABLE_SLOTS_MAX = 2 ** 24 - 2;
/** Odd constants with well-spread bits (of xxHash). */
const MIX_WORD = 0x85ebca77;
const MIX_END = 0xc2b2ae3d;

export class ExactTable {
  private readonly index = new HashIndex(EXACT_TABLE_SLOTS_MAX, (slot) => this.hashOf(slot));

  /** @param keyAt the key's first word in a record */
  constructor(
    private readonly slab: RecordSlab,
    private readonly keyAt: number,
    readonly keyWords: number,
  ) {}

  /** The slot whose key equals the words of `words` from `at` on, or -1. */
  find(words: Uint32Array, at: number): number {
    const { index, slab, keyAt, keyWords } = this;
    const keys = slab.words;
    const hash = hashWords(words, at, keyWords);
    for (let slot = index.first(hash); slot >= 0; slot = index.next(hash)) {
      const base = slot * slab.recordWords + keyAt;
      let word = 0;
      while (word < keyWords && keys[base + word] === words[at + word]) word++;
      if (word === keyWords) return slot;
    }
    return -1;
  }

  /** Files `slot`, which has its place in the slab, under a key that is not in the table. */
  insert(slot: number, words: Uint32Array, at: number): void {
    const { slab, keyAt, keyWords } = this;
    const base = slot * slab.recordWords + keyAt;
    for (let word = 0; word < keyWords; word++) slab.words[base + word] = words[at + word];
    this.index.add(slot, hashWords(words, at, keyWords));
  }

  /** Takes out `slot`, which is in the table. */
  remove(slot: number): void {
    this.index.remove(slot, this.hashOf(slot));
  }

  /** Every slot in the table, in no order. */
  slots(): Generator<number> {
    return this.index.slots();
  }

  clear(): void {
    this.index.clear();
  }

  private hashOf(slot: number): number {
    const { slab, keyAt, keyWords } = this;
    return hashWords(slab.words, slot * slab.recordWords + keyAt, keyWords);
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
