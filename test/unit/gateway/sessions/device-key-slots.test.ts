/** A key slot is given out again when its key is wiped, no entry names it, and it has rested: not before, and once. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createVirtualClock, type VirtualClock } from '../../../../src/base/virtual-clock.js';
import { DeviceKeySlots } from '../../../../src/gateway/sessions/device-key-slots.js';
import { SLOT_REST_MS } from '../../../../src/gateway/sessions/key-slots.js';
import { HalError } from '../../../../src/hal/errors.js';

const COUNT = 3;
let clock: VirtualClock;
let slots: DeviceKeySlots;
/** What the device was asked to wipe. */
let wiped: number[][];
let named: Set<number>;
let failing: boolean;
let uncleared: number;

beforeEach(() => {
  clock = createVirtualClock();
  wiped = [];
  named = new Set();
  failing = false;
  uncleared = 0;
  slots = new DeviceKeySlots({
    hal: {
      clearKeys: async (some) => {
        wiped.push([...some]);
        if (failing) throw new HalError('IO_FAILED', 'stuck');
      },
    },
    clock,
    count: COUNT,
    isNamed: (slot) => named.has(slot),
    onUncleared: () => uncleared++,
  });
});

test('slots are taken all together or not at all', () => {
  expect(slots.take(2)).toEqual([1, 2]);
  expect(() => slots.take(2)).toThrow('2 key slots wanted, 1 free');
  expect(() => slots.take(2)).toThrow(expect.objectContaining({ code: 'RESOURCE_EXHAUSTED' }));
  expect(slots.used).toBe(2);
  expect(slots.take(0)).toEqual([]);
});

describe('a slot that is freed', () => {
  test('has its key wiped, and rests before it is somebody else’s', async () => {
    slots.take(COUNT);
    await slots.free([2]);
    expect([wiped, slots.used]).toEqual([[[2]], 2]);
    expect(() => slots.take(1)).toThrow('0 free');
    expect(slots.waitMs(1)).toBe(SLOT_REST_MS);
    await clock.advance(SLOT_REST_MS);
    expect([slots.waitMs(1), slots.take(1)]).toEqual([0, [2]]);
  });

  test('is nobody’s as long as an entry names it, though its key is wiped; the others of the batch are free', async () => {
    slots.take(COUNT);
    named.add(2);
    await slots.free([1, 2]);
    expect([wiped, slots.used, slots.uncleared, uncleared]).toEqual([[[1, 2]], 2, 0, 0]);
    await clock.advance(SLOT_REST_MS);
    expect(slots.take(1)).toEqual([1]);
    expect(() => slots.take(1)).toThrow('0 free');
    named.clear();
    await slots.free([2]);
    await clock.advance(SLOT_REST_MS);
    expect(slots.take(1)).toEqual([2]);
  });

  test('is nobody’s as long as the device does not wipe its key, which is tried again', async () => {
    slots.take(COUNT);
    failing = true;
    await slots.free([1, 3]);
    await slots.free([2]);
    expect([slots.used, slots.uncleared, uncleared]).toEqual([3, 3, 2]);
    await clock.advance(10 * SLOT_REST_MS);
    expect(() => slots.take(1)).toThrow('0 free');
    await slots.retry();
    expect([slots.used, slots.uncleared, uncleared]).toEqual([3, 3, 3]);
    failing = false;
    await slots.retry();
    expect([wiped.at(-1), slots.used, slots.uncleared]).toEqual([[1, 3, 2], 0, 0]);
    expect(() => slots.take(1)).toThrow('0 free');
    await clock.advance(SLOT_REST_MS);
    expect(slots.take(COUNT)).toEqual([1, 3, 2]);
  });

  test('is given back once, also where its wipe is tried again', async () => {
    slots.take(COUNT);
    failing = true;
    await slots.free([1]);
    failing = false;
    await slots.retry();
    await slots.retry();
    expect([slots.used, wiped]).toEqual([2, [[1], [1]]]);
  });
});

test('the device is not called for no slot', async () => {
  await slots.free([]);
  await slots.retry();
  expect([wiped, slots.used]).toEqual([[], 0]);
});
