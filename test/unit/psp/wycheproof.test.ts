/** Wycheproof's cases: those of PSP's shape through both engines, the others through the libraries underneath. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { cmac, gcm } from '@noble/ciphers/aes.js';
import { describe, expect, test } from 'vitest';
import type { AeadEngine } from '../../../src/psp/aead.js';
import { nobleEngine } from '../../../src/psp/aead-noble.js';
import { opensslEngine } from '../../../src/psp/aead-openssl.js';
import { type AeadVector, isOfPsp } from '../../support/aead-vectors.js';
import { fromHex, readVectors, toHex } from '../../support/reference-vectors.js';

/** One case through an engine: associated data, text and tag side by side in one frame, behind some other octets. */
function check(
  engine: AeadEngine,
  vector: AeadVector,
  aad: Uint8Array,
  plain: Uint8Array,
  cipher: Uint8Array,
): void {
  const before = 5;
  const encryptStart = before + aad.length;
  const end = encryptStart + plain.length;
  const frame = (text: Uint8Array, tag: Uint8Array) => {
    const octets = new Uint8Array(end + 16 + 3).fill(0xee);
    octets.set(aad, before);
    octets.set(text, encryptStart);
    octets.set(tag, end);
    return octets;
  };
  const key = fromHex(vector.key);
  const nonce = fromHex(vector.iv);
  const tag = fromHex(vector.tag);
  const sealed = frame(cipher, tag);
  const opened = sealed.slice();
  const ok = engine.open(key, nonce, opened, before, encryptStart, end);
  expect(ok, `case ${vector.tcId}`).toBe(vector.result === 'valid');
  // A frame that does not authenticate stays as it came.
  expect(toHex(opened)).toBe(toHex(ok ? frame(plain, tag) : sealed));
  const own = frame(plain, new Uint8Array(16));
  engine.seal(key, nonce, own, before, encryptStart, end);
  expect(toHex(own) === toHex(sealed), `case ${vector.tcId}`).toBe(vector.result === 'valid');
}

describe('AES-GCM', () => {
  const { tests } = readVectors<{ tests: AeadVector[] }>('wycheproof-aes-gcm.json');
  const psp = tests.filter(isOfPsp);

  test('there are 316 cases, 133 of them of the shape of PSP', () => {
    expect(tests).toHaveLength(316);
    expect(psp).toHaveLength(133);
  });

  test.each([opensslEngine, nobleEngine])('all 133 through $name', (engine) => {
    for (const vector of psp)
      check(engine, vector, fromHex(vector.aad!), fromHex(vector.msg), fromHex(vector.ct!));
  });

  test('the other 183 through both libraries', () => {
    const others = tests.filter((vector) => !isOfPsp(vector));
    expect(others).toHaveLength(183);
    for (const vector of others) {
      const valid = vector.result === 'valid';
      const [key, iv, aad, ct, tag] = [vector.key, vector.iv, vector.aad!, vector.ct!, vector.tag].map(
        fromHex,
      );
      const byNoble = () => toHex(gcm(key!, iv!, aad).decrypt(Uint8Array.from([...ct!, ...tag!])));
      // Nonces that are empty or very short are refused by the libraries, and invalid to Wycheproof as well.
      if (valid && vector.ivSize >= 64) expect(byNoble(), `case ${vector.tcId}`).toBe(vector.msg);
      else if (!valid) expect(byNoble, `case ${vector.tcId}`).toThrow();
      const byOpenssl = () => {
        const decipher = createDecipheriv(`aes-${vector.keySize}-gcm` as 'aes-128-gcm', key!, iv!, {
          authTagLength: 16,
        });
        decipher.setAAD(aad!);
        decipher.setAuthTag(tag!);
        const plain = decipher.update(ct!);
        decipher.final();
        return toHex(plain);
      };
      // Node takes nonces of up to 128 octets; Wycheproof has a few that are longer.
      if (valid && iv!.length <= 128) expect(byOpenssl(), `case ${vector.tcId}`).toBe(vector.msg);
      else if (valid) expect(vector.ivSize).toBeGreaterThan(1024);
      else expect(byOpenssl, `case ${vector.tcId}`).toThrow();
    }
  });
});

describe('AES-GMAC', () => {
  const { tests } = readVectors<{ tests: AeadVector[] }>('wycheproof-aes-gmac.json');
  const psp = tests.filter(isOfPsp);

  test('there are 414 cases', () => {
    expect(tests).toHaveLength(414);
    expect(psp.length).toBeGreaterThan(100);
  });

  test.each([opensslEngine, nobleEngine])('those of the shape of PSP through $name', (engine) => {
    for (const vector of psp)
      check(engine, vector, fromHex(vector.msg), new Uint8Array(0), new Uint8Array(0));
  });

  test('the others through OpenSSL', () => {
    const others = tests.filter((vector) => !isOfPsp(vector));
    expect(others.length + psp.length).toBe(414);
    for (const vector of others) {
      const cipher = createCipheriv(
        `aes-${vector.keySize}-gcm` as 'aes-128-gcm',
        fromHex(vector.key),
        fromHex(vector.iv),
      );
      cipher.setAAD(fromHex(vector.msg));
      cipher.final();
      const tag = toHex(cipher.getAuthTag()).slice(0, vector.tag.length);
      expect(tag === vector.tag, `case ${vector.tcId}`).toBe(vector.result === 'valid');
    }
  });
});

describe('AES-CMAC', () => {
  interface MacCase
    extends Pick<AeadVector, 'tcId' | 'keySize' | 'tagSize' | 'key' | 'msg' | 'tag' | 'result'> {}
  const { tests } = readVectors<{ tests: MacCase[] }>('wycheproof-aes-cmac.json');

  test('all 311 cases through the CMAC that key derivation uses', () => {
    expect(tests).toHaveLength(311);
    for (const vector of tests) {
      const key = fromHex(vector.key);
      // Keys that AES does not have are invalid, and refused.
      if (![16, 24, 32].includes(key.length)) {
        expect(vector.result).toBe('invalid');
        expect(() => cmac(fromHex(vector.msg), key)).toThrow();
        continue;
      }
      const tag = toHex(cmac(fromHex(vector.msg), key)).slice(0, vector.tag.length);
      expect(tag === vector.tag, `case ${vector.tcId}`).toBe(vector.result === 'valid');
    }
  });
});
