/** The search for failures: nothing is found in what is sound, and what is broken on purpose is found and made small. */
import { describe, expect, test } from 'vitest';
import { readTopology } from '../../../src/topology/file/read.js';
import { drawScenario } from '../../../src/topology/fuzz/draw.js';
import { fuzz } from '../../../src/topology/fuzz/fuzz.js';
import { SABOTAGES } from '../../../src/topology/fuzz/sabotage.js';
import type { Topology } from '../../../src/topology/model.js';
import { runVirtually } from '../../../src/topology/virtual-run.js';
import { mesh } from '../../support/topologies.js';

/** Seeds of each network; more with PSP_FUZZ_RUNS. */
const RUNS = Number(process.env.PSP_FUZZ_RUNS ?? 180);
const COMMON = { base: mesh(4), seed: 1, recoverMs: 30_000, shrinkRunsMax: 150 };
const read = (topology: string) => readTopology('base.yaml', () => `name: base\ntopology:\n  ${topology}\n`);
const NETWORKS: readonly (readonly [string, Topology])[] = [
  ['four gateways at a switch', mesh(4)],
  ['routers with ECMP', read('leaf-spine: {leaves: 2, spines: 2, hosts: 5, flags: {inner: both}}')],
  [
    'transport mode with cookies',
    read('full-mesh: {gateways: 3, static: false, flags: {mode: transport, cookie: true, inner: both}}'),
  ],
  [
    'static tunnels over IPv4, sampled',
    read(
      'full-mesh: {gateways: 3, flags: {outer-ip-type: ipv4, sample-rate: 2, psp-version: 0, rekey-grace: 5000}}',
    ),
  ],
];

describe(`${RUNS} seeds of random faults violate nothing, and everything flows again after them`, () => {
  test.each(NETWORKS)(
    '%s',
    async (_, base) => {
      const { failure, packets } = await fuzz({ ...COMMON, base, runs: RUNS });
      expect(failure === undefined ? [] : [failure.seed, ...failure.reasons]).toEqual([]);
      expect(packets).toBeGreaterThan(RUNS * 100);
    },
    600_000,
  );
});

describe('a gateway that is broken on purpose is found', () => {
  test.each([
    ['repeat-keys-after-rotation', /^key-reuse/],
    ['clear-on-miss', /^plaintext/],
    ['resubmit-twice', /^delivered-twice/],
  ])('%s', async (name, reason) => {
    const { failure } = await fuzz({ ...COMMON, runs: 100, sabotage: SABOTAGES[name]! });
    expect(failure?.reasons[0]).toMatch(reason);
    const { events, traffic } = failure!.small.scenario;
    const { scenario } = failure!.topology;
    expect(events.length + traffic.length).toBeLessThan(scenario.events.length + scenario.traffic.length);
    expect(traffic.length).toBeLessThanOrEqual(2);
    // The small one repeats it, and is sound without the defect.
    const again = await runVirtually(failure!.small, { sabotage: SABOTAGES[name]! });
    expect(again.report.violations[0]?.kind).toBe(reason.source.slice(1));
    const sound = await runVirtually(failure!.small, {});
    expect(sound.report.violations).toEqual([]);
  });
});

test('the same seed draws the same scenario, another seed another', () => {
  const draw = (seed: number) => JSON.stringify(drawScenario(COMMON.base, seed, 1000).topology.scenario);
  expect(draw(7)).toBe(draw(7));
  expect(draw(8)).not.toBe(draw(7));
});
