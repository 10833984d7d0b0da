import { expect, test } from 'vitest';
import { IvExhaustedError, IvSource, randomFirstIv } from '../../../src/psp/iv.js';
import { toHex } from '../../support/reference-vectors.js';

/** The next IV of a source, written between other octets, which stay. */
function next(source: IvSource): string {
  const octets = new Uint8Array(12).fill(0xee);
  source.next(octets, 2);
  const text = toHex(octets);
  expect([text.slice(0, 4), text.slice(-4)]).toEqual(['eeee', 'eeee']);
  return text.slice(4, -4);
}

test.each([
  [0n, ['0000000000000000', '0000000000000001', '0000000000000002']],
  [0x0102030405060708n, ['0102030405060708', '0102030405060709']],
  [0xff_ffff_fffen, ['000000fffffffffe', '000000ffffffffff', '0000010000000000', '0000010000000001']],
  [0xf0e0d0c0_ffffffffn, ['f0e0d0c0ffffffff', 'f0e0d0c100000000', 'f0e0d0c100000001']],
])('IVs from %i on are each one more, in network order', (first, texts) => {
  const source = new IvSource(first);
  expect(texts.map(() => next(source))).toEqual(texts);
});

test('behind the last IV there is none, and nothing is written', () => {
  const source = new IvSource(0xffff_ffff_ffff_fffen);
  expect([next(source), next(source)]).toEqual(['fffffffffffffffe', 'ffffffffffffffff']);
  const octets = new Uint8Array(8);
  for (let i = 0; i < 2; i++) expect(() => source.next(octets, 0)).toThrow(IvExhaustedError);
  expect(octets).toEqual(new Uint8Array(8));
  expect(() => source.next(octets, 0)).toThrow('the 64-bit IV has run out');
});

test('the first IV is what is drawn, 8 octets of it, in the lower half', () => {
  const draw = (octets: readonly number[]) =>
    randomFirstIv((out) => {
      expect(out.length).toBe(8);
      out.set(octets);
    });
  expect(draw([0x02, 0x04, 0x06, 0x08, 0x0a, 0x0c, 0x0e, 0x11])).toBe(0x0102030405060708n);
  expect(draw(new Array(8).fill(0xff))).toBe(2n ** 63n - 1n);
  expect(draw(new Array(8).fill(0))).toBe(0n);
});
