/**
 * Keys of received SPIs that have authenticated a packet, so that the next one needs no derivation. Bounded; when
 * it is full the oldest goes. What a stranger sends never gets in.
 */
import { ExactTable } from './exact-table.js';

const KEY_OCTETS = 32;
const SLOTS_START = 16;

export class DerivedKeyCache {
  /** Key: SPI, version. */
  private table = new ExactTable(2);
  private readonly words = new Uint32Array(2);
  private keys = new Uint8Array(SLOTS_START * KEY_OCTETS);
  private spis = new Uint32Array(SLOTS_START);
  private versions = new Uint8Array(SLOTS_START);
  private size = 0;
  /** The slot that was filled longest ago, once all are. */
  private oldest = 0;

  constructor(private readonly entriesMax: number) {}

  /** Copies the key to `out`, which has the version's key length; false when it is not here. */
  find(spi: number, version: number, out: Uint8Array): boolean {
    this.words[0] = spi;
    this.words[1] = version;
    const slot = this.table.find(this.words, 0);
    if (slot < 0) return false;
    const { keys } = this;
    const base = slot * KEY_OCTETS;
    for (let i = 0; i < out.length; i++) out[i] = keys[base + i];
    return true;
  }

  /** Keeps a key that `find` did not have. */
  add(spi: number, version: number, key: Uint8Array): void {
    let slot = this.size;
    if (slot < this.entriesMax) {
      this.size++;
      this.reserve(slot);
    } else {
      slot = this.oldest;
      this.oldest = (slot + 1) % this.entriesMax;
      this.table.remove(slot);
    }
    this.words[0] = spi;
    this.words[1] = version;
    this.table.insert(slot, this.words, 0);
    this.spis[slot] = spi;
    this.versions[slot] = version;
    this.keys.set(key, slot * KEY_OCTETS);
  }

  /** Wipes the keys of one master key: those whose SPI has that bit 31. */
  evict(masterKey: number): void {
    const { keys, spis, versions, size } = this;
    this.table = new ExactTable(2);
    this.size = 0;
    this.oldest = 0;
    for (let slot = 0; slot < size; slot++) {
      if (spis[slot] >>> 31 === masterKey) continue;
      this.add(spis[slot], versions[slot], keys.subarray(slot * KEY_OCTETS, (slot + 1) * KEY_OCTETS));
    }
    this.keys.fill(0, this.size * KEY_OCTETS);
  }

  wipe(): void {
    this.table = new ExactTable(2);
    this.size = 0;
    this.oldest = 0;
    this.keys.fill(0);
  }

  private reserve(slot: number): void {
    if (slot < this.spis.length) return;
    const length = Math.min(this.entriesMax, this.spis.length * 2);
    const keys = new Uint8Array(length * KEY_OCTETS);
    keys.set(this.keys);
    this.keys.fill(0);
    this.keys = keys;
    const spis = new Uint32Array(length);
    spis.set(this.spis);
    this.spis = spis;
    const versions = new Uint8Array(length);
    versions.set(this.versions);
    this.versions = versions;
  }
}
