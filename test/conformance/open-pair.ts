/** A simulator and a hal-doca that know the same master keys, draw the same random numbers and begin with the same IV. */
import { Choose } from '../../src/base/choose.js';
import { MASTER_KEYS } from '../../src/verify/master-keys.js';
import { openSimHarness } from '../../src/verify/sim-harness.js';
import { type DocaRelease, openDocaHarness } from '../support/doca-harness.js';

export interface PairOptions {
  readonly randomSeed: number;
  readonly firstSpi: number;
  readonly uplinkMtuOctets: number;
  readonly vfMtuOctets: number;
  readonly keySlots: number;
  /** Packets that hal-doca's device takes at a time. */
  readonly burst: number;
  readonly rssQueues: number;
  readonly firstIv?: bigint;
  /** Keys of received SPIs that hal-doca's device keeps. */
  readonly derivedKeys?: number;
}

export async function openPair(release: DocaRelease, options: PairOptions) {
  const { randomSeed, keySlots, burst, rssQueues, derivedKeys, ...rest } = options;
  const common = { firstIv: 10n ** 12n, ...rest };
  const sim = await openSimHarness({
    ...common,
    random: new Choose(randomSeed),
    masterKeys: MASTER_KEYS,
    keySlots,
  });
  const doca = await openDocaHarness(release, {
    ...common,
    masterKeys: MASTER_KEYS,
    keySlots,
    rssQueues,
    randomSeed,
    mapping: [`burst = ${burst}`, ...(derivedKeys === undefined ? [] : [`derived-keys = ${derivedKeys}`])],
  });
  return { sim, doca };
}
