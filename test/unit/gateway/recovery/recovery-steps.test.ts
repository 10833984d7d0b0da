/** Which peers are told or asked when packets are not let in, and how often: whatever comes, so many steps and no more. */
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../../src/base/random.js';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import type { Peer } from '../../../../src/gateway/peers.js';
import { Recovery, STEPS_BURST } from '../../../../src/gateway/recovery/recovery.js';

const MINUTE_MS = 60_000;

/** Peers whose standing a test says, and every step towards one of them with its time. */
function open(names: readonly string[], unknownSourceStepsPerMinute = 4) {
  const clock = createVirtualClock(1_000_000);
  const startMs = clock.nowMs();
  const peers = names.map((name) => ({ name }) as Peer);
  const steps: string[] = [];
  const events: unknown[] = [];
  const world = {
    standing: new Map<Peer, 'told' | 'silent' | 'other'>(),
    answeredAtMs: new Map<Peer, number>(),
    /** Peers whose underlay address is known. */
    located: new Set<Peer>(peers),
    started: [] as Peer[],
    work: async (_peer: Peer): Promise<void> => {},
  };
  const step = (what: string, peer: Peer) => {
    steps.push(`${what} ${peer.name} at ${(clock.nowMs() - startMs) / 1000}`);
    return world.work(peer);
  };
  const recovery = new Recovery({
    clock,
    random: seededRandom(1),
    observe: (event) => events.push(event),
    peers: { all: peers } as never,
    addresses: { of: (peer: Peer) => (world.located.has(peer) ? ['192.0.2.1'] : []) } as never,
    announcements: {
      start: (order: Peer[]) => world.started.push(...order),
      standingOf: (peer: Peer) => world.standing.get(peer) ?? 'silent',
      answeredAtMs: (peer: Peer) => world.answeredAtMs.get(peer) ?? Number.NEGATIVE_INFINITY,
      announce: (peer: Peer, failing: boolean) => step(failing ? 'tells of failures' : 'announces to', peer),
    } as never,
    search: { step: (peer: Peer) => step('searches for', peer) } as never,
    unknownSourceStepsPerMinute,
  });
  const failed = (some: readonly Peer[], unknown = 0n) =>
    recovery.failed({ byPeer: new Map(some.map((peer) => [peer, 2n])), unknown });
  /** Packets fail every 250 ms for so long. */
  const failFor = async (durationMs: number, some: readonly Peer[], unknown = 0n) => {
    for (let ms = 0; ms < durationMs; ms += 250) {
      failed(some, unknown);
      await clock.advance(250);
    }
  };
  /** When steps were made, in seconds since the start. */
  const times = () => steps.map((one) => Number(one.split(' at ')[1]));
  return { clock, peers, steps, events, world, recovery, failed, failFor, times };
}

