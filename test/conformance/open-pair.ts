/** A simulator and a hal-doca that know the same master keys, draw the same random numbers and see the same time. */
import { type Clock, systemClock } from '../../src/hal/clock.js';
import { Choose } from '../support/choose.js';
import { type DocaRelease, openDocaHarness } from '../support/doca-harness.js';
import { openSimHarness } from '../support/sim-harness.js';

export const MASTER_KEYS = [new Uint8Array(32).fill(0x11), new Uint8Array(32).fill(0x22)] as const;
const CLOCK_PICOSECONDS = 1_000_000_000_000n;

/** IVs count up from it. */
const fixedClock: Clock = {
  ...systemClock,
  nowMs: () => systemClock.nowMs(),
  setTimer: (callback, delayMs) => systemClock.setTimer(callback, delayMs),
  nowPicoseconds: () => CLOCK_PICOSECONDS,
};

export interface PairOptions {
  readonly randomSeed: number;
  readonly firstSpi: number;
  readonly uplinkMtuOctets: number;
  readonly vfMtuOctets: number;
  readonly keySlots: number;
  /** Packets that hal-doca's device takes at a time. */
  readonly burst: number;
  readonly rssQueues: number;
}

export async function openPair(release: DocaRelease, options: PairOptions) {
  const { randomSeed, keySlots, burst, rssQueues, ...common } = options;
  const sim = await openSimHarness({
    ...common,
    clock: fixedClock,
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
      `test-clock-picoseconds = ${CLOCK_PICOSECONDS}`,
      `test-random-seed = ${randomSeed}`,
      `burst = ${burst}`,
    ],
  });
  return { sim, doca };
}
