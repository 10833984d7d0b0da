/** Choices from a seed; the same sequence as the software DOCA's for `test-random-seed` (random_source.cc). */
import type { Random } from './random.js';

export class Choose implements Random {
  constructor(private state: number) {}

  uint32(): number {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    let word = this.state;
    word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
    return (word ^ (word >>> 16)) >>> 0;
  }

  fill(octets: Uint8Array): void {
    for (let i = 0; i < octets.length; i += 4) {
      const word = this.uint32();
      for (let j = 0; j < 4 && i + j < octets.length; j++) octets[i + j] = word >>> (24 - 8 * j);
    }
  }

  /** 0 to limit - 1. */
  below(limit: number): number {
    return this.uint32() % limit;
  }

  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }

  octets(count: number): Uint8Array {
    const octets = new Uint8Array(count);
    this.fill(octets);
    return octets;
  }

  times<Item>(count: number, make: (i: number) => Item): Item[] {
    return Array.from({ length: count }, (_, i) => make(i));
  }
}
