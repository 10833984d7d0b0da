/** Draws from a random source, in the units that scenarios are written in. */
import { chance, type Random, uniform } from '../../base/random.js';

export class Rng {
  constructor(private readonly random: Random) {}

  /** An integer from 0 to `below` - 1. */
  below(below: number): number {
    return this.random.uint32() % below;
  }

  chance(ratio: number): boolean {
    return chance(this.random, ratio);
  }

  /** A number below `max` with three digits, so that a scenario file stays short. */
  upTo(max: number): number {
    return Math.round(uniform(this.random, max * 1000)) / 1000;
  }

  /** A number below `max`, to a hundredth. */
  ratio(max: number): number {
    return Math.round(this.upTo(max) * 100) / 100;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}