describe('after the start', () => {
  test('all peers are told, first those that answered last in our former life', () => {
    const { peers, world, recovery } = open(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
    recovery.start((peer) => (peer.name === 'c' ? 5 : peer.name === 'f' ? 9 : undefined));
    expect(world.started.slice(0, 2).map(({ name }) => name)).toEqual(['f', 'c']);
    expect(new Set(world.started)).toEqual(new Set(peers));
    // The others in an order of this gateway's own, so that not all gateways ask the same one at once.
    expect(world.started.slice(2).map(({ name }) => name)).not.toEqual(['a', 'b', 'd', 'e', 'g', 'h']);
  });
});

describe('a peer whose packets fail', () => {
  test('and that is silent is told of our start, later and later', async () => {
    const { peers, steps, failFor, times } = open(['a']);
    await failFor(70_000, peers);
    // After 1, 2, 4, ... seconds.
    expect(times()).toEqual([0, 1, 3, 7, 15, 31, 63]);
    expect(steps[0]).toBe('announces to a at 0');
  });

  test('is told eight times at once at most, then once a minute', async () => {
    const { peers, world, recovery, failFor, times } = open(['a']);
    // Every second, if it might.
    world.standing.set(peers[0]!, 'other');
    await failFor(60_000, peers);
    expect(times().slice(0, STEPS_BURST)).toEqual([0, 1.25, 2.5, 3.75, 5, 6.25, 7.5, 8.75]);
    expect(times()).toHaveLength(STEPS_BURST);
    expect(recovery.counters).toMatchObject({ steps: STEPS_BURST, unknownSourceSteps: 0 });
    expect(recovery.counters.heldBack).toBeGreaterThan(0);
    await failFor(10 * MINUTE_MS, peers);
    expect(times().length).toBeLessThanOrEqual(STEPS_BURST + 10);
    expect(times().length).toBeGreaterThanOrEqual(STEPS_BURST + 9);
  });

  test('and that is not of our kind is asked for tunnels, not twice within 1.2 seconds', async () => {
    const { clock, peers, world, steps, failed } = open(['a']);
    world.standing.set(peers[0]!, 'other');
    failed(peers);
    await clock.advance(1_199);
    failed(peers);
    expect(steps).toEqual(['searches for a at 0']);
    await clock.advance(1);
    failed(peers);
    expect(steps).toEqual(['searches for a at 0', 'searches for a at 1.2']);
  });

  test('is not told anything more while a step is under way', async () => {
    const { clock, peers, world, steps, failFor } = open(['a']);
    let end = () => {};
    world.work = () => new Promise((resolve) => (end = resolve));
    await failFor(30_000, peers);
    expect(steps).toHaveLength(1);
    end();
    await clock.advance(0);
    await failFor(250, peers);
    expect(steps).toHaveLength(2);
  });

  test('although it knows of our start is told so, once that lasts, and later and later', async () => {
    const { peers, world, steps, failFor, times } = open(['a']);
    world.standing.set(peers[0]!, 'told');
    await failFor(60_000, peers);
    // Not by the first look, which may have caught the last packets under a key that has gone.
    expect(times()).toEqual([0.25, 10.25, 30.25]);
    expect(steps[0]).toBe('tells of failures a at 0.25');
  });

  test('and that has just answered is given the time to ask us', async () => {
    const { clock, peers, world, failFor, times } = open(['a']);
    world.standing.set(peers[0]!, 'told');
    world.answeredAtMs.set(peers[0]!, clock.nowMs());
    await failFor(3_000, peers);
    expect(times()).toEqual([1.5]);
  });

  test('now and then, with more than three seconds between, is not told of it', async () => {
    const { clock, peers, world, steps, failed } = open(['a']);
    world.standing.set(peers[0]!, 'told');
    for (let i = 0; i < 10; i++) {
      failed(peers);
      await clock.advance(3_001);
    }
    expect(steps).toEqual([]);
    failed(peers);
    await clock.advance(3_000);
    failed(peers);
    expect(steps).toHaveLength(1);
  });

  test('again after ten minutes is in new trouble, and told at once', async () => {
    const { clock, peers, failFor, failed, times } = open(['a']);
    await failFor(70_000, peers);
    const before = times().length;
    await clock.advance(600_000);
    failed(peers);
    expect(times()).toHaveLength(before + 1);
    await clock.advance(1_000);
    failed(peers);
    expect(times()).toHaveLength(before + 2);
  });

  test('within ten minutes is in the same trouble still', async () => {
    const { clock, peers, failFor, failed, times } = open(['a']);
    await failFor(70_000, peers);
    const before = times().length;
    await clock.advance(600_000 - 250);
    failed(peers);
    await clock.advance(1_000);
    failed(peers);
    expect(times()).toHaveLength(before + 1);
  });

  test('is waited for no longer than five minutes', async () => {
    const { peers, failFor, times } = open(['a']);
    await failFor(40 * MINUTE_MS, peers);
    const gaps = times().map((at, i, all) => at - (all[i - 1] ?? 0));
    expect(Math.max(...gaps)).toBe(300);
    expect(gaps.slice(-3)).toEqual([300, 300, 300]);
  });

  test('and that has answered for the first time is in other trouble: it is told at once when packets fail still', async () => {
    const { peers, world, steps, failFor } = open(['a']);
    await failFor(8_000, peers);
    expect(steps).toHaveLength(4);
    world.work = async (peer) => void world.standing.set(peer, 'other');
    await failFor(8_000, peers);
    world.work = async () => {};
    const searches = steps.filter((one) => one.startsWith('searches'));
    expect(steps[4]).toBe('announces to a at 15');
    expect(searches.length).toBe(0);
    await failFor(1_000, peers);
    expect(steps.at(-1)).toBe('searches for a at 16.25');
  });

  test('is no reason to do anything about another one', async () => {
    const { peers, steps, failFor } = open(['a', 'b', 'c']);
    await failFor(500, [peers[1]!]);
    expect(steps).toEqual(['announces to b at 0']);
  });
});

describe('packets of unknown sources', () => {
  test('move steps towards peers whose underlay address is not known, in turn', async () => {
    const { clock, peers, world, steps, failed, recovery } = open(['a', 'b', 'c'], 60);
    world.located = new Set([peers[1]!]);
    for (let i = 0; i < 4; i++) {
      failed([], 1n);
      await clock.advance(5_000);
    }
    expect(steps.map((one) => one.split(' ')[2])).toEqual(['a', 'c', 'a', 'c']);
    expect(recovery.counters).toMatchObject({ steps: 0, unknownSourceSteps: 4, heldBack: 0 });
  });

  test('move steps towards peers that answer before those that are silent', async () => {
    const { clock, peers, world, steps, failed } = open(['a', 'b', 'c'], 60);
    world.located = new Set();
    world.standing.set(peers[1]!, 'other').set(peers[2]!, 'other');
    for (let i = 0; i < 3; i++) {
      failed([], 1n);
      await clock.advance(100);
    }
    expect(steps.map((one) => one.split(' at ')[0])).toEqual([
      'searches for b',
      'searches for c',
      'announces to a',
    ]);
  });

  test('share one budget, whoever sends them', async () => {
    const { peers, world, recovery, failFor, times } = open(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'], 4);
    world.located = new Set();
    for (const peer of peers) world.standing.set(peer, 'other');
    await failFor(14_750, [], 9n);
    expect(times()).toHaveLength(4);
    await failFor(10 * MINUTE_MS, [], 9n);
    expect(times().length).toBeLessThanOrEqual(44);
    expect(times().length).toBeGreaterThanOrEqual(43);
    expect(recovery.counters.unknownSourceHeldBack).toBeGreaterThan(2000);
    expect(recovery.counters).toMatchObject({ steps: 0, heldBack: 0 });
  });

  test('move nothing when every peer is known by its address, nor when there are none', () => {
    const { steps, failed, recovery, world } = open(['a', 'b']);
    failed([], 7n);
    expect(steps).toEqual([]);
    world.located.clear();
    failed([], 0n);
    expect(steps).toEqual([]);
    expect(recovery.counters).toMatchObject({ unknownSourceSteps: 0, unknownSourceHeldBack: 0 });
  });

  test('do not move a step towards a peer that was told a moment ago', async () => {
    const { clock, world, steps, failed } = open(['a'], 60);
    world.located = new Set();
    failed([], 1n);
    await clock.advance(500);
    failed([], 1n);
    expect(steps).toHaveLength(1);
  });
});

describe('those who watch', () => {
  test('are told of packets that fail, with their number and whose they are', () => {
    const { peers, events, failed } = open(['a', 'b']);
    failed(peers, 3n);
    failed([], 1n);
    const type = 'packets-not-let-in';
    expect(events).toEqual([
      { type, peer: 'a', packets: 2 },
      { type, peer: 'b', packets: 2 },
      { type, packets: 3 },
      { type, packets: 1 },
    ]);
  });

  test('are told of a step that failed, and the next one is made', async () => {
    const { clock, peers, world, events, steps, failed } = open(['a']);
    world.work = () => Promise.reject(new Error('no way'));
    failed(peers);
    await clock.advance(1_000);
    expect(events[1]).toEqual({ type: 'work-failed', work: 'recovery', reason: 'no way', peer: 'a' });
    failed(peers);
    expect(steps).toHaveLength(2);
  });
});

test('after the stop nothing is done or told', async () => {
  const { clock, peers, world, events, steps, recovery, failed } = open(['a']);
  world.work = async () => {
    recovery.stop();
    throw new Error('closed');
  };
  failed(peers);
  await clock.advance(100_000);
  failed(peers, 5n);
  expect(steps).toHaveLength(1);
  expect(events).toHaveLength(1);
});
