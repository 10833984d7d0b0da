import { relative } from 'node:path';
import fc, { type RunDetails } from 'fast-check';
import { afterAll, expect } from 'vitest';
import { again } from './again.js';
import { endPrograms } from './program.js';
import { PROPERTY_SEED, PROPERTY_SEED_ENVIRONMENT } from './property-seed.js';
import { ROOT } from './root.js';

/** The same properties over so many cases, where they do not say themselves how many. */
const RUNS_ENVIRONMENT = 'PSP_PROPERTY_RUNS';
const runs = process.env[RUNS_ENVIRONMENT];
if (runs !== undefined && !/^[1-9]\d*$/.test(runs)) {
  throw new Error(`${RUNS_ENVIRONMENT}: expected a number from 1 on, not ${JSON.stringify(runs)}`);
}

/** As fast-check's own, with the command that repeats it. */
function report(details: RunDetails<unknown>): void {
  if (!details.failed) return;
  const variables = {
    [PROPERTY_SEED_ENVIRONMENT]: details.seed,
    ...(runs === undefined ? {} : { [RUNS_ENVIRONMENT]: runs }),
  };
  const file = relative(ROOT, expect.getState().testPath ?? 'test');
  throw new Error(`${again(variables, file)}\n${fc.defaultReportMessage(details)}`, {
    cause: details.errorInstance,
  });
}

fc.configureGlobal({
  ...fc.readConfigureGlobal(),
  seed: PROPERTY_SEED,
  reporter: report,
  ...(runs === undefined ? {} : { numRuns: Number(runs) }),
});

afterAll(endPrograms);
