/** Gateways whose clocks pass the ends of numbers: nothing is lost, rotations go on. */
import { expect, test } from 'vitest';
import { CLOCK_ENDS } from '../../../src/topology/fuzz/clock-ends.js';
import { runVirtually } from '../../../src/topology/virtual-run.js';
import { mesh, ping } from '../../support/topologies.js';

const BEFORE_MS = 15_000;
const AFTER_MS = 15_000;
const ROTATION_MS = 4_000;
const INTERVAL_MS = 100;

test.each(CLOCK_ENDS)('traffic and rotations go on over %s', async (_, wrapMs) => {
  const count = (BEFORE_MS + AFTER_MS) / INTERVAL_MS;
  const flags = [`--rotation-period=${ROTATION_MS}`, '--rekey-grace=1000'];
  const topology = mesh(2, { traffic: [ping(1, 2, { count, intervalMs: INTERVAL_MS })] }, flags);
  const { report } = await runVirtually({ ...topology, epochMs: wrapMs - BEFORE_MS });
  expect(report.violations).toEqual([]);
  expect(report.flows['ping 1 2']).toMatchObject({ sent: count, delivered: count, lost: 0, duplicates: 0 });
  for (const node of Object.values(report.nodes)) {
    expect(node.rotations).toBe(Math.floor((BEFORE_MS + AFTER_MS) / ROTATION_MS));
  }
});
