/** A simulator and a hal-doca that know the same master keys, draw the same random numbers and see the same time. */
import { systemClock } from '../../src/hal/clock.js';
import { Choose } from '../support/choose.js';
import { type DocaRelease, openDocaHarness } from '../support/doca-harness.js';
import { openSimHarness } from '../support/sim-harness.js';

export const MASTER_KEYS = [new Uint8Array(32).fill(0x11), new Uint8Array(32).fill(0x22)] as const;

export interface PairOptions {
  readonly randomSeed: number;
  readonly firstSpi: number;
  readonly uplinkMtuOctets: number;
  readonly vfMtuOctets: number;
  readonly keySlots: number;
  /** Packets that hal-doca's device takes at a time. */
  readonly burst: number;
  readonly rssQueues: number;
  /** Of the clock, from which IVs count up. */
  readonly picoseconds?: bigint;
  /** Keys of received SPIs that hal-doca's device keeps. */
  readonly derivedKeys?: number;
}

export async function openPair(release: DocaRelease, options: PairOptions) {
  const {
    randomSeed,
    keySlots,
    burst,
    rssQueues,
    picoseconds = 10n ** 12n,
    derivedKeys,
    ...common
  } = options;
  const sim = await openSimHarness({
    ...common,
    clock: { ...systemClock, nowPicoseconds: () => picoseconds },
    random: new Choose(randomSeed),
    masterKeys: MASTER_KEYS,
    limits: { keySlots },
  });
  const doca = await openDocaHarness(release, {
    ...common,
    masterKeys: MASTER_KEYS,
    keySlots,
    rssQueues,
    mapping: [
      `test-clock-picoseconds = ${picoseconds}`,
      `test-random-seed = ${randomSeed}`,
      `burst = ${burst}`,
      ...(derivedKeys === undefined ? [] : [`derived-keys = ${derivedKeys}`]),
    ],
  });
  return { sim, doca };
}
