/** The machine's clock, over times that are longer than a timer of Node's. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sleep, systemClock } from '../../../src/base/clock.js';

const DAY_MS = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ['2^31 - 1 ms, the longest', 2 ** 31 - 1],
  ['one more', 2 ** 31],
  ['2^32 ms', 2 ** 32],
  ['a year', 365 * DAY_MS],
])('a timer over %s fires then, and not before', async (_, delayMs) => {
  let fired = 0;
  systemClock.setTimer(() => fired++, delayMs);
  await vi.advanceTimersByTimeAsync(delayMs - 1);
  expect(fired).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(fired).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('a long timer is cancelled in any part of its time', async () => {
  const timers = [0, 30, 60].map((days) => ({
    days,
    timer: systemClock.setTimer(expect.unreachable, 90 * DAY_MS),
  }));
  for (const { timer } of timers) {
    timer.cancel();
    await vi.advanceTimersByTimeAsync(30 * DAY_MS);
  }
  expect(vi.getTimerCount()).toBe(0);
});

test('sleeping longer than a timer of Node lasts takes as long as it says', async () => {
  let awake = false;
  const sleeping = sleep(systemClock, 40 * DAY_MS).then(() => {
    awake = true;
  });
  await vi.advanceTimersByTimeAsync(40 * DAY_MS - 1);
  expect(awake).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await sleeping;
});
