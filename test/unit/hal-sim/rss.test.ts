import { expect, test } from 'vitest';
import type { RssPacket } from '../../../src/hal/hal.js';
import { VF_PORT } from '../../../src/hal/program.js';
import { openSimHarness } from '../../../src/verify/sim-harness.js';
import { stepClock } from '../../support/step-clock.js';

const ALL_TO_RSS = {
  name: 'rss',
  pipes: [
    {
      type: 'basic',
      name: 'ROOT',
      domain: 'default',
      isRoot: true,
      sizeEntries: 1,
      match: {},
      forward: { to: 'rss' },
      miss: { to: 'drop' },
      entries: [{}],
    },
  ],
} as const;

const frames = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => Uint8Array.from([(from + i) >> 8, (from + i) & 0xff]));
const numbers = (packets: readonly RssPacket[]) => packets.map(({ frame }) => (frame[0] << 8) | frame[1]);

test('RSS packets come in order, 1 to 256 at a time, each time in a turn of its own', async () => {
  const clock = stepClock();
  const { hal, inject } = await openSimHarness({ clock });
  const batches: number[][] = [];
  hal.onReceive((packets) => batches.push(numbers(packets)));
  await hal.build(ALL_TO_RSS);
  inject(VF_PORT, frames(600));
  expect(batches).toEqual([]);
  while (clock.step());
  expect(batches.map((batch) => batch.length)).toEqual([256, 256, 88]);
  expect(batches.flat()).toEqual(Array.from({ length: 600 }, (_, i) => i));
});

test('the queue is bounded: what comes when it is full is dropped and counted', async () => {
  const clock = stepClock();
  const { hal, inject } = await openSimHarness({ clock, limits: { rssQueuePackets: 10 } });
  const received: number[] = [];
  hal.onReceive((packets) => received.push(...numbers(packets)));
  await hal.build(ALL_TO_RSS);
  inject(VF_PORT, frames(15));
  while (clock.step());
  inject(VF_PORT, frames(3, 100));
  while (clock.step());
  expect(received).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 101, 102]);
  expect(await hal.statistics()).toMatchObject({ rssDropped: 5n });
  expect(hal.fates()).toMatchObject({ in: 18, rss: 13, rssDropped: 5 });
});

test('packets wait for a handler, a handler that throws loses only its batch, and none is called after close', async () => {
  const clock = stepClock();
  const { hal, inject } = await openSimHarness({ clock });
  await hal.build(ALL_TO_RSS);
  const received: number[] = [];
  hal.onReceive(() => {
    throw new Error('handler');
  });
  inject(VF_PORT, frames(300));
  expect(() => clock.step()).toThrow('handler');
  hal.onReceive((packets) => received.push(...numbers(packets)));
  while (clock.step());
  expect(received[0]).toBe(256);
  expect(received.length).toBe(44);
  inject(VF_PORT, frames(1));
  await hal.close();
  while (clock.step());
  expect(received.length).toBe(44);
});
