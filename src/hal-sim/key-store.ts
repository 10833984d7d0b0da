/**
 * All keys of a device: the slots that packets are encrypted with, and the master keys that packets are decrypted
 * by. Slots stand in one slab of 32 octets each; it grows to the highest crypto_id that was set.
 */
import { enlarged } from '../base/enlarged.js';
import { keyLengthOctets, type PspVersion } from '../psp/header.js';
import type { MasterKeys } from '../psp/master-keys.js';
import { secretOctets } from '../psp/secret.js';
import { DerivedKeyCache } from './derived-key-cache.js';
import { RecordSlab } from './record-slab.js';

const SLOT_OCTETS = 32;

/** The key that was asked for last: octets for the AEAD, words for copying. */
class KeyBuffer {
  readonly octets: Uint8Array;
  readonly words: Uint32Array;

  constructor(length: 16 | 32) {
    this.octets = secretOctets(length);
    this.words = new Uint32Array(this.octets.buffer);
  }
}

export class KeyStore {
  private readonly slots: RecordSlab;
  /** Octets of the slot's key; 0: none. */
  private lengths = new Uint8Array(16);
  private readonly derived: DerivedKeyCache;
  private readonly key16 = new KeyBuffer(16);
  private readonly key32 = new KeyBuffer(32);
  /** A received SPI whose key has not been kept; -1: none. */
  private pendingSpi = -1;
  private pendingVersion = 0;

  constructor(
    readonly masterKeys: MasterKeys,
    cacheEntriesMax: number,
    protect?: (octets: Uint8Array) => void,
  ) {
    this.slots = new RecordSlab(SLOT_OCTETS, protect);
    this.derived = new DerivedKeyCache(cacheEntriesMax, protect);
  }

  /** crypto_id from 1 on; the caller has checked id and length. */
  setSlot(cryptoId: number, key: Uint8Array): void {
    this.slots.reserve(cryptoId);
    this.lengths = enlarged(this.lengths, cryptoId + 1);
    this.slots.clear(cryptoId);
    this.slots.octets.set(key, cryptoId * SLOT_OCTETS);
    this.lengths[cryptoId] = key.length;
  }

  clearSlot(cryptoId: number): void {
    this.slots.clear(cryptoId);
    this.lengths[cryptoId] = 0;
  }

  /** The slot's key, valid until the next call; null when it has none of that version's length. */
  slotKey(cryptoId: number, version: PspVersion): Uint8Array | null {
    const octets = keyLengthOctets(version);
    // Of a slot that there is no room for yet it is undefined.
    if (this.lengths[cryptoId] !== octets) return null;
    const key = octets === 16 ? this.key16 : this.key32;
    const { words, recordWords } = this.slots;
    const base = cryptoId * recordWords;
    for (let i = 0; i < key.words.length; i++) key.words[i] = words[base + i];
    return key.octets;
  }

  /** The key of a received SPI, valid until the next call. */
  receiveKey(spi: number, version: PspVersion): Uint8Array {
    const key = keyLengthOctets(version) === 16 ? this.key16 : this.key32;
    this.pendingSpi = -1;
    if (!this.derived.find(spi, version, key.words)) {
      this.masterKeys.deriveInto(spi, version, key.octets, 0);
      this.pendingSpi = spi;
      this.pendingVersion = version;
    }
    return key.octets;
  }

  /** The key that receiveKey gave last has authenticated a packet: it is worth keeping. */
  keepReceiveKey(): void {
    if (this.pendingSpi < 0) return;
    const key = (this.pendingVersion & 1) === 0 ? this.key16 : this.key32;
    this.derived.add(this.pendingSpi, this.pendingVersion, key.words);
    this.pendingSpi = -1;
  }

  rotate(): void {
    this.masterKeys.rotate();
    this.derived.evict(this.masterKeys.active);
  }

  /** Overwrites every key. */
  wipe(): void {
    this.slots.wipe();
    this.lengths.fill(0);
    this.key16.octets.fill(0);
    this.key32.octets.fill(0);
    this.derived.wipe();
    this.masterKeys.wipe();
  }
}
