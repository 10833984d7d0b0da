/** What a device's key tables hold and what is left in them. The tests hold the memory that is asked to be locked. */
import { describe, expect, test } from 'vitest';
import { KeyStore } from '../../../src/hal-sim/key-store.js';
import { deriveKey } from '../../../src/psp/key-derivation.js';
import { MasterKeys } from '../../../src/psp/master-keys.js';
import { openSimHarness } from '../../../src/verify/sim-harness.js';

const MASTER_KEYS = [new Uint8Array(32).fill(0x11), new Uint8Array(32).fill(0x22)] as const;
/** Of the second master key. */
const SECOND = 0x80000000;

/** A table's memory, whatever it grew out of included. */
class Memory {
  readonly #blocks: Uint8Array[] = [];
  readonly protect = (octets: Uint8Array): void => {
    this.#blocks.push(octets);
  };

  /** How often the key is there, whole or its last 16 octets. */
  count(key: Uint8Array): number {
    const end = Buffer.from(key.subarray(key.length - 16));
    let count = 0;
    for (const block of this.#blocks) {
      for (let at = block.indexOf(end[0]!); at >= 0; at = block.indexOf(end[0]!, at + 1)) {
        if (end.equals(block.subarray(at, at + 16))) count++;
      }
    }
    return count;
  }

  /** Octets that are not zero. */
  get used(): number {
    return this.#blocks.reduce((sum, block) => sum + block.filter((octet) => octet !== 0).length, 0);
  }
}

function open(cacheEntriesMax = 64): { store: KeyStore; memory: Memory } {
  const memory = new Memory();
  const masterKeys = new MasterKeys({
    fillRandom: (octets) => octets.fill(0x33),
    masterKeys: [MASTER_KEYS[0], MASTER_KEYS[1]],
  });
  return { store: new KeyStore(masterKeys, cacheEntriesMax, memory.protect), memory };
}

/** A packet under an SPI has come, and was authenticated. */
function receive(store: KeyStore, spi: number, version: 0 | 1 = 1): Uint8Array {
  const key = store.receiveKey(spi, version).slice();
  store.keepReceiveKey();
  return key;
}

const keyOf = (spi: number, version: 0 | 1 = 1) => deriveKey(MASTER_KEYS[spi >>> 31]!, spi, version);
const slotKey = (number: number, octets: 16 | 32 = 32) =>
  Uint8Array.from({ length: octets }, (_, i) => number * 40 + i);

describe('key slots', () => {
  test('hold each its key, for packets of a version of its length', () => {
    const { store } = open();
    for (const slot of [1, 2, 15, 16, 17, 100]) store.setSlot(slot, slotKey(slot % 5));
    store.setSlot(3, slotKey(3, 16));
    for (const slot of [1, 2, 15, 16, 17, 100]) expect(store.slotKey(slot, 1)).toEqual(slotKey(slot % 5));
    expect(store.slotKey(3, 0)).toEqual(slotKey(3, 16));
    expect(store.slotKey(3, 2)).toEqual(slotKey(3, 16));
    expect(store.slotKey(3, 1)).toBeNull();
    expect(store.slotKey(1, 0)).toBeNull();
    for (const slot of [4, 99, 101, 1000]) expect(store.slotKey(slot, 1)).toBeNull();
  });

  test('keep nothing of a key that is cleared, replaced by a shorter one, or moved as the table grows', () => {
    const { store, memory } = open();
    store.setSlot(1, slotKey(1));
    store.setSlot(2, slotKey(2));
    store.setSlot(1000, slotKey(3));
    expect([1, 2, 3].map((n) => memory.count(slotKey(n)))).toEqual([1, 1, 1]);
    store.clearSlot(1);
    store.setSlot(2, slotKey(4, 16));
    // Of a slot that the table has no place for, there is nothing to clear.
    store.clearSlot(5000);
    expect([1, 2, 3, 4].map((n) => memory.count(slotKey(n, n === 4 ? 16 : 32)))).toEqual([0, 0, 1, 1]);
    expect(store.slotKey(1, 1)).toBeNull();
    expect(store.slotKey(2, 0)).toEqual(slotKey(4, 16));
    expect(store.slotKey(1000, 1)).toEqual(slotKey(3));
  });
});

