/**
 * A receiver's two master keys (PSP Architecture Specification, "Master Keys"). One is active; SPIs and keys are
 * given out from it, sequentially, and bit 31 of an SPI says which master key it belongs to. Rotation replaces the
 * other one by a fresh random key and makes it active, so a key lives through one rotation and not through two.
 */
import type { PspVersion } from './header.js';
import { SPI_LOW_MASK } from './header.js';
import { KeyDeriver, MASTER_KEY_OCTETS } from './key-derivation.js';
import { secretCopy, secretOctets } from './secret.js';

/** Fewer SPIs are left under the active master key than were asked for. */
export class SpiExhaustedError extends Error {
  override readonly name = 'SpiExhaustedError';
  constructor(asked: number, left: number) {
    super(`${asked} SPIs asked for, ${left} left under this master key; rotate it`);
  }
}

/** What master keys are made of. */
export interface MasterKeysOptions {
  /** Fills with random octets; must be a cryptographic source. */
  readonly fillRandom: (octets: Uint8Array) => void;
  /** Master keys 0 and 1 instead of random ones, 32 octets each; for tests and vectors. */
  readonly masterKeys?: readonly [Uint8Array, Uint8Array];
  /** Low 31 bits of the first SPI; 1 when absent. */
  readonly firstSpi?: number;
}

/** The two master keys of a device, and the SPIs that are given out under them. */
export class MasterKeys {
  readonly #fillRandom: (octets: Uint8Array) => void;
  readonly #derivers: [KeyDeriver, KeyDeriver];
  #active: 0 | 1 = 0;
  #nextSpi: number;
  #rotations = 0;

  constructor(options: MasterKeysOptions) {
    this.#fillRandom = options.fillRandom;
    this.#derivers = [this.#newDeriver(options.masterKeys?.[0]), this.#newDeriver(options.masterKeys?.[1])];
    this.#nextSpi = options.firstSpi ?? 1;
  }

  /** 0 or 1: bit 31 of the SPIs that are given out now. */
  get active(): 0 | 1 {
    return this.#active;
  }

  /** Key generation number: rises with each rotation. */
  get rotations(): number {
    return this.#rotations;
  }

  get spisLeft(): number {
    return SPI_LOW_MASK - this.#nextSpi + 1;
  }

  /** The next `count` SPIs and their keys, one after the other. Throws SpiExhaustedError, giving out none. */
  generate(version: PspVersion, count: number): { spis: Uint32Array; keys: Uint8Array } {
    if (count > this.spisLeft) throw new SpiExhaustedError(count, this.spisLeft);
    const spis = new Uint32Array(count);
    const first = this.#active * (SPI_LOW_MASK + 1) + this.#nextSpi;
    for (let i = 0; i < count; i++) spis[i] = first + i;
    this.#nextSpi += count;
    return { spis, keys: this.#derivers[this.#active].deriveMany(spis, version) };
  }

  /** Writes the key that belongs to a received SPI to `out` at `offset`: 16 or 32 octets, by version. */
  deriveInto(spi: number, version: number, out: Uint8Array, offset: number): void {
    this.#derivers[spi >>> 31]!.deriveInto(spi, version, out, offset);
  }

  /** Replaces the inactive master key and makes it the active one. */
  rotate(): void {
    const other = this.#active === 0 ? 1 : 0;
    this.#derivers[other].wipe();
    this.#derivers[other] = this.#newDeriver();
    this.#active = other;
    this.#nextSpi = 1;
    this.#rotations++;
  }

  /** Overwrites both master keys. */
  wipe(): void {
    for (const deriver of this.#derivers) deriver.wipe();
  }

  #newDeriver(given?: Uint8Array): KeyDeriver {
    // A copy of our own to overwrite: a Buffer's slice would be the caller's key.
    const masterKey = given === undefined ? secretOctets(MASTER_KEY_OCTETS) : secretCopy(given);
    if (given === undefined) this.#fillRandom(masterKey);
    const deriver = new KeyDeriver(masterKey);
    masterKey.fill(0);
    return deriver;
  }
}
