/** How often sessions are looked at, and what is done about what is found. */
import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { SessionExpiry } from '../../../../src/gateway/sessions/session-expiry.js';

/** An installer with so many sessions, which are looked at in the way that a test says. */
function open(idleS: number, sessions = 0, dormant = 0) {
  const clock = createVirtualClock();
  const events: unknown[] = [];
  const unanswered: unknown[] = [];
  const world = { looks: [] as number[], counts: [] as number[], look: async (): Promise<unknown[]> => [] };
  const expiry = new SessionExpiry({
    clock,
    observe: (event) => events.push(event),
    installer: {
      sessions: { order: { size: sessions }, dormant: { size: dormant } },
      look: (count: number) => {
        world.looks.push(clock.nowMs());
        world.counts.push(count);
        return world.look();
      },
    } as never,
    rekeyListener: { onUnanswered: (found) => unanswered.push(found) },
    idleS,
  });
  return { clock, events, unanswered, expiry, world };
}

test.each([
  { idleS: 0, everyMs: 30_000 },
  { idleS: 4, everyMs: 1_000 },
  { idleS: 50, everyMs: 5_000 },
  { idleS: 3_600, everyMs: 30_000 },
])('with --idle-timeout $idleS all sessions are looked at every $everyMs ms', async ({ idleS, everyMs }) => {
  const { clock, expiry, world } = open(idleS);
  expiry.start();
  await clock.advance(3 * everyMs);
  expect(world.looks).toEqual([everyMs, 2 * everyMs, 3 * everyMs]);
});

test('many sessions, dormant ones too, are looked at in slices, in the same time', async () => {
  const { clock, expiry, world } = open(300, 300, 299);
  expiry.start();
  await clock.advance(30_000);
  expect(world.looks).toEqual([10_000, 20_000, 30_000]);
  expect(3 * world.counts[0]!).toBeGreaterThan(599);
});

test('those that send and get nothing back are told of, and nobody where there are none', async () => {
  const { clock, expiry, world, unanswered } = open(10);
  expiry.start();
  await clock.advance(1_000);
  expect(unanswered).toEqual([]);
  world.look = async () => ['silent'];
  await clock.advance(1_000);
  expect(unanswered).toEqual([['silent']]);
});

test('a look that fails is told of, and the next one comes all the same', async () => {
  const { clock, expiry, world, events } = open(10);
  world.look = async () => {
    throw new Error('no counters');
  };
  expiry.start();
  await clock.advance(2_000);
  expect(world.looks).toHaveLength(2);
  const failed = { type: 'work-failed', work: 'idle-search', reason: 'no counters' };
  expect(events).toEqual([failed, failed]);
});

test('after the stop nobody looks, nothing is told of a look that fails then, and a start does nothing', async () => {
  const { clock, expiry, world, events } = open(10);
  world.look = async () => {
    expiry.stop();
    throw new Error('closed');
  };
  expiry.start();
  await clock.advance(1_000);
  expiry.start();
  await clock.advance(10_000);
  expect(world.looks).toEqual([1_000]);
  expect(events).toEqual([]);
  const other = open(10);
  other.expiry.start();
  other.expiry.stop();
  await other.clock.advance(10_000);
  expect(other.world.looks).toEqual([]);
});
