/** Whom a gateway tells that it has started, when, and how often again: a bounded number of calls, whoever is silent. */
import { describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import type { GatewayEvent } from '../../../../src/gateway/events.js';
import type { Peer } from '../../../../src/gateway/peers.js';
import {
  AGAIN_INTERVAL_MS,
  Announcements,
  UNDER_WAY_MAX,
} from '../../../../src/gateway/recovery/announcements.js';
import {
  decodeAnnouncement,
  encodeAnnouncementAnswer,
} from '../../../../src/gateway/rpc/announcement-messages.js';
import { type RpcCode, RpcError } from '../../../../src/gateway/rpc/transport.js';

const ANSWER = encodeAnnouncementAnswer({ sessions: 3 });
type Reply = 'ok' | 'nonsense' | 'broken' | RpcCode;

/** Peers that answer as a test says, at once or late, and every call with its time since the start. */
function open(count: number) {
  const clock = createVirtualClock(1_000_000);
  const startMs = clock.nowMs();
  const nowMs = () => clock.nowMs() - startMs;
  const abort = new AbortController();
  const peers = Array.from({ length: count }, (_, i) => {
    const name = `p${i}`;
    return { name, serviceAddress: { host: name, port: 3000 } } as unknown as Peer;
  });
  const calls: { readonly name: string; readonly atMs: number }[] = [];
  const messages: ReturnType<typeof decodeAnnouncement>[] = [];
  const [heardOf, events]: [string[], GatewayEvent[]] = [[], []];
  const silent: unknown[][] = [];
  const world = {
    /** Of a peer; undefined: it never answers. */
    replyOf: (_name: string): Reply | undefined => 'ok',
    delayMs: 1,
    /** Of random numbers, from 0 to below 1. */
    chance: 0,
  };
  const announcements = new Announcements({
    clock,
    random: { fill: () => {}, uint32: () => world.chance * 2 ** 32 },
    transport: {
      call: ({ host }: { host: string }, method: string, message: Uint8Array, options: object) => {
        expect([method, options]).toEqual(['Announce', { deadlineMs: 5000, signal: abort.signal }]);
        calls.push({ name: host, atMs: nowMs() });
        messages.push(decodeAnnouncement(message));
        const reply = world.replyOf(host);
        return new Promise<Uint8Array>((resolve, reject) => {
          if (reply === undefined) return;
          clock.setTimer(() => {
            if (reply === 'ok') resolve(ANSWER);
            else if (reply === 'nonsense') resolve(Uint8Array.of(0xff));
            else reject(reply === 'broken' ? new Error('broken') : new RpcError(reply, 'no', 'expired'));
          }, world.delayMs);
        });
      },
    } as never,
    observe: (event) => events.push(event),
    servicePort: () => 3001,
    drainNotice: () => undefined,
    deadlineMs: 5000,
    signal: abort.signal,
    peerListener: {
      onHeardOf: ({ name }) => heardOf.push(name),
      onSilent: ({ name }, ...why) => silent.push([name, ...why]),
      onDrain: () => {},
    },
  });
  const timesOf = (name: string) => calls.filter((one) => one.name === name).map(({ atMs }) => atMs);
  return {
    clock,
    abort,
    peers,
    calls,
    messages,
    heardOf,
    silent,
    events,
    world,
    announcements,
    timesOf,
  };
}

describe('at the start', () => {
  test('all are told in their order, eight at once and the next ones five milliseconds later', async () => {
    const { clock, peers, calls, announcements } = open(20);
    announcements.start(peers);
    await clock.advance(1_000);
    expect(calls).toEqual(peers.map(({ name }, i) => ({ name, atMs: 5 * Math.floor(i / 8) })));
    expect(announcements.counters).toEqual({ sent: 20, answered: 20, failed: 0 });
    expect(clock.pending).toBe(0);
  });

  test('silent ones hold up the next for a tenth of a second, when there are 128 of them', async () => {
    const { clock, peers, calls, world, announcements } = open(400);
    world.replyOf = () => undefined;
    announcements.start(peers);
    await clock.advance(99);
    expect([calls.length, calls.at(-1)!.atMs]).toEqual([128, 75]);
    await clock.advance(1);
    expect(calls).toHaveLength(136);
    await clock.advance(99);
    expect(calls).toHaveLength(256);
    await clock.advance(5_000);
    expect(calls).toHaveLength(400);
  });

  test('those that answer make room for the next at once', async () => {
    const { clock, peers, calls, world, announcements } = open(400);
    world.replyOf = (name) => (Number(name.slice(1)) < 120 ? undefined : 'ok');
    announcements.start(peers);
    // Silent ones hold 120 places until 100 ms have passed; in the eight others somebody else is told every millisecond.
    await clock.advance(99);
    expect(calls).toHaveLength(128 + 8 * (99 - 75));
  });

  test('those that answer after that have held up nobody since, and make no more room', async () => {
    const { clock, peers, calls, world, announcements } = open(400);
    world.delayMs = 150;
    announcements.start(peers);
    await clock.advance(199);
    expect(calls).toHaveLength(256);
    await clock.advance(1);
    expect(calls).toHaveLength(264);
  });

  test('so many calls are under way at most, and one more when one ends', async () => {
    const { clock, peers, calls, world, announcements } = open(UNDER_WAY_MAX + 20);
    world.replyOf = (name) => (name === 'p7' ? 'DEADLINE_EXCEEDED' : undefined);
    world.delayMs = 10_000;
    announcements.start(peers);
    await clock.advance(9_999);
    expect(calls).toHaveLength(UNDER_WAY_MAX);
    await clock.advance(1_000);
    expect(calls).toHaveLength(UNDER_WAY_MAX + 1);
  });

  test('who was told out of turn meanwhile is not told twice', async () => {
    const { clock, peers, world, announcements, timesOf } = open(24);
    world.replyOf = (name) =>
      name === 'p21' ? undefined : name === 'p22' ? 'UNIMPLEMENTED' : name === 'p23' ? 'UNAVAILABLE' : 'ok';
    announcements.start(peers);
    for (const i of [20, 21, 22, 23]) void announcements.announce(peers[i]!, false);
    await clock.advance(1_000);
    for (const { name } of peers) expect(timesOf(name), name).toHaveLength(1);
  });

  test('a peer that is known to have started later is not told', async () => {
    const { clock, peers, calls, announcements } = open(9);
    announcements.start(peers);
    await clock.advance(2);
    announcements.heardStart(peers[8]!, 1);
    await clock.advance(1_000);
    expect(calls).toHaveLength(8);
    expect(announcements.standingOf(peers[8]!)).toBe('told');
  });

  test('a stop may come before it', () => {
    expect(() => open(1).announcements.stop()).not.toThrow();
  });

  test('a stop ends it', async () => {
    const { clock, peers, calls, world, announcements } = open(20);
    world.replyOf = () => 'UNAVAILABLE';
    announcements.start(peers);
    await clock.advance(4);
    announcements.stop();
    await clock.advance(3_600_000);
    expect(calls).toHaveLength(8);
    expect(clock.pending).toBe(0);
  });
});

describe('a peer that is told', () => {
  test('hears how old we are, where we serve, and whether its packets fail', async () => {
    const { clock, peers, messages, events, announcements } = open(1);
    announcements.start([]);
    await clock.advance(1_234);
    expect(announcements.ageMs()).toBe(1_234);
    await Promise.all([announcements.announce(peers[0]!, true), clock.advance(1)]);
    await Promise.all([announcements.announce(peers[0]!, false), clock.advance(1)]);
    expect(messages).toEqual([
      { ageMs: 1_234, servicePort: 3001, packetsFail: true },
      { ageMs: 1_235, servicePort: 3001, packetsFail: false },
    ]);
    expect(events).toEqual(
      [true, false].map((packetsFail) => ({ type: 'announcement-sent', peer: 'p0', packetsFail })),
    );
  });

  test.each<[Reply, 'told' | 'other' | 'silent', boolean, number[]]>([
    ['ok', 'told', true, [0]],
    ['UNIMPLEMENTED', 'other', true, [0]],
    ['PERMISSION_DENIED', 'other', true, [0]],
    ['nonsense', 'other', true, [0]],
    // It is there, but has not taken it.
    ['RESOURCE_EXHAUSTED', 'silent', true, [0, 15_001]],
    ['UNAVAILABLE', 'silent', false, [0, 15_001]],
    ['DEADLINE_EXCEEDED', 'silent', false, [0, 15_001]],
    ['CANCELLED', 'silent', false, [0, 15_001]],
    ['broken', 'silent', false, [0, 15_001]],
  ])('and answers %s is %s', async (reply, standing, isAnswer, times) => {
    const { clock, peers, world, heardOf, silent, events, announcements, timesOf } = open(1);
    const [peer] = peers as [Peer];
    world.replyOf = () => reply;
    expect([announcements.standingOf(peer), announcements.answeredAtMs(peer)]).toEqual([
      'silent',
      Number.NEGATIVE_INFINITY,
    ]);
    announcements.start(peers);
    await clock.advance(2);
    expect(announcements.standingOf(peer)).toBe(standing);
    expect(announcements.answeredAtMs(peer)).toBe(isAnswer ? 1_000_001 : Number.NEGATIVE_INFINITY);
    expect(heardOf).toEqual(isAnswer ? ['p0'] : []);
    // A call that we have given up does not show that the peer is silent.
    const why = reply === 'broken' ? ['broken', undefined] : [`${reply}: no`, 'expired'];
    expect(silent).toEqual(isAnswer || reply === 'CANCELLED' ? [] : [['p0', ...why]]);
    expect(announcements.counters).toEqual({ sent: 1, answered: isAnswer ? 1 : 0, failed: isAnswer ? 0 : 1 });
    const failures = () => events.filter(({ type }) => type === 'announcement-failed');
    expect(failures()).toHaveLength(reply === 'ok' ? 0 : 1);
    await clock.advance(20_000);
    expect(timesOf('p0')).toEqual(times);
    if (reply === 'broken')
      expect(failures()[0]).toEqual({ type: 'announcement-failed', peer: 'p0', reason: 'broken' });
  });

  test('is not told a second time while it is being told', async () => {
    const { clock, peers, calls, world, announcements } = open(1);
    world.delayMs = 100;
    void announcements.announce(peers[0]!, false);
    await clock.advance(99);
    await announcements.announce(peers[0]!, true);
    expect(calls).toHaveLength(1);
    await clock.advance(1);
    void announcements.announce(peers[0]!, true);
    expect(calls).toHaveLength(2);
  });

  test('and has been told keeps that when it is silent later, and is not told by itself any more', async () => {
    const { clock, peers, calls, world, announcements } = open(1);
    announcements.start(peers);
    await clock.advance(10);
    world.replyOf = () => 'UNAVAILABLE';
    void announcements.announce(peers[0]!, true);
    await clock.advance(3_600_000);
    expect(announcements.standingOf(peers[0]!)).toBe('told');
    announcements.heardOf(peers[0]!);
    await clock.advance(3_600_000);
    expect(announcements.counters).toEqual({ sent: 2, answered: 1, failed: 1 });
    expect(calls).toHaveLength(2);
  });

  test('after the end of the gateway is told nothing, and what it answers then changes nothing', async () => {
    const { clock, abort, peers, calls, world, heardOf, announcements } = open(2);
    world.delayMs = 100;
    world.replyOf = (name) => (name === 'p0' ? 'ok' : 'UNAVAILABLE');
    announcements.start(peers);
    await clock.advance(50);
    abort.abort();
    await clock.advance(100);
    expect(announcements.counters).toEqual({ sent: 2, answered: 0, failed: 0 });
    expect([announcements.standingOf(peers[0]!), heardOf]).toEqual(['silent', []]);
    await announcements.announce(peers[1]!, false);
    await clock.advance(3_600_000);
    expect(calls).toHaveLength(2);
  });
});

describe('a peer that does not answer', () => {
  test.each([
    ['soonest', 0, 1],
    ['latest', 0.5, 1.5],
  ])('is told again, later each time, up to ten minutes: %s', async (_, chance, times) => {
    const { clock, peers, world, announcements, timesOf } = open(1);
    world.replyOf = () => 'UNAVAILABLE';
    world.chance = chance;
    announcements.start(peers);
    await clock.advance(3_600_000);
    const gaps = timesOf('p0').map((atMs, i, all) => (atMs - (all[i - 1] ?? 0) - (i === 0 ? 0 : 1)) / 1000);
    expect(gaps.slice(0, 9)).toEqual(
      [0, 15, 30, 60, 120, 240, 300, 300, 300].map((gap) => gap * times).slice(0, gaps.length),
    );
  });

  test('and others like it are told again one at a time, the one whose turn is longest ago first', async () => {
    const { clock, peers, calls, world, announcements } = open(5);
    world.replyOf = () => 'UNAVAILABLE';
    announcements.start(peers);
    await clock.advance(14_000);
    expect(calls).toHaveLength(5);
    await clock.advance(1_001 + 4 * AGAIN_INTERVAL_MS);
    expect(calls.slice(5)).toEqual(
      peers.map(({ name }, i) => ({ name, atMs: 15_001 + i * AGAIN_INTERVAL_MS })),
    );
  });

  test('and turns out to be there is told at once, five seconds after the last attempt and no earlier', async () => {
    const { clock, peers, world, announcements, timesOf } = open(2);
    world.replyOf = () => 'UNAVAILABLE';
    announcements.start(peers);
    await clock.advance(4_999);
    announcements.heardOf(peers[0]!);
    await clock.advance(1);
    expect(timesOf('p0')).toEqual([0]);
    announcements.heardOf(peers[0]!);
    await clock.advance(0);
    expect(timesOf('p0')).toEqual([0, 5_000]);
    // The other one, too, but not at the same time; and not twice.
    announcements.heardOf(peers[1]!);
    announcements.heardOf(peers[1]!);
    await clock.advance(AGAIN_INTERVAL_MS - 1);
    expect(timesOf('p1')).toEqual([0]);
    await clock.advance(1);
    expect(timesOf('p1')).toEqual([0, 5_500]);
    await clock.advance(4_000);
    expect(timesOf('p1')).toEqual([0, 5_500]);
  });

  test('and is heard of is not told when it knows already, is being told, or has not been tried', async () => {
    const { clock, peers, calls, world, announcements } = open(3);
    world.replyOf = (name) => (name === 'p0' ? 'ok' : undefined);
    announcements.start(peers.slice(0, 2));
    await clock.advance(10_000);
    for (const peer of peers) announcements.heardOf(peer);
    await clock.advance(14_000);
    expect(calls).toHaveLength(2);
  });

  test('and has started after us itself needs no telling; one that was there before us does, when its time has come', async () => {
    const { clock, peers, calls, messages, world, announcements } = open(2);
    world.replyOf = () => 'UNAVAILABLE';
    announcements.start(peers.slice(0, 1));
    await clock.advance(10);
    world.chance = 0.5;
    void announcements.announce(peers[1]!, true);
    await clock.advance(990);
    announcements.heardStart(peers[0]!, 999);
    announcements.heardStart(peers[1]!, 1_000);
    expect(peers.map((peer) => announcements.standingOf(peer))).toEqual(['told', 'silent']);
    await clock.advance(22_000);
    expect(calls.slice(2)).toEqual([{ name: 'p1', atMs: 22_511 }]);
    expect(messages.at(-1)!.packetsFail).toBe(false);
    announcements.heardStart(peers[1]!, 2_000);
    await clock.advance(3_600_000);
    expect(calls).toHaveLength(3);
  });

  test('for now, as it was told too much, is not told earlier because it is heard of', async () => {
    const { clock, peers, world, announcements, timesOf } = open(1);
    world.replyOf = () => 'RESOURCE_EXHAUSTED';
    announcements.start(peers);
    await clock.advance(10_000);
    announcements.heardOf(peers[0]!);
    await clock.advance(6_000);
    expect(timesOf('p0')).toEqual([0, 15_001]);
  });

  test('and answers the second time counts from the beginning when it is silent again', async () => {
    const { clock, peers, world, announcements, timesOf } = open(1);
    const replies: Reply[] = ['UNAVAILABLE', 'UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'UNAVAILABLE', 'ok'];
    world.replyOf = () => replies.shift();
    announcements.start(peers);
    await clock.advance(200_000);
    const gaps = timesOf('p0').map((atMs, i, all) => (atMs - (all[i - 1] ?? 0) - (i === 0 ? 0 : 1)) / 1000);
    expect(gaps).toEqual([0, 15, 30, 15, 15]);
    expect(clock.pending).toBe(0);
  });
});
