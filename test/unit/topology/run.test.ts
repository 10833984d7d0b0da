import { describe, expect, test } from 'vitest';
import { SABOTAGES } from '../../../src/topology/fuzz/sabotage.js';
import type { RunOptions } from '../../../src/topology/run.js';
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

describe('in transport mode', () => {
  const run = (sabotage?: RunOptions['sabotage']) => {
    const traffic = [ping(1, 2), ping(2, 1, { family: 6 }), udp(1, 2)];
    const topology = mesh(2, { traffic }, ['--mode=transport']);
    return runVirtually(topology, sabotage === undefined ? {} : { sabotage });
  };

  test('workloads find each other through their gateways, and all arrives', async () => {
    const { report } = await run();
    expect(report.violations).toEqual([]);
    expect(Object.values(report.flows).map(({ sent, lost }) => [sent, lost])).toEqual([
      [10, 0],
      [10, 0],
      [200, 0],
    ]);
  });

  test('a packet that leaves in clear is found, though ARP and neighbor discovery may', async () => {
    const { report } = await run(SABOTAGES['clear-on-miss']);
    expect(report.violations[0]?.kind).toBe('plaintext');
    expect(report.violations.every(({ text }) => !/ (42|86) octets/.test(text))).toBe(true);
  });
});
