/** Which tunnels a peer is asked for whose packets do not get in: all that fit, and then others in the place of unused ones. */
import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import type { Peer } from '../../../../src/gateway/peers.js';
import { PairSearch } from '../../../../src/gateway/recovery/pair-search.js';
import { newSession, type Session } from '../../../../src/gateway/sessions/session.js';
import { type IpAddress, parseIp } from '../../../../src/packet/address.js';
import { NOT_DRAINING, testPeer } from '../../../support/peers.js';

const OURS = parseIp('192.168.0.1');
const TRIAL_MS = 1_100;
const REKEY_INTERVAL_MS = 300_000;

/** A peer with so many pairs, and a table with so many places. */
function open(pairCount: number, { capacity = 1000, tunnelsPerRequest = 100 } = {}) {
  const clock = createVirtualClock(1_000_000);
  const [peer, other] = [testPeer(1), testPeer(2)];
  const ipOf = (id: number) => parseIp(`10.0.${id >> 8}.${id & 255}`);
  const idOf = ({ remoteVip }: { remoteVip: IpAddress }) => {
    const [, , high, low] = remoteVip.split('.').map(Number);
    return high! * 256 + low!;
  };
  const table = new Map<IpAddress, Session>();
  const packets = new Map<number, bigint>();
  const asked: number[][] = [];
  const events: unknown[] = [];
  const world = {
    refuses: (_: Session): boolean => false,
    ingressEntries: true,
    /** Of pairs: at most so many were asked for. */
    most: 0,
  };
  let entries = 0;
  const place = (id: number, of: Peer = peer): Session => {
    const session = newSession(OURS, ipOf(id), of, of, 0);
    table.set(session.remoteVip, session);
    return session;
  };
  const establish = (session: Session) => {
    session.egress = { entry: ++entries } as never;
    const entry = world.ingressEntries ? { entry: ++entries } : {};
    session.ingress = [entry as never];
    session.state = 'established';
  };
  const entriesThere = () =>
    [...table.values()].flatMap(({ egress, ingress }) => [
      egress?.entry as number,
      ...ingress.map(({ entry }) => entry as number),
    ]);
  /** Whoever it was that took it away. */
  const drop = (session: Session) => {
    session.state = 'removed';
    table.delete(session.remoteVip);
  };
  const search = new PairSearch({
    drain: NOT_DRAINING,
    hal: {
      counters: async (selectors: { id: number }[]) =>
        selectors.map(({ id }) => {
          if (!entriesThere().includes(id)) throw new Error('there is no such entry');
          return { packets: packets.get(id) ?? 0n };
        }),
    } as never,
    clock,
    observe: (event) => events.push(event),
    limits: { tunnelsPerRequest } as never,
    peers: {
      pairsOf: (of: Peer, most: number) => {
        world.most = most;
        if (of !== peer) return [];
        return Array.from({ length: pairCount }, (_, id) => ({ localVip: OURS, remoteVip: ipOf(id) }));
      },
    } as never,
    installer: {
      get capacity() {
        return capacity;
      },
      sessions: {
        get: (_: IpAddress, remoteVip: IpAddress) => table.get(remoteVip),
        order: {
          get size() {
            return table.size;
          },
        },
        [Symbol.iterator]: () => table.values(),
      },
      open: async (wanted: { remoteVip: IpAddress; peer: Peer; holder: Peer }[]) => {
        for (const { peer: of, holder } of wanted) expect([of, holder]).toEqual([peer, peer]);
        return wanted.map((one) => table.get(one.remoteVip) ?? place(idOf(one)));
      },
      remove: async (sessions: Session[]) => {
        for (const session of sessions) {
          expect(session.state).not.toBe('removed');
          drop(session);
        }
      },
    } as never,
    bringUp: {
      once: async (of: Peer, sessions: readonly Session[]) => {
        expect(of).toBe(peer);
        asked.push(sessions.map(idOf));
        for (const session of sessions) if (!world.refuses(session)) establish(session);
      },
    } as never,
  });
  const step = () => search.step(peer);
  const there = () => [...table.values()].map(idOf).sort((a, b) => a - b);
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const use = (id: number, which: 'in' | 'out') => {
    const session = table.get(ipOf(id))!;
    packets.set((which === 'out' ? session.egress!.entry : session.ingress[0]!.entry!) as number, 1n);
  };
  const at = (id: number) => table.get(ipOf(id))!;
  return { clock, peer, other, asked, events, world, step, there, range, use, place, establish, drop, at };
}

test('all pairs that are missing are asked for, a request full at a time, and nothing that is there', async () => {
  const { asked, events, peer, world, step, there, range, place, establish } = open(250);
  establish(place(3));
  // It has no way out yet.
  place(5);
  for (let i = 0; i < 3; i++) expect(await step()).toBe(true);
  expect(asked).toEqual([[0, 1, 2, ...range(4, 101)], range(101, 201), range(201, 250)]);
  expect(there()).toEqual(range(0, 250));
  expect(world.most).toBe(65_536);
  const told = (tunnels: number, missing: number) => ({
    type: 'pair-search',
    peer: peer.name,
    tunnels,
    missing,
  });
  expect(events).toEqual([told(100, 249), told(100, 149), told(49, 49)]);
});

test('a peer of 2.7 is asked for 32 at once, or for fewer where a request has room for fewer', async () => {
  const { peer, asked, step, range } = open(100);
  peer.dialect = '2.7';
  await step();
  expect(asked).toEqual([range(0, 32)]);
  const few = open(100, { tunnelsPerRequest: 10 });
  few.peer.dialect = '2.7';
  await few.step();
  expect(few.asked).toEqual([range(0, 10)]);
});

