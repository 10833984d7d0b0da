/**
 * Exact match over keys of a fixed number of 32-bit words: open addressing with linear probing over slot numbers,
 * keys in one slab. Slots are the caller's handles: small numbers, reused after removal.
 */
const SLOTS_START = 16;
/** Odd constants with well-spread bits (of xxHash). */
const MIX_WORD = 0x85ebca77;
const MIX_END = 0xc2b2ae3d;

export class ExactTable {
  private keys: Uint32Array;
  /** slot + 1; 0: free. A power of two long, at most half full. */
  private index: Int32Array;
  private indexMask: number;
  private size = 0;

  constructor(readonly keyWords: number) {
    this.keys = new Uint32Array(SLOTS_START * keyWords);
    this.index = new Int32Array(SLOTS_START * 2);
    this.indexMask = this.index.length - 1;
  }

  /** The slot whose key equals the words of `words` from `at` on, or -1. */
  find(words: Uint32Array, at: number): number {
    const { index, indexMask, keys, keyWords } = this;
    let position = hashWords(words, at, keyWords) & indexMask;
    for (;;) {
      const slot = index[position] - 1;
      if (slot < 0) return -1;
      const base = slot * keyWords;
      let word = 0;
      while (word < keyWords && keys[base + word] === words[at + word]) word++;
      if (word === keyWords) return slot;
      position = (position + 1) & indexMask;
    }
  }

  /** Files `slot`, which is free, under a key that is not in the table. */
  insert(slot: number, words: Uint32Array, at: number): void {
    const { keyWords } = this;
    if ((this.size + 1) * 2 > this.index.length) this.rehash(this.index.length * 2);
    if ((slot + 1) * keyWords > this.keys.length) {
      const grown = new Uint32Array(Math.max(this.keys.length * 2, (slot + 1) * keyWords));
      grown.set(this.keys);
      this.keys = grown;
    }
    for (let word = 0; word < keyWords; word++) this.keys[slot * keyWords + word] = words[at + word];
    this.place(slot);
    this.size++;
  }

  /** Takes out `slot`, which is in the table. */
  remove(slot: number): void {
    const { index, indexMask, keys, keyWords } = this;
    let hole = hashWords(keys, slot * keyWords, keyWords) & indexMask;
    while (index[hole] !== slot + 1) hole = (hole + 1) & indexMask;
    // What stands behind the hole moves up, where that does not take it before its own place.
    let next = hole;
    for (;;) {
      next = (next + 1) & indexMask;
      const mover = index[next] - 1;
      if (mover < 0) break;
      const home = hashWords(keys, mover * keyWords, keyWords) & indexMask;
      if (((next - home) & indexMask) >= ((next - hole) & indexMask)) {
        index[hole] = mover + 1;
        hole = next;
      }
    }
    index[hole] = 0;
    this.size--;
  }

  private place(slot: number): void {
    let position = hashWords(this.keys, slot * this.keyWords, this.keyWords) & this.indexMask;
    while (this.index[position] !== 0) position = (position + 1) & this.indexMask;
    this.index[position] = slot + 1;
  }

  private rehash(length: number): void {
    const former = this.index;
    this.index = new Int32Array(length);
    this.indexMask = length - 1;
    for (const entry of former) if (entry !== 0) this.place(entry - 1);
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
