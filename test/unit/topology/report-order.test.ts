/** What went wrong must be found at the beginning: tables and terminals show no more than that. */
import { expect, test } from 'vitest';
import type { Judged } from '../../../src/topology/expectations/kind.js';
import type { FlowReport } from '../../../src/topology/report.js';
import { flowsInOrder, unmetFirst } from '../../../src/topology/report-order.js';

const flow = (lost: number, change: Partial<FlowReport> = {}): FlowReport => ({
  type: 'ping',
  from: 'v1',
  sent: 10,
  delivered: 10 - lost,
  lost,
  duplicates: 0,
  reordered: 0,
  ...change,
});
const verdict = (ok: boolean, failing: readonly string[] = []): Judged => ({
  text: failing.join(),
  ok,
  seen: '',
  failing,
});

test('flows that do not meet an expectation come first, then those that lost, each in the order of the file', () => {
  const transfer = { octets: 5, intact: false, retransmissions: 0 };
  const flows = [
    ['well', flow(0)],
    ['lossy', flow(3)],
    ['bad', flow(1)],
    ['broken', flow(0, { transfer })],
    ['blocked', flow(0)],
    ['fine', flow(0)],
  ] as const;
  const ordered = flowsInOrder(flows, [verdict(false, ['blocked', 'bad']), verdict(true)]);
  expect(Object.keys(ordered)).toEqual(['bad', 'blocked', 'lossy', 'broken', 'well', 'fine']);
  expect(Object.keys(ordered).filter((name) => ordered[name]!.failed)).toEqual(['bad', 'blocked']);
  expect(ordered.bad).toEqual({ ...flow(1), failed: true });
  expect(ordered.lossy).toEqual(flow(3));
});

test('expectations that are not met come first, each kind in its order', () => {
  const all = [verdict(true), verdict(false, ['a']), verdict(true), verdict(false, ['b'])];
  expect(unmetFirst(all)).toEqual([all[1], all[3], all[0], all[2]]);
});
