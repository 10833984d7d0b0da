import { expect, test } from 'vitest';
import { runVirtually } from '../../../src/topology/virtual-run.js';
import { mesh, ping, udp } from '../../support/topologies.js';

test('pings and datagrams of three gateways at a switch all arrive, and nothing is violated', async () => {
  const { report } = await runVirtually(
    mesh(3, {
      traffic: [
        ping(1, 2),
        ping(2, 3, { family: 6 }),
        udp(3, 1),
        { type: 'transfer', name: 'T', startMs: 0, from: 'v1', to: 'v3', family: 4, sizeOctets: 300_000 },
      ],
      expectations: [{ type: 'flow', flows: ['ping 1 2', 'ping 2 3', 'udp 3 1', 'T'], lostAtMost: 0 }],
    }),
  );
  expect(report.violations).toEqual([]);
  expect(report.ok).toBe(true);
});
