/** What names something is not given to something else while anything of its former meaning is alive: part by part. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../../src/base/virtual-clock.js';
import type { GatewayEvent } from '../../../src/gateway/events.js';
import { applyAll } from '../../../src/gateway/pipeline/apply.js';
import { Leftovers } from '../../../src/gateway/pipeline/leftovers.js';
import {
  decodeMultiTunnelResponse,
  decodeNewTunnelResponse,
  encodeMultiTunnelResponse,
  encodeNewTunnelResponse,
} from '../../../src/gateway/rpc/tunnel-messages.js';
import { KeyDraw } from '../../../src/gateway/sessions/key-draw.js';
import { KeySlots, SLOT_REST_MS } from '../../../src/gateway/sessions/key-slots.js';
import { SpiBook } from '../../../src/gateway/sessions/spi-book.js';
import { HalError } from '../../../src/hal/errors.js';
import type { EntryId, EntryOperation, EntryResult, PipeHal } from '../../../src/hal/hal.js';

describe('SPIs', () => {
  test('are given out once under a master key that lives, whatever the order, and zero never', () => {
    const operation = fc.oneof(
      { weight: 20, arbitrary: fc.nat({ max: 40 }) },
      { weight: 1, arbitrary: fc.constant('rotate' as const) },
    );
    fc.assert(
      fc.property(
        fc.array(operation, { minLength: 60, maxLength: 200 }),
        fc.nat({ max: 9 }),
        (operations, most) => {
          const book = new SpiBook(most);
          let [active, former] = [new Set<number>(), new Set<number>()];
          const ranges = () => [...active].filter((spi) => !active.has(spi - 1)).length;
          for (const one of operations) {
            if (one === 'rotate') {
              book.rotate();
              [active, former] = [new Set(), active];
              continue;
            }
            const free = one !== 0 && !active.has(one) && !former.has(one);
            expect(book.take(one)).toBe(free);
            if (free) active.add(one);
            expect([book.given, book.full]).toEqual([active.size, ranges() >= most]);
          }
        },
      ),
    );
    const book = new SpiBook();
    expect(book.take(0x8000_0000)).toBe(false);
    expect(book.take(0xffff_ffff)).toBe(true);
    expect(book.take(0xffff_ffff)).toBe(false);
  });

  test('that an entry still names are not given out, through any number of rotations', () => {
    const book = new SpiBook();
    expect(book.take(7)).toBe(true);
    book.hold(7);
    for (let i = 0; i < 5; i++) {
      book.rotate();
      expect(book.take(7)).toBe(false);
    }
    book.release(7);
    expect(book.take(7)).toBe(true);
  });

  test('are counted, and a device that scatters them is at an end after so many ranges', () => {
    const book = new SpiBook(4);
    for (const spi of [10, 20, 30]) expect(book.take(spi)).toBe(true);
    expect(book.full).toBe(false);
    expect(book.take(11)).toBe(true);
    expect(book.take(12)).toBe(true);
    expect(book.full).toBe(false);
    expect(book.take(40)).toBe(true);
    expect([book.full, book.given]).toEqual([true, 6]);
    book.rotate();
    expect([book.full, book.given]).toEqual([false, 0]);
  });

  /** A device that gives out SPIs from a list, and counts its calls. */
  const deviceWith = (spis: number[], { keysPerBatch = 1000, book = new SpiBook() } = {}) => {
    let at = 0;
    const device: { error: Error | undefined } = { error: undefined };
    const calls: number[] = [];
    const hal = {
      device: { limits: { keysPerBatch } },
      generateKeys: async (octets: 16 | 32, count: number) => {
        calls.push(count);
        if (device.error !== undefined) throw device.error;
        const some = Uint32Array.from({ length: count }, () => spis[at++] ?? 1);
        const keys = new Uint8Array(count * octets);
        some.forEach((spi, i) => {
          keys.fill(spi & 0xff, i * octets, (i + 1) * octets);
        });
        return { spis: some, keys, keyLengthOctets: octets };
      },
    } as unknown as PipeHal;
    const told: string[] = [];
    const deps = {
      hal,
      shortageListener: {
        onSpisExhausted: () => told.push('exhausted'),
        onSpisLow: () => told.push('low'),
      },
      observe: (event: GatewayEvent) => {
        if (event.type === 'spi-use') told.push(`${event.given} given, ${event.left} left`);
      },
    };
    const draw = new KeyDraw(deps, book);
    return { draw, calls, told, device };
  };

  test('are drawn again where the device repeats itself, and each comes with its own key', async () => {
    const { draw, calls } = deviceWith([1, 2, 1, 3, 2, 4, 5, 6]);
    expect([...(await draw.draw(0, 2)).spis]).toEqual([1, 2]);
    const { spis, keys } = await draw.draw(0, 2);
    expect([...spis]).toEqual([3, 4]);
    expect([keys[0], keys[15], keys[16], keys[31]]).toEqual([3, 3, 4, 4]);
    expect(draw.refused).toBe(2);
    expect(calls).toEqual([2, 2, 4]);
  });

  test('are drawn again a few times only; then the request is refused, and a rotation is due', async () => {
    const { draw, calls, told } = deviceWith([1]);
    await draw.draw(1, 1);
    await expect(draw.draw(1, 1)).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    expect(calls).toEqual([1, 1, 2, 4, 8, 16, 32, 64, 128]);
    expect(draw.refused).toBe(255);
    expect(told).toEqual(['low']);
    // Once for each master key.
    await expect(draw.draw(1, 1)).rejects.toThrow();
    expect(told).toEqual(['low']);
    draw.rotate();
    await expect(draw.draw(1, 1)).rejects.toThrow();
    expect(told).toEqual(['low', 'low']);
  });

  test('are told of when an eighth and a quarter of them are used, and at a half the rotation is', async () => {
    const all = 2 ** 31 - 1;
    const book = { take: () => true, given: 0, full: false, rotate: () => {} };
    const { draw, told } = deviceWith([], { book: book as unknown as SpiBook });
    const use = async (given: number) => {
      book.given = given;
      await draw.draw(0, 1);
      return told.splice(0);
    };
    const [eighth, quarter, half] = [2 ** 28 - 1, 2 ** 29 - 1, 2 ** 30 - 1];
    const line = (given: number) => `${given} given, ${all - given} left`;
    expect(await use(eighth)).toEqual([]);
    expect(await use(eighth + 1)).toEqual([line(eighth + 1)]);
    expect(await use(quarter)).toEqual([]);
    expect(await use(quarter + 1)).toEqual([line(quarter + 1)]);
    expect(await use(half)).toEqual([]);
    expect(await use(half + 1)).toEqual(['low']);
    draw.rotate();
    expect(await use(1)).toEqual([]);
    // Both at once are one line.
    expect(await use(quarter + 1)).toEqual([line(quarter + 1)]);
    draw.rotate();
    expect(await use(half + 1)).toEqual(['low']);
  });

  test('are asked of the device in batches that it can give', async () => {
    const { draw, calls } = deviceWith([1, 1, 1, 1, 1, 1, 2, 3, 4], { keysPerBatch: 3 });
    expect([...(await draw.draw(0, 3)).spis]).toEqual([1, 2, 3]);
    expect(calls).toEqual([3, 3, 3]);
  });

  test('that an entry still names are not drawn until it is gone', async () => {
    const { draw } = deviceWith([7, 8, 1, 7]);
    draw.hold(7, true);
    expect([...(await draw.draw(0, 1)).spis]).toEqual([8]);
    draw.hold(7, false);
    expect([...(await draw.draw(0, 1)).spis]).toEqual([7]);
  });

  test('that are all gone are told of; another fault of the device is not', async () => {
    const { draw, device, told } = deviceWith([]);
    device.error = new HalError('IO_FAILED', 'broken');
    await expect(draw.draw(0, 1)).rejects.toThrow('broken');
    device.error = Object.assign(new Error('not of the device'), { code: 'EMPTY' });
    await expect(draw.draw(0, 1)).rejects.toThrow('not of the device');
    expect(told).toEqual([]);
    device.error = new HalError('EMPTY', 'no SPIs');
    await expect(draw.draw(0, 1)).rejects.toThrow('no SPIs');
    expect(told).toEqual(['exhausted']);
  });

  test('that a device scatters until nothing more can be remembered are drawn no more until a rotation', async () => {
    const { draw, calls, told } = deviceWith([1, 3, 5, 7, 9], { book: new SpiBook(4) });
    await draw.draw(0, 3);
    expect(told).toEqual([]);
    await draw.draw(0, 1);
    expect(told).toEqual(['low']);
    calls.length = 0;
    await expect(draw.draw(0, 1)).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    expect(calls).toEqual([]);
    draw.rotate();
    expect((await draw.draw(0, 1)).spis).toHaveLength(1);
  });
});

