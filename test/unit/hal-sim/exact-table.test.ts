import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.js';
import { pipeOfId, SlotPool } from '../../../src/hal/slot-pool.js';
import { DerivedKeyCache } from '../../../src/hal-sim/derived-key-cache.js';
import { ExactTable } from '../../../src/hal-sim/exact-table.js';
import { RecordSlab } from '../../../src/hal-sim/record-slab.js';

test('the exact-match table finds what a map finds, through any sequence of insertions and removals', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3 }),
      fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 60 })), { maxLength: 400 }),
      (keyWords, steps) => {
        const slab = new RecordSlab(8 + keyWords * 4);
        const table = new ExactTable(slab, 2, keyWords);
        const map = new Map<string, number>();
        const free = Array.from({ length: 61 }, (_, i) => i);
        // Keys that differ in the last word only, and in high bits only.
        const keyOf = (n: number) =>
          Uint32Array.from({ length: keyWords }, (_, word) =>
            word === keyWords - 1 ? n & 7 : (n >>> 3) << 28,
          );
        for (const [insert, n] of steps) {
          const key = keyOf(n);
          const name = key.join();
          expect(table.find(key, 0)).toBe(map.get(name) ?? -1);
          if (insert && !map.has(name)) {
            const slot = free.pop()!;
            slab.reserve(slot);
            table.insert(slot, key, 0);
            map.set(name, slot);
          } else if (!insert && map.has(name)) {
            table.remove(map.get(name)!);
            free.push(map.get(name)!);
            map.delete(name);
          }
        }
        for (let n = 0; n <= 60; n++) expect(table.find(keyOf(n), 0)).toBe(map.get(keyOf(n).join()) ?? -1);
      },
    ),
  );
});

test('among so many keys that some have equal hashes, each is told from the others', () => {
  const keys = 250_000;
  const slab = new RecordSlab(8);
  const table = new ExactTable(slab, 0, 2);
  const random = seededRandom(7);
  const words = Uint32Array.from({ length: keys * 2 }, () => random.uint32());
  let wrong = 0;
  for (let n = 0; n < keys; n++) {
    if (table.find(words, n * 2) !== -1) wrong++;
    slab.reserve(n);
    table.insert(n, words, n * 2);
  }
  for (let n = 0; n < keys; n++) {
    if (table.find(words, n * 2) !== n) wrong++;
  }
  expect(wrong).toBe(0);
});

test('entry ids name their pipe, are found while their slot is theirs, and never come back', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 200 }),
      (capacity, pipes, steps) => {
        const pipe = pipes - 1;
        const pool = new SlotPool(capacity, pipe, pipes);
        const live = new Map<number, number>();
        const seen = new Set<number>();
        for (const step of steps) {
          if (step % 3 === 0 && live.size > 0) {
            const [id, slot] = [...live][step % live.size];
            expect(pool.slotOf(id as never)).toBe(slot);
            pool.release(slot);
            live.delete(id);
            expect(pool.slotOf(id as never)).toBe(-1);
            continue;
          }
          const slot = pool.take();
          if (live.size === capacity) {
            expect(slot).toBe(-1);
            continue;
          }
          const id = pool.idOf(slot);
          expect(seen.has(id)).toBe(false);
          expect(pipeOfId(id, pipes)).toBe(pipe);
          seen.add(id);
          live.set(id, slot);
        }
        for (const id of seen) expect(pool.slotOf(id as never)).toBe(live.get(id) ?? -1);
        expect([...pool.slots()].sort()).toEqual([...live.values()].sort());
      },
    ),
  );
});

test('the derived key cache keeps the newest keys, and none of an evicted master key', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.boolean()), {
        maxLength: 80,
        selector: ([low, high]) => `${low} ${high}`,
      }),
      fc.constantFrom(0, 1),
      (entriesMax, spis, evicted) => {
        const cache = new DerivedKeyCache(entriesMax);
        const numbers = spis.map(([low, high]) => (low | (high ? 0x80000000 : 0)) >>> 0);
        for (const spi of numbers) cache.add(spi, 1, new Uint32Array(8).fill(spi ^ 0x5a5a));
        const out = new Uint32Array(8);
        const held = numbers.slice(-entriesMax);
        for (const spi of numbers) {
          expect(cache.find(spi, 0, out)).toBe(false);
          expect(cache.find(spi, 1, out)).toBe(held.includes(spi));
          if (held.includes(spi)) expect(out).toEqual(new Uint32Array(8).fill(spi ^ 0x5a5a));
        }
        cache.evict(evicted);
        const kept = held.filter((spi) => spi >>> 31 !== evicted);
        for (const spi of numbers) {
          expect(cache.find(spi, 1, out)).toBe(kept.includes(spi));
          if (kept.includes(spi)) expect(out).toEqual(new Uint32Array(8).fill(spi ^ 0x5a5a));
        }
        // What was evicted makes room, and all of it.
        const more = Array.from({ length: entriesMax - kept.length }, (_, i) => 1000 + i);
        for (const spi of more) cache.add(spi, 1, new Uint32Array(8).fill(spi));
        for (const spi of [...kept, ...more]) expect(cache.find(spi, 1, out)).toBe(true);
      },
    ),
  );
});
