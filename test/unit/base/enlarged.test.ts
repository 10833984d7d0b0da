import { expect, test } from 'vitest';
import { enlarged } from '../../../src/base/enlarged.js';

test('an array that is long enough stays the same one', () => {
  const array = new Uint8Array([1, 2, 3]);
  expect(enlarged(array, 3)).toBe(array);
});

test('a larger one is of the same kind, begins as the former, and ends with zeros', () => {
  for (const array of [
    new Uint8Array([1, 2, 3]),
    new Uint32Array([1, 2, 2 ** 32 - 1]),
    new Int32Array([1, 2, -3]),
    new Float64Array([1, 2, 0.5]),
  ]) {
    const larger = enlarged(array, 4);
    expect(larger.constructor).toBe(array.constructor);
    expect([...larger]).toEqual([...array, 0, 0, 0]);
  }
});

test('it doubles, or is as long as asked for, and no longer than it may be', () => {
  const array = new Uint8Array(10);
  expect(enlarged(array, 11)).toHaveLength(20);
  expect(enlarged(array, 50)).toHaveLength(50);
  expect(enlarged(array, 11, 15)).toHaveLength(15);
  expect(enlarged(array, 16, 15)).toHaveLength(16);
});
