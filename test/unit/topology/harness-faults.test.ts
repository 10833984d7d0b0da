/**
 * Faults of the simulated network are not failures of the gateway: what a link does to frames must not stay in a switch
 * after it, as it would not with real ones. Found by the search under seed 1454163258: a flipped bit made one gateway's
 * source MAC another's, the switch learnt it, and the other one, which had nothing to send, was unreachable from then on.
 */
import { expect, test } from 'vitest';
import { readTopology } from '../../../src/topology/file/read.js';
import { quietMs } from '../../../src/topology/fuzz/draw.js';
import { failuresOf, fuzz } from '../../../src/topology/fuzz/fuzz.js';
import { SABOTAGES } from '../../../src/topology/fuzz/sabotage.js';
import type { EventPlan } from '../../../src/topology/model.js';
import { runVirtually } from '../../../src/topology/virtual-run.js';
import { linkPlan, mesh, ping } from '../../support/topologies.js';

const SEED = 1454163258;

/** As the search wrote it, small. */
const FOUND = `name: lossy-oob
seed: ${SEED}
oob: {delay: 2ms, jitter: 3ms, loss: 0%}
topology:
  kinds: {gateway: {flags: {rpc-deadline: 200, backoff-max: 500}}, link: {delay: 10us}}
  nodes:
    h2: {kind: gateway, underlay: ["2001:db8::2"], mac: 02:00:00:00:00:02, workloads: {h2-v1: [192.168.0.2]}}
    h3: {kind: gateway, underlay: ["2001:db8::3"], mac: 02:00:00:00:00:03, workloads: {h3-v1: [192.168.0.3]}}
    h7: {kind: gateway, underlay: ["2001:db8::7"], mac: 02:00:00:00:00:07, workloads: {h7-v1: [192.168.0.7]}}
    h8: {kind: gateway, underlay: ["2001:db8::8"], mac: 02:00:00:00:00:08, workloads: {h8-v1: [192.168.0.8]}}
    switch1: {kind: switch}
  links:
    - {endpoints: ["h2:p0", "switch1:eth2"]}
    - {endpoints: ["h3:p0", "switch1:eth3"]}
    - {endpoints: ["h7:p0", "switch1:eth7"]}
    - {endpoints: ["h8:p0", "switch1:eth8"]}
scenario:
  duration: 130s
  traffic:
    fault-1: {type: transfer, from: h7-v1, to: h3-v1, start: 468ms, size: 16769}
    calm-11: {type: ping, from: h8-v1, to: h2-v1, start: 4741ms, count: 35, interval: 1s, timeout: 2s}
  events:
    - {at: 0, impair: "h3:p0", delay: 0ms, jitter: 12.604ms, loss: 13%, duplicate: 26%, corrupt: 9%}
    - {at: 0, attack: "h3:p0", for: 4741ms, replay: 19%, forge: 16%, spoof: 37/s}
    - {at: 4741ms, reset-faults: true}
  expect:
    - {flow: calm-11, recovered-within: 30s}
    - {no-leaks: true}
`;

test('what the search found under its seed, small', async () => {
  const { report } = await runVirtually(readTopology('found.yaml', () => FOUND));
  expect(report.links['h3:p0 switch1:eth3']!['h3:p0']!.corrupted).toBeGreaterThan(0);
  expect(report.expectations.filter(({ ok }) => !ok)).toEqual([]);
});

test('the same with links that change MAC addresses too, as they did: not reached', async () => {
  const sabotage = SABOTAGES['switches-learn-damage']!;
  const topology = readTopology('found.yaml', () => FOUND);
  const { report } = await runVirtually(topology, { sabotage });
  expect([...failuresOf(topology, report)]).toEqual([sabotage.foundAs]);
});

test('the seed itself, over the network of examples/lossy-oob.yaml', async () => {
  const base = readTopology(
    'lossy-oob.yaml',
    () => `name: lossy-oob
oob: {delay: 2ms, jitter: 3ms, loss: 2%}
topology:
  full-mesh: {gateways: 12, static: false, link: {delay: 10us}, flags: {rpc-deadline: 200, backoff-max: 500}}
`,
  );
  const { failure } = await fuzz({ base, runs: 1, seed: SEED, recoverMs: 30_000, shrinkRunsMax: 0 });
  expect(failure?.reasons ?? []).toEqual([]);
});

