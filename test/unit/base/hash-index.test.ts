/** The index of slots against a Map. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HASH_INDEX_SLOTS_MAX, HashIndex, LOAD_MAX_LOOSE } from '../../../src/base/hash-index.js';

/** Keys are numbers, kept by slot, as an owner keeps them. */
class Keys {
  readonly keys: number[] = [];
  readonly index: HashIndex;
  /** How many keys were compared. */
  looks = 0;

  constructor(
    slotsMax: number,
    readonly hash: (key: number) => number,
    loadMax?: number,
  ) {
    this.index = new HashIndex(slotsMax, (slot) => hash(this.keys[slot]!), loadMax);
  }

  find(key: number): number {
    const hash = this.hash(key);
    for (let slot = this.index.first(hash); slot >= 0; slot = this.index.next(hash)) {
      this.looks++;
      if (this.keys[slot] === key) return slot;
    }
    return -1;
  }

  add(slot: number, key: number): void {
    this.keys[slot] = key;
    this.index.add(slot, this.hash(key));
  }

  remove(slot: number): void {
    this.index.remove(slot, this.hash(this.keys[slot]!));
  }
}

const spread = (key: number) => Math.imul(key + 1, 0x9e3779b1) ^ (key << 7);
const HASHES: Record<string, (key: number) => number> = {
  'all bits': spread,
  'all bits, without a sign': (key) => spread(key) >>> 0,
  // All in one row, around the end of the array.
  'few low bits': (key) => (key % 3) - 2,
  'high bits only': (key) => key << 27,
  'none at all': () => 31,
};

test.each(Object.entries(HASHES))('it finds what a map finds, by hashes of %s', (_, hash) => {
  const step = fc.record({ key: fc.nat({ max: 120 }), removes: fc.boolean(), slot: fc.nat({ max: 255 }) });
  const slotsMax = fc.constantFrom(256, 300, HASH_INDEX_SLOTS_MAX);
  const loadMax = fc.constantFrom(undefined, LOAD_MAX_LOOSE);
  fc.assert(
    fc.property(slotsMax, loadMax, fc.array(step, { maxLength: 300 }), (slots, load, steps) => {
      const keys = new Keys(slots, hash, load);
      const model = new Map<number, number>();
      const used = new Set<number>();
      for (const { key, removes, slot } of steps) {
        const held = model.get(key);
        if (held === undefined) {
          if (used.has(slot)) continue;
          keys.add(slot, key);
          model.set(key, slot);
          used.add(slot);
        } else if (removes) {
          keys.remove(held);
          model.delete(key);
          used.delete(held);
        }
        expect(keys.find(key)).toBe(model.get(key) ?? -1);
      }
      for (let key = 0; key <= 120; key++) expect(keys.find(key)).toBe(model.get(key) ?? -1);
      expect([...keys.index.slots()].sort()).toEqual([...used].sort());
      keys.index.clear();
      for (const key of model.keys()) expect(keys.find(key)).toBe(-1);
      for (const [key, slot] of model) keys.add(slot, key);
      for (const [key, slot] of model) expect(keys.find(key)).toBe(slot);
    }),
  );
});

test('slots go up to the last one, and no further', () => {
  for (const slotsMax of [1, 2, 255, 256, 2 ** 24, HASH_INDEX_SLOTS_MAX]) {
    const index = new HashIndex(slotsMax, () => 0);
    index.add(slotsMax - 1, -1);
    expect(index.first(-1)).toBe(slotsMax - 1);
    expect(index.next(-1)).toBe(-1);
    expect(() => index.add(2 * slotsMax + 1, 7)).toThrow(RangeError);
    expect(index.first(7)).toBe(-1);
  }
  expect(() => new HashIndex(HASH_INDEX_SLOTS_MAX + 1, () => 0)).toThrow(RangeError);
});

test('of a hundred thousand keys hardly one is compared in vain', () => {
  const keys = new Keys(2 ** 24 - 1, (key) => {
    const hash = Math.imul(key ^ (key >>> 15), 0x85ebca77);
    return Math.imul(hash ^ (hash >>> 13), 0xc2b2ae3d);
  });
  const COUNT = 100_000;
  for (let key = 0; key < COUNT; key++) keys.add(key, key);
  const wrong = () => Array.from({ length: COUNT }, (_, key) => key).filter((key) => keys.find(key) !== key);
  expect(wrong()).toEqual([]);
  expect(keys.looks - COUNT).toBeLessThan(COUNT / 20);
  keys.looks = 0;
  const others = Array.from({ length: COUNT }, (_, i) => COUNT + i);
  expect(others.filter((key) => keys.find(key) >= 0)).toEqual([]);
  expect(keys.looks).toBeLessThan(COUNT / 10);
});

test('it does not grow for slots that come and go', () => {
  let asked = 0;
  const index = new HashIndex(4, (slot) => {
    asked++;
    return slot;
  });
  for (let i = 0; i < 1000; i++) {
    index.add(i % 4, i % 4);
    index.remove(i % 4, i % 4);
  }
  expect(asked).toBe(0);
});
