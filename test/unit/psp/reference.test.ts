import { describe, expect, test } from 'vitest';
import { nobleEngine } from '../../../src/psp/aead-noble.js';
import { opensslEngine } from '../../../src/psp/aead-openssl.js';
import { decapsulate } from '../../../src/psp/decapsulate.js';
import { deriveKey, KeyDeriver, kdfCounterMode } from '../../../src/psp/key-derivation.js';
import { encapsulateAsReference } from '../../../src/psp/reference-tool.js';
import { fromHex, readVectors, referenceCases, toHex } from '../../support/reference-vectors.js';

const CASES = referenceCases();

describe.each([opensslEngine, nobleEngine])('the reference implementation, by $name', (engine) => {
  test.each(CASES)('$title: every frame is encrypted to the octet', (vector) => {
    for (const frame of vector.frames) {
      const options = {
        engine,
        mode: vector.mode,
        version: vector.version,
        spi: vector.spi,
        key: vector.derivedKey,
        iv: frame.iv,
        cryptOffsetWords: vector.cryptOffsetWords,
        cookie: vector.cookie,
      };
      expect(toHex(encapsulateAsReference(frame.cleartext, options))).toBe(toHex(frame.encrypted));
    }
  });

  test.each(CASES)('$title: every frame is decrypted to the octet', (vector) => {
    const derivers = vector.masterKeys.map((masterKey) => new KeyDeriver(masterKey));
    for (const { cleartext, encrypted } of vector.frames) {
      const result = decapsulate(encrypted, {
        engine,
        deriveKeyInto: (spi, version, out, offset) =>
          derivers[spi >>> 31]!.deriveInto(spi, version, out, offset),
      });
      expect('frame' in result ? toHex(result.frame) : result.failure).toBe(toHex(cleartext));
    }
  });
});

describe('key derivation', () => {
  test.each(CASES)('$title: the derived key', (vector) => {
    const masterKey = vector.masterKeys[vector.spi >>> 31 === 0 ? 0 : 1];
    expect(toHex(deriveKey(masterKey, vector.spi, vector.version))).toBe(toHex(vector.derivedKey));
    const many = new KeyDeriver(masterKey).deriveMany(Uint32Array.of(vector.spi), vector.version);
    expect(toHex(many)).toBe(toHex(vector.derivedKey));
  });

  test("NIST's cases of the KDF in counter mode with CMAC-AES-256", () => {
    interface Kdf108Case {
      lengthBits: number;
      key: string;
      fixedInput: string;
      output: string;
    }
    const { tests } = readVectors<{ tests: Kdf108Case[] }>('nist-kdf108-cmac-aes256.json');
    expect(tests).toHaveLength(9);
    for (const { lengthBits, key, fixedInput, output } of tests) {
      expect(toHex(kdfCounterMode(fromHex(key), fromHex(fixedInput), lengthBits))).toBe(output);
    }
  });

  // PSP Architecture Specification, appendix on key derivation.
  const K0 = fromHex('34448a064292601b11a0978f56a2d34cf3fc35ede1a6bc04f8db3e5243a2b0ca');
  const K1 = fromHex('563952565d3a78ae773ec1b779f2f2d99f4a7f53a6fbb9b07d5b71f39364d739');
  test.each([
    { version: 0, spi: 0x12345678, masterKey: K0, key: '96c22dc799198090b74b70ae468e4e30' },
    { version: 0, spi: 0x9a345678, masterKey: K1, key: '3946da2554eae46ad1ef77a64372edc4' },
    {
      version: 1,
      spi: 0x12345678,
      masterKey: K0,
      key: '2b7d72074e42ca334487f2990e3f8c4037e436f38283449b76463e9b7fb2e3de',
    },
  ] as const)('known answer: version $version, SPI $spi', ({ version, spi, masterKey, key }) => {
    expect(toHex(deriveKey(masterKey, spi, version))).toBe(key);
    const out = new Uint8Array(40);
    new KeyDeriver(masterKey).deriveInto(spi, version, out, 8);
    expect(toHex(out.subarray(8, 8 + key.length / 2))).toBe(key);
  });
});

test('the input is left as it was, also when it is a Buffer, whose slice is a view', () => {
  const vector = CASES[0]!;
  const clear = Buffer.from(vector.frames[0]!.cleartext);
  const before = toHex(clear);
  const { mode, version, spi, derivedKey: key, cryptOffsetWords, cookie } = vector;
  const options = { engine: opensslEngine, mode, version, spi, key, iv: 1n, cryptOffsetWords, cookie };
  const encrypted = Buffer.from(encapsulateAsReference(clear, options));
  expect(toHex(clear)).toBe(before);
  decapsulate(encrypted, { engine: opensslEngine, deriveKeyInto: (_spi, _version, out) => out.set(key) });
  expect(toHex(encrypted)).toBe(toHex(vector.frames[0]!.encrypted));
});

test('the vectors cover both modes, versions 0 and 1, both families, with and without cookie', () => {
  const shapes = new Set(CASES.map((c) => `${c.mode} ${c.version} ${c.inner} ${c.cookie}`));
  expect(shapes.size).toBe(16);
  expect(CASES.reduce((sum, c) => sum + c.frames.length, 0)).toBe(235);
});
