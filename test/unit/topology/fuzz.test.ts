import { test } from 'vitest';
import { fuzz } from '../../../src/topology/fuzz/fuzz.js';
import { mesh } from '../../support/topologies.js';

test('fuzz', async () => {
  const t0 = performance.now();
  const r = await fuzz({ base: mesh(4), runs: 400, seed: 1000, recoverMs: 30_000, shrinkRunsMax: 100 });
  console.log(
    performance.now() - t0,
    r.runs,
    r.packets,
    r.failure?.options,
    r.failure?.reasons,
    r.failure?.shrinkRuns,
    JSON.stringify(r.failure?.small.scenario, null, 1),
  );
}, 600000);
