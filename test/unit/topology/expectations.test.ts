import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../src/topology/expectations/evaluate.js';
import type { Shown } from '../../../src/topology/expectations/kind.js';
import type { Expectation } from '../../../src/topology/model.js';
import { Flow } from '../../../src/topology/traffic/flow.js';
import { ping } from '../../support/topologies.js';

const START_MS = 5_000;

interface Packets {
  readonly sent: number;
  readonly delivered: number;
  readonly transfer?: Flow['transfer'];
}

/** A flow that sends a packet every 100 ms from the run's start; the last ones are those that do not arrive. */
function flow(name: string, { sent, delivered, transfer }: Packets): Flow {
  const one = new Flow({ ...ping(1, 2), name }, 0);
  for (let i = 0; i < sent; i++) one.send(START_MS + i * 100);
  for (let i = 0; i < delivered; i++) one.arrive(i, START_MS + i * 100 + 1);
  one.transfer = transfer;
  return one;
}

const FLOWS = [
  flow('all', { sent: 10, delivered: 10 }),
  flow('most', { sent: 10, delivered: 8 }),
  flow('one', { sent: 10, delivered: 1 }),
  flow('none', { sent: 10, delivered: 0 }),
  flow('unsent', { sent: 0, delivered: 0 }),
  flow('broken', { sent: 10, delivered: 10, transfer: { octets: 1000, intact: false, retransmissions: 0 } }),
  flow('short', { sent: 10, delivered: 6, transfer: { octets: 600, intact: false, retransmissions: 3 } }),
  flow('whole', { sent: 10, delivered: 10, transfer: { octets: 1000, intact: true, retransmissions: 3 } }),
];

const REPORT = {
  nodes: { h1: { psp: { rxAuthFail: 3 }, name: 'text', up: true, list: [5] } },
  switches: {},
  routers: {},
  links: { 'h1:p0 s1:e1': { 'h1:p0': { lost: 7 } }, a: { 'b.c': { d: 1 } }, 'a.b': { c: { d: 2 } } },
  flows: { 'ping/v1>v2': { lost: 0 }, 'v1.0': { sent: 5 }, v1: { '0': { sent: 6, other: 9 } } },
  oob: { calls: 12 },
} as unknown as Shown['report'];

function verdict(expectation: Expectation, change: Partial<Shown> = {}) {
  const all = evaluate([expectation], {
    flows: FLOWS,
    report: REPORT,
    lastEventMs: 0,
    startMs: START_MS,
    leaks: [],
    ...change,
  });
  expect(all).toHaveLength(1);
  const { failing, ...verdict } = all[0]!;
  if (verdict.ok) expect(failing).toEqual([]);
  return verdict;
}

/** The flows by which it is not met. */
const failing = (expectation: Expectation) =>
  evaluate([expectation], { flows: FLOWS, report: REPORT, lastEventMs: 0, startMs: START_MS, leaks: [] })[0]!
    .failing;

test('every flow by which an expectation is not met is named, and no other', () => {
  const flows = ['all', 'most', 'none', 'broken'];
  expect(failing({ type: 'flow', flows, lostAtMost: 0 })).toEqual(['most', 'none', 'broken']);
  expect(failing({ type: 'share', flows, deliveredRatioMin: 0.5 })).toEqual(['none']);
  expect(failing({ type: 'recovered', flows, withinMs: 0 })).toEqual(['most', 'none', 'broken']);
  expect(failing({ type: 'blocked', flows })).toEqual(['all', 'most', 'broken']);
  expect(failing({ type: 'counter', path: 'oob.calls', max: 0 })).toEqual([]);
});

describe('flow: so many may be lost', () => {
  const lost = (lostAtMost: number, ...flows: string[]) => verdict({ type: 'flow', flows, lostAtMost });

  test.each([
    [0, 'all', true],
    [0, 'unsent', true],
    [0, 'most', false],
    [1, 'most', false],
    [2, 'most', true],
    [9, 'none', false],
    [10, 'none', true],
    [0, 'whole', true],
    // All arrived, but something else: that is a loss.
    [0, 'broken', false],
    [3, 'short', false],
    [4, 'short', true],
  ])('at most %d of "%s": %s', (most, name, ok) => {
    expect(lost(most, name).ok).toBe(ok);
  });

  test('it holds for each flow by itself; the worst are named', () => {
    expect(lost(0, 'all', 'most', 'none')).toEqual({
      text: 'all of all, most, none is delivered',
      ok: false,
      seen: 'most: 2 of 10 lost, none: 10 of 10 lost',
    });
    expect(lost(2, 'most', 'most')).toEqual({
      text: 'of most, most at most 2 are lost',
      ok: true,
      seen: 'lost: 4',
    });
  });

  test('of many flows five are named', () => {
    const names = Array.from({ length: 8 }, (_, i) => `f${i}`);
    const flows = names.map((name) => flow(name, { sent: 2, delivered: 1 }));
    const five = verdict({ type: 'flow', flows: names.slice(0, 5), lostAtMost: 0 }, { flows });
    expect(five.seen).toMatch(/f4: 1 of 2 lost$/);
    expect(verdict({ type: 'flow', flows: names, lostAtMost: 0 }, { flows })).toEqual({
      text: 'all of 8 flows is delivered',
      ok: false,
      seen: `${names
        .slice(0, 5)
        .map((name) => `${name}: 1 of 2 lost`)
        .join(', ')}, and 3 more flows`,
    });
  });
});

