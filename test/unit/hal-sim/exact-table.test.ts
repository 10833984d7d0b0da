/** Tables of exact matches: they find what a map finds, and compare few keys to do so. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.js';
import { ExactTable } from '../../../src/hal-sim/exact-table.js';
import { RecordSlab } from '../../../src/hal-sim/record-slab.js';

// First, and small: a search that does not end is noticed soon.
test.each([
  ['a few keys', 5],
  ['as many as fit before it grows, and more', 40],
])('each of %s is found while it is in the table, and no other', (_, count) => {
  const slab = new RecordSlab(8);
  const table = new ExactTable(slab, 0, 2);
  // Those behind `count` are never put in.
  const keys = Uint32Array.from(Array.from({ length: count + 5 }, (_, n) => [n << 28, n]).flat());
  const found = () => Array.from({ length: count + 5 }, (_, n) => table.find(keys, 2 * n));
  const expected: number[] = new Array(count + 5).fill(-1);
  expect(found()).toEqual(expected);
  for (let n = 0; n < count; n++) {
    slab.reserve(n);
    table.insert(n, keys, 2 * n);
    expected[n] = n;
  }
  expect(found()).toEqual(expected);
  for (let n = 0; n < count; n += 2) {
    table.remove(n);
    expected[n] = -1;
  }
  expect(found()).toEqual(expected);
  expect([...table.slots()].sort((a, b) => a - b)).toEqual(expected.filter((slot) => slot >= 0));
  for (let n = 0; n < count; n += 2) {
    table.insert(n, keys, 2 * n);
    expected[n] = n;
  }
  expect(found()).toEqual(expected);
});

test('the exact-match table finds what a map finds, through any sequence of insertions and removals', () => {
  const KEYS = 61;
  const KEY_AT = 2;
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3 }),
      fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: KEYS - 1 })), { maxLength: 400 }),
      (keyWords, steps) => {
        const slab = new RecordSlab(4 * (KEY_AT + keyWords));
        const table = new ExactTable(slab, KEY_AT, keyWords);
        const map = new Map<string, number>();
        const free = Array.from({ length: KEYS }, (_, i) => i);
        // Keys that differ in the last word only, and in high bits only; they stand one behind the other.
        const keys = Uint32Array.from({ length: KEYS * keyWords }, (_, i) => {
          const n = Math.floor(i / keyWords);
          return i % keyWords === keyWords - 1 ? n & 7 : (n >>> 3) << 28;
        });
        const nameOf = (n: number) => keys.subarray(n * keyWords, (n + 1) * keyWords).join();
        const found = (n: number) => table.find(keys, n * keyWords);
        for (const [insert, n] of steps) {
          const name = nameOf(n);
          const slot = map.get(name);
          if (found(n) !== (slot ?? -1)) expect.fail(`key ${n}: ${found(n)}, and not ${slot}`);
          if (insert && slot === undefined) {
            const own = free.pop()!;
            slab.reserve(own);
            // What stands before the key is not the table's.
            slab.words.fill(own, own * slab.recordWords, own * slab.recordWords + KEY_AT);
            table.insert(own, keys, n * keyWords);
            map.set(name, own);
          } else if (!insert && slot !== undefined) {
            table.remove(slot);
            free.push(slot);
            map.delete(name);
          }
        }
        const numbers = Array.from({ length: KEYS }, (_, n) => n);
        expect(numbers.map(found)).toEqual(numbers.map((n) => map.get(nameOf(n)) ?? -1));
        expect([...table.slots()].sort()).toEqual([...map.values()].sort());
        const before = [...map.values()].map((slot) => slab.words[slot * slab.recordWords + KEY_AT - 1]);
        expect(before).toEqual([...map.values()]);
        table.clear();
        expect(numbers.map(found)).toEqual(numbers.map(() => -1));
        expect([...table.slots()]).toEqual([]);
      },
    ),
  );
});

test('a look-up compares about one key, whatever the bits in which keys differ', () => {
  const count = 1000;
  const random = seededRandom(5);
  const kinds: Record<string, (n: number) => [number, number]> = {
    'the low bits of the first word': (n) => [n, 1],
    'the low bits of the last word': (n) => [1, n],
    'the high bits of the first word': (n) => [n << 20, 1],
    'the high bits of the last word': (n) => [1, n << 20],
    'both words, alike': (n) => [n, n],
    'all bits': () => [random.uint32(), random.uint32()],
  };
  for (const [kind, keyOf] of Object.entries(kinds)) {
    const slab = new RecordSlab(8);
    slab.reserve(count);
    let compared = 0;
    // The table reads a key's first word whenever it compares the key.
    const counted = {
      recordWords: slab.recordWords,
      words: new Proxy(slab.words, {
        get: (words, at) => {
          if (typeof at === 'string' && Number(at) % slab.recordWords === 0) compared++;
          return Reflect.get(words, at);
        },
      }),
    };
    const table = new ExactTable(counted as unknown as RecordSlab, 0, 2);
    const keys = Uint32Array.from(Array.from({ length: count }, (_, n) => keyOf(n)).flat());
    for (let n = 0; n < count; n++) table.insert(n, keys, 2 * n);
    compared = 0;
    const slots = Array.from({ length: count }, (_, n) => table.find(keys, 2 * n));
    expect(slots, kind).toEqual(Array.from({ length: count }, (_, n) => n));
    expect(compared, kind).toBeGreaterThanOrEqual(count);
    expect(compared, kind).toBeLessThan(1.2 * count);
  }
});