describe('key slots', () => {
  test('rest before they are used again, and those that were never used come first', async () => {
    const clock = createVirtualClock();
    const slots = new KeySlots(2, clock);
    expect(slots.take()).toBe(1);
    slots.release(1);
    expect(slots.take()).toBe(2);
    expect(slots.free).toBe(1);
    expect(slots.take()).toBeUndefined();
    expect(slots.waitMs(1)).toBe(SLOT_REST_MS);
    await clock.advance(SLOT_REST_MS - 1);
    expect(slots.take()).toBeUndefined();
    await clock.advance(1);
    expect(slots.waitMs(1)).toBe(0);
    expect(slots.take()).toBe(1);
    expect([slots.used, slots.free]).toEqual([2, 0]);
  });

  test('are waited for until enough have rested, and not at all where there are never so many', async () => {
    const clock = createVirtualClock();
    const slots = new KeySlots(3, clock);
    for (let i = 0; i < 3; i++) slots.take();
    slots.release(2);
    await clock.advance(30);
    slots.release(3);
    expect(slots.waitMs(1)).toBe(SLOT_REST_MS - 30);
    expect(slots.waitMs(2)).toBe(SLOT_REST_MS);
    expect(slots.waitMs(3)).toBe(0);
  });

  test('that were never used need no rest, and none is taken where none is left', () => {
    const slots = new KeySlots(2, createVirtualClock());
    expect([slots.waitMs(1), slots.waitMs(2), slots.waitMs(3)]).toEqual([0, 0, 0]);
    expect([slots.take(), slots.take(), slots.take()]).toEqual([1, 2, undefined]);
    expect([slots.used, slots.free]).toEqual([2, 0]);
  });

  test('rest no longer when the clock is set back', () => {
    let nowMs = 1e9;
    const slots = new KeySlots(1, { nowMs: () => nowMs } as never);
    slots.release(slots.take()!);
    nowMs = 0;
    expect(slots.waitMs(1)).toBe(SLOT_REST_MS);
    nowMs = SLOT_REST_MS;
    expect(slots.take()).toBe(1);
  });
});

