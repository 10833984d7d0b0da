/** The estimate is what a run then writes, near enough to warn of gigabytes: not half of it, nor twice as much. */
import { expect, test } from 'vitest';
import { estimatedCaptureOctets } from '../../../src/topology/capture-estimate.js';
import type { Topology } from '../../../src/topology/model.js';
import { runVirtually } from '../../../src/topology/virtual-run.js';
import { topologyOf } from '../../support/topology-text.js';

const NONE = new Map();

async function written(topology: Topology, snapOctets: number): Promise<number> {
  let octets = 0;
  const sink = {
    write: (file: string, piece: Uint8Array) => {
      if (file.endsWith('.pcapng')) octets += piece.length;
    },
  };
  await runVirtually(topology, { sink, captures: true, snapOctets });
  return octets;
}

const over = (traffic: string, duration = '') =>
  topologyOf(`name: t
topology: {leaf-spine: {leaves: 2, spines: 2, hosts: 2}}
scenario:${duration}
  traffic:
    A: {${traffic}}
`);

test.each([
  ['type: ping, from: h1-v1, to: h2-v1, count: 300, interval: 10ms, size: 800', ''],
  ['type: udp, from: h1-v1, to: h2-v1, rate: 500/s, size: 1000, duration: 1s', ''],
  ['type: udp, from: h1-v1, to: h2-v1, rate: 500/s, size: 100, duration: 10s', '\n  duration: 1s'],
  ['type: transfer, from: h1-v1, to: h2-v1, size: 500kB', ''],
  ['type: flood, from: h1-v1, rate: 500/s, duration: 1s', ''],
])('{%s}%s', async (traffic, duration) => {
  const topology = over(traffic, duration);
  for (const snapOctets of [0, 128]) {
    const ratio = estimatedCaptureOctets(topology, NONE, snapOctets) / (await written(topology, snapOctets));
    expect(ratio, `snap ${snapOctets}`).toBeGreaterThan(0.7);
    expect(ratio, `snap ${snapOctets}`).toBeLessThan(1.4);
  }
});

test('a replay counts as what it sends', () => {
  const topology = over('type: replay, from: h1-v1, file: x.pcap');
  const replay = (count: number) =>
    new Map([
      [
        'A',
        {
          frames: Array.from({ length: count }, () => ({ atMs: 0, frame: new Uint8Array(1000) })),
          leftOut: {},
          unplayable: 0,
        },
      ],
    ]);
  const [none, few, many] = [0, 100, 200].map((count) => estimatedCaptureOctets(topology, replay(count)));
  expect(none).toBe(0);
  expect(few).toBeGreaterThan(4 * 100 * 1000);
  expect(many).toBe(2 * few!);
});
