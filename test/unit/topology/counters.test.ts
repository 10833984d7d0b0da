import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CounterProblems, counterPaths, counterTree } from '../../../src/topology/counters.js';
import { runVirtually } from '../../../src/topology/virtual-run.js';
import { topologyOf } from '../../support/topology-text.js';

const TEXT = `name: counted
topology:
  nodes:
    h1: {kind: gateway, flags: {inner: both}}
    h2: {kind: gateway, flags: {inner: both, sample-rate: 4}}
    i1: {kind: insider}
    r1: {kind: router}
    s1: {kind: switch}
  links:
    - {endpoints: ["h1:p0", "s1:e1"]}
    - {endpoints: ["h2:p0", "r1:e2"]}
    - {endpoints: ["i1:p0", "s1:e3"]}
    - {endpoints: ["r1:e1", "s1:e2"]}
scenario:
  duration: 2s
  traffic:
    ping: {type: ping, from: h1-v1, to: h2-v1, count: 3}
    bulk: {type: transfer, from: h2-v1, to: h1-v1, size: 10kB}
`;
const GROUPS = ['tunnels', 'nodes', 'insiders', 'switches', 'routers', 'links', 'outside', 'flows', 'oob'];

function numbersIn(value: unknown, before = ''): string[] {
  if (typeof value === 'number') return [before];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    numbersIn(inner, before === '' ? key : `${before}.${key}`),
  );
}

test('the counters of a topology are the numbers of its report', async () => {
  const topology = topologyOf(TEXT);
  const { report } = await runVirtually(topology);
  const inReport = GROUPS.flatMap((group) => numbersIn(report[group as keyof typeof report], group));
  const paths = [...counterPaths(counterTree(topology))];
  expect(new Set(paths).size).toBe(paths.length);
  expect(inReport.filter((path) => !paths.includes(path))).toEqual([]);
  // Percentiles are there when something was measured.
  const missing = paths.filter((path) => !inReport.includes(path));
  expect(missing.filter((path) => !/\.(?:latencyMs|tunnelSetUpMs)\.\w+$/.test(path))).toEqual([]);
});

test('each of them is in docs/topology.md', () => {
  const text = readFileSync(new URL('../../../docs/topology.md', import.meta.url), 'utf8');
  const [section] = text.slice(text.indexOf('### Counters')).split('\n## ');
  const named = new Set([...section!.matchAll(/`([^`]+)`/g)].flatMap(([, words]) => words!.split('.')));
  const plain = (path: string) =>
    path.replace(/^(?:links\.[^.]*|routers\.r1\.sent|nodes\.\w+\.pipes)\..*/, 'tunnels');
  const names = new Set(
    [...counterPaths(counterTree(topologyOf(TEXT)))].map((path) => plain(path).split('.').at(-1)!),
  );
  expect([...names].filter((name) => !named.has(name))).toEqual([]);
});

describe('a path', () => {
  const problems = new CounterProblems(counterTree(topologyOf(TEXT)));

  test.each(['tunnels', 'nodes.h2.psp.rxBad', 'links.h1:p0 s1:e1.h1:p0.sent', 'routers.r1.sent.e2'])(
    '%s is one',
    (path) => expect(problems.of(path)).toBeUndefined(),
  );

  test.each([
    ['nodes.h1.psp.rxbad', /^there is no counter "nodes.h1.psp.rxbad"; did you mean "nodes.h1.psp.rxBad"\?$/],
    ['nodes.h1.pipes.ROOT.hits', /expected one of packets, misses$/],
    ['nodes.h1.pipes.EGR_SAMPL.packets', /; did you mean|; expected one of ROOT/],
    ['nodes.s1.starts', /expected one of h1, h2$/],
    ['nodes.h1.psp', /^"nodes.h1.psp" has counters in it; expected one of rxPackets, /],
    ['toString', /^there is no counter "toString"/],
    ['tunnels.x', /^there is no counter "tunnels.x"/],
    ['', /has counters in it; expected one of tunnels, nodes/],
    ['a.'.repeat(501), /is longer than 1000 characters/],
  ])('%j is none', (path, reason) => expect(problems.of(path)?.reason).toMatch(reason));
});
