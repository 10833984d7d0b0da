/**
 * Keys of received SPIs that have authenticated a packet, so that the next one needs no derivation. Bounded; when
 * it is full, what was put in longest ago goes. What a stranger sends never gets in.
 */
import { ExactTable } from './exact-table.js';
import { RecordSlab, WORD_OCTETS } from './record-slab.js';

/** A record: SPI, version, key. */
const SPI_WORD = 0;
const VERSION_WORD = 1;
const KEY_WORD = 2;
const KEY_OCTETS = 32;
const RECORD_OCTETS = KEY_WORD * WORD_OCTETS + KEY_OCTETS;

export class DerivedKeyCache {
  private readonly slab: RecordSlab;
  private readonly table: ExactTable;
  private readonly words = new Uint32Array(KEY_WORD);
  private size = 0;
  /** The slot that was filled longest ago, once all are. */
  private oldest = 0;

  constructor(
    private readonly entriesMax: number,
    protect?: (octets: Uint8Array) => void,
  ) {
    this.slab = new RecordSlab(RECORD_OCTETS, protect);
    this.table = new ExactTable(this.slab, SPI_WORD, KEY_WORD);
  }

  /** Copies the key to `out`, as long as the version's key is; false when it is not here. */
  find(spi: number, version: number, out: Uint32Array): boolean {
    this.words[SPI_WORD] = spi;
    this.words[VERSION_WORD] = version;
    const slot = this.table.find(this.words, 0);
    if (slot < 0) return false;
    const { words, recordWords } = this.slab;
    const base = slot * recordWords + KEY_WORD;
    for (let i = 0; i < out.length; i++) out[i] = words[base + i];
    return true;
  }

  /** Adds a key that `find` has not found. */
  add(spi: number, version: number, key: Uint32Array): void {
    let slot = this.size;
    if (slot < this.entriesMax) {
      this.size++;
      this.slab.reserve(slot);
    } else {
      slot = this.oldest;
      this.oldest = (slot + 1) % this.entriesMax;
      this.table.remove(slot);
      this.slab.clear(slot);
    }
    this.words[SPI_WORD] = spi;
    this.words[VERSION_WORD] = version;
    this.table.insert(slot, this.words, 0);
    this.slab.words.set(key, slot * this.slab.recordWords + KEY_WORD);
  }

  /** Wipes the keys of one master key: those whose SPI has that bit 31. */
  evict(masterKey: number): void {
    const { slab, size } = this;
    this.table.clear();
    this.size = 0;
    this.oldest = 0;
    for (let slot = 0; slot < size; slot++) {
      const base = slot * slab.recordWords;
      const spi = slab.words[base + SPI_WORD];
      if (spi >>> 31 === masterKey) continue;
      // Moves down, or stays: slots before this one are free by now.
      const key = slab.words.subarray(base + KEY_WORD, base + KEY_WORD + KEY_OCTETS / WORD_OCTETS);
      this.add(spi, slab.words[base + VERSION_WORD], key);
    }
    for (let slot = this.size; slot < size; slot++) slab.clear(slot);
  }

  wipe(): void {
    this.table.clear();
    this.size = 0;
    this.oldest = 0;
    this.slab.wipe();
  }
}
