/** The table of keys against a map and a set. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.js';
import { KnownKeys } from '../../../src/topology/known-keys.js';

const MAX = 2 ** 53 - 2;

test('it knows what was made and who uses what, whatever the order, and keys that lie close together', () => {
  const key = fc.oneof(fc.nat(50), fc.integer({ min: MAX - 50, max: MAX }), fc.integer({ min: 0, max: MAX }));
  const step = fc.record({ key, user: fc.integer({ min: 0, max: 3 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new KnownKeys();
      const made = new Set<number>();
      const users = new Map<number, number>();
      for (const { key: one, user } of steps) {
        if (user === 0) {
          expect(table.make(one)).toBe(made.has(one));
          made.add(one);
        } else {
          expect(table.use(one, user)).toBe(users.get(one) ?? 0);
          users.set(one, user);
        }
      }
    }),
  );
});

test('it grows, and forgets nothing', () => {
  const table = new KnownKeys();
  const random = seededRandom(5);
  const keys = Array.from(
    { length: 20_000 },
    () => (random.uint32() & 0x1f_ffff) * 2 ** 32 + random.uint32(),
  );
  for (const [i, key] of keys.entries()) {
    expect(table.make(key)).toBe(false);
    expect(table.use(key, 1 + (i % 7))).toBe(0);
  }
  for (const [i, key] of keys.entries()) {
    expect(table.make(key)).toBe(true);
    expect(table.use(key, 1 + (i % 7))).toBe(1 + (i % 7));
  }
});
