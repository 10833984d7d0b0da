/** What is counted of events and RPCs, and the lag of the event loop. */
import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../src/base/virtual-clock.js';
import type { GatewayEvent } from '../../../src/gateway/events.js';
import { EventCounts } from '../../../src/metrics/event-counts.js';
import { LOOK_INTERVAL_MS, LoopLag } from '../../../src/metrics/loop-lag.js';

const PAIR = { localVip: '192.168.1.1', remoteVip: '192.168.1.2', peer: '10.0.0.2:3000' };

test('events count by labels of closed sets, which are all there from the start', () => {
  const counts = new EventCounts(() => 7000);
  expect(counts.rekeyed.values()).toEqual([
    [0, 'us'],
    [0, 'peer'],
  ]);
  expect(counts.removed.values()).toHaveLength(5);
  expect(counts.lastRotationAtMs).toBeUndefined();
  const events = [
    { type: 'tunnel-established', askedBy: 'peer', ...PAIR },
    { type: 'tunnel-rekeyed', askedBy: 'us', ...PAIR },
    { type: 'tunnel-rekeyed', askedBy: 'us', ...PAIR },
    { type: 'session-removed', reason: 'idle', ...PAIR },
    { type: 'session-removed', ...PAIR },
    { type: 'exchange-failed', peer: 'p', tunnels: 3, reason: 'any text' },
    { type: 'rotated', rotations: 1 },
    { type: 'rotation-failed', reason: 'any text' },
    { type: 'rotation-refused', from: 'a:1', code: 'PERMISSION_DENIED', reason: 'any text' },
    { type: 'rotation-cut-off', sessions: 4 },
    { type: 'device-failed', operation: 'apply', code: 'FULL', reason: 'any text', count: 2 },
    { type: 'device-failed', operation: 'apply', code: 'FULL', reason: 'another text', count: 3 },
    { type: 'slow-operation', operation: 'setKeys', count: 1, durationMs: 1500 },
  ] as unknown as GatewayEvent[];
  for (const event of events) counts.onEvent(event);
  expect(counts.established.values()).toContainEqual([1, 'peer']);
  expect(counts.rekeyed.values()).toEqual([
    [2, 'us'],
    [0, 'peer'],
  ]);
  expect(counts.removed.values()).toEqual([
    [1, 'asked'],
    [1, 'idle'],
    [0, 'idle-in-full-table'],
    [0, 'above-share'],
    [0, 'replaced'],
  ]);
  expect(counts.deviceFailures.values()).toContainEqual([5, 'apply']);
  expect(counts.slowOperations.values()).toContainEqual([1, 'setKeys']);
  expect(counts.rotationsRefused.values()).toEqual([
    [1, 'PERMISSION_DENIED'],
    [0, 'RESOURCE_EXHAUSTED'],
    [0, 'FAILED_PRECONDITION'],
  ]);
  expect(counts).toMatchObject({
    exchangesFailed: 1,
    rotationsFailed: 1,
    cutOff: 4,
    lastRotationAtMs: 7000,
  });
});

test('RPCs count by side, method and status, and their durations by side and method', async () => {
  const counts = new EventCounts(() => 0);
  counts.onRpc({ side: 'client', method: 'Announce', status: 'OK', durationMs: 4 });
  counts.onRpc({ side: 'client', method: 'Announce', status: 'UNAVAILABLE', durationMs: 400 });
  expect(counts.rpcs.values()).toContainEqual([1, 'client', 'Announce', 'OK']);
  expect(counts.rpcs.values()).toContainEqual([1, 'client', 'Announce', 'UNAVAILABLE']);
  const { values } = await counts.rpcDurations.get();
  const bucket = (le: number) => values.find(({ labels }) => labels.le === le)!.value;
  expect([bucket(0.0025), bucket(0.005), bucket(0.25), bucket(0.5)]).toEqual([0, 1, 1, 2]);
});

test('the lag is looked at once a second, and no oftener: an idle process is not woken for it', async () => {
  const clock = createVirtualClock();
  let timers = 0;
  let lateMs = 0;
  const lag = new LoopLag({
    nowMs: () => clock.nowMs() + lateMs,
    setTimer: (callback, delayMs) => {
      timers++;
      return clock.setTimer(callback, delayMs);
    },
  });
  lag.start();
  await clock.advance(10 * LOOK_INTERVAL_MS);
  expect(timers).toBe(11);
  lateMs = 70;
  await clock.advance(LOOK_INTERVAL_MS);
  lag.stop();
  await clock.advance(10 * LOOK_INTERVAL_MS);
  expect(timers).toBe(12);
  const { values } = await lag.histogram.get();
  const bucket = (le: number | string) => values.find(({ labels }) => labels.le === le)!.value;
  expect([bucket(0.001), bucket(0.05), bucket(0.1), bucket('+Inf')]).toEqual([10, 10, 11, 11]);
});
