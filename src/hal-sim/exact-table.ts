/**
 * Exact match over keys of a fixed number of 32-bit words, which stand in the records of a slab: open addressing
 * with linear probing. Slots are the caller's handles: small numbers, reused after removal.
 */
import type { RecordSlab } from './record-slab.js';

const PLACES_START = 32;
/** Odd constants with well-spread bits (of xxHash). */
const MIX_WORD = 0x85ebca77;
const MIX_END = 0xc2b2ae3d;

export class ExactTable {
  /** Two numbers per place: the key's hash, and slot + 1, or 0 for a free one. At most half full. */
  private index = new Int32Array(PLACES_START * 2);
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
      const slot = index[place * 2 + 1] - 1;
      if (slot < 0) return -1;
      if (index[place * 2] === hash) {
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
    if ((this.size + 1) * 2 > this.placeMask + 1) this.grow();
    const base = slot * slab.recordWords + keyAt;
    for (let word = 0; word < keyWords; word++) slab.words[base + word] = words[at + word];
    this.put(hashWords(words, at, keyWords), slot + 1);
    this.size++;
  }

  /** Takes out `slot`, which is in the table. */
  remove(slot: number): void {
    const { index, placeMask, slab } = this;
    let hole = hashWords(slab.words, slot * slab.recordWords + this.keyAt, this.keyWords) & placeMask;
    while (index[hole * 2 + 1] !== slot + 1) hole = (hole + 1) & placeMask;
    // What stands behind the hole moves up, unless that would take it before its own place.
    for (let next = (hole + 1) & placeMask; index[next * 2 + 1] !== 0; next = (next + 1) & placeMask) {
      const home = index[next * 2] & placeMask;
      if (((next - home) & placeMask) < ((next - hole) & placeMask)) continue;
      index[hole * 2] = index[next * 2];
      index[hole * 2 + 1] = index[next * 2 + 1];
      hole = next;
    }
    index[hole * 2 + 1] = 0;
    this.size--;
  }

  clear(): void {
    this.index.fill(0);
    this.size = 0;
  }

  private put(hash: number, entry: number): void {
    const { index, placeMask } = this;
    let place = hash & placeMask;
    while (index[place * 2 + 1] !== 0) place = (place + 1) & placeMask;
    index[place * 2] = hash;
    index[place * 2 + 1] = entry;
  }

  private grow(): void {
    const former = this.index;
    this.index = new Int32Array(former.length * 2);
    this.placeMask = this.index.length / 2 - 1;
    for (let i = 0; i < former.length; i += 2) if (former[i + 1] !== 0) this.put(former[i], former[i + 1]);
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
