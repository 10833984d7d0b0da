/** Records by slot in one block of memory. */
import { expect, test } from 'vitest';
import { RecordSlab } from '../../../src/hal-sim/record-slab.js';

test('where there is room for a slot the memory stays as it is', () => {
  const slab = new RecordSlab(16);
  slab.reserve(20);
  const { octets } = slab;
  const slots = octets.length / slab.recordOctets;
  for (const slot of [0, 20, slots - 1]) {
    slab.reserve(slot);
    expect(slab.octets).toBe(octets);
  }
  slab.reserve(slots);
  expect(slab.octets.length).toBeGreaterThan(octets.length);
});

test('records keep their octets while the memory grows, and what is given up is overwritten', () => {
  const protectedOctets: number[] = [];
  const slab = new RecordSlab(20, (octets) => {
    expect(octets.every((octet) => octet === 0)).toBe(true);
    protectedOctets.push(octets.length);
  });
  expect([slab.recordOctets, slab.recordWords]).toEqual([32, 8]);
  const slots = 50;
  const given = new Set<Uint8Array>();
  for (let slot = 0; slot < slots; slot++) {
    given.add(slab.octets);
    slab.reserve(slot);
    slab.octets.fill(slot + 1, slot * slab.recordOctets, (slot + 1) * slab.recordOctets);
  }
  given.delete(slab.octets);
  for (const former of given) expect(former.every((octet) => octet === 0)).toBe(true);
  for (let slot = 0; slot < slots; slot++) {
    expect(slab.words[slot * slab.recordWords]).toBe((slot + 1) * 0x01010101);
    expect(new Uint8Array(slab.doubles.buffer)[slot * slab.recordOctets]).toBe(slot + 1);
  }
  // Each time at least twice as much, so that growing costs little.
  expect(protectedOctets).toEqual([16, 32, 64].map((records) => records * slab.recordOctets));
  slab.reserve(1000);
  expect(slab.octets.length).toBe(1001 * slab.recordOctets);
  expect(slab.words[49 * slab.recordWords]).toBe(50 * 0x01010101);
});

test('clearing empties one record and no other, wiping all of them', () => {
  const slab = new RecordSlab(16);
  slab.octets.fill(7);
  slab.clear(2);
  const records = Array.from({ length: 5 }, (_, slot) => slab.octets.subarray(slot * 16, slot * 16 + 16));
  expect(records.map((octets) => octets.every((octet) => octet === 0))).toEqual([
    false,
    false,
    true,
    false,
    false,
  ]);
  expect(records.map((octets) => octets.every((octet) => octet === 7))).toEqual([
    true,
    true,
    false,
    true,
    true,
  ]);
  slab.wipe();
  expect(slab.octets.every((octet) => octet === 0)).toBe(true);
});
