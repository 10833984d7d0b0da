// What scripts/mutants.mjs runs by vitest: the tests of its plan, over sources that have all mutants in them.
import { join } from 'node:path';
import { BaseSequencer } from 'vitest/node';
import { importsOf, MUTATED, mutatedSources, ROOT, readCoverage, readPlan } from './mutants-plan.mjs';

const plan = readPlan();
const sources = mutatedSources();

/** Files that import what is mutated first, then those of quick tests, so that few mutants are left for the others. */
class LikelyFirst extends BaseSequencer {
  async sort(files) {
    const durations = new Map();
    for (const { file, durationMs } of readCoverage()) {
      const before = durations.get(file) ?? { tests: 0, ms: 0 };
      durations.set(file, { tests: before.tests + 1, ms: before.ms + durationMs });
    }
    const rank = ({ moduleId }) => {
      const { tests, ms } = durations.get(moduleId) ?? { tests: 1, ms: 0 };
      const isDirect = [...importsOf(moduleId)].some((source) => sources.has(source));
      return ms / tests + (isDirect ? 0 : 1e6);
    };
    return [...files].sort((a, b) => rank(a) - rank(b));
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
    sequence: { sequencer: LikelyFirst },
    setupFiles: ['test/support/setup.ts', 'test/support/no-shrinking.ts'],
    env: { [MUTATED]: process.env[MUTATED] },
    // They end with this process, whatever they are doing.
    pool: 'threads',
    maxWorkers: plan.concurrency,
    // Of a mutant that makes a test wait for ever; the runner is stricter with quick ones.
    testTimeout: 20_000,
    hookTimeout: 10_000,
    // Of a mutant, whose test has failed by then, or has not noticed.
    dangerouslyIgnoreUnhandledErrors: true,
  },
};
