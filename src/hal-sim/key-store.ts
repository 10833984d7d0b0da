/**
 * All keys of a device: the slots that packets are encrypted with, and the master keys that packets are decrypted
 * by. Slots stand in one slab of 32 octets each; it grows to the highest crypto_id that was set.
 */
import { keyLengthOctets, type PspVersion } from '../psp/header.js';
import type { MasterKeys } from '../psp/master-keys.js';
import { DerivedKeyCache } from './derived-key-cache.js';

const SLOT_OCTETS = 32;
const SLOTS_START = 16;

export class KeyStore {
  private slots = new Uint8Array(SLOTS_START * SLOT_OCTETS);
  /** Octets of the slot's key; 0: none. */
  private lengths = new Uint8Array(SLOTS_START);
  private readonly derived: DerivedKeyCache;
  /** The key that was asked for last, by length: what the AEAD reads. */
  private readonly key16 = new Uint8Array(16);
  private readonly key32 = new Uint8Array(32);
  private pendingSpi = 0;
  private pendingVersion = -1;

  constructor(
    readonly masterKeys: MasterKeys,
    private readonly slotsMax: number,
    cacheEntriesMax: number,
  ) {
    this.derived = new DerivedKeyCache(cacheEntriesMax);
  }

  /** crypto_id from 1 on; the caller has checked id and length. */
  setSlot(cryptoId: number, key: Uint8Array): void {
    if (cryptoId >= this.lengths.length) this.grow(cryptoId);
    this.clearSlot(cryptoId);
    this.slots.set(key, cryptoId * SLOT_OCTETS);
    this.lengths[cryptoId] = key.length;
  }

  clearSlot(cryptoId: number): void {
    if (cryptoId >= this.lengths.length) return;
    this.slots.fill(0, cryptoId * SLOT_OCTETS, (cryptoId + 1) * SLOT_OCTETS);
    this.lengths[cryptoId] = 0;
  }

  /** The slot's key, valid until the next call; null when it has none of that version's length. */
  slotKey(cryptoId: number, version: PspVersion): Uint8Array | null {
    const octets = keyLengthOctets(version);
    if (cryptoId >= this.lengths.length || this.lengths[cryptoId] !== octets) return null;
    const key = octets === 16 ? this.key16 : this.key32;
    const { slots } = this;
    const base = cryptoId * SLOT_OCTETS;
    for (let i = 0; i < octets; i++) key[i] = slots[base + i];
    return key;
  }

  /** The key of a received SPI, valid until the next call. */
  receiveKey(spi: number, version: PspVersion): Uint8Array {
    const key = keyLengthOctets(version) === 16 ? this.key16 : this.key32;
    this.pendingVersion = -1;
    if (this.derived.find(spi, version, key)) return key;
    this.masterKeys.deriveInto(spi, version, key, 0);
    this.pendingSpi = spi;
    this.pendingVersion = version;
    return key;
  }

  /** The key that receiveKey gave last has authenticated a packet: it is worth keeping. */
  keepReceiveKey(): void {
    if (this.pendingVersion < 0) return;
    const key = (this.pendingVersion & 1) === 0 ? this.key16 : this.key32;
    this.derived.add(this.pendingSpi, this.pendingVersion, key);
    this.pendingVersion = -1;
  }

  rotate(): void {
    this.masterKeys.rotate();
    this.derived.evict(this.masterKeys.active);
  }

  /** Overwrites every key. */
  wipe(): void {
    this.slots.fill(0);
    this.lengths.fill(0);
    this.key16.fill(0);
    this.key32.fill(0);
    this.derived.wipe();
    this.masterKeys.wipe();
  }

  private grow(cryptoId: number): void {
    const length = Math.min(this.slotsMax + 1, Math.max(this.lengths.length * 2, cryptoId + 1));
    const slots = new Uint8Array(length * SLOT_OCTETS);
    slots.set(this.slots);
    this.slots.fill(0);
    this.slots = slots;
    const lengths = new Uint8Array(length);
    lengths.set(this.lengths);
    this.lengths = lengths;
  }
}