test('pairs that the peer refuses leave nothing, and their turn comes again after the others', async () => {
  const { asked, world, step, there, range, place } = open(5, { tunnelsPerRequest: 3 });
  const [known, wanted] = [place(0), place(1)];
  wanted.wanted = 7;
  world.refuses = ({ remoteVip }) => remoteVip !== '10.0.0.3';
  expect(await step()).toBe(true);
  // Those that were there before are somebody's.
  expect([known.state, there()]).toEqual(['idle', [0, 1]]);
  for (let i = 0; i < 3; i++) await step();
  expect(asked).toEqual([range(0, 3), [3, 4, 0], [1, 2, 4], [0, 1, 2]]);
  expect(there()).toEqual([0, 1, 3]);
});

test('a session that somebody has come to want or asks for himself stays, although it has no way out', async () => {
  const { world, step, there } = open(3);
  world.refuses = (session) => {
    if (session.remoteVip === '10.0.0.0') session.wanted = 1;
    if (session.remoteVip === '10.0.0.1') session.state = 'requesting';
    return true;
  };
  await step();
  expect(there()).toEqual([0, 1]);
});

test('where not all fit, those that carried nothing give way to the next ones, after a while', async () => {
  const { clock, asked, step, there, range, use } = open(10, { capacity: 4 });
  expect(await step()).toBe(true);
  expect(there()).toEqual(range(0, 4));
  use(1, 'out');
  use(2, 'in');
  await clock.advance(TRIAL_MS - 1);
  expect(await step()).toBe(false);
  expect(there()).toEqual(range(0, 4));
  await clock.advance(1);
  expect(await step()).toBe(true);
  expect(there()).toEqual([1, 2, 4, 5]);
  await clock.advance(TRIAL_MS);
  await step();
  expect(there()).toEqual([1, 2, 6, 7]);
  await clock.advance(TRIAL_MS);
  await step();
  await clock.advance(TRIAL_MS);
  await step();
  // Round again.
  expect(asked).toEqual([range(0, 4), [4, 5], [6, 7], [8, 9], [0, 3]]);
});

test('what was there before the search makes no room for it', async () => {
  const { clock, asked, step, there, place, establish } = open(10, { capacity: 3 });
  establish(place(7));
  establish(place(8));
  await step();
  await clock.advance(TRIAL_MS);
  await step();
  expect(there()).toEqual([1, 7, 8]);
  expect(asked).toEqual([[0], [1]]);
  // What has found its use takes the last place.
  const full = open(10, { capacity: 1 });
  await full.step();
  full.use(0, 'in');
  await full.clock.advance(TRIAL_MS);
  expect(await full.step()).toBe(false);
  expect([full.there(), full.asked]).toEqual([[0], [[0]]]);
});

test('with the ingress ACL off nobody counts what comes in, and nothing gives way', async () => {
  const { clock, world, step, there, range } = open(10, { capacity: 4 });
  world.ingressEntries = false;
  await step();
  await clock.advance(TRIAL_MS);
  expect(await step()).toBe(false);
  expect(there()).toEqual(range(0, 4));
});

test('what fits at once is kept, however little it carries, when there is less room later', async () => {
  const { clock, step, there, place, establish, range } = open(6, { capacity: 8, tunnelsPerRequest: 3 });
  await step();
  for (const id of [100, 101, 102]) establish(place(id));
  // Two places, three are missing.
  expect(await step()).toBe(true);
  expect(there()).toEqual([...range(0, 5), 100, 101, 102]);
  await clock.advance(TRIAL_MS);
  await step();
  expect(there()).toEqual([...range(0, 4), 5, 100, 101, 102]);
  // And where it just fits.
  const full = open(6, { capacity: 6, tunnelsPerRequest: 3 });
  await full.step();
  for (const id of [100, 101, 102]) full.establish(full.place(id));
  await full.clock.advance(TRIAL_MS);
  expect(await full.step()).toBe(false);
  expect(full.there()).toEqual([0, 1, 2, 100, 101, 102]);
});

test('what has gone meanwhile, or has lost a way, does not hinder the search', async () => {
  const { clock, world, step, there, range, drop, at } = open(12, { capacity: 5 });
  world.refuses = (session) => {
    const isLast = session.remoteVip === '10.0.0.4';
    if (isLast) drop(session);
    return isLast;
  };
  await step();
  expect(there()).toEqual(range(0, 4));
  drop(at(0));
  at(1).egress = undefined;
  at(2).ingress = [];
  await clock.advance(TRIAL_MS);
  expect(await step()).toBe(true);
  expect(there()).toEqual(range(5, 10));
});

test('when all are there, those that are up are re-keyed, as many as one request takes, and not again for five minutes', async () => {
  const { clock, other, asked, step, range, place, establish } = open(5, { tunnelsPerRequest: 3 });
  establish(place(50, other));
  for (let id = 0; id < 5; id++) establish(place(id));
  place(1).egress = { entry: 99 } as never;
  expect(await step()).toBe(true);
  expect(asked).toEqual([[0, 2, 3]]);
  await clock.advance(REKEY_INTERVAL_MS - 1);
  expect(await step()).toBe(false);
  await clock.advance(1);
  expect(await step()).toBe(true);
  expect(asked).toHaveLength(2);
  // Not when some are missing.
  const some = open(5);
  for (const id of range(0, 4)) some.establish(some.place(id));
  await some.step();
  expect(some.asked).toEqual([[4]]);
});
