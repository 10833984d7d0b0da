/** How verification runs: what it draws, how it makes a case smaller, and what it notes of refusals, on a device of glass. */
import { describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../../src/base/virtual-clock.js';
import { HalError } from '../../../src/hal/errors.js';
import { type Property, property, type Question, Violation } from '../../../src/verify/property.js';
import type { Result } from '../../../src/verify/report.js';
import { verify } from '../../../src/verify/run.js';

const DEVICE = {
  name: 'a device of glass',
  open: () => Promise.reject(new HalError('NOT_SUPPORTED', 'a device of glass has no ports')),
};

async function ask(questions: readonly Question[], more: object = {}): Promise<Result[]> {
  const clock = createVirtualClock();
  // The first is the age of counters.
  const [, ...results] = await verify({ device: DEVICE, clock, questions, seed: 3, isQuick: true, ...more });
  return results;
}

const numbers = (check: (one: number) => Promise<void> | void, quick = 10): Property =>
  property<number>({
    name: 'numbers',
    group: 'sessions',
    title: 'A number is small',
    cases: { quick, usual: 50 },
    draw: (choose) => choose.between(20, 1000),
    text: (one) => `${one}`,
    smaller: (one) => [one >> 1, one - 1].filter((other) => other >= 0 && other !== one),
    check: async (one) => check(one),
  });

describe('verification', () => {
  test('makes a failing case as small as it gets, and runs it again', async () => {
    const [result] = await ask([
      numbers((one) => {
        if (one >= 10) throw new Violation(`${one} is not small`);
      }),
    ]);
    expect(result).toMatchObject({
      state: 'failed',
      smallest: '10',
      reason: '10 is not small',
      repeats: '3 of 3',
    });
  });

  test('says of what happens now and then that it does', async () => {
    let calls = 0;
    const [result] = await ask([
      numbers(() => {
        if (calls++ === 0) throw new Violation('once');
      }),
    ]);
    expect(result).toMatchObject({ state: 'failed', reason: 'once', repeats: '0 of 3' });
  });

  test('runs what fails again with more time, where it does not know whether all has come', async () => {
    const factors: number[] = [];
    const device = { ...DEVICE, waitLonger: (factor: number) => void factors.push(factor) };
    const patience = () => factors.at(-1) ?? 1;
    const slow = numbers(() => {
      if (patience() < 10) throw new Violation('nothing has come');
    }, 2);
    const never = numbers(() => {
      throw new Violation('nothing has come');
    }, 2);
    const results = await ask([slow, never], { device });
    expect(results).toMatchObject([
      { state: 'passed', cases: 2, again: 2 },
      { state: 'failed', cases: 1 },
    ]);
    expect(factors).toEqual([10, 1, 10, 1, 10, 1]);
  });

  test('draws the same cases from a seed, and one of them alone', async () => {
    const drawn = async (more: object) => {
      const seen: number[] = [];
      await ask([numbers((one) => void seen.push(one), 5)], more);
      return seen;
    };
    const all = await drawn({});
    expect(all).toHaveLength(5);
    expect(await drawn({})).toEqual(all);
    expect(await drawn({ seed: 4 })).not.toEqual(all);
    expect(await drawn({ onlyCase: 3 })).toEqual([all[3]]);
    expect(await drawn({ cases: 7 })).toHaveLength(7);
    expect(await drawn({ isQuick: false })).toHaveLength(50);
  });

  test("has the device's own words where it refuses, of all cases or of some", async () => {
    const refusing = (share: number) =>
      numbers((one) => {
        if (one % share === 0) throw new HalError('NOT_SUPPORTED', 'no such\n  numbers');
      });
    const [all, some] = await ask([refusing(1), refusing(2)]);
    expect(all).toMatchObject({
      state: 'not-possible',
      refused: [{ words: 'DOCA_ERROR_NOT_SUPPORTED: no such numbers', cases: 10 }],
    });
    expect(some).toMatchObject({ state: 'passed', refused: [{ cases: expect.any(Number) }] });
    expect((some as Extract<Result, { state: 'passed' }>).cases).toBeLessThan(10);
  });

  test('takes no defect of its own for a property that holds', async () => {
    const [result] = await ask([
      numbers(() => {
        throw new TypeError('undefined is not a number');
      }),
    ]);
    expect(result).toMatchObject({
      state: 'failed',
      reason: 'verification itself has failed: undefined is not a number',
    });
  });

  test('ends when it is told to, with what it has', async () => {
    const stop = new AbortController();
    let calls = 0;
    const stopping = numbers(() => {
      if (++calls === 4) stop.abort();
    });
    const results = await ask([stopping, numbers(() => undefined)], { signal: stop.signal });
    expect(results).toMatchObject([{ state: 'passed', cases: 4 }]);
  });

  test('goes on with the next question when a measure is refused', async () => {
    const measure: Question = {
      kind: 'measure',
      name: 'weight',
      group: 'measured',
      title: 'What it weighs',
      measure: (world) => world.open().then(() => []),
    };
    const progress: number[] = [];
    const results = await ask([measure, numbers(() => undefined)], {
      onProgress: ({ share }: { share: number }) => progress.push(share),
    });
    expect(results).toMatchObject([
      {
        state: 'not-possible',
        refused: [{ words: 'DOCA_ERROR_NOT_SUPPORTED: a device of glass has no ports' }],
      },
      { state: 'passed' },
    ]);
    expect(progress.every((share) => share >= 0 && share < 1)).toBe(true);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  });
});
