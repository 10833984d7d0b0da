/** What a peer's word that it has started, or that packets of ours fail, makes a gateway do: re-key its sessions, at a rate. */
import { describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import type { GatewayEvent } from '../../../../src/gateway/events.js';
import type { Peer } from '../../../../src/gateway/peers.js';
import { ANNOUNCEMENTS_BURST, PeerStarts } from '../../../../src/gateway/recovery/peer-starts.js';
import {
  decodeAnnouncementAnswer,
  encodeAnnouncement,
} from '../../../../src/gateway/rpc/announcement-messages.js';
import { newSession, type Session } from '../../../../src/gateway/sessions/session.js';
import { parseIp } from '../../../../src/packet/address.js';
import { testPeer } from '../../../support/peers.js';

const NOW_MS = 1_000_000;
const OURS = parseIp('192.168.0.1');

/** Two peers with sessions, whose packets a test counts, and what re-keys them. */
function open() {
  const clock = createVirtualClock(NOW_MS);
  const abort = new AbortController();
  const [peer, other] = [testPeer(1), testPeer(2)];
  const sessions: Session[] = [];
  const packets = new Map<number, bigint>();
  const [forgotten, started, heardOf, events, rounds]: [
    string[],
    unknown[],
    string[],
    GatewayEvent[],
    string[],
  ] = [[], [], [], [], []];
  const world = {
    /** Which of these a peer does not give a new route. */
    refuses: (_: readonly Session[]): readonly Session[] => [],
    durationMs: 10,
    error: undefined as Error | undefined,
    counterError: undefined as Error | undefined,
  };
  const add = (id: number, of: Peer = peer, peerStart = 0): Session => {
    const session = newSession(OURS, parseIp(`10.0.0.${id}`), of, of, 0);
    session.egress = { entry: id, peerStart } as never;
    sessions.push(session);
    return session;
  };
  const starts = new PeerStarts({
    hal: {
      counters: async (selectors: { id: number }[]) => {
        if (world.counterError !== undefined) throw world.counterError;
        return selectors.map(({ id }) => ({ packets: packets.get(id) ?? 0n }));
      },
    } as never,
    clock,
    random: { fill: () => {}, uint32: () => 0 },
    observe: (event) => events.push(event),
    limits: { backoffMinMs: 200, backoffMaxMs: 1600 } as never,
    peers: { identifyService: (_: unknown, port: number) => (port === 1 ? peer : other) } as never,
    installer: { sessions } as never,
    bringUp: {
      once: (of: Peer, some: readonly Session[]) =>
        new Promise((resolve, reject) => {
          const at = clock.nowMs() - NOW_MS;
          rounds.push(`${some.map(({ remoteVip }) => remoteVip.split('.')[3]).join(' ')} at ${at}`);
          clock.setTimer(() => {
            if (world.error !== undefined) return reject(world.error);
            const refused = world.refuses(some);
            for (const session of some.filter((one) => !refused.includes(one)))
              session.egress = { ...session.egress!, peerStart: of.starts };
            resolve(refused);
          }, world.durationMs);
        }),
      pause: (_: Peer, ms: number) => new Promise<void>((resolve) => clock.setTimer(resolve, ms)),
    } as never,
    transport: { forget: ({ host }: { host: string }) => forgotten.push(host) } as never,
    signal: abort.signal,
    onStart: (of, ageMs) => started.push([of.name, ageMs]),
    peerListener: { onHeardOf: (of) => heardOf.push(of.name), onDrain: () => {} },
    drainNotice: () => undefined,
  });
  /** The answer to an announcement, or its refusal. */
  const announce = (ageMs: number, packetsFail = false, servicePort = 1) =>
    starts.handle(encodeAnnouncement({ ageMs, servicePort, packetsFail }), {} as never).then(
      (octets) => decodeAnnouncementAnswer(octets).sessions,
      ({ message }: Error) => message,
    );
  /** The peer has had routes of ours for so long, and says that it has started since. */
  const startAnew = () => {
    peer.firstRouteAtMs = clock.nowMs() - 10_000;
    return announce(0);
  };
  return {
    ...{ clock, abort, peer, other, sessions, packets, forgotten, started, heardOf, events, rounds },
    ...{ world, add, starts, announce, startAnew },
  };
}

describe('a peer that tells its start', () => {
  test('and has given us no route is heard, and nothing is done', async () => {
    const { peer, announce, clock, rounds, forgotten, started, heardOf, events, starts, add } = open();
    add(1);
    expect(await announce(5)).toBe(0);
    await clock.advance(10_000);
    expect([rounds, forgotten, peer.starts]).toEqual([[], [], 0]);
    expect([started, heardOf]).toEqual([[[peer.name, 5]], [peer.name]]);
    expect(events).toEqual([
      { type: 'announcement-received', peer: peer.name, sessions: 0, packetsFail: false },
    ]);
    expect(starts.counters).toEqual({ received: 1, refused: 0 });
  });

  test.each([
    ['before its first route', 10_000, 0],
    ['a quarter of a second after it, as far as the message may have been on its way', 8_750, 0],
    ['later than that', 8_749, 1],
  ])('%s has started so often since', async (_, ageMs, count) => {
    const { peer, announce, forgotten, add, clock } = open();
    add(1);
    peer.firstRouteAtMs = NOW_MS - 9_000;
    expect(await announce(ageMs)).toBe(count);
    expect([peer.starts, peer.firstRouteAtMs]).toEqual([count, count === 0 ? NOW_MS - 9_000 : undefined]);
    expect(forgotten).toEqual(count === 0 ? [] : [peer.serviceAddress.host]);
    await clock.advance(1_000);
  });

  test('gets its sessions re-keyed, those that send most first, and nobody else’s', async () => {
    const { peer, other, packets, startAnew, clock, rounds, events, sessions, add } = open();
    for (const id of [1, 2, 3]) add(id);
    add(4, other);
    add(5, peer, 1);
    sessions.push(newSession(OURS, parseIp('10.0.0.6'), peer, peer, 0));
    packets.set(1, 5n).set(2, 7n).set(3, 6n);
    expect(await startAnew()).toBe(3);
    await clock.advance(1_000);
    expect(rounds).toEqual(['2 3 1 at 0']);
    expect(events).toEqual([
      { type: 'announcement-received', peer: peer.name, sessions: 3, packetsFail: false },
    ]);
    // Once more, for a second start.
    expect(await startAnew()).toBe(4);
    await clock.advance(1_000);
    expect(rounds).toHaveLength(2);
  });

  test('gets them re-keyed even while the device tells no counters', async () => {
    const { world, startAnew, clock, rounds, add } = open();
    for (const id of [1, 2]) add(id);
    world.counterError = new Error('gone');
    await startAnew();
    await clock.advance(1_000);
    expect(rounds).toEqual(['1 2 at 0']);
  });

  test('is asked again for those that it refuses, later and later while it gives none', async () => {
    const { world, startAnew, clock, rounds, add } = open();
    for (const id of [1, 2, 3]) add(id);
    world.durationMs = 0;
    world.refuses = (some) => some.filter(({ remoteVip }) => remoteVip !== '10.0.0.1');
    await startAnew();
    // Half of 200 ms, as there was progress; then 200, 400 and so on, up to 1600.
    await clock.advance(4_000);
    expect(rounds).toEqual([
      '1 2 3 at 0',
      '2 3 at 100',
      '2 3 at 200',
      '2 3 at 400',
      '2 3 at 800',
      '2 3 at 1600',
      '2 3 at 2400',
      '2 3 at 3200',
      '2 3 at 4000',
    ]);
    world.refuses = (some) => some.filter(({ remoteVip }) => some.length > 1 && remoteVip === '10.0.0.3');
    await clock.advance(60_000);
    // There was progress again.
    expect(rounds.slice(9)).toEqual(['2 3 at 4800', '3 at 4900']);
    expect(clock.pending).toBe(0);
  });

  test('again, while its sessions are being re-keyed, starts no second round beside the first', async () => {
    const { world, peer, startAnew, clock, rounds, add } = open();
    add(1);
    world.durationMs = 1_000;
    await startAnew();
    await clock.advance(500);
    expect(await startAnew()).toBe(1);
    expect(peer.starts).toBe(2);
    await clock.advance(400);
    expect(rounds).toEqual(['1 at 0']);
    // The route that came of the first round is from its last life already, as the peer's answers tell.
    await clock.advance(60_000);
    expect(rounds).toEqual(['1 at 0']);
  });

  test('is served again after a round that broke', async () => {
    const { world, abort, startAnew, clock, rounds, events, peer, add } = open();
    add(1);
    world.error = new Error('no memory');
    await startAnew();
    await clock.advance(10);
    const failed = { type: 'work-failed', work: 're-keying', reason: 'no memory', peer: peer.name };
    expect(events[1]).toEqual(failed);
    await startAnew();
    abort.abort();
    await clock.advance(10);
    expect(rounds).toHaveLength(2);
    // Not while the gateway ends.
    expect(events.filter(({ type }) => type === 'work-failed')).toEqual([failed]);
  });
});

describe('a peer that does not let packets in', () => {
  test('gets the sessions re-keyed that send, as two looks show, and no others', async () => {
    const { peer, other, packets, announce, clock, rounds, events, add } = open();
    for (const id of [1, 2, 3]) add(id);
    add(4, other);
    const send = (id: number) => packets.set(id, (packets.get(id) ?? 100n) + 1n);
    for (const id of [1, 2, 3]) packets.set(id, 100n);
    expect(await announce(50_000, true)).toBe(0);
    await clock.advance(149);
    send(2);
    send(4);
    await clock.advance(1);
    expect(rounds).toEqual(['2 at 150']);
    send(1);
    // It has been re-keyed already.
    send(2);
    await clock.advance(10_000);
    expect(rounds).toEqual(['2 at 150', '1 at 1210']);
    expect(events).toEqual([
      { type: 'announcement-received', peer: peer.name, sessions: 0, packetsFail: true },
    ]);
    send(3);
    await clock.advance(10_000);
    expect(rounds).toHaveLength(2);
    // The next time.
    await announce(50_000, true);
    send(3);
    await clock.advance(10_000);
    expect(rounds.at(-1)).toMatch(/^3 at /);
    expect(clock.pending).toBe(0);
  });

  test('and tells so while its sessions are looked at has them looked at anew', async () => {
    const { packets, announce, clock, rounds, add } = open();
    add(1);
    await announce(50_000, true);
    await clock.advance(100);
    await announce(50_000, true);
    await clock.advance(1_500);
    packets.set(1, 1n);
    await clock.advance(10_000);
    // The first search would have ended after 1.2 seconds.
    expect(rounds.filter((round) => round.startsWith('1'))).toHaveLength(1);
  });

  test('and that has started since is asked for all, and what sends is not looked for any more', async () => {
    const { packets, announce, startAnew, clock, rounds, add } = open();
    for (const id of [1, 2]) add(id);
    await announce(50_000, true);
    await clock.advance(100);
    await startAnew();
    packets.set(1, 1n);
    await clock.advance(10_000);
    expect(rounds[0]).toBe('1 at 150');
    expect(rounds).toHaveLength(2);
  });

  test('has no sessions looked at that have lost their route meanwhile', async () => {
    const { packets, announce, clock, rounds, add } = open();
    const [session] = [add(1), add(2)];
    await announce(50_000, true);
    session!.egress = undefined;
    packets.set(1, 1n).set(2, 1n);
    await clock.advance(10_000);
    expect(rounds).toEqual(['2 at 150']);
  });
});

test('so many announcements of a peer are listened to, and one in ten seconds from there on', async () => {
  const { announce, clock, starts, heardOf } = open();
  const refusal = 'RESOURCE_EXHAUSTED: too many announcements; try again later';
  for (let i = 0; i < ANNOUNCEMENTS_BURST; i++) expect(await announce(1)).toBe(0);
  expect(await announce(1)).toBe(refusal);
  expect(starts.counters).toEqual({ received: ANNOUNCEMENTS_BURST, refused: 1 });
  expect(heardOf).toHaveLength(ANNOUNCEMENTS_BURST);
  // Another one is not concerned.
  expect(await announce(1, false, 2)).toBe(0);
  await clock.advance(9_999);
  expect(await announce(1)).toBe(refusal);
  await clock.advance(1);
  expect(await announce(1)).toBe(0);
  expect(await announce(1)).toBe(refusal);
});