test('a gateway that says nothing is reached, whatever its neighbors frames have suffered on other links', async () => {
  // MAC addresses of eight gateways at one switch differ in three bits: a flipped one is often a neighbor's.
  const count = 8;
  const noisy: EventPlan[] = Array.from({ length: count - 2 }, (_, i) => ({
    atMs: 0,
    type: 'impair',
    link: linkPlan(`h${i + 3}:p0`, `s1:e${i + 3}`).name,
    impairments: { corruptRatio: 0.3 },
  }));
  const chatter = Array.from({ length: count - 2 }, (_, i) => ({
    type: 'udp' as const,
    name: `noise-${i}`,
    startMs: 0,
    from: `v${i + 3}`,
    to: `v${i === count - 3 ? 3 : i + 4}`,
    family: 4 as const,
    packetsPerSecond: 200,
    sizeOctets: 32,
    durationMs: 3000,
  }));
  const { report } = await runVirtually(
    mesh(count, {
      traffic: [
        ...chatter,
        {
          type: 'ping',
          name: 'quiet',
          startMs: 4000,
          from: 'v1',
          to: 'v2',
          family: 4,
          count: 10,
          intervalMs: 100,
          sizeOctets: 56,
          timeoutMs: 1000,
        },
      ],
      events: [...noisy, { atMs: 3500, type: 'reset-faults' }],
      expectations: [{ type: 'flow', flows: ['quiet'], lostAtMost: 0 }],
    }),
  );
  expect(
    Object.values(report.links)
      .flatMap((ends) => Object.values(ends))
      .reduce((sum, { corrupted }) => sum + corrupted!, 0),
  ).toBeGreaterThan(500);
  expect(report.expectations).toMatchObject([{ ok: true }]);
});

test('a crash in the middle of a start ends that start, and is no failure', async () => {
  const file = `name: crash-loop
oob: {delay: 1ms}
topology:
  nodes:
    h1: {kind: gateway, underlay: ["2001:db8::1"], workloads: {v1: [192.168.0.1]}}
    h2: {kind: gateway, underlay: ["2001:db8::2"], workloads: {v2: [192.168.0.2]}}
  links: [{endpoints: ["h1:p0", "h2:p0"]}]
scenario:
  duration: 10s
  traffic:
    calm: {type: ping, from: v2, to: v1, start: 5s, count: 3, interval: 1s, timeout: 2s}
  events:
    - {at: 1s, slow-entries: h1, delay: 500ms}
    - {at: 2s, crash: h1, down: 100ms}
    - {at: 2200ms, crash: h1, down: 100ms}
    - {at: 2400ms, restart: h1, down: 100ms}
    - {at: 3s, slow-entries: h1, delay: 0ms}
  expect: [{flow: calm, lost: 0}]
`;
  const { report } = await runVirtually(readTopology('crash-loop.yaml', () => file));
  expect(report.errors).toEqual([]);
  expect(report.expectations.filter(({ ok }) => !ok)).toEqual([]);
});

test('a crash in the middle of a rotation ends that rotation, and is no failure', async () => {
  const { report } = await runVirtually(
    mesh(2, {
      durationMs: 2000,
      // Its session's entries are being installed when the rotation is asked for, which waits for them.
      traffic: [ping(1, 2, { startMs: 500 })],
      events: [
        { atMs: 400, type: 'slow-entries', node: 'h1', delayMs: 400 },
        { atMs: 600, type: 'rotate', nodes: ['h1'] },
        { atMs: 700, type: 'crash', nodes: ['h1'], downMs: 100 },
      ],
    }),
  );
  expect(report.errors).toEqual([]);
});

test('SPIs are asked for when a rotation that was put off, and their own waits, are over', async () => {
  const graceMs = 2000;
  const lastMs = 600;
  const base = mesh(
    2,
    {
      traffic: [ping(1, 2, { count: 60 })],
      events: [500, lastMs].map((atMs) => ({ atMs, type: 'rotate', nodes: ['h1'] })),
      expectations: [{ type: 'no-leaks' }],
    },
    [`--rekey-grace=${graceMs}`],
  );
  const allClosedAfter = async (ms: number) => {
    const scenario = { ...base.scenario, durationMs: lastMs + ms };
    return (await runVirtually({ ...base, scenario })).report.expectations[0]!.ok;
  };
  expect(await allClosedAfter(quietMs(base))).toBe(true);
  // The rotation waits, and both keys' SPIs are looked at twice.
  expect(await allClosedAfter(3 * graceMs)).toBe(false);
});
