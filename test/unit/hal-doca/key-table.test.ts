import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyTable } from '../../../src/hal-doca/key-table.js';

const SLOTS = 256;

test('a table of keys finds what a map finds, after any adds and deletes', () => {
  // Keys of one octet meet each other's places often; those of many octets are grown with.
  const octets = fc.constantFrom(1, 2, 8, 28);
  const steps = fc.array(fc.record({ key: fc.nat({ max: 255 }), remove: fc.boolean() }), { maxLength: 400 });
  fc.assert(
    fc.property(octets, steps, (keyOctets, moves) => {
      const table = new KeyTable(keyOctets, SLOTS);
      const model = new Map<number, number>();
      const free = Array.from({ length: SLOTS }, (_, i) => i);
      const keyOf = (number: number) => new Uint8Array(keyOctets).fill(number, keyOctets - 1);
      for (const { key, remove } of moves) {
        const slot = model.get(key);
        if (slot === undefined) {
          const taken = free.splice((key * 7) % free.length, 1)[0]!;
          table.add(taken, keyOf(key));
          model.set(key, taken);
        } else if (remove) {
          table.delete(slot);
          model.delete(key);
          free.push(slot);
        }
        expect(table.find(keyOf(key))).toBe(model.get(key) ?? -1);
      }
      for (let key = 0; key < 256; key++) expect(table.find(keyOf(key))).toBe(model.get(key) ?? -1);
    }),
  );
});

test('a key of no octets is found once it is there', () => {
  const table = new KeyTable(0, 1);
  const key = new Uint8Array(0);
  expect(table.find(key)).toBe(-1);
  table.add(0, key);
  expect(table.find(key)).toBe(0);
  table.delete(0);
  expect(table.find(key)).toBe(-1);
});
