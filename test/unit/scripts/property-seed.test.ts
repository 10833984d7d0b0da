/** Properties are repeated by their seed, which the command that a failing one prints has. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PROPERTY_SEED, readSeed } from '../../support/property-seed.js';

describe('the seed of properties', () => {
  test('is the one that is asked for', () => {
    expect(readSeed('7', undefined)).toBe(7);
    expect(readSeed('-2147483648', 'true')).toBe(-2147483648);
    expect(readSeed('2147483647', 'true')).toBe(2147483647);
  });

  test('is always the same under CI, and another one each time otherwise', () => {
    expect(readSeed(undefined, 'true')).toBe(readSeed('', 'true'));
    const seeds = Array.from({ length: 10 }, () => readSeed(undefined, undefined));
    expect(new Set(seeds).size).toBeGreaterThan(1);
  });

  test.each(['x', '1.5', '1e3', '2147483648', '-2147483649', ' '])('cannot be %j', (text) => {
    expect(() => readSeed(text, 'true')).toThrow(/^PSP_PROPERTY_SEED: expected a whole number from .*, not /);
  });
});

describe('a property that fails', () => {
  const below = (max: number) => fc.property(fc.nat(), (value) => value < max);
  const failure = (assertion: () => void): Error => {
    try {
      assertion();
    } catch (error) {
      return error as Error;
    }
    throw new Error('it did not fail');
  };

  test('names the command that repeats it, and what it failed for', () => {
    const { message } = failure(() => fc.assert(below(1000)));
    const command = `again: PSP_PROPERTY_SEED=${PROPERTY_SEED} npm run test:one -- test/unit/scripts/property-seed.test.ts`;
    expect(message.replace(/ PSP_PROPERTY_RUNS=\d+/, '').split('\n')[0]).toBe(command);
    expect(message).toContain('Counterexample: [1000]');
  });

  test('has the error of its last case as its cause', () => {
    const thrown = new Error('three');
    const throwing = fc.property(fc.nat(), () => {
      throw thrown;
    });
    expect(failure(() => fc.assert(throwing)).cause).toBe(thrown);
  });

  test('does so too when it waits', async () => {
    const waiting = fc.asyncProperty(fc.nat(), async (value) => value < 1000);
    await expect(fc.assert(waiting)).rejects.toThrow(/^again: PSP_PROPERTY_SEED=/);
  });

  test('fails in the same way under the same seed, and not under all seeds', () => {
    const first = (seed?: number) =>
      fc.check(below(1000), { ...(seed === undefined ? {} : { seed }), endOnFailure: true }).counterexample;
    expect(first()).toEqual(first(PROPERTY_SEED));
    const others = Array.from({ length: 20 }, (_, i) => JSON.stringify(first(i)));
    expect(new Set(others).size).toBeGreaterThan(1);
  });
});
