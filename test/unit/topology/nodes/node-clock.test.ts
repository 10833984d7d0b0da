import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { NodeClock } from '../../../../src/topology/nodes/node-clock.js';

test('jumps add up, and time goes on from there', async () => {
  const run = createVirtualClock(1_000);
  const node = new NodeClock(run);
  expect([node.nowMs(), node.aheadMs]).toEqual([1_000, 0]);
  node.jump(250);
  node.jump(0.5);
  expect([node.nowMs(), node.aheadMs]).toEqual([1250.5, 250.5]);
  await run.advance(10);
  expect(node.nowMs()).toBe(1260.5);
  expect(run.nowMs()).toBe(1_010);
});

test('timers run by the clock of the run: a jump fires none early', async () => {
  const run = createVirtualClock(0);
  const node = new NodeClock(run);
  const fired: number[] = [];
  node.setTimer(() => fired.push(run.nowMs()), 100);
  node.setTimer(() => fired.push(-1), 50).cancel();
  node.jump(1_000_000);
  await run.advance(99);
  expect(fired).toEqual([]);
  await run.advance(1);
  expect(fired).toEqual([100]);
});
