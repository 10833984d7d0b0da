/** Derived keys that the simulated device keeps: which, for how long, and that nothing is left of the others. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DerivedKeyCache } from '../../../src/hal-sim/derived-key-cache.js';

const KEY_WORDS = 8;
const VERSION = 1;
/** A key that no other SPI has. */
const keyOf = (spi: number) => new Uint32Array(KEY_WORDS).fill(spi ^ 0x5a5a_5a5a);

/** The cache, and all memory that it has had. */
function open(entriesMax: number) {
  const memory: Uint8Array[] = [];
  const cache = new DerivedKeyCache(entriesMax, (octets) => memory.push(octets));
  const add = (spis: readonly number[]) => {
    for (const spi of spis) cache.add(spi, VERSION, keyOf(spi));
  };
  /** The SPIs of some that it has keys of, all of them right. */
  const held = (spis: readonly number[]) =>
    spis.filter((spi) => {
      const out = new Uint32Array(KEY_WORDS);
      if (!cache.find(spi, VERSION, out)) return false;
      if (out.join() !== keyOf(spi).join()) expect.fail(`the key of ${spi} is another`);
      return true;
    });
  /** The SPIs of some whose keys stand in its memory, whether it would find them or not. */
  const inMemory = (spis: readonly number[]) => {
    const words = new Set(memory.flatMap((octets) => [...new Uint32Array(octets.buffer)]));
    return spis.filter((spi) => words.has(keyOf(spi)[0]!));
  };
  return { cache, add, held, inMemory };
}

const bits31 = (low: number, high: boolean) => (low | (high ? 0x8000_0000 : 0)) >>> 0;

test('the derived key cache keeps the newest keys, and none of an evicted master key', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.boolean()), {
        maxLength: 80,
        selector: ([low, high]) => `${low} ${high}`,
      }),
      fc.constantFrom(0, 1),
      (entriesMax, drawn, evicted) => {
        const { cache, add, held, inMemory } = open(entriesMax);
        const spis = drawn.map(([low, high]) => bits31(low, high));
        add(spis);
        const newest = spis.slice(-entriesMax);
        expect(held(spis)).toEqual(newest);
        expect(inMemory(spis)).toEqual(newest);
        expect(spis.some((spi) => cache.find(spi, VERSION - 1, new Uint32Array(KEY_WORDS)))).toBe(false);
        cache.evict(evicted);
        const kept = newest.filter((spi) => spi >>> 31 !== evicted);
        expect(held(spis)).toEqual(kept);
        expect(inMemory(spis).toSorted()).toEqual(kept.toSorted());
        // What was evicted makes room, and all of it; then the others go, too, one for one.
        const more = Array.from({ length: entriesMax }, (_, i) => 1000 + i);
        const room = entriesMax - kept.length;
        add(more.slice(0, room));
        expect(held([...kept, ...more])).toEqual([...kept, ...more.slice(0, room)]);
        add(more.slice(room));
        expect(held([...kept, ...more])).toEqual(more);
      },
    ),
  );
});

test('a key is as long as who asks says, and found under its own version', () => {
  const { cache } = open(4);
  cache.add(7, 0, Uint32Array.of(1, 2, 3, 4));
  cache.add(7, 1, keyOf(7));
  const short = new Uint32Array(4);
  expect([cache.find(7, 0, short), [...short]]).toEqual([true, [1, 2, 3, 4]]);
  const long = new Uint32Array(KEY_WORDS);
  expect([cache.find(7, 1, long), long]).toEqual([true, keyOf(7)]);
  expect(cache.find(7, 2, long)).toBe(false);
});

test('nothing stays of keys that are wiped, and it begins anew', () => {
  const { cache, add, held, inMemory } = open(3);
  add([1, 2, 3, 4]);
  cache.wipe();
  expect(held([1, 2, 3, 4])).toEqual([]);
  expect(inMemory([1, 2, 3, 4])).toEqual([]);
  add([5, 6, 7]);
  expect(held([5, 6, 7])).toEqual([5, 6, 7]);
  add([8]);
  expect(held([5, 6, 7, 8])).toEqual([6, 7, 8]);
});
