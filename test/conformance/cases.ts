/** Tests of many random cases: each is its seed, which is all that is needed to repeat it. */
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { again } from '../support/again.js';
import type { LongRelease } from '../support/doca-harness.js';
import { describeOnDoca } from '../support/on-doca.js';

export interface Cases<Result> {
  /** The test file's name, without its release. */
  readonly kind: string;
  readonly release: LongRelease;
  /** What the simulator is held against. */
  readonly against: string;
  /** How many run in CI. */
  readonly cases: number;
  /** So that progress shows. */
  readonly casesPerTest: number;
  runCase(seed: number): Promise<Result>;
  /** What a test's cases must have reached together. */
  check(results: readonly Result[]): void;
}

/** Each release has cases of its own: the same ones twice would show of the simulator, and of what releases share, nothing new. */
const FIRST_CASE: Readonly<Record<LongRelease, number>> = { '3.1': 0, '3.3': 100_000 };

/** PSP_DIFFERENTIAL_CASES says another number of cases, PSP_DIFFERENTIAL_SEED one case. */
export function describeCases<Result>(cases: Cases<Result>): void {
  const { kind, release, against, casesPerTest } = cases;
  // A case that kills the process, or never ends, says nothing; its last words are here.
  const lastWords = join(tmpdir(), `psp-gateway-${kind}-${release}-${process.pid}`);
  const run = async (seed: number): Promise<Result> => {
    const repeat = `${again({ PSP_DIFFERENTIAL_SEED: seed }, `test/conformance/${kind}-${release}.test.ts`)}\n`;
    writeFileSync(lastWords, repeat);
    try {
      return await cases.runCase(seed);
    } catch (error) {
      (error as Error).message = repeat + (error as Error).message;
      throw error;
    }
  };
  const announced = async (body: () => Promise<void>) => {
    process.stderr.write(`the case that is being run: ${lastWords}\n`);
    try {
      await body();
    } finally {
      rmSync(lastWords, { force: true });
    }
  };

  describeOnDoca(release, () => {
    const only = process.env.PSP_DIFFERENTIAL_SEED;
    if (only !== undefined) {
      test(`case ${only} does the same on the simulator and on ${against}`, () =>
        announced(async () => {
          await run(Number(only));
        }));
      return;
    }
    const first = FIRST_CASE[release];
    const end = first + Number(process.env.PSP_DIFFERENTIAL_CASES ?? cases.cases);
    for (let from = first; from < end; from += casesPerTest) {
      const to = Math.min(end, from + casesPerTest) - 1;
      test(
        `cases ${from} to ${to} do the same on the simulator and on ${against}`,
        () =>
          announced(async () => {
            const results: Result[] = [];
            for (let seed = from; seed <= to; seed++) results.push(await run(seed));
            cases.check(results);
          }),
        600_000,
      );
    }
  });
}
