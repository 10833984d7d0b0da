import { expect, test } from 'vitest';
import { extensionFields, extensionWordsMax, firstExtensionWord } from '../../../src/psp/extension.js';
import { parsePspHeader, writePspHeader } from '../../../src/psp/header.js';
import { toHex } from '../../support/reference-vectors.js';

const WORDS = [0x11111111, 0x22222222, 0x33333333, 0x44444444];

test('words stand from the sixth of the header on, behind a fifth that is 0, and fill whole units of two', () => {
  const fields = WORDS.map((_, i) => toHex(extensionFields(WORDS.slice(0, i + 1), false)));
  expect(fields).toEqual([
    '0000000011111111',
    '00000000111111112222222200000000',
    '00000000111111112222222233333333',
    '000000001111111122222222333333334444444400000000',
  ]);
  expect([firstExtensionWord(false), extensionWordsMax(false)]).toEqual([6, 4]);
});

test('beside a cookie, which is the fifth and the sixth, they stand from the seventh on', () => {
  const fields = WORDS.slice(0, 3).map((_, i) => toHex(extensionFields(WORDS.slice(0, i + 1), true)));
  expect(fields).toEqual(['1111111100000000', '1111111122222222', '11111111222222223333333300000000']);
  expect([firstExtensionWord(true), extensionWordsMax(true)]).toEqual([7, 3]);
});

test('no words are no fields', () => {
  expect(extensionFields([], false)).toHaveLength(0);
  expect(extensionFields([], true)).toHaveLength(0);
});

test.each([false, true])(
  'word N is at octet 4 (N - 1) of a header that is written (cookie: %s)',
  (withCookie) => {
    const words = WORDS.slice(0, extensionWordsMax(withCookie));
    const header = new Uint8Array(40);
    const octets = writePspHeader(header, 0, {
      nextHeader: 4,
      cryptOffsetWords: 0,
      version: 1,
      spi: 5,
      iv: 0n,
      ...(withCookie ? { cookie: 0xa1a2a3a4a5a6a7a8n } : {}),
      extension: extensionFields(words, withCookie),
    });
    expect(octets).toBe(40);
    const view = new DataView(header.buffer);
    for (const [i, word] of words.entries())
      expect(view.getUint32(4 * (firstExtensionWord(withCookie) + i - 1))).toBe(word);
    expect(header[1]).toBe(4);
    if (withCookie) expect(parsePspHeader(header, 0).cookie).toBe(0xa1a2a3a4a5a6a7a8n);
  },
);
