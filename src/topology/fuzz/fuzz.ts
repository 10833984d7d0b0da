/** Searches for failures: many runs with scenarios drawn from seeds; a failure is made small. */
import type { Topology } from '../model.js';
import type { Report } from '../report.js';
import { runVirtually } from '../virtual-run.js';
import { drawScenario } from './draw.js';
import type { Sabotage } from './sabotage.js';
import { shrink } from './shrink.js';

export interface FuzzOptions {
  readonly base: Topology;
  readonly runs: number;
  /** Of the first run; the others follow it one by one. */
  readonly seed: number;
  /** Within it, after the faults, every reachable flow flows again. */
  readonly recoverMs: number;
  readonly shrinkRunsMax: number;
  readonly sabotage?: Sabotage;
  readonly signal?: AbortSignal;
  /** After each run. */
  readonly onRun?: (done: number, seed: number, options: readonly string[], ok: boolean) => void;
  readonly onShrink?: (runs: number) => void;
}

export interface Failure {
  readonly seed: number;
  /** What was drawn. */
  readonly options: readonly string[];
  /** What failed, in the words of the small one. */
  readonly reasons: readonly string[];
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
    const { topology, options: drawn } = drawScenario(base, runSeed, recoverMs);
    const report = await run(topology);
    packets += Object.values(report.flows).reduce((sum, { sent }) => sum + sent, 0);
    options.onRun?.(i + 1, runSeed, drawn, report.ok);
    if (report.ok) continue;
    const wanted = failuresOf(report);
    let tries = 0;
    const small = await shrink(
      topology,
      async (candidate) => {
        options.onShrink?.(++tries);
        const found = failuresOf(await run(candidate));
        return [...found].some((kind) => wanted.has(kind));
      },
      options.shrinkRunsMax,
    );
    const failure: Failure = {
      seed: runSeed,
      options: drawn,
      reasons: reasonsOf(await run(small.topology)),
      topology,
      small: small.topology,
      shrinkRuns: small.runs,
    };
    return { runs: i + 1, packets, failure };
  }
  return { runs, packets, failure: undefined };
}

/** The ways in which a run failed: kinds of violations, and expectations by their kind. */
function failuresOf(report: Report): Set<string> {
  return new Set([
    ...report.violations.map(({ kind }) => kind),
    ...(report.expectations.some(({ ok }) => !ok) ? ['expectation'] : []),
    ...(report.errors.length > 0 ? ['error'] : []),
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
