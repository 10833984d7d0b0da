import { expect, test } from 'vitest';
import { parseIp } from '../../../src/packet/address.js';
import { CANDIDATES_MAX, KeyRing, KeyRingError } from '../../../src/psp/key-ring.js';
import type { SaKey } from '../../../src/psp/keys-file.js';

const [ONE, OTHER] = [parseIp('192.0.2.1'), parseIp('192.0.2.2')];
const keys = (count: number, fields: Partial<SaKey> = {}): SaKey[] =>
  Array.from({ length: count }, (_, i) => ({
    spi: 5,
    version: 0,
    key: new Uint8Array(16).fill(i),
    ...fields,
  }));

test('under one SPI of one receiver there are 1024 keys at most; others have their own', () => {
  const full = [
    ...keys(CANDIDATES_MAX),
    ...keys(CANDIDATES_MAX, { receivers: [ONE, OTHER] }),
    ...keys(CANDIDATES_MAX, { spi: 6 }),
    ...keys(CANDIDATES_MAX, { version: 2 }),
  ];
  const ring = new KeyRing(full);
  // The receiver's own before those for any.
  const found = ring.find({ receiver: ONE, spi: 5, version: 0 });
  expect(found).toEqual([...full.slice(1024, 2048), ...full.slice(0, 1024)]);
  expect(() => new KeyRing([...full, ...keys(1, { receivers: [OTHER] })])).toThrow(KeyRingError);
  expect(() => new KeyRing([...full, ...keys(1, { receivers: [OTHER] })])).toThrow(
    'more than 1024 keys for SPI 0x00000005 of receiver 192.0.2.2; keep those of one run',
  );
  expect(() => new KeyRing([...full, ...keys(1)])).toThrow('of receiver any;');
});
