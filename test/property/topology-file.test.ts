import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ParsedFile, ParsedScenario } from '../../src/topology/file/parsed.js';
import { readTopology } from '../../src/topology/file/read.js';
import { topologyToYaml } from '../../src/topology/file/write.js';
import type { Topology } from '../../src/topology/model.js';
import { randomTopology } from '../support/random-topology.js';
import { ROOT } from '../support/root.js';
import { problemsOf, topologyOf } from '../support/topology-text.js';

// A topology does not shrink well: the first that fails is as good, and its text is in the message.
const RUNS = 500;
const ONE_FAILURE = { endOnFailure: true } as const;

describe('a topology', () => {
  test('that is written as a file reads back equal', () => {
    fc.assert(
      fc.property(fc.gen(), (g) => {
        const topology = randomTopology(g);
        const text = topologyToYaml(topology);
        expect(
          readTopology('written.yaml', () => text),
          text,
        ).toStrictEqual(topology);
      }),
      ONE_FAILURE,
    );
  });

  test('is written as the same text when it was read from that text', () => {
    fc.assert(
      fc.property(fc.gen(), (g) => {
        const text = topologyToYaml(randomTopology(g));
        expect(topologyToYaml(readTopology('written.yaml', () => text))).toBe(text);
      }),
      ONE_FAILURE,
    );
  });
});

describe('a file that is damaged', () => {
  const example = readFileSync(join(ROOT, 'test/support/topology-files/two-hosts.yaml'), 'utf8');
  /** Cuts out a part, and puts another in. */
  const damage = fc
    .record({
      at: fc.nat({ max: example.length }),
      length: fc.nat({ max: 40 }),
      insert: fc.oneof(
        fc.constantFrom(
          '',
          'null',
          '[]',
          '{}',
          '-1',
          '*',
          '"*"',
          '\n',
          ': ',
          '- ',
          '&a ',
          '*a',
          '<<: ',
          '.inf',
        ),
        fc.string({ maxLength: 8 }),
        fc.integer({ min: 0, max: example.length - 30 }).map((from) => example.slice(from, from + 30)),
      ),
    })
    .map(
      ({ at, length, insert }) =>
        (text: string) =>
          text.slice(0, at) + insert + text.slice(at + length),
    );

  test('reads, or is refused with a file and line for every problem; nothing else happens', () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (damages) => {
        const text = damages.reduce((damaged, cut) => cut(damaged), example);
        const lines = text.split('\n').length;
        const problems = problemsOf(text);
        if (problems.length > 0) refused++;
        for (const problem of problems) {
          const [, line] = /^t\.yaml:(\d+): ./s.exec(problem)!;
          expect(Number(line)).toBeGreaterThan(0);
          expect(Number(line)).toBeLessThanOrEqual(lines);
        }
      }),
      { numRuns: RUNS },
    );
    expect(refused).toBeGreaterThan(RUNS / 4);
  });

  test('with any value anywhere reads whole, or is refused', () => {
    expect(problemsOf(JSON.stringify(EVERYTHING))).toEqual([]);
    const paths = pathsOf(EVERYTHING);
    const at = (path: readonly string[], root: unknown) =>
      path.reduce((holder, key) => (holder as Record<string, unknown>)[key], root);
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(...paths).map((path) => at(path, EVERYTHING)),
    );
    let refused = 0;
    fc.assert(
      fc.property(fc.constantFrom(...paths), value, (path, replacement) => {
        const changed = structuredClone(EVERYTHING);
        (at(path.slice(0, -1), changed) as Record<string, unknown>)[path.at(-1)!] = replacement;
        const text = JSON.stringify(changed);
        const problems = problemsOf(text);
        for (const problem of problems) expect(problem).toMatch(/^t\.yaml:1: ./);
        if (problems.length > 0) refused++;
        else expectWhole(topologyOf(text), changed);
      }),
      { numRuns: RUNS },
    );
    expect(refused).toBeGreaterThan(RUNS / 4);
    expect(refused).toBeLessThan(RUNS);
  });
});

