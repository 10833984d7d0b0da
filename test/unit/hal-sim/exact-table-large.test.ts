/** A table of as many keys as a large gateway's pipe has: the one test of these tables that takes long. */
import { expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.js';
import { ExactTable } from '../../../src/hal-sim/exact-table.js';
import { RecordSlab } from '../../../src/hal-sim/record-slab.js';

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
