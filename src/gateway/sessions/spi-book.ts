/**
 * Which SPIs may not be given out: those that were given out under a master key that still opens packets, and those
 * that an entry of the device still names although its session is gone. The device counts SPIs by itself, and starts
 * again with each master key; what it counts is not believed.
 */
import { enlarged } from '../../base/enlarged.js';
import { SPI_LOW_MASK } from '../../psp/header.js';

/**
 * Ranges that are kept per master key. A device that counts makes one; one that scatters its SPIs makes one of each,
 * and after this many (2 MiB) the key counts as used up.
 */
const RANGES_MAX = 1 << 18;

/** A set of whole numbers from 0 to 2^32 - 1, as disjoint ranges in order. */
class NumberRanges {
  #starts = new Uint32Array(4);
  #ends = new Uint32Array(4);
  /** Number of ranges. */
  size = 0;
  /** Number of numbers in them. */
  count = 0;

  has(number: number): boolean {
    const at = this.#rangeBefore(number);
    return at >= 0 && number <= this.#ends[at]!;
  }

  /** Adds a number that is not there. */
  add(number: number): void {
    const at = this.#rangeBefore(number);
    const joinsFormer = at >= 0 && this.#ends[at]! + 1 === number;
    const joinsNext = at + 1 < this.size && this.#starts[at + 1] === number + 1;
    this.count++;
    if (joinsFormer && joinsNext) {
      this.#ends[at] = this.#ends[at + 1]!;
      this.#move(at + 2, -1);
    } else if (joinsFormer) this.#ends[at] = number;
    else if (joinsNext) this.#starts[at + 1] = number;
    else {
      this.#move(at + 1, 1);
      this.#starts[at + 1] = number;
      this.#ends[at + 1] = number;
    }
  }

  /** The last range that does not begin behind `number`; -1: none. */
  #rangeBefore(number: number): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= number) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Moves the ranges from `from` on by one place. */
  #move(from: number, by: 1 | -1): void {
    if (this.size + by > this.#starts.length) {
      this.#starts = enlarged(this.#starts, this.size + by);
      this.#ends = enlarged(this.#ends, this.size + by);
    }
    this.#starts.copyWithin(from + by, from, this.size);
    this.#ends.copyWithin(from + by, from, this.size);
    this.size += by;
  }
}

export class SpiBook {
  /** Given out under the active master key, and under the one before. */
  #active = new NumberRanges();
  #former = new NumberRanges();
  /** SPIs of entries that the device would not remove. */
  readonly #held = new Set<number>();

  constructor(private readonly rangesMax = RANGES_MAX) {}

  /** SPIs given out under the active master key. */
  get given(): number {
    return this.#active.count;
  }

  /** The active master key has no room for another SPI that stands alone. */
  get full(): boolean {
    return this.#active.size >= this.rangesMax;
  }

  /** Writes an SPI down as given out; false, when it must not be: it names something else, or nothing. */
  take(spi: number): boolean {
    if ((spi & SPI_LOW_MASK) === 0) return false;
    if (this.#held.has(spi) || this.#active.has(spi) || this.#former.has(spi)) return false;
    this.#active.add(spi);
    return true;
  }

  /** An entry that nobody could remove still names it, whatever becomes of its master key. */
  hold(spi: number): void {
    this.#held.add(spi);
  }

  /** That entry is gone. */
  release(spi: number): void {
    this.#held.delete(spi);
  }

  /** The master key before the active one is gone, and a new one is active. */
  rotate(): void {
    this.#former = this.#active;
    this.#active = new NumberRanges();
  }
}
