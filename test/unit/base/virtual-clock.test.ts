/** The virtual clock: timers in order, promise reactions between them, whatever is set and cancelled meanwhile. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../src/base/virtual-clock.js';

test('timers fire in the order of their times, equal ones as they were set, and cancelled ones never', async () => {
  const timers = fc.array(fc.record({ delayMs: fc.integer({ min: 0, max: 20 }), cancel: fc.boolean() }), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(timers, fc.constantFrom(0, 3000), async (plan, ballast) => {
      const clock = createVirtualClock();
      const fired: number[] = [];
      const set = plan.map(({ delayMs }, i) => clock.setTimer(() => fired.push(i), delayMs));
      // So many that are cancelled that the clock sweeps them out.
      const many = Array.from({ length: ballast }, () => clock.setTimer(() => fired.push(-1), 10));
      for (const timer of many) timer.cancel();
      plan.forEach(({ cancel }, i) => {
        if (cancel) set[i]!.cancel();
      });
      const expected = plan
        .map(({ delayMs, cancel }, i) => ({ delayMs, cancel, i }))
        .filter(({ cancel }) => !cancel)
        .sort((a, b) => a.delayMs - b.delayMs || a.i - b.i)
        .map(({ i }) => i);
      expect(clock.pending).toBe(expected.length);
      await clock.advance(20);
      expect(fired).toEqual(expected);
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 100 },
  );
});

test('timers that are set while others are swept keep their order', async () => {
  const clock = createVirtualClock();
  const fired: string[] = [];
  clock.setTimer(() => {
    const doomed = Array.from({ length: 5000 }, (_, i) => clock.setTimer(() => fired.push('doomed'), 1 + i));
    clock.setTimer(() => fired.push('early'), 2);
    for (const timer of doomed) timer.cancel();
    clock.setTimer(() => fired.push('at once'), 0);
    clock.setTimer(() => fired.push('late'), 3);
  }, 1);
  await clock.advance(10_000);
  expect(fired).toEqual(['at once', 'early', 'late']);
});

test('between two timers of the same time all promise reactions run, however long their chain', async () => {
  const clock = createVirtualClock();
  const order: string[] = [];
  clock.setTimer(() => {
    void (async () => {
      for (let i = 0; i < 1000; i++) await Promise.resolve();
      order.push('chain');
    })();
  }, 5);
  clock.setTimer(() => order.push('timer'), 5);
  await clock.advance(5);
  expect(order).toEqual(['chain', 'timer']);
});
