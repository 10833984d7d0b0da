import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/hal/virtual-clock.js';
import { NodeClock } from '../../../../src/topology/nodes/node-clock.js';

test('jumps add up on the wall clock and on the monotonic one, and time goes on from there', async () => {
  const run = createVirtualClock(1_000);
  const node = new NodeClock(run);
  expect([node.nowMs(), node.nowPicoseconds(), node.aheadMs]).toEqual([1_000, 1_000_000_000_000n, 0]);
  node.jump(250);
  node.jump(0.5);
  expect([node.nowMs(), node.nowPicoseconds(), node.aheadMs]).toEqual([1250.5, 1_250_500_000_000n, 250.5]);
  await run.advance(10);
  expect([node.nowMs(), node.nowPicoseconds()]).toEqual([1260.5, 1_260_500_000_000n]);
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
