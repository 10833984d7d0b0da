/**
 * Whatever a real library may do otherwise, PipeHAL is the same: operations on entries end late, one at a time, or in another order;
 * of equal keys the later entry fails, and the number of entries that a pipe is made for means what it means in other releases.
 */
import { beforeAll, describe } from 'vitest';
import { type Behaviour, behave, type LongRelease } from '../support/doca-harness.js';
import { describeDifferential } from './differential.js';
import { describeFaults } from './faults.js';

/** Few, in each order: what else there is of them runs in `faults`. */
const CASES = 20;
const FILE = 'behaviours';

/** Others than by default. */
const NR_ENTRIES = { '3.1': 'limit', '3.3': 'hint' } as const satisfies Record<LongRelease, string>;

export function describeBehaviours(release: LongRelease): void {
  const others = { 'equal-keys': 'refused', 'nr-entries': NR_ENTRIES[release] } as const;
  const completions: readonly Behaviour['completions'][] = ['late', 'one', 'shuffled'];
  describe.each(completions)('completions = %s', (how) => {
    beforeAll(() => behave({ completions: how, ...others }));
    // Where most can go wrong.
    if (how === 'shuffled') describeFaults(release);
    describeDifferential('faults', release, CASES, FILE);
  });
}
