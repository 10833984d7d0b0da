/** Against the values that the hash's authors publish, for whole inputs and in pieces. */
import { expect, test } from 'vitest';
import { FNV1A_START, fnv1a, fnv1aStep, fnv1aText } from '../../../src/base/fnv1a.js';

test.each([
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['foobar', 0xbf9cf968],
])('of "%s"', (text, expected) => {
  const octets = new TextEncoder().encode(text);
  expect(fnv1a(octets, 0, octets.length) >>> 0).toBe(expected);
  expect(fnv1aText(text) >>> 0).toBe(expected);
  expect(octets.reduce(fnv1aStep, FNV1A_START) >>> 0).toBe(expected);
  expect(fnv1a(octets, 1, octets.length, fnv1a(octets, 0, Math.min(1, octets.length))) >>> 0).toBe(expected);
});
