/** Changes to an input, as mutation fuzzers make them: of bits, numbers, parts, and with what the format is made of. */
import type { Random } from '../../src/base/random.js';

export interface MutateOptions {
  readonly random: Random;
  /** For parts of other inputs. */
  readonly corpus: readonly Uint8Array[];
  readonly dictionary: readonly Uint8Array[];
  readonly octetsMax: number;
}

const CHANGES_MAX = 6;
const REPEATS_MAX = 40;
/** Octets and lengths at which things change. */
const INTERESTING = [0, 1, 2, 4, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 254, 255];

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** One to six changes, one after the other. */
export function mutate(input: Uint8Array, options: MutateOptions): Uint8Array {
  const { random, octetsMax } = options;
  let octets: Uint8Array = input.slice();
  for (let left = 1 + (random.uint32() % CHANGES_MAX); left > 0; left--) {
    octets = change(octets, options);
    if (octets.length > octetsMax) octets = octets.slice(0, octetsMax);
  }
  return octets;
}

function change(octets: Uint8Array, { random, corpus, dictionary }: MutateOptions): Uint8Array {
  const below = (limit: number) => (limit <= 0 ? 0 : random.uint32() % limit);
  const at = below(octets.length);
  const length = 1 + below(Math.min(32, octets.length - at));
  const part = octets.slice(at, at + length);
  switch (below(11)) {
    case 0:
      if (octets.length > 0) octets[at]! ^= 1 << below(8);
      return octets;
    case 1:
      if (octets.length > 0) octets[at] = below(256);
      return octets;
    case 2:
      if (octets.length > 0) octets[at] = INTERESTING[below(INTERESTING.length)]!;
      return octets;
    case 3: {
      // A number of two or four octets, in either order.
      const width = below(2) === 0 ? 2 : 4;
      if (octets.length < width) return octets;
      const place = below(octets.length - width + 1);
      const value = below(2) === 0 ? random.uint32() : INTERESTING[below(INTERESTING.length)]!;
      for (let i = 0; i < width; i++) {
        const shift = 8 * (below(2) === 0 ? i : width - 1 - i);
        octets[place + i] = value >>> shift;
      }
      return octets;
    }
    case 4:
      return joined(octets.subarray(0, at), octets.subarray(at + length));
    case 5:
      return joined(octets.subarray(0, at), Uint8Array.of(below(256)), octets.subarray(at));
    case 6:
      return joined(
        octets.subarray(0, at + length),
        ...Array.from({ length: 1 + below(REPEATS_MAX) }, () => part),
        octets.subarray(at + length),
      );
    case 7:
      return octets.slice(0, at);
    case 8: {
      const other = corpus[below(corpus.length)] ?? octets;
      return joined(octets.subarray(0, at), other.subarray(below(other.length)));
    }
    case 9: {
      const word = dictionary[below(dictionary.length)];
      return word === undefined ? octets : joined(octets.subarray(0, at), word, octets.subarray(at));
    }
    default: {
      const word = dictionary[below(dictionary.length)];
      return word === undefined
        ? octets
        : joined(octets.subarray(0, at), word, octets.subarray(at + word.length));
    }
  }
}
