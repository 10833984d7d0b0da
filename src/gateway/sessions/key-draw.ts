/**
 * Draws SPIs and keys from the device. It is asked again, a few times, where it gives out an SPI that must not be given
 * out; the key of that one is wiped and nobody gets it.
 */
import { HalError } from '../../hal/errors.js';
import type { PipeHal, SpiKeyBatch } from '../../hal/hal.js';
import { isGmac, keyLengthOctets, type PspVersion, SPI_LOW_MASK } from '../../psp/header.js';
import { secretOctets } from '../../psp/secret.js';
import type { GatewayObserver } from '../events.js';
import { OwnLimitError } from '../rpc/transport.js';
import type { SpiShortageListener } from './listeners.js';
import { SpiBook } from './spi-book.js';

/** Draws per batch. Each asks for twice as many as the one before: together for 255 times what is wanted. */
const DRAWS_MAX = 8;
/** Half of the 2^31 SPIs of a master key: when this many are left, they last until a rotation has waited for all sessions. */
const SPIS_LOW = SPI_LOW_MASK >>> 1;
/** On the way there it is told how many are used, for whoever watches a gateway that uses many. */
const SPIS_TOLD = [SPI_LOW_MASK >>> 3, SPI_LOW_MASK >>> 2] as const;

export interface KeyDrawDeps {
  readonly hal: PipeHal;
  readonly shortageListener: SpiShortageListener;
  readonly observe: GatewayObserver;
}

export class KeyDraw {
  /** SPIs that the device gave out although they were not free, so far. */
  refused = 0;
  #toldLow = false;
  /** How many of SPIS_TOLD were reached. */
  #toldUse = 0;

  readonly #book: SpiBook;

  constructor(
    private readonly deps: KeyDrawDeps,
    book = new SpiBook(),
  ) {
    this.#book = book;
  }

  /** SPIs that were given out under the active master key, and those that it has left. */
  get supply(): { readonly given: number; readonly left: number } {
    const { given, full } = this.#book;
    // The lower 31 bits of an SPI number it, and 0 is none.
    return { given, left: full ? 0 : SPI_LOW_MASK - given };
  }

  /** An entry that cannot be removed names an SPI, or does not any more. */
  hold(spi: number, held: boolean): void {
    if (held) this.#book.hold(spi);
    else this.#book.release(spi);
  }

  /** The master key has been rotated. */
  rotate(): void {
    this.#book.rotate();
    this.#toldLow = false;
    this.#toldUse = 0;
  }

  /**
   * `count` SPIs that name nothing else, and their keys. Rejects with RESOURCE_EXHAUSTED when the device gives out only
   * such as are taken, and with HalError EMPTY when it has none left.
   */
  async draw(version: PspVersion, count: number): Promise<Pick<SpiKeyBatch, 'spis' | 'keys'>> {
    const octets = keyLengthOctets(version);
    const { keysPerBatch } = this.deps.hal.device.limits;
    const spis = new Uint32Array(count);
    const keys = secretOctets(count * octets);
    let have = 0;
    let asked = count;
    try {
      for (let draw = 0; draw < DRAWS_MAX && have < count; draw++) {
        if (this.#book.full) break;
        const batch = await this.#generate(version, asked);
        for (let i = 0; i < asked && have < count; i++) {
          if (!this.#book.take(batch.spis[i]!)) {
            this.refused++;
            continue;
          }
          spis[have] = batch.spis[i]!;
          keys.set(batch.keys.subarray(i * octets, (i + 1) * octets), have * octets);
          have++;
        }
        batch.keys.fill(0);
        asked = Math.min(2 * asked, keysPerBatch);
      }
    } catch (error) {
      keys.fill(0);
      throw error;
    }
    this.#tellUse(have < count);
    if (have === count) return { spis, keys };
    keys.fill(0);
    throw new OwnLimitError('the device gives out no SPI that is free');
  }

  async #generate(version: PspVersion, count: number): Promise<SpiKeyBatch> {
    try {
      const algorithm = isGmac(version) ? 'gmac' : 'gcm';
      return await this.deps.hal.generateKeys(keyLengthOctets(version), count, algorithm);
    } catch (error) {
      if (error instanceof HalError && error.code === 'EMPTY') this.deps.shortageListener.onSpisExhausted();
      throw error;
    }
  }

  #tellUse(failed: boolean): void {
    const { given } = this.#book;
    const reached = SPIS_TOLD.filter((spis) => given > spis).length;
    // Nothing of it where the line about few SPIs says the same.
    if (reached > this.#toldUse && given <= SPIS_LOW) this.deps.observe({ type: 'spi-use', ...this.supply });
    this.#toldUse = Math.max(this.#toldUse, reached);
    if (this.#toldLow || !(failed || given > SPIS_LOW || this.#book.full)) return;
    this.#toldLow = true;
    this.deps.shortageListener.onSpisLow();
  }
}
