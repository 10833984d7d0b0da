/** The search for failures: nothing is found in what is sound, and what is broken on purpose is found and made small. */
import { describe, expect, test } from 'vitest';
import { readTopology } from '../../../src/topology/file/read.js';
import { drawScenario } from '../../../src/topology/fuzz/draw.js';
import { type FuzzResult, failuresOf, fuzz } from '../../../src/topology/fuzz/fuzz.js';
import { SABOTAGES } from '../../../src/topology/fuzz/sabotage.js';
import type { Topology } from '../../../src/topology/model.js';
import { runVirtually } from '../../../src/topology/virtual-run.js';
import { again } from '../../support/again.js';
import { SEARCHES, searchedNetwork } from '../../support/searches.js';
import { mesh } from '../../support/topologies.js';

/** Seeds of each network, which has its own; more with PSP_TOPOLOGY_RUNS. */
const RUNS = Number(process.env.PSP_TOPOLOGY_RUNS ?? 30);
/** One seed again, on its network. */
const ONLY = process.env.PSP_TOPOLOGY_SEED;
/** A hostile one takes more than twice the time of an honest one. */
const HOSTILE_RUNS = Math.ceil(RUNS / 2);
const SEEDS_APART = 1_000_000;
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

/** Defects whose scenarios are made small to the end. */
const SHRUNK = new Set(['repeat-keys-after-rotation', 'clear-on-miss', 'resubmit-twice']);

/** What the search has found, and how it is found again. */
function found({ failure }: FuzzResult): string[] {
  if (failure === undefined) return [];
  return [again({ PSP_TOPOLOGY_SEED: failure.seed }, 'test/unit/topology/fuzz.test.ts'), ...failure.reasons];
}

describe.runIf(ONLY === undefined).each([
  [`${RUNS} seeds of random faults`, false, RUNS],
  [`${HOSTILE_RUNS} seeds of hostile worlds`, true, HOSTILE_RUNS],
])('%s violate nothing, and everything flows again after them', (_, hostile, runs) => {
  test.each(NETWORKS.map(([name, base], i) => ({ name, base, seed: 1 + i * SEEDS_APART })))(
    '$name',
    async ({ base, seed }) => {
      const outcome = await fuzz({ ...COMMON, base, seed, runs, hostile });
      expect(found(outcome)).toEqual([]);
      expect(outcome.packets).toBeGreaterThan(runs * 100);
    },
    600_000,
  );
});

// Not there, and not skipped, where no seed is asked for.
if (ONLY !== undefined) {
  describe(`seed ${ONLY} violates nothing`, () => {
    test.each([
      ['random faults', false],
      ['a hostile world', true],
    ])('%s', async (_, hostile) => {
      const seed = Number(ONLY);
      const [name, base] = NETWORKS[Math.floor(seed / SEEDS_APART)]!;
      process.stdout.write(`${name}\n`);
      expect(found(await fuzz({ ...COMMON, base, seed, runs: 1, hostile }))).toEqual([]);
    });
  });
}

describe.runIf(ONLY === undefined)(
  'what is broken on purpose is found, as what it is, and made small',
  () => {
    test.each(SEARCHES)(
      '$sabotage, $network',
      async ({ sabotage: name, network, hostile, seed, runs }) => {
        const sabotage = SABOTAGES[name]!;
        const { failure } = await fuzz({
          base: searchedNetwork(network),
          seed,
          runs,
          hostile,
          recoverMs: 30_000,
          // Of rare ones it shows that they are found; others show how small they can be made.
          shrinkRunsMax: SHRUNK.has(name) ? 60 : 6,
          sabotage,
          wanted: sabotage.foundAs,
        });
        expect(failure?.kinds).toContain(sabotage.foundAs);
        // The small one is sound without the defect.
        const { report } = await runVirtually(failure!.small);
        expect(failuresOf(failure!.small, report)).not.toContain(sabotage.foundAs);
        if (!SHRUNK.has(name)) return;
        const { events, traffic } = failure!.small.scenario;
        const { scenario } = failure!.topology;
        expect(events.length + traffic.length).toBeLessThan(scenario.events.length + scenario.traffic.length);
        expect(traffic.length).toBeLessThanOrEqual(2);
      },
      300_000,
    );

    test('each of them is searched', () => {
      // One of these is a matter of a single seed in thousands: harness-faults.test.ts.
      const others = Object.keys(SABOTAGES).filter((name) => name !== 'switches-learn-damage');
      expect(new Set(SEARCHES.map(({ sabotage }) => sabotage))).toEqual(new Set(others));
    });
  },
);

test('the same seed draws the same scenario, another seed another', () => {
  const draw = (seed: number) => JSON.stringify(drawScenario(COMMON.base, seed, 1000).topology.scenario);
  expect(draw(7)).toBe(draw(7));
  expect(draw(8)).not.toBe(draw(7));
  const hostile = (seed: number) => JSON.stringify(drawScenario(COMMON.base, seed, 1000, true).topology);
  expect(hostile(7)).toBe(hostile(7));
  const kinds = Array.from({ length: 40 }, (_, seed) => drawScenario(COMMON.base, seed, 1000, true)).map(
    ({ options }) => options.join('; '),
  );
  for (const what of [
    'insider-1 does',
    'clocks pass',
    'dead peers',
    'small tables',
    'one way',
    'crashes',
    'rotates',
    'rekey-grace',
    'sweeps',
    'loses its',
    'announce',
    'redirect',
  ])
    expect(kinds.some((text) => text.includes(what))).toBe(true);
});
