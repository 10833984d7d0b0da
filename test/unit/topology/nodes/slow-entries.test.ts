import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import type { EntryOperation, EntryResult, PipeHal } from '../../../../src/hal/hal.js';
import { slowEntries } from '../../../../src/topology/nodes/slow-entries.js';

/** A device that notes which batches it was given, and when. Batch 13 fails. */
function build(delayOf: () => number) {
  const clock = createVirtualClock(0);
  const applied: { batch: number; atMs: number }[] = [];
  const device = {
    apply: (operations: readonly EntryOperation[]): Promise<EntryResult[]> => {
      const batch = operations as unknown as number;
      applied.push({ batch, atMs: clock.nowMs() });
      if (batch === 13) return Promise.reject(new Error('refused'));
      return Promise.resolve([`result ${batch}`] as unknown as EntryResult[]);
    },
    close: () => Promise.resolve(),
  } as unknown as PipeHal;
  const slow = slowEntries(device, clock, delayOf);
  const apply = (batch: number) => slow.apply(batch as unknown as readonly EntryOperation[]);
  return { clock, applied, apply };
}

test('without a delay entries go to the device at once', async () => {
  const { applied, apply } = build(() => 0);
  const result = apply(1);
  expect(applied).toEqual([{ batch: 1, atMs: 0 }]);
  expect(await result).toEqual(['result 1']);
});

test('with a delay each batch takes it, one after the other', async () => {
  const { clock, applied, apply } = build(() => 30);
  const results = [apply(1), apply(2)];
  await clock.advance(29);
  expect(applied).toEqual([]);
  await clock.advance(100);
  expect(applied).toEqual([
    { batch: 1, atMs: 30 },
    { batch: 2, atMs: 60 },
  ]);
  expect(await Promise.all(results)).toEqual([['result 1'], ['result 2']]);
});

test('a batch that fails says so to its caller and holds nobody up', async () => {
  const { clock, applied, apply } = build(() => 10);
  const failed = expect(apply(13)).rejects.toThrow('refused');
  const next = apply(2);
  await clock.advance(20);
  await failed;
  expect(await next).toEqual(['result 2']);
  expect(applied.map(({ atMs }) => atMs)).toEqual([10, 20]);
});

test('whatever the delays, also when they end in the middle, the order of batches stays', async () => {
  const step = fc.record({ delayMs: fc.constantFrom(0, 0, 1, 50), afterMs: fc.constantFrom(0, 0, 5, 200) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      let delayMs = 0;
      const { clock, applied, apply } = build(() => delayMs);
      const results: Promise<unknown>[] = [];
      for (const [batch, { delayMs: delay, afterMs }] of steps.entries()) {
        delayMs = delay;
        results.push(apply(100 + batch));
        await clock.advance(afterMs);
      }
      await clock.advance(10_000);
      expect(applied.map(({ batch }) => batch)).toEqual(steps.map((_, i) => 100 + i));
      expect(await Promise.all(results)).toEqual(steps.map((_, i) => [`result ${100 + i}`]));
    }),
  );
});
