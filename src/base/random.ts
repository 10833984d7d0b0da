/** Randomness as the code sees it; injected, so that a whole run repeats from a seed. */
import { randomFillSync } from 'node:crypto';

/** A source of random octets and numbers. */
export interface Random {
  /** Fills all of `octets`. For keys and cookies this must be a cryptographic source. */
  fill(octets: Uint8Array): void;
  /** Uniform 32 bits; may be of lesser quality (sampling, jitter, impairments). */
  uint32(): number;
}

const POOL_WORDS = 256;
/** Values that uint32 can have. */
const WORDS = 2 ** 32;

/** The operating system's generator. */
export function systemRandom(): Random {
  const pool = new Uint32Array(POOL_WORDS);
  let next = POOL_WORDS;
  return {
    fill: (octets) => void randomFillSync(octets),
    uint32() {
      if (next === POOL_WORDS) {
        randomFillSync(pool);
        next = 0;
      }
      return pool[next++]!;
    },
  };
}

/** True with the given probability. */
export function chance(random: Random, ratio: number): boolean {
  return ratio > 0 && random.uint32() / WORDS < ratio;
}

/** Uniform from 0 (included) to `below`. */
export function uniform(random: Random, below: number): number {
  return (below * random.uint32()) / WORDS;
}

/** The items in a random order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.uint32() % (i + 1);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}

/** xoshiro128** from a 32-bit seed (Blackman and Vigna): repeatable, and not for keys outside of simulations. */
export function seededRandom(seed: number): Random {
  // splitmix32 spreads the seed over the state, which must not be all zero.
  let mix = seed >>> 0;
  const splitmix = () => {
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  const state = Uint32Array.from([splitmix(), splitmix(), splitmix(), splitmix() | 1]);
  const rotl = (x: number, k: number) => (x << k) | (x >>> (32 - k));
  const uint32 = () => {
    const result = Math.imul(rotl(Math.imul(state[1]!, 5), 7), 9) >>> 0;
    const t = state[1]! << 9;
    state[2]! ^= state[0]!;
    state[3]! ^= state[1]!;
    state[1]! ^= state[2]!;
    state[0]! ^= state[3]!;
    state[2]! ^= t;
    state[3] = rotl(state[3]!, 11);
    return result;
  };
  return {
    uint32,
    fill(octets) {
      let word = 0;
      for (let i = 0; i < octets.length; i++) {
        if (i % 4 === 0) word = uint32();
        octets[i] = word >>> ((i % 4) * 8);
      }
    },
  };
}
