import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { fastFiles } from './scripts/test-files.mjs';
import { LongFirst } from './test/support/long-first.js';
import { PROPERTY_SEED, PROPERTY_SEED_ENVIRONMENT } from './test/support/property-seed.js';

/**
 * Processes of their own that carry traffic in real time, or whose memory is looked through. They come when the others have ended,
 * one for each processor: each is in namespaces or at addresses of its own, and waits for much of the time.
 */
const IN_REAL_TIME = [
  'e2e/documents',
  'e2e/keys-in-memory',
  'e2e/metrics',
  'e2e/namespaces',
  'e2e/namespaces-options',
  'e2e/port-loss',
  'e2e/recovery',
  'e2e/soak',
  'e2e/topology-real-time',
  'e2e/two-processes',
  'native/keys-in-memory',
].map((name) => `test/${name}.test.ts`);

const FAST = fastFiles();

/** One more than there are processors: some files wait for kernels and devices, and leave theirs to others. */
const WORKERS = availableParallelism() + 1;

// For all projects and workers of this run. This file is read once for each project, and by others than vitest.
if (process.env.VITEST !== undefined && !process.env[PROPERTY_SEED_ENVIRONMENT]) {
  process.env[PROPERTY_SEED_ENVIRONMENT] = String(PROPERTY_SEED);
  process.stdout.write(`properties: seed ${PROPERTY_SEED}\n`);
}

export default defineConfig({
  test: {
    setupFiles: ['test/support/setup.ts'],
    sequence: { sequencer: LongFirst },
    // For what hangs. What takes ten seconds on an idle machine takes minutes on one that many others use.
    testTimeout: 240_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'at any speed',
          include: ['test/**/*.test.ts'],
          exclude: [...IN_REAL_TIME, ...FAST],
          maxWorkers: WORKERS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // What `npm run check` runs. They share processes: to load the modules anew for each file took longer than the tests.
        extends: true,
        test: {
          name: 'fast',
          include: FAST,
          isolate: false,
          maxWorkers: WORKERS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'in real time',
          include: IN_REAL_TIME,
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