/** Nothing of the file is left out. */
function expectWhole({ nodes, links, scenario }: Topology, file: ParsedFile): void {
  const { traffic = {}, events = [], expect: expected = [] } = (file.scenario ?? {}) as ParsedScenario;
  expect(nodes).toHaveLength(Object.keys(file.topology.nodes ?? {}).length);
  expect(links).toHaveLength((file.topology.links ?? []).length);
  for (const name of Object.keys(traffic)) {
    const flows = scenario.traffic.filter((flow) => flow.name === name || flow.name.startsWith(`${name}/`));
    expect(flows, name).not.toHaveLength(0);
  }
  expect(scenario.events.length).toBeGreaterThanOrEqual(events.length);
  expect(scenario.expectations).toHaveLength(expected.length);
}

function pathsOf(value: unknown): string[][] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [key],
    ...pathsOf(inner).map((path) => [key, ...path]),
  ]);
}

/** A right file with all kinds of nodes, traffic, events and expectations. */
const EVERYTHING: ParsedFile = {
  name: 'all',
  seed: 1,
  epoch: '2038-01-19T03:14:00.000Z',
  oob: { delay: '1ms', jitter: '0ms', loss: '0%' },
  topology: {
    defaults: { flags: { inner: 'both' } },
    kinds: { gateway: { flags: { cookie: true } }, link: { delay: '10us' } },
    nodes: {
      a: {
        kind: 'gateway',
        underlay: ['2001:db8::1'],
        oob: '10.0.0.1',
        mac: '02:00:00:00:00:77',
        flags: { 'static-tunnels': '192.168.1.1' },
        workloads: { v1: ['192.168.1.1', 'fd00::1'], v2: { addresses: ['fd00::2'], present: false } },
      },
      b: { kind: 'gateway' },
      s: { kind: 'switch' },
      r: { kind: 'router' },
    },
    links: [
      { endpoints: ['a:p0', 's:x'], loss: '1%', mtu: 1500, rate: '1Gbps' },
      { endpoints: ['b:p0', 'r:x'] },
      { endpoints: ['s:y', 'r:y'] },
    ],
  },
  scenario: {
    duration: '10s',
    traffic: {
      P: { type: 'ping', from: 'v1', to: ['b-v1'], count: 1 },
      U: { type: 'udp', from: '*', to: '*', rate: '1/s', duration: '1s', sample: 2, spread: '1s' },
      T: { type: 'transfer', from: 'v1', to: 'b-v1', size: '1kB' },
      R: { type: 'replay', from: 'v1', file: 'x' },
      F: { type: 'flood', from: '*', rate: 5, duration: '1s' },
    },
    events: [
      { at: '1s', rotate: '*', every: '1s' },
      { at: '1s', crash: ['a', 'b'], down: '1s' },
      { at: 0, cut: 'a:p0' },
      { at: 0, impair: 'a:p0 s:x', loss: '1%' },
      { at: 0, partition: [['a'], ['b']] },
      { at: 0, heal: true },
      { at: 0, 'reset-faults': true },
      { at: 0, oob: { loss: '5%' } },
      { at: 0, 'add-workload': 'v2' },
      { at: 0, readdress: 'a', ip: '2001:db8::5' },
      { at: 0, attack: 'a:p0', for: '1s', spoof: 5 },
      { at: 0, 'clock-jump': 'a', by: '1s' },
      { at: 0, 'slow-entries': 'a', delay: '1s' },
    ],
    expect: [
      { flow: 'P', lost: 0 },
      { flow: ['U', 'T'], delivered: '9%' },
      { flow: '*', 'recovered-within': '1s' },
      { flow: 'F', blocked: true },
      { counter: 'nodes.a.rotations', min: 1 },
      { 'no-leaks': true },
    ],
  },
};
