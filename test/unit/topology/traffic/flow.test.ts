import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Flow, percentiles } from '../../../../src/topology/traffic/flow.js';
import { ping } from '../../../support/topologies.js';

/** The smallest value that at least so many of a hundred values are not above. */
function nearestRank(values: readonly number[], percent: number): number {
  const candidates = values.filter(
    (candidate) => values.filter((value) => value <= candidate).length * 100 >= percent * values.length,
  );
  return Math.min(...candidates);
}

const milliseconds = fc.integer({ min: 0, max: 60_000_000 }).map((us) => us / 1000);

test('percentiles are values of their own, by nearest rank', () => {
  fc.assert(
    fc.property(fc.array(milliseconds, { minLength: 1, maxLength: 250 }), (values) => {
      expect(percentiles(values)).toEqual({
        count: values.length,
        min: Math.min(...values),
        p50: nearestRank(values, 50),
        p90: nearestRank(values, 90),
        p99: nearestRank(values, 99),
        max: Math.max(...values),
      });
    }),
  );
  expect(percentiles([])).toBeUndefined();
});

test('of the numbers 1 to 100 they are 50, 90 and 99; of 1 to 10 the last is 10', () => {
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => n - i);
  expect(percentiles(upTo(100))).toEqual({ count: 100, min: 1, p50: 50, p90: 90, p99: 99, max: 100 });
  expect(percentiles(upTo(10))).toEqual({ count: 10, min: 1, p50: 5, p90: 9, p99: 10, max: 10 });
});

test('they are rounded to the nanosecond', () => {
  expect(percentiles([0.1 + 0.2])).toMatchObject({ min: 0.3, p50: 0.3, max: 0.3 });
  expect(percentiles([0.000_001])).toMatchObject({ max: 0.000_001 });
});

test('packets are numbered from 0 as they are sent', () => {
  const flow = new Flow(ping(1, 2), 0);
  expect([flow.send(10), flow.send(20)]).toEqual([0, 1]);
  expect([flow.sent, flow.delivered, flow.latencyMs]).toEqual([2, 0, undefined]);
});

test('a packet that was never sent does not arrive', () => {
  const flow = new Flow(ping(1, 2), 0);
  flow.send(0);
  flow.arrive(1, 5);
  flow.arrive(4_000_000_000, 5);
  expect([flow.delivered, flow.duplicates, flow.reordered]).toEqual([0, 0, 0]);
  flow.arrive(0, 5);
  expect(flow.delivered).toBe(1);
});

test('counts deliveries, duplicates, reordering and losses as a plain list of arrivals does', () => {
  const runs = fc.integer({ min: 1, max: 20 }).chain((sent) =>
    fc.record({
      sent: fc.constant(sent),
      arrivals: fc.array(fc.nat(sent - 1), { maxLength: 40 }),
      fromMs: fc.integer({ min: -50, max: 250 }),
    }),
  );
  fc.assert(
    fc.property(runs, ({ sent, arrivals, fromMs }) => {
      const flow = new Flow(ping(1, 2), 0);
      for (let i = 0; i < sent; i++) flow.send(10 * i);
      for (const [i, sequence] of arrivals.entries()) flow.arrive(sequence, 1000 + i);
      const first = arrivals.filter((sequence, i) => arrivals.indexOf(sequence) === i);
      expect(flow.delivered).toBe(first.length);
      const all = Array.from({ length: sent }, (_, i) => i);
      expect(all.filter((i) => flow.hasArrived(i))).toEqual([...first].sort((a, b) => a - b));
      expect(flow.duplicates).toBe(arrivals.length - first.length);
      expect(flow.reordered).toBe(
        first.filter((sequence, i) => first.slice(0, i).some((earlier) => earlier > sequence)).length,
      );
      const missing = Array.from({ length: sent }, (_, i) => i).filter((i) => !first.includes(i));
      expect(flow.lostSince(fromMs)).toBe(missing.filter((i) => 10 * i >= fromMs).length);
      const latencies = first.map((sequence) => 1000 + arrivals.indexOf(sequence) - 10 * sequence);
      expect(flow.latencyMs).toEqual(percentiles(latencies));
    }),
  );
});