describe('keys of received SPIs', () => {
  test('are the same whether they are kept or derived anew, for each SPI and version', () => {
    const { store, memory } = open();
    for (let round = 0; round < 2; round++) {
      for (const spi of [1, 2, SECOND + 1]) {
        for (const version of [0, 1] as const)
          expect(receive(store, spi, version)).toEqual(keyOf(spi, version));
      }
    }
    expect(memory.count(keyOf(2))).toBe(1);
  });

  test('are kept once they have authenticated a packet, and not before', () => {
    const { store, memory } = open();
    store.receiveKey(7, 1);
    expect(memory.used).toBe(0);
    store.receiveKey(8, 1);
    store.keepReceiveKey();
    store.keepReceiveKey();
    expect([memory.count(keyOf(7)), memory.count(keyOf(8))]).toEqual([0, 1]);
    // That of 8 was there: what is kept now is no key that was asked for before it.
    store.receiveKey(9, 1);
    store.receiveKey(8, 1);
    store.keepReceiveKey();
    expect([memory.count(keyOf(9)), memory.count(keyOf(8))]).toEqual([0, 1]);
  });

  test('give way to others, oldest first, and nothing of them is left', () => {
    const { store, memory } = open(3);
    for (const spi of [1, 2, 3]) receive(store, spi);
    const shorter = receive(store, 4, 0);
    expect([1, 2, 3].map((spi) => memory.count(keyOf(spi)))).toEqual([0, 1, 1]);
    expect(memory.count(shorter)).toBe(1);
    receive(store, 5);
    expect([2, 3, 5].map((spi) => memory.count(keyOf(spi)))).toEqual([0, 1, 1]);
    for (const spi of [1, 2, 3, 5]) expect(receive(store, spi)).toEqual(keyOf(spi));
  });

  test('go with their master key, wherever they stand, and the others stay', () => {
    const { store, memory } = open();
    const first = [1, 2, 3];
    const second = first.map((spi) => SECOND + spi);
    for (let i = 0; i < 3; i++) {
      receive(store, first[i]!);
      receive(store, second[i]!);
    }
    // Replaces the second master key.
    store.rotate();
    expect(first.map((spi) => memory.count(keyOf(spi)))).toEqual([1, 1, 1]);
    expect(second.map((spi) => memory.count(keyOf(spi)))).toEqual([0, 0, 0]);
    for (const spi of first) expect(receive(store, spi)).toEqual(keyOf(spi));
    const fresh = deriveKey(new Uint8Array(32).fill(0x33), second[0]!, 1);
    expect(receive(store, second[0]!)).toEqual(fresh);
    store.rotate();
    expect(first.map((spi) => memory.count(keyOf(spi)))).toEqual([0, 0, 0]);
    expect(memory.count(fresh)).toBe(1);
  });
});

test('a device that is closed leaves no key in any of its tables', async () => {
  const memory = new Memory();
  const { hal } = await openSimHarness({ protect: memory.protect });
  const { keys } = await hal.generateKeys(32, 20);
  const slots = Array.from({ length: 20 }, (_, i) => ({
    cryptoId: i + 1,
    key: keys.subarray(i * 32, (i + 1) * 32),
  }));
  expect(await hal.setKeys(slots)).toEqual(slots.map(() => null));
  expect(slots.map(({ key }) => memory.count(key))).toEqual(slots.map(() => 1));
  await hal.close();
  expect(memory.used).toBe(0);
});

test('a store that is wiped has no key left, derived ones and the one that was asked for last included', () => {
  const { store, memory } = open();
  store.setSlot(1, slotKey(1));
  const last = [store.slotKey(1, 1)!, store.receiveKey(1, 0)];
  receive(store, 2);
  store.wipe();
  expect(memory.used).toBe(0);
  for (const key of last) expect(key.every((octet) => octet === 0)).toBe(true);
  expect(store.slotKey(1, 1)).toBeNull();
});
