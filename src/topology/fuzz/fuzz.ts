/** Searches for failures: many runs with scenarios drawn from seeds; a failure is made small. */

import type { ViolationKind } from '../invariant-checker.js';
import type { Expectation, Topology } from '../model.js';
import type { Report } from '../report.js';
import type { Sabotage } from '../run.js';
import { runVirtually } from '../virtual-run.js';
import { drawScenario } from './draw.js';
import { shrink } from './shrink.js';

/** A way in which a run fails: what was violated, what sort of expectation was not met, or that something could not be done. */
export type FailureKind = ViolationKind | Expectation['type'] | 'error';

export interface FuzzOptions {
  readonly base: Topology;
  readonly runs: number;
  /** Seed of the first run; later runs count up from it. */
  readonly seed: number;
  /** Within it, after the faults, every reachable flow flows again. */
  readonly recoverMs: number;
  readonly shrinkRunsMax: number;
  /** Draws insiders, dead peers, small tables, crash loops and the like too. */
  readonly hostile?: boolean;
  readonly sabotage?: Sabotage;
  /** Only such a failure ends the search; absent: any. */
  readonly wanted?: FailureKind;
  readonly signal?: AbortSignal;
  /** After each run. */
  readonly onRun?: (done: number, seed: number, options: readonly string[], ok: boolean) => void;
  readonly onShrink?: (runs: number) => void;
}

export interface Failure {
  readonly seed: number;
  /** Descriptions of what was drawn. */
  readonly options: readonly string[];
  /** Failures of the smallest scenario, in words and by kind. */
  readonly reasons: readonly string[];
  readonly kinds: ReadonlySet<FailureKind>;
  /** The scenario as drawn, and the smallest that fails in the same way. */
  readonly topology: Topology;
  readonly small: Topology;
  readonly shrinkRuns: number;
}

export interface FuzzResult {
  readonly runs: number;
  readonly packets: number;
  readonly failure: Failure | undefined;
}

/** Ends at the first failure. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { base, runs, seed, recoverMs, sabotage, signal } = options;
  const run = async (topology: Topology): Promise<Report> => {
    const { report } = await runVirtually(topology, {
      ...(sabotage === undefined ? {} : { sabotage }),
      ...(signal === undefined ? {} : { signal }),
    });
    return report;
  };
  let packets = 0;
  for (let i = 0; i < runs; i++) {
    const runSeed = (seed + i) >>> 0;
    const { topology, options: drawn } = drawScenario(base, runSeed, recoverMs, options.hostile);
    const report = await run(topology);
    packets += Object.values(report.flows).reduce((sum, { sent }) => sum + sent, 0);
    options.onRun?.(i + 1, runSeed, drawn, report.ok);
    const kinds = failuresOf(topology, report);
    if (options.wanted === undefined ? report.ok : !kinds.has(options.wanted)) continue;
    const wanted = options.wanted === undefined ? kinds : new Set([options.wanted]);
    let tries = 0;
    const small = await shrink(
      topology,
      async (candidate) => {
        options.onShrink?.(++tries);
        const found = failuresOf(candidate, await run(candidate));
        return [...found].some((kind) => wanted.has(kind));
      },
      options.shrinkRunsMax,
    );
    const smallReport = await run(small.topology);
    const failure: Failure = {
      seed: runSeed,
      options: drawn,
      reasons: reasonsOf(smallReport),
      kinds: failuresOf(small.topology, smallReport),
      topology,
      small: small.topology,
      shrinkRuns: small.runs,
    };
    return { runs: i + 1, packets, failure };
  }
  return { runs, packets, failure: undefined };
}

/** The ways in which a run failed. */
export function failuresOf({ scenario }: Topology, report: Report): Set<FailureKind> {
  return new Set([
    ...report.violations.map(({ kind }) => kind),
    ...scenario.expectations.filter((_, i) => !report.expectations[i]!.ok).map(({ type }) => type),
    ...(report.errors.length > 0 ? ['error' as const] : []),
  ]);
}

export function reasonsOf(report: Report): string[] {
  return [
    ...report.violations.map(
      ({ kind, node, atMs, text }) => `${kind} at ${atMs.toFixed(3)} ms, ${node}: ${text}`,
    ),
    ...report.expectations
      .filter(({ ok }) => !ok)
      .map(({ text, seen }) => `expected: ${text}; seen: ${seen}`),
    ...report.errors,
  ];
}