describe('entries that the device would not take back', () => {
  /** A device whose removals and updates fail as long as `refusing`. */
  const open = () => {
    const device = {
      refusing: true,
      gone: false,
      throwing: false,
      applied: [] as EntryOperation[],
      calls: 0,
    };
    const hal = {
      apply: async (operations: readonly EntryOperation[]): Promise<EntryResult[]> => {
        device.calls++;
        if (device.throwing) throw new HalError('DRIVER', 'no answer');
        return operations.map((operation, i) => {
          if (operation.operation === 'add') return { id: (100 + i) as EntryId };
          if (device.gone) return { error: new HalError('NOT_FOUND', 'no such entry') };
          if (device.refusing) return { error: new HalError('IO_FAILED', 'broken') };
          device.applied.push(operation);
          return { id: operation.id };
        });
      },
    } as unknown as PipeHal;
    const spis = new Set<number>();
    const freed: number[] = [];
    const leftovers = new Leftovers({
      hal,
      onLeft: () => {},
      onSpi: (spi, held) => {
        expect(spi).toBeTypeOf('number');
        if (held) spis.add(spi);
        else spis.delete(spi);
      },
      onSlotsFree: async (slots) => void freed.push(...slots),
    });
    return { device, hal, leftovers, spis, freed };
  };
  const remove = (id: number) => ({ operation: 'remove', id: id as EntryId }) as const;
  const update = (id: number) => ({ operation: 'update', id: id as EntryId, values: {} }) as const;

  test('keep their SPIs and key slots until they are gone', async () => {
    const { device, leftovers, spis, freed } = open();
    await leftovers.takeBack([
      { operation: remove(1), spi: 7 },
      { operation: remove(2), slots: [5] },
      { operation: remove(3), slots: [5] },
    ]);
    expect([leftovers.size, leftovers.refused]).toEqual([3, 3]);
    expect([...spis]).toEqual([7]);
    expect(leftovers.holdsSlot(5)).toBe(true);
    await leftovers.settle([2 as EntryId]);
    expect(leftovers.holdsSlot(5)).toBe(true);
    device.refusing = false;
    await leftovers.retry();
    expect([leftovers.size, leftovers.refused]).toEqual([0, 3]);
    expect([...spis]).toEqual([]);
    expect(freed).toEqual([5]);
  });

  test('are none where the device takes all back; nor is it called for nothing', async () => {
    const { device, leftovers, freed } = open();
    device.refusing = false;
    await leftovers.takeBack([]);
    await leftovers.retry();
    expect(device.calls).toBe(0);
    await leftovers.takeBack([{ operation: remove(1), spi: 7, slots: [5] }]);
    expect([leftovers.size, leftovers.refused]).toEqual([0, 0]);
    expect([device.calls, leftovers.holdsSlot(5), freed]).toEqual([1, false, []]);
  });

  test('are counted each time that they are refused, and tried again in turn', async () => {
    const { device, leftovers } = open();
    await leftovers.takeBack([{ operation: remove(1) }, { operation: remove(2) }]);
    await leftovers.retry();
    expect([leftovers.size, leftovers.refused]).toEqual([2, 4]);
    device.throwing = true;
    await leftovers.retry();
    expect([leftovers.size, leftovers.refused]).toEqual([2, 6]);
    device.throwing = device.refusing = false;
    await leftovers.retry();
    expect(device.applied).toEqual([remove(1), remove(2)]);
  });

  test('of which nothing is known keep a slot although others that named it are gone', async () => {
    const { device, leftovers, freed } = open();
    leftovers.keepForGood({ slots: [5] });
    leftovers.keepForGood({});
    expect(leftovers.refused).toBe(2);
    await leftovers.takeBack([{ operation: remove(1), slots: [5] }]);
    device.refusing = false;
    await leftovers.retry();
    expect([leftovers.holdsSlot(5), leftovers.size, freed]).toEqual([true, 0, []]);
  });

  test('are done with when the device does not know them any more', async () => {
    const { device, leftovers, spis } = open();
    device.throwing = true;
    await leftovers.takeBack([{ operation: remove(1), spi: 7 }]);
    expect([...spis]).toEqual([7]);
    device.throwing = false;
    device.gone = true;
    await leftovers.retry();
    expect(leftovers.size).toBe(0);
    expect([...spis]).toEqual([]);
  });

  test('are not changed back after they were changed to something newer', async () => {
    const { device, leftovers, freed } = open();
    await leftovers.takeBack([{ operation: update(1), slots: [5] }]);
    // A later exchange has given the entry another slot.
    await leftovers.settle([1 as EntryId]);
    device.refusing = false;
    await leftovers.retry();
    expect(device.applied).toEqual([]);
    expect(freed).toEqual([5]);
  });

  test('name what they named before and what they name now, when even their removal is refused', async () => {
    const { device, leftovers, freed } = open();
    await leftovers.takeBack([{ operation: update(1), slots: [5] }]);
    await leftovers.takeBack([{ operation: remove(1), slots: [6] }]);
    expect([leftovers.size]).toEqual([1]);
    expect([leftovers.holdsSlot(5), leftovers.holdsSlot(6)]).toEqual([true, true]);
    device.refusing = false;
    await leftovers.retry();
    expect(device.applied).toEqual([remove(1)]);
    expect(freed).toEqual([5, 6]);
  });

  test('of a batch that failed as a whole keep their names for good, because nobody knows their ids', async () => {
    const { device, hal, leftovers, spis } = open();
    device.throwing = true;
    const add: EntryOperation = { operation: 'add', pipe: 'P', entry: {} };
    const names = (i: number) => ({ spi: 10 + i, slots: [20 + i] });
    await expect(applyAll(hal, leftovers, [add, add], { names })).rejects.toThrow(/no answer/);
    device.throwing = false;
    device.refusing = false;
    await leftovers.retry();
    expect([...spis]).toEqual([10, 11]);
    expect([leftovers.size, leftovers.refused]).toEqual([0, 2]);
    expect(leftovers.holdsSlot(20)).toBe(true);
  });
});

describe('request ids', () => {
  const parameters = {
    mac: '02:00:00:00:00:01',
    underlayIp: '192.0.2.1',
    pspVersion: 0,
    spi: 1,
    key: new Uint8Array(16),
    cookie: 0n,
  } as never;

  test('of answers are compared: one to another request is none', () => {
    expect(decodeMultiTunnelResponse(encodeMultiTunnelResponse(5n, [parameters]), 1, 5n)).toHaveLength(1);
    expect(() => decodeMultiTunnelResponse(encodeMultiTunnelResponse(4n, [parameters]), 1, 5n)).toThrow(
      /request_id: 4; the request was 5/,
    );
    expect(() => decodeNewTunnelResponse(encodeNewTunnelResponse(6n, parameters), 5n)).toThrow(/request_id/);
    // Who does not know the field answers on the stream of the request.
    expect(decodeNewTunnelResponse(encodeNewTunnelResponse(0n, parameters), 5n)).toMatchObject({ spi: 1 });
  });
});
