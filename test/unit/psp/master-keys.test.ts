/** Keys come from the master key that their SPI names, and nothing of a master key stays once it is gone. */
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { deriveKey, KeyDeriver, MASTER_KEY_OCTETS } from '../../../src/psp/key-derivation.js';
import { MasterKeys, SpiExhaustedError } from '../../../src/psp/master-keys.js';

/** All memory for keys that was asked for. */
const { given } = vi.hoisted(() => {
  // Other files of this process have loaded what is replaced here.
  vi.resetModules();
  return { given: [] as Uint8Array[] };
});
vi.mock('../../../src/psp/secret.js', async (original) => {
  const real = await original<typeof import('../../../src/psp/secret.js')>();
  const keep = (octets: Uint8Array) => {
    given.push(octets);
    return octets;
  };
  return {
    ...real,
    secretOctets: (length: number) => keep(real.secretOctets(length)),
    secretCopy: (key: Uint8Array) => keep(real.secretCopy(key)),
  };
});
beforeEach(() => {
  given.length = 0;
});
afterAll(() => {
  vi.doUnmock('../../../src/psp/secret.js');
  vi.resetModules();
});

const FIRST = new Uint8Array(MASTER_KEY_OCTETS).fill(0x11);
const SECOND = new Uint8Array(MASTER_KEY_OCTETS).fill(0x22);
const SPI_OF_SECOND = 0x80000000;
const VERSIONS = [0, 1, 2, 3] as const;
const octetsOf = (version: number) => (version % 2 === 0 ? 16 : 32);

/** What is not zero of the memory for keys. */
const held = () => given.filter((octets) => octets.some((octet) => octet !== 0));
const holds = (key: Uint8Array) => held().some((octets) => Buffer.from(octets).equals(key));

function open(firstSpi?: number) {
  let random = 0x30;
  return new MasterKeys({
    fillRandom: (octets) => octets.fill(random++),
    masterKeys: [FIRST, SECOND],
    ...(firstSpi === undefined ? {} : { firstSpi }),
  });
}

function derived(keys: MasterKeys, spi: number, version: number): Uint8Array {
  // Between other octets, which stay.
  const out = new Uint8Array(octetsOf(version) + 2).fill(0xee);
  keys.deriveInto(spi, version, out, 1);
  expect([out[0], out.at(-1)]).toEqual([0xee, 0xee]);
  return out.subarray(1, -1);
}

describe('keys', () => {
  test.each(VERSIONS)('of version %i are those of the master key that bit 31 of the SPI names', (version) => {
    const keys = open();
    for (const low of [1, 0x01020304, 0x7fffffff]) {
      expect(derived(keys, low, version)).toEqual(deriveKey(FIRST, low, version));
      const spi = SPI_OF_SECOND + low;
      expect(derived(keys, spi, version)).toEqual(deriveKey(SECOND, spi, version));
    }
  });

  test('are given out one after the other, with SPIs of the active master key from 1 on', () => {
    const keys = open();
    for (const version of VERSIONS) {
      const { spis, keys: octets } = keys.generate(version, 3);
      expect([...spis]).toEqual([1, 2, 3].map((n) => n + version * 3));
      const expected = [...spis].flatMap((spi) => [...deriveKey(FIRST, spi, version)]);
      expect([...octets]).toEqual(expected);
    }
    expect(keys.spisLeft).toBe(0x7fffffff - 12);
    keys.rotate();
    expect([keys.active, keys.rotations, keys.spisLeft]).toEqual([1, 1, 0x7fffffff]);
    expect([...keys.generate(1, 2).spis]).toEqual([SPI_OF_SECOND + 1, SPI_OF_SECOND + 2]);
    keys.rotate();
    expect([keys.active, keys.rotations]).toEqual([0, 2]);
    expect([...keys.generate(1, 1).spis]).toEqual([1]);
  });

  test('are given out to the last SPI, and not a part of what is asked for', () => {
    const keys = open(0x7ffffffe);
    expect(() => keys.generate(1, 3)).toThrow(SpiExhaustedError);
    expect(() => keys.generate(1, 3)).toThrow('3 SPIs asked for, 2 left under this master key; rotate it');
    expect([...keys.generate(1, 2).spis]).toEqual([0x7ffffffe, 0x7fffffff]);
    expect(keys.spisLeft).toBe(0);
    expect(() => keys.generate(1, 1)).toThrow(SpiExhaustedError);
  });
});

describe('a rotation', () => {
  test('replaces the master key that is not active by a fresh one, and keeps the other for one more', () => {
    const keys = open();
    keys.rotate();
    expect(derived(keys, 5, 1)).toEqual(deriveKey(FIRST, 5, 1));
    const spi = SPI_OF_SECOND + 5;
    const fresh = new Uint8Array(MASTER_KEY_OCTETS).fill(0x30);
    expect(derived(keys, spi, 1)).toEqual(deriveKey(fresh, spi, 1));
    keys.rotate();
    expect(derived(keys, 5, 1)).toEqual(deriveKey(new Uint8Array(MASTER_KEY_OCTETS).fill(0x31), 5, 1));
    expect(derived(keys, spi, 1)).toEqual(deriveKey(fresh, spi, 1));
  });

  test('leaves nothing in memory of the master key that it replaces', () => {
    const keys = open();
    const before = held().length;
    expect([holds(FIRST), holds(SECOND)]).toEqual([true, true]);
    keys.rotate();
    expect([holds(FIRST), holds(SECOND)]).toEqual([true, false]);
    keys.rotate();
    expect([holds(FIRST), holds(SECOND)]).toEqual([false, false]);
    // Each master key once, what CMAC takes of it, and the block that was encrypted last.
    expect(held().length).toBe(before);
    expect(before).toBe(6);
  });
});

test('what is wiped is gone from memory, however often', () => {
  const keys = open();
  keys.rotate();
  keys.wipe();
  keys.wipe();
  expect(held()).toEqual([]);
  expect(() => derived(keys, 1, 1)).toThrow();
});

test("a caller's master keys are copied, and stay as they are", () => {
  const [first, second] = [Buffer.from(FIRST), Buffer.from(SECOND)];
  const keys = new MasterKeys({ fillRandom: () => {}, masterKeys: [first, second] });
  keys.wipe();
  expect([first, second].map((key) => new Uint8Array(key))).toEqual([FIRST, SECOND]);
});

test.each([0, 16, 31, 33, 64])('a master key of %i octets is refused', (octets) => {
  expect(() => new KeyDeriver(new Uint8Array(octets))).toThrow(`master key of ${octets} octets; it has 32`);
});
