import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { fastFiles } from './scripts/test-files.mjs';
import { LongFirst } from './test/support/long-first.js';
import { PROPERTY_SEED, PROPERTY_SEED_ENVIRONMENT } from './test/support/property-seed.js';

/**
 * Processes of their own that carry traffic in real time, or whose memory is looked through. They come when the others have ended:
 * each is in namespaces or at addresses of its own, and waits for much of the time.
 */
const IN_REAL_TIME = [
  'conformance/hal-doca-hardware',
  'e2e/certificates-reload',
  'e2e/documents',
  'e2e/keys-in-memory',
  'e2e/metrics',
  'e2e/namespaces',
  'e2e/namespaces-options',
  'e2e/port-loss',
  'e2e/recovery',
  'e2e/soak',
  'e2e/topology-real-time',
  'e2e/topology-doca',
  'e2e/two-processes',
  'e2e/under-load',
  'native/keys-in-memory',
].map((name) => `test/${name}.test.ts`);

const FAST = fastFiles();

/**
 * Conformance tests of a device over the software DOCA whose files share processes: DPDK is started and the modules are loaded once
 * for many of them. A process has one release. The others are alone, since they change what a process is for all devices
 * (`inside`, `behaviours`, `faults`), or run so long that a process of their own costs nothing.
 */
const SHARED_CONFORMANCE = [
  'confirm-underlay',
  'defects',
  'doors',
  'gateways',
  'hal-doca',
  'identity',
  'rotation',
  'sampling',
  'segment',
  'sessions',
  'statistics',
  'tables',
];
const sharedOver = (release: string) =>
  SHARED_CONFORMANCE.map((name) => `test/conformance/${name}-${release}.test.ts`);
const SHARED = [
  { name: 'DOCA 3.1', include: sharedOver('3.1') },
  { name: 'DOCA 3.3', include: sharedOver('3.3') },
  // What `npm run check` runs.
  { name: 'fast', include: FAST },
];

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
    // The compiled program is run by Node as it stands (test/support/asked-within.ts).
    server: { deps: { external: [/\/dist\/(?:cli|hal|gateway)\//] } },
    // For what hangs. What takes ten seconds on an idle machine takes minutes on one that many others use.
    testTimeout: 240_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'at any speed',
          include: ['test/**/*.test.ts'],
          exclude: [...IN_REAL_TIME, ...SHARED.flatMap(({ include }) => include)],
          maxWorkers: WORKERS,
          sequence: { groupOrder: 0 },
        },
      },
      // These share processes: to load the modules anew for each file took longer than the tests.
      ...SHARED.map((files) => ({
        extends: true as const,
        test: { ...files, isolate: false, maxWorkers: WORKERS, sequence: { groupOrder: 0 } },
      })),
      {
        extends: true,
        test: {
          name: 'in real time',
          include: IN_REAL_TIME,
          maxWorkers: WORKERS,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
