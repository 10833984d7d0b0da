/**
 * A defect that the test build of the software DOCA puts back on purpose (`test-defect` in its mapping file): what holds it
 * without the defect, convicts it.
 */
import { expect, test } from 'vitest';
import type { HalUnderTest } from '../../src/verify/harness.js';
import { type DocaRelease, openDocaHarness } from '../support/doca-harness.js';
import { expectCountedIvs, ivsOfLives } from './properties.js';

export function describeDefects(release: DocaRelease): (implementation: HalUnderTest) => void {
  return ({ name, open }) => {
    test('IVs that are a clock of picoseconds are found, and those that are counted pass', async () => {
      const byClock = await ivsOfLives({
        name: `${name}, by a clock`,
        open: (options) => openDocaHarness(release, { ...options, mapping: ['test-defect = iv-clock'] }),
      });
      expect(() => expectCountedIvs(byClock)).toThrow();
      // That is the reason: the next life goes on where the clock is, not anywhere.
      const starts = byClock.map((ivs) => ivs[0]!);
      for (const [i, start] of starts.slice(1).entries())
        expect(BigInt.asUintN(64, start - starts[i]!)).toBeLessThan(10n ** 15n);
      expectCountedIvs(await ivsOfLives({ name, open }));
    });
  };
}
