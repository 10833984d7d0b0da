import { describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { BURST_S, DOOR_LIMITS } from '../../../../src/gateway/doors/door-limits.js';
import { Doors, SOURCES_MAX, sourceOf, type Visit } from '../../../../src/gateway/doors/doors.js';
import {
  FloodWatch,
  OVERHEAD_OCTETS_BURST,
  OVERHEAD_OCTETS_PER_SECOND,
  REQUEST_OVERHEAD_OCTETS,
  RESETS_BURST,
  RESETS_PER_SECOND,
} from '../../../../src/gateway/doors/flood-watch.js';
import { OCTETS_GUARANTEED, OctetBudget } from '../../../../src/gateway/doors/octet-budget.js';
import { Pace } from '../../../../src/gateway/doors/pace.js';
import { parseIp } from '../../../../src/packet/address.js';

const PEER = parseIp('10.0.0.9');

function doors(
  limits: Partial<typeof DOOR_LIMITS> = {},
  peers: Readonly<Record<string, number>> = { [PEER]: 1 },
) {
  const clock = createVirtualClock(0);
  const under = new Doors({ ...DOOR_LIMITS, ...limits }, clock, (source) => peers[source] ?? 0);
  const knock = (source: string, times = 1): (Visit | undefined)[] =>
    Array.from({ length: times }, () => under.knock(parseIp(source)));
  const letIn = (source: string, times = 1) => knock(source, times).filter((visit) => visit !== undefined);
  return { clock, under, knock, letIn };
}

describe('connections of strangers', () => {
  const RARE = { strangersPerSecond: 1000, strangersPerSourcePerSecond: 1000 };

  test('are limited per source, and one that left makes room', () => {
    const { under, letIn } = doors({ ...RARE, strangersPerSource: 3 });
    const visits = letIn('10.0.0.1', 5);
    expect(visits).toHaveLength(3);
    expect(letIn('10.0.0.2', 5)).toHaveLength(3);
    expect(under.refused).toEqual({ strangers: 0, source: 4, rate: 0, peer: 0 });
    visits[0]!.leave();
    visits[0]!.leave();
    expect(letIn('10.0.0.1', 5)).toHaveLength(1);
  });

  test('are limited in all; a peer’s address has room of its own, and a limit of its own', () => {
    const { under, letIn } = doors({ ...RARE, strangers: 10, strangersPerSource: 4, openingsPerPeer: 2 });
    for (let i = 1; i <= 9; i++) letIn(`10.0.1.${i}`, 3);
    expect(under.strangers).toBe(10);
    expect(under.refused.strangers).toBe(17);
    expect(letIn(PEER, 5)).toHaveLength(2);
    expect(under.refused.peer).toBe(3);
    expect(under.strangers).toBe(10);
  });

  test('come at a limited rate, each source at its own, and what a source has used up is not taken from all', async () => {
    const { clock, under, letIn } = doors({
      strangers: 1e6,
      strangersPerSource: 1e6,
      strangersPerSecond: 10,
      strangersPerSourcePerSecond: 1,
    });
    expect(letIn('10.0.0.1', 1000)).toHaveLength(BURST_S);
    for (let i = 2; i <= 10; i++) expect(letIn(`10.0.0.1${i}`, 10)).toHaveLength(BURST_S);
    expect(letIn('10.0.0.30', 10)).toHaveLength(0);
    expect(letIn(PEER)).toHaveLength(1);
    await clock.advance(1000);
    expect(letIn('10.0.0.1', 1000)).toHaveLength(1);
    expect(under.refused.rate).toBe(1000 - BURST_S + 9 * (10 - BURST_S) + 10 + 999);
  });

  test('of one IPv6 /64 are one source, those of the next another', () => {
    const { letIn } = doors({ ...RARE, strangersPerSource: 2 });
    expect([1, 2, 3, 4].flatMap((i) => letIn(`2001:db8:0:1::${i}`))).toHaveLength(2);
    expect(letIn('2001:db8:0:1:ffff:ffff:ffff:ffff')).toHaveLength(0);
    expect(letIn('2001:db8:0:2::1')).toHaveLength(1);
  });

  test('are remembered by source up to a limit; who is inside is not forgotten', () => {
    const { under, letIn } = doors({
      ...RARE,
      strangersPerSecond: 1e6,
      strangersPerSource: 1,
      strangers: 1e6,
    });
    letIn('10.9.9.9');
    for (let i = 0; i < SOURCES_MAX + 100; i++) letIn(`10.1.${i >> 8}.${i & 255}`)[0]!.leave();
    expect(under.sourcesKnown).toBe(SOURCES_MAX);
    expect(letIn('10.9.9.9')).toHaveLength(0);
  });

  test('a clock that is set back lets in no more, and shuts nobody out for good', async () => {
    let nowMs = 1e9;
    const clock = { ...createVirtualClock(), nowMs: () => nowMs };
    const under = new Doors({ ...DOOR_LIMITS, strangersPerSource: 1e6 }, clock, () => 0);
    const many = () => Array.from({ length: 100 }, () => under.knock(PEER)).filter(Boolean).length;
    expect(many()).toBe(BURST_S * DOOR_LIMITS.strangersPerSourcePerSecond);
    nowMs = 0;
    expect(many()).toBe(0);
    nowMs = 1000;
    expect(many()).toBe(DOOR_LIMITS.strangersPerSourcePerSecond);
  });
});

describe('connections of peers', () => {
  test('peers that share an address have the room of as many', () => {
    const { under, letIn } = doors({ openingsPerPeer: 2, connectionsPerPeer: 4 }, { [PEER]: 3 });
    expect(letIn(PEER, 10)).toHaveLength(6);
    expect(under.connectionsOf(PEER)).toBe(12);
  });

  test('peers are looked up at each knock: one that is added has room from then on', () => {
    const peers: Record<string, number> = {};
    const { under, letIn } = doors({ strangers: 1 }, peers);
    expect(letIn(PEER, 3)).toHaveLength(1);
    peers[PEER] = 1;
    expect(letIn(PEER)).toHaveLength(1);
    expect(under.strangers).toBe(1);
  });
});

describe('what a party holds', () => {
  test('is its own, the same for all that come from one address, with requests at its rate', () => {
    const { under } = doors({ requestsPerPeerPerSecond: 3, connectionsPerPeer: 4 });
    const [party, other] = [under.party(PEER), under.party(parseIp('10.0.0.8'))];
    expect(under.party(PEER)).toBe(party);
    expect([party.host, other.host, party.connections.size, party === other]).toEqual([
      PEER,
      '10.0.0.8',
      0,
      false,
    ]);
    let begun = 0;
    for (let i = 0; i < 20; i++) party.requests.enter(() => begun++);
    expect(begun).toBe(3 * BURST_S);
    expect(party.octets.take(DOOR_LIMITS.octetsPerPeer + 1)).toBe(false);
    expect(party.octets.take(DOOR_LIMITS.octetsPerPeer)).toBe(true);
    expect(under.octets.held).toBe(DOOR_LIMITS.octetsPerPeer);
    expect([under.connectionsOf(PEER), under.connectionsOf(parseIp('10.0.0.8'))]).toEqual([4, 4]);
  });
});

test('connections from nowhere are those of one stranger, and who is refused is told of', () => {
  const told: string[] = [];
  const under = new Doors(
    { ...DOOR_LIMITS, strangersPerSource: 1 },
    createVirtualClock(),
    () => 1,
    (why, from) => {
      told.push(`${why} ${from}`);
    },
  );
  expect(under.knock(undefined)).toBeDefined();
  expect([under.knock(undefined), under.strangers]).toEqual([undefined, 1]);
  expect(told).toEqual(['source unknown']);
});

test('a stranger that has left is counted no more; peers that share an address open at the rate of as many', async () => {
  const { clock, under, letIn } = doors({ openingsPerPeer: 100, openingsPerPeerPerSecond: 2 }, { [PEER]: 3 });
  const [visit] = letIn('10.0.0.1');
  expect(under.strangers).toBe(1);
  visit!.leave();
  visit!.leave();
  expect(under.strangers).toBe(0);
  expect(letIn(PEER, 100)).toHaveLength(6 * BURST_S);
  expect(under.refused.rate).toBe(100 - 6 * BURST_S);
  await clock.advance(1000);
  expect(letIn(PEER, 100)).toHaveLength(6);
});

test('a source is an address, IPv4 in IPv6 is IPv4, and an address of one link is nobody’s', () => {
  expect(
    ['192.0.2.1', '::ffff:192.0.2.1', '::FFFF:C000:0201', '2001:DB8::1', 'fe80::1%eth0', undefined].map(
      sourceOf,
    ),
  ).toEqual(['192.0.2.1', '192.0.2.1', '192.0.2.1', '2001:db8::1', undefined, undefined]);
});

describe('octets of messages', () => {
  test('are limited per party and in all; what was given back is there again, and the peak is kept', () => {
    const budget = new OctetBudget(10 * OCTETS_GUARANTEED, 15 * OCTETS_GUARANTEED);
    const [a, b] = [budget.share(), budget.share()];
    expect(a.take(10 * OCTETS_GUARANTEED)).toBe(true);
    expect(a.take(1)).toBe(false);
    expect(b.take(5 * OCTETS_GUARANTEED + 1)).toBe(false);
    expect(b.take(5 * OCTETS_GUARANTEED)).toBe(true);
    expect(budget.held).toBe(15 * OCTETS_GUARANTEED);
    a.give(10 * OCTETS_GUARANTEED);
    b.give(5 * OCTETS_GUARANTEED);
    expect(budget).toMatchObject({ held: 0, heldPeak: 15 * OCTETS_GUARANTEED, refused: 2 });
  });

  test('when others hold all, a party may still hold a little', () => {
    const budget = new OctetBudget(1 << 20, 1 << 20);
    expect(budget.share().take(1 << 20)).toBe(true);
    const small = budget.share();
    expect(small.take(OCTETS_GUARANTEED)).toBe(true);
    expect(small.take(1)).toBe(false);
  });
});

describe('a pace', () => {
  test('begins what comes at once up to its burst, the rest in order at its rate; who leaves the queue is not begun', async () => {
    const clock = createVirtualClock(0);
    const pace = new Pace(clock, 10, 3);
    const begun: number[] = [];
    const leave = Array.from({ length: 8 }, (_, i) => pace.enter(() => begun.push(i)));
    expect(begun).toEqual([0, 1, 2]);
    expect(pace.waiting).toBe(5);
    leave[4]!();
    await clock.advance(250);
    expect(begun).toEqual([0, 1, 2, 3, 5]);
    await clock.advance(10_000);
    expect(begun).toEqual([0, 1, 2, 3, 5, 6, 7]);
    expect(clock.pending).toBe(0);
  });

  test('what enters behind a queue waits too, and an empty queue leaves no timer', async () => {
    const clock = createVirtualClock(0);
    const pace = new Pace(clock, 10, 1);
    const begun: string[] = [];
    pace.enter(() => begun.push('a'));
    const leave = pace.enter(() => begun.push('b'));
    leave();
    expect(clock.pending).toBe(0);
    expect(begun).toEqual(['a']);
  });

  test('what comes while others wait is begun behind them, though its own turn would be there', () => {
    // Without timers that fire: what was earned meanwhile is for those who wait.
    let nowMs = 0;
    const pace = new Pace({ nowMs: () => nowMs, setTimer: () => ({ cancel: () => {} }) } as never, 10, 1);
    const order: string[] = [];
    for (const name of ['a', 'b']) pace.enter(() => order.push(name));
    nowMs = 1000;
    pace.enter(() => order.push('c'));
    expect([order, pace.waiting]).toEqual([['a'], 2]);
  });

  test('who leaves a queue in which others wait holds up none of them', async () => {
    const clock = createVirtualClock(0);
    const pace = new Pace(clock, 10, 1);
    const begun: string[] = [];
    const leave = ['a', 'b', 'c'].map((name) => pace.enter(() => begun.push(name)));
    // It has begun: leaving changes nothing.
    leave[0]!();
    leave[1]!();
    expect(pace.waiting).toBe(1);
    await clock.advance(100);
    expect([begun, pace.waiting, clock.pending]).toEqual([['a', 'c'], 0, 0]);
  });

  test('of a thousand a second looks every five milliseconds, and begins what is due together', async () => {
    const clock = createVirtualClock(0);
    const pace = new Pace(clock, 1000, 5);
    const begunAtMs: number[] = [];
    for (let i = 0; i < 12; i++) pace.enter(() => begunAtMs.push(clock.nowMs()));
    await clock.advance(20);
    expect(begunAtMs).toEqual([0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 10, 10]);
  });
});

describe('the watch for floods', () => {
  function watch() {
    const clock = createVirtualClock(0);
    const floods = new FloodWatch(clock);
    const socket = { bytesRead: 0 };
    let ended = 0;
    const watched = floods.add(socket, () => ended++);
    return { clock, floods, socket, watched, ended: () => ended };
  }

  test('ends a connection with more than the burst that is no message, once', async () => {
    const { clock, floods, socket, ended } = watch();
    socket.bytesRead = OVERHEAD_OCTETS_BURST;
    await clock.advance(250);
    expect(ended()).toBe(0);
    socket.bytesRead += OVERHEAD_OCTETS_PER_SECOND;
    await clock.advance(250);
    expect(ended()).toBe(1);
    socket.bytesRead += 10 * OVERHEAD_OCTETS_BURST;
    await clock.advance(10_000);
    expect(ended()).toBe(1);
    expect(floods.floods).toBe(1);
    expect(clock.pending).toBe(0);
  });

  test('does not mind messages, requests, or a little for ever', async () => {
    const { clock, floods, socket, watched, ended } = watch();
    for (let second = 0; second < 100; second++) {
      socket.bytesRead += (1 << 24) + 500 * 600 + OVERHEAD_OCTETS_PER_SECOND / 2;
      watched.message(1 << 24);
      for (let i = 0; i < 500; i++) watched.request();
      await clock.advance(1000);
    }
    expect(ended()).toBe(0);
    floods.delete(watched);
    expect(clock.pending).toBe(0);
  });

  test('ends a connection that takes back more requests than deadlines may pass', async () => {
    const { clock, floods, watched, ended } = watch();
    for (let i = 0; i < RESETS_BURST; i++) watched.reset();
    await clock.advance(1000);
    for (let i = 0; i < RESETS_PER_SECOND; i++) watched.reset();
    expect(ended()).toBe(0);
    watched.reset();
    watched.reset();
    expect([ended(), floods.floods, clock.pending]).toEqual([1, 1, 0]);
  });

  test('counts what goes beyond messages to the octet, also over many looks', async () => {
    const { clock, socket, watched, ended } = watch();
    watched.message(32_000);
    watched.request();
    socket.bytesRead = 32_000 + 1000 + REQUEST_OVERHEAD_OCTETS + OVERHEAD_OCTETS_BURST;
    await clock.advance(250);
    expect(ended()).toBe(0);
    // What has been counted once is not counted again.
    await clock.advance(250);
    socket.bytesRead += OVERHEAD_OCTETS_PER_SECOND / 2;
    await clock.advance(250);
    expect(ended()).toBe(0);
    socket.bytesRead += OVERHEAD_OCTETS_PER_SECOND / 4 + 1;
    await clock.advance(250);
    expect(ended()).toBe(1);
  });

  test('ends none but those that flood, and goes on with the others', async () => {
    const clock = createVirtualClock(0);
    const floods = new FloodWatch(clock);
    const ended: string[] = [];
    const sockets = ['a', 'b', 'c'].map((name) => {
      const socket = { bytesRead: 0 };
      return { socket, watched: floods.add(socket, () => ended.push(name)) };
    });
    expect(clock.pending).toBe(1);
    sockets[1]!.socket.bytesRead = 2 * OVERHEAD_OCTETS_BURST;
    await clock.advance(250);
    expect([ended, floods.floods, clock.pending]).toEqual([['b'], 1, 1]);
    floods.delete(sockets[0]!.watched);
    sockets[0]!.socket.bytesRead = 2 * OVERHEAD_OCTETS_BURST;
    sockets[2]!.socket.bytesRead = 2 * OVERHEAD_OCTETS_BURST;
    // One that is not watched any more is not ended, whatever it does.
    for (let i = 0; i <= 2 * RESETS_BURST; i++) sockets[0]!.watched.reset();
    await clock.advance(250);
    expect([ended, floods.floods, clock.pending]).toEqual([['b', 'c'], 2, 0]);
    const again = { bytesRead: 2 * OVERHEAD_OCTETS_BURST };
    floods.add(again, () => ended.push('d'));
    await clock.advance(250);
    expect(ended).toEqual(['b', 'c', 'd']);
  });

  test('messages do not save up for a flood later', async () => {
    const { clock, socket, watched, ended } = watch();
    watched.message(1 << 30);
    await clock.advance(250);
    socket.bytesRead = (1 << 30) + 2 * (1 << 30);
    await clock.advance(250);
    expect(ended()).toBe(1);
  });
});

test('of hosts that have no peer any more nothing is kept', () => {
  const peers: Record<string, number> = { [PEER]: 1, '10.0.0.8': 2 };
  const { under, letIn } = doors({ openingsPerPeer: 1 }, peers);
  letIn('10.0.0.8');
  const [visit] = letIn(PEER);
  under.party(PEER);
  const stays = under.party(parseIp('10.0.0.8'));
  expect(under.hostsKnown).toBe(2);
  under.forgetStrangers();
  expect(under.hostsKnown).toBe(2);
  delete peers[PEER];
  under.forgetStrangers();
  expect(under.hostsKnown).toBe(1);
  expect(under.party(parseIp('10.0.0.8'))).toBe(stays);
  // What it held ends later, and takes nothing from anybody.
  visit!.leave();
  expect(under.strangers).toBe(0);
  peers[PEER] = 1;
  expect(letIn(PEER, 2)).toHaveLength(1);
});
