// What scripts/mutants.mjs runs by vitest: the tests of its plan, over sources that have all mutants in them.
import { join } from 'node:path';
import { BaseSequencer } from 'vitest/node';
import { MUTATED, mutatedSources, ROOT, readDurations, readPlan } from './mutants-plan.mjs';

const plan = readPlan();
const sources = mutatedSources();

/** Quick ones first, so that few mutants are left for the others. */
class QuickFirst extends BaseSequencer {
  async sort(files) {
    const durations = readDurations();
    const of = ({ moduleId }) => durations.get(moduleId) ?? 0;
    return [...files].sort((a, b) => of(a) - of(b));
  }
}

export default {
  root: ROOT,
  plugins: [{ name: 'mutated sources', enforce: 'pre', load: (id) => sources.get(id.split('?')[0]) }],
  test: {
    runner: join(ROOT, 'scripts/mutants-runner.mjs'),
    include: plan.tests,
    // mutants.mjs says so itself.
    passWithNoTests: true,
    sequence: { sequencer: QuickFirst },
    setupFiles: ['test/support/setup.ts', 'test/support/no-shrinking.ts'],
    env: { [MUTATED]: process.env[MUTATED] },
    // They end with this process, whatever they are doing.
    pool: 'threads',
    maxWorkers: plan.concurrency,
    // Of a mutant that makes a test wait for ever.
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Of a mutant, whose test has failed by then, or has not noticed.
    dangerouslyIgnoreUnhandledErrors: true,
  },
};