describe('share: so much must arrive', () => {
  const share = (deliveredRatioMin: number, ...flows: string[]) =>
    verdict({ type: 'share', flows, deliveredRatioMin });

  test.each([
    [1, 'all', true],
    [1, 'unsent', true],
    [0.8, 'most', true],
    [0.81, 'most', false],
    [0, 'none', true],
    [0.01, 'none', false],
    [1, 'broken', false],
    [0.6, 'short', true],
    [0.61, 'short', false],
  ])('%d of "%s": %s', (ratio, name, ok) => {
    expect(share(ratio, name).ok).toBe(ok);
  });

  test('it holds for each flow by itself, and the least is told', () => {
    expect(share(1, 'unsent').seen).toBe('least: 100 %');
    expect(share(0.5, 'all', 'most')).toEqual({
      text: 'of all, most at least 50 % is delivered',
      ok: true,
      seen: 'least: 80 %',
    });
    expect(share(0.9, 'all', 'most').ok).toBe(false);
  });
});

describe('recovered: nothing that is sent later than so long after the last event is lost', () => {
  // "most" loses what it sends at 800 ms and 900 ms.
  const recovered = (name: string, withinMs: number, lastEventMs: number) =>
    verdict({ type: 'recovered', flows: ['all', name], withinMs }, { lastEventMs });

  test.each([
    [0, 0, false],
    [500, 400, false],
    [500, 401, true],
    [850, 0, false],
    [850, 51, true],
    [901, 0, true],
  ])('event at %d ms, %d ms after it: %s', (lastEventMs, withinMs, ok) => {
    expect(recovered('most', withinMs, lastEventMs).ok).toBe(ok);
  });

  test('it says what was lost', () => {
    expect(recovered('most', 300, 500)).toEqual({
      text: 'all, most recovers within 300 ms of the last event',
      ok: false,
      seen: 'most: 2 of 10 lost',
    });
    expect(recovered('most', 1_000, 500).seen).toBe('nothing lost after that');
  });

  test('a transfer that is not intact has not recovered, whenever', () => {
    expect(recovered('broken', 10_000, 0).ok).toBe(false);
    expect(recovered('whole', 0, 0).ok).toBe(true);
  });
});

describe('blocked: nothing arrives', () => {
  test('of those that are named', () => {
    expect(verdict({ type: 'blocked', flows: ['none', 'unsent'] })).toEqual({
      text: 'nothing of none, unsent arrives',
      ok: true,
      seen: 'nothing',
    });
    expect(verdict({ type: 'blocked', flows: ['none', 'one', 'all'] })).toEqual({
      text: 'nothing of none, one, all arrives',
      ok: false,
      seen: 'one, all arrived',
    });
  });
});

describe('no-leaks', () => {
  test('holds when nothing is left over, and says what is', () => {
    expect(verdict({ type: 'no-leaks' })).toMatchObject({ ok: true, seen: 'nothing left over' });
    expect(verdict({ type: 'no-leaks' }, { leaks: ['a', 'b'] })).toMatchObject({ ok: false, seen: 'a; b' });
  });
});

describe('counter', () => {
  const counter = (path: string, range: { min?: number; max?: number }) =>
    verdict({ type: 'counter', path, ...range });

  test.each<[{ min?: number; max?: number }, boolean, string]>([
    [{ min: 3 }, true, 'at least 3'],
    [{ min: 4 }, false, 'at least 4'],
    [{ max: 3 }, true, 'at most 3'],
    [{ max: 2 }, false, 'at most 2'],
    [{ min: 3, max: 3 }, true, '3'],
    [{ min: 4, max: 4 }, false, '4'],
    [{ min: 2, max: 5 }, true, 'at least 2 and at most 5'],
    [{ min: 4, max: 5 }, false, 'at least 4 and at most 5'],
  ])('%j of 3: %s', (range, ok, text) => {
    const path = 'nodes.h1.psp.rxAuthFail';
    expect(counter(path, range)).toEqual({ text: `${path} is ${text}`, ok, seen: '3' });
  });

  test.each([
    ['oob.calls', 12],
    ['links.h1:p0 s1:e1.h1:p0.lost', 7],
    ['flows.ping/v1>v2.lost', 0],
    // The longest name that fits comes first, and where it leads nowhere a shorter one.
    ['flows.v1.0.sent', 5],
    ['flows.v1.0.other', 9],
    ['links.a.b.c.d', 2],
  ])('names may have dots: %s is %d', (path, value) => {
    expect(counter(path, { min: value, max: value })).toMatchObject({ ok: true, seen: String(value) });
  });

  test.each([
    'nodes.h2.psp.rxAuthFail',
    'nodes.h1.psp',
    'nodes.h1.name',
    'nodes.h1.up',
    'nodes.h1.list',
    'oob/calls',
    'nodes.h1.psp.',
    'nodes',
    '',
    'calls',
  ])('no number is at "%s", and so it is never met', (path) => {
    expect(counter(path, { min: Number.NEGATIVE_INFINITY }).ok).toBe(false);
    expect(counter(path, { max: Number.POSITIVE_INFINITY }).ok).toBe(false);
  });

  test('one that is not there is said not to be', () => {
    expect(counter('nodes.h2.psp.rxAuthFail', { min: 0 }).seen).toBe('no such counter');
    expect(counter('toString', { min: 0 }).seen).toBe('no such counter');
  });
});

test('every expectation gets its verdict, in order', () => {
  const verdicts = evaluate(
    [
      { type: 'blocked', flows: ['none'] },
      { type: 'flow', flows: ['none'], lostAtMost: 0 },
      { type: 'no-leaks' },
    ],
    { flows: FLOWS, report: REPORT, lastEventMs: 0, startMs: START_MS, leaks: [] },
  );
  expect(verdicts.map(({ ok }) => ok)).toEqual([true, false, true]);
});
