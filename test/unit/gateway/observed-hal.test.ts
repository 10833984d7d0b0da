import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../src/base/virtual-clock.js';
import type { GatewayEvent } from '../../../src/gateway/events.js';
import { observedHal, SLOW_OPERATION_MS } from '../../../src/gateway/observed-hal.js';
import { type DocaErrorName, HalError } from '../../../src/hal/errors.js';
import type { PipeHal } from '../../../src/hal/hal.js';

function open(hal: object) {
  const clock = createVirtualClock();
  const events: GatewayEvent[] = [];
  return { clock, events, hal: observedHal(hal as PipeHal, clock, (event) => events.push(event)) };
}

const error = (code: DocaErrorName) => new HalError(code, `it is ${code}`);

/** Each operation, with what it is asked for and how many that are. */
const CALLS = [
  ['apply', [[{}, {}]], 2],
  ['setKeys', [[{}, {}, {}]], 3],
  ['clearKeys', [[1, 2]], 2],
  ['generateKeys', [16, 5], 5],
  ['rotateMasterKey', [], 1],
  ['counters', [[{}]], 1],
] as const;

test.each(CALLS)('%s that fails is told and fails', async (operation, args, count) => {
  const failure = error('DRIVER');
  const { hal, events } = open({ [operation]: () => Promise.reject(failure) });
  await expect((hal[operation] as (...all: unknown[]) => Promise<unknown>)(...args)).rejects.toBe(failure);
  expect(events).toEqual([
    { type: 'device-failed', operation, code: 'DRIVER', reason: 'it is DRIVER', count },
  ]);
});

test.each(CALLS)(
  '%s that takes a second is told, one that takes less is not; its result is its own',
  async (operation, args, count) => {
    let durationMs = SLOW_OPERATION_MS;
    const result: never[] = [];
    const { hal, events, clock } = open({
      [operation]: () => new Promise((resolve) => clock.setTimer(() => resolve(result), durationMs)),
    });
    const call = async () => {
      const done = (hal[operation] as (...all: unknown[]) => Promise<unknown>)(...args);
      await clock.advance(durationMs);
      return done;
    };
    expect(await call()).toBe(result);
    expect(events.splice(0)).toEqual([
      { type: 'slow-operation', operation, count, durationMs: SLOW_OPERATION_MS },
    ]);
    durationMs = SLOW_OPERATION_MS - 1;
    await call();
    expect(events).toEqual([]);
  },
);

test('results that are errors are told once for a call, with their number', async () => {
  const { hal, events } = open({
    apply: async () => [{ id: 1 }, { error: error('FULL') }, { error: error('DRIVER') }],
    setKeys: async () => [null, error('IO_FAILED')],
  });
  expect(await hal.apply([])).toHaveLength(3);
  await hal.setKeys([]);
  expect(events).toEqual([
    { type: 'device-failed', operation: 'apply', code: 'FULL', reason: 'it is FULL', count: 2 },
    { type: 'device-failed', operation: 'setKeys', code: 'IO_FAILED', reason: 'it is IO_FAILED', count: 1 },
  ]);
});

test('that an entry has gone, or that the device is closed, is no fault of the device', async () => {
  const { hal, events } = open({
    apply: async () => [{ error: error('NOT_FOUND') }],
    counters: () => Promise.reject(error('SHUTDOWN')),
  });
  await hal.apply([]);
  await hal.counters([]).catch(() => {});
  expect(events).toEqual([]);
});
