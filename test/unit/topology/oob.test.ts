import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.js';
import { createVirtualClock } from '../../../src/base/virtual-clock.js';
import { parseIp } from '../../../src/packet/address.js';
import type { OobPlan } from '../../../src/topology/model.js';
import { Oob } from '../../../src/topology/oob.js';
import { ANYBODY } from '../../support/doorkeepers.js';
import { serviceOf } from '../../support/topologies.js';

const CALM: OobPlan = { delayMs: 3, jitterMs: 0, lossRatio: 0 };
const NODES = [1, 2, 3, 4, 5];

function build(plan: Partial<OobPlan> = {}, seed = 1) {
  const clock = createVirtualClock(0);
  const oob = new Oob(clock, seededRandom(seed), { ...CALM, ...plan });
  for (const n of NODES) oob.register({ name: `h${n}`, serviceAddress: serviceOf(n) });
  const fate = (from: number, to: number) => oob.fate(serviceOf(from), serviceOf(to));
  return { clock, oob, fate };
}

test('a calm network loses nothing and takes its delay each way', () => {
  const { oob, fate } = build();
  for (let i = 0; i < 100; i++) expect(fate(1, 2)).toEqual({ delayMs: 3 });
  expect(oob.counters).toEqual({ calls: 100, lost: 0, partitioned: 0 });
});

test('jitter is added to the delay, from nothing up to all of it', () => {
  const { fate } = build({ jitterMs: 10 });
  const delays = Array.from({ length: 2000 }, () => fate(1, 2).delayMs);
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(3);
  expect(Math.min(...delays)).toBeLessThan(3.1);
  expect(Math.max(...delays)).toBeLessThan(13);
  expect(Math.max(...delays)).toBeGreaterThan(12.9);
  const mean = delays.reduce((a, b) => a + b, 0) / delays.length;
  expect(Math.abs(mean - 8)).toBeLessThan(0.4);
});

test.each([0.05, 0.3, 0.9])('of requests and of answers each a share of %d is lost', (lossRatio) => {
  const { oob, fate } = build({ lossRatio });
  const CALLS = 20_000;
  const lost = { request: 0, response: 0, none: 0 };
  for (let i = 0; i < CALLS; i++) lost[fate(1, 2).lost ?? 'none']++;
  const near = (count: number, of: number, ratio: number) =>
    expect(Math.abs(count - of * ratio)).toBeLessThan(5 * Math.sqrt(of * ratio * (1 - ratio)));
  near(lost.request, CALLS, lossRatio);
  // Answers there are only to requests that came.
  near(lost.response, CALLS - lost.request, lossRatio);
  expect(oob.counters).toEqual({ calls: CALLS, lost: lost.request + lost.response, partitioned: 0 });
});

test('all is lost where all is to be, and the same seed loses the same', () => {
  const { fate } = build({ lossRatio: 1 });
  for (let i = 0; i < 100; i++) expect(fate(1, 2).lost).toBe('request');
  const fates = (seed: number) => {
    const one = build({ lossRatio: 0.5, jitterMs: 5 }, seed);
    return Array.from({ length: 50 }, () => one.fate(1, 2));
  };
  expect(fates(7)).toEqual(fates(7));
  expect(fates(8)).not.toEqual(fates(7));
});

describe('a partition', () => {
  test('loses every request between groups, both ways; within a group, and with nodes in none, all is well', () => {
    const { oob, fate } = build();
    oob.partition([
      ['h1', 'h2'],
      ['h3', 'h4'],
    ]);
    const group = [0, 0, 1, 1, undefined];
    let apart = 0;
    for (const from of NODES)
      for (const to of NODES) {
        const [a, b] = [group[from - 1], group[to - 1]];
        const isApart = a !== undefined && b !== undefined && a !== b;
        if (isApart) apart++;
        expect(fate(from, to)).toEqual(isApart ? { delayMs: 3, lost: 'request' } : { delayMs: 3 });
      }
    expect(apart).toBe(8);
    expect(oob.counters).toEqual({ calls: 25, lost: 0, partitioned: 8 });
  });

  test('takes the place of the one before, and heals', () => {
    const { oob, fate } = build();
    oob.partition([['h1'], ['h2']]);
    oob.partition([['h1'], ['h3']]);
    expect([fate(1, 2).lost, fate(1, 3).lost]).toEqual([undefined, 'request']);
    oob.heal();
    expect([fate(1, 2).lost, fate(1, 3).lost]).toEqual([undefined, undefined]);
    expect(oob.now.groups).toEqual([]);
  });

  test('reaches nobody whom it does not know', () => {
    const { oob } = build();
    oob.partition([['h1'], ['h2']]);
    const stranger = { host: parseIp('10.9.9.9'), port: 1 };
    expect(oob.fate(serviceOf(1), stranger)).toEqual({ delayMs: 3 });
  });
});

test('a change of the plan changes what is named, and tells who listens; so does a partition', () => {
  const { oob, fate } = build({ jitterMs: 0 });
  const told: unknown[] = [];
  const stop = oob.onChange(() => told.push(oob.now));
  oob.set({ delayMs: 50 });
  expect(fate(1, 2)).toEqual({ delayMs: 50 });
  oob.set({ lossRatio: 1 });
  expect(fate(1, 2)).toEqual({ delayMs: 50, lost: 'request' });
  oob.partition([['h1'], ['h2']]);
  expect(told).toEqual([
    { oob: { ...CALM, delayMs: 50 }, groups: [] },
    { oob: { ...CALM, delayMs: 50, lossRatio: 1 }, groups: [] },
    { oob: { ...CALM, delayMs: 50, lossRatio: 1 }, groups: [['h1'], ['h2']] },
  ]);
  stop();
  oob.heal();
  expect(told).toHaveLength(3);
});

test('calls of its transports fare as it says, over the whole way there and back', async () => {
  const { clock, oob } = build({ delayMs: 20 });
  const [one, two] = [8, 9].map((n) => oob.transport({ name: `h${n}`, serviceAddress: serviceOf(n) }));
  await two!.listen(serviceOf(9), async () => Uint8Array.of(9), ANYBODY);
  const call = () => {
    const began = clock.nowMs();
    return one!
      .call(serviceOf(9), 'RequestTunnelParams' as never, Uint8Array.of(1), { deadlineMs: 1000 })
      .then(
        (answer) => [clock.nowMs() - began, answer[0]],
        (error: Error) => [clock.nowMs() - began, error.message],
      );
  };
  const first = call();
  await clock.advance(1000);
  expect(await first).toEqual([40, 9]);
  oob.partition([['h8'], ['h9']]);
  const second = call();
  await clock.advance(2000);
  expect(await second).toEqual([1000, expect.stringContaining('no answer within 1000 ms')]);
  expect(oob.counters).toEqual({ calls: 2, lost: 0, partitioned: 1 });
});
