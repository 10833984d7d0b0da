/** Runs one seed of a search again, and makes what fails under it small while its fingerprint stays the same. */
import type { Topology } from '../model.js';
import type { Sabotage } from '../run.js';
import { runVirtually } from '../virtual-run.js';
import { drawScenario } from './draw.js';
import { type Fingerprint, fingerprintOf, fingerprintOfThrown } from './fingerprint.js';
import { reasonsOf } from './fuzz.js';
import { shrink } from './shrink.js';

export interface ShrinkSeedOptions {
  readonly base: Topology;
  readonly seed: number;
  readonly recoverMs: number;
  readonly hostile: boolean;
  /** The id of the failure that is looked for. */
  readonly fingerprint: string;
  readonly shrinkRunsMax: number;
  readonly sabotage?: Sabotage;
  readonly onShrink?: (runs: number) => void;
}

export interface SmallFailure {
  readonly seed: number;
  readonly options: readonly string[];
  readonly reasons: readonly string[];
  readonly small: Topology;
  readonly shrinkRuns: number;
}

/** Undefined: the seed does not fail so any more. */
export async function shrinkSeed(options: ShrinkSeedOptions): Promise<SmallFailure | undefined> {
  const { base, seed, recoverMs, hostile, fingerprint, sabotage } = options;
  const look = async (topology: Topology): Promise<{ found?: Fingerprint; reasons: readonly string[] }> => {
    try {
      const { report } = await runVirtually(topology, sabotage === undefined ? {} : { sabotage });
      const found = fingerprintOf(topology, report);
      return found === undefined ? { reasons: [] } : { found, reasons: reasonsOf(report) };
    } catch (error) {
      const found = fingerprintOfThrown(topology, error);
      return { found, reasons: [found.what] };
    }
  };
  const { topology, options: drawn } = drawScenario(base, seed, recoverMs, hostile);
  if ((await look(topology)).found?.id !== fingerprint) return undefined;
  let tries = 0;
  const { topology: small, runs } = await shrink(
    topology,
    async (candidate) => {
      options.onShrink?.(++tries);
      return (await look(candidate)).found?.id === fingerprint;
    },
    options.shrinkRunsMax,
  );
  return { seed, options: drawn, reasons: (await look(small)).reasons, small, shrinkRuns: runs };
}
