/** Packets that come to the CPU: which wait for a session, when they leave, what is dropped, and that each is counted. */

import { beforeEach, describe, expect, test } from 'vitest';
import { createVirtualClock, type VirtualClock } from '../../../../src/base/virtual-clock.js';
import { EventLog } from '../../../../src/gateway/event-log.js';
import type { GatewayEvent } from '../../../../src/gateway/events.js';
import type { Logger } from '../../../../src/gateway/log.js';
import type { Peer } from '../../../../src/gateway/peers.js';
import {
  PKT_META_EGRESS_SAMPLED,
  PKT_META_INGRESS_SAMPLED,
  PKT_META_RESUBMITTED,
  PKT_META_RETURN_TO_VF,
  PKT_META_SEGMENT_IN,
  PKT_META_SEGMENT_OUT,
  trialMark,
} from '../../../../src/gateway/pipeline/packet-meta.js';
import { sampledFields } from '../../../../src/gateway/pipeline/sampled-packet.js';
import type { Wanted } from '../../../../src/gateway/sessions/places.js';
import { newSession, type Session, type SessionState } from '../../../../src/gateway/sessions/session.js';
import { SlowPath, type SlowPathDeps } from '../../../../src/gateway/slow-path/slow-path.js';
import { UnderlayHold } from '../../../../src/gateway/underlay/underlay-hold.js';
import type { TransmitPacket } from '../../../../src/hal/hal.js';
import { type IpAddress, macFromOctets, parseIp } from '../../../../src/packet/address.js';
import { BOOT_REQUEST, buildDhcp, DHCP_DISCOVER } from '../../../../src/packet/dhcp.js';
import { buildNeighborSolicitation } from '../../../../src/packet/icmpv6.js';
import { frameOf, WORKLOAD_MAC } from '../../../../src/verify/inner-packets.js';
import { idsOf, LIMITS, packetBetween, vip } from '../../../support/gateways.js';
import { NOT_DRAINING, testPeer } from '../../../support/peers.js';

const BACKOFF_MS = 100;
const OUR_MAC = macFromOctets(Uint8Array.from([2, 0, 0, 0, 0, 0x99]));

let clock: VirtualClock;
let events: GatewayEvent[];
let logs: { line: string; fields: unknown }[];
let sent: TransmitPacket[];
let received: string[];
let peer: Peer;
let sessions: Map<string, Session>;
/** What the parts around the slow path do. */
let world: {
  room: number;
  mayTakePlace: boolean;
  open: () => Promise<void>;
  /** The state of a session that was opened. */
  made: SessionState;
  exchange: (session: Session) => Promise<void>;
  opened: Wanted[];
  asked: Session[];
  touched: number;
  removed: Session[];
  /** The device does not let go of sessions. */
  stuck: boolean;
};

beforeEach(() => {
  clock = createVirtualClock(1_000_000);
  [events, logs, sent, received] = [[], [], [], []];
  peer = testPeer(2);
  sessions = new Map();
  world = {
    room: Number.POSITIVE_INFINITY,
    mayTakePlace: true,
    open: async () => {},
    made: 'idle',
    exchange: async () => {},
    opened: [],
    asked: [],
    touched: 0,
    removed: [],
    stuck: false,
  };
});

const pairOf = (localVip: IpAddress, remoteVip: IpAddress) => `${localVip} ${remoteVip}`;
const establish = (session: Session, held = false) => {
  session.state = 'established';
  session.egress = { entry: 1, cryptoId: 7, spi: 1, peerStart: 0, underlayIp: vip(9), held } as never;
};

function open(more: Partial<SlowPathDeps> = {}) {
  const logger: Logger = {
    log: (level, message, fields) => void logs.push({ line: `${level} ${message}`, fields }),
    enabled: (level) => level !== 'debug',
  };
  const eventLog = new EventLog({ clock, logger });
  const slowPath: SlowPath = new SlowPath({
    drain: NOT_DRAINING,
    hal: {
      transmit: (packets: readonly TransmitPacket[]) => {
        const taken = packets.slice(0, world.room);
        sent.push(...taken);
        return taken.length;
      },
    } as never,
    clock,
    logger,
    observe: (event) => {
      events.push(event);
      eventLog.tell(event);
    },
    limits: { ...LIMITS, missedPacketsPerSession: 3 },
    peers: {
      ownerOf: (ip: IpAddress) => ([vip(2), vip(3), vip(2, 6)].includes(ip) ? peer : undefined),
      localVips: new Set([vip(1), vip(1, 6)]),
    } as never,
    installer: {
      sessions: {
        get: (localVip: IpAddress, remoteVip: IpAddress) => sessions.get(pairOf(localVip, remoteVip)),
      },
      mayTakePlace: () => world.mayTakePlace,
      touch: () => world.touched++,
      open: async (wanted: readonly Wanted[]) => {
        world.opened.push(...wanted);
        await world.open();
        return wanted.map(({ localVip, remoteVip, peer: owner, holder }) => {
          const session = newSession(localVip, remoteVip, owner, holder, 0);
          session.state = world.made;
          sessions.set(pairOf(localVip, remoteVip), session);
          return session;
        });
      },
      remove: async (some: readonly Session[], unwanted: (session: Session) => boolean) => {
        world.removed.push(...some.filter(unwanted));
        if (world.stuck) throw new Error('stuck');
      },
    } as never,
    client: {
      isHeldBack: () => false,
      exchange: async (_: Peer, [session]: readonly [Session]) => {
        world.asked.push(session);
        session.state = 'requesting';
        session.asking = true;
        try {
          await world.exchange(session);
        } catch (error) {
          session.state = 'backing-off';
          session.retryAtMs = clock.nowMs() + BACKOFF_MS;
          throw error;
        } finally {
          session.asking = false;
        }
        establish(session);
        slowPath.flush([session]);
      },
    } as never,
    ourMac: OUR_MAC,
    innerMtuOctets: 1400,
    sampledOctets: false,
    sampleBeforeEncryption: false,
    hold: new UnderlayHold(() => clock.nowMs()),
    onReceived: (why) => received.push(why),
    watch: { received() {}, dropped() {} },
    ...more,
  });
  return slowPath;
}

const frame = (to: number, id: number, family: 4 | 6 = 4, from = 1) =>
  frameOf(packetBetween(from, to, id, family));
const miss = (slowPath: SlowPath, to: number, ids: readonly number[], packetMeta = 0) =>
  slowPath.receive(ids.map((id) => ({ frame: frame(to, id), packetMeta })));
const sentIds = () => idsOf(sent.map((packet) => packet.frame));
const typesOf = () => events.map(({ type }) => type);
const known = (to = 2) => sessions.get(pairOf(vip(1), vip(to)))!;
/** Ends an exchange when a test says so. */
const answers = () => {
  const waiting: (() => void)[] = [];
  world.exchange = () => new Promise((resolve) => waiting.push(resolve));
  return waiting;
};

describe('a packet without a session', () => {
  test('waits until its session has a way out, and leaves in order, once', async () => {
    const slowPath = open();
    const waiting = answers();
    miss(slowPath, 2, [1, 2]);
    await clock.advance(5);
    miss(slowPath, 2, [3]);
    expect([world.opened.length, world.asked.length, sent.length]).toEqual([1, 1, 0]);
    expect(world.opened[0]).toEqual({ localVip: vip(1), remoteVip: vip(2), peer, holder: vip(1) });
    waiting[0]!();
    await clock.advance(5);
    expect(sentIds()).toEqual([1, 2, 3]);
    expect(sent.every(({ packetMeta }) => packetMeta === PKT_META_RESUBMITTED)).toBe(true);
    expect(slowPath.counters).toMatchObject({ misses: 3, resubmitted: 3, noPeer: 0, unusable: 0 });
    expect(slowPath.missed.total).toBe(0);
    expect(events.map((event) => ('waiting' in event ? event.waiting : event.type))).toEqual([
      1,
      2,
      3,
      'resubmitted',
    ]);
    expect(events.at(-1)).toEqual({ type: 'resubmitted', localVip: vip(1), remoteVip: vip(2), packets: 3 });
    expect(world.touched).toBe(3);
    expect(received).toEqual(['left to the CPU', 'left to the CPU', 'left to the CPU']);
  });

  test('of IPv6 likewise', async () => {
    const slowPath = open();
    slowPath.receive([{ frame: frame(2, 5, 6), packetMeta: 0 }]);
    await clock.advance(5);
    expect(sentIds()).toEqual([5]);
  });

  test('is not kept beyond the room of a session, also while that is being made', async () => {
    const slowPath = open();
    let make = () => {};
    world.open = () => new Promise((resolve) => (make = resolve));
    miss(slowPath, 2, [1, 2, 3, 4]);
    expect(slowPath.missed.overflowed).toBe(1);
    const waiting = answers();
    make();
    await clock.advance(5);
    miss(slowPath, 2, [5]);
    expect(slowPath.missed.overflowed).toBe(2);
    waiting[0]!();
    await clock.advance(5);
    expect(sentIds()).toEqual([1, 2, 3]);
  });

  test('to nobody is dropped, and told of now and then', async () => {
    const slowPath = open();
    const ids = Array.from({ length: 12 }, (_, i) => i + 1);
    miss(slowPath, 9, ids);
    expect(slowPath.counters).toMatchObject({ misses: 12, noPeer: 12 });
    expect(logs).toHaveLength(10);
    expect(logs[0]).toEqual({
      line: 'warning packet dropped: no peer owns the destination',
      fields: { event: 'packet-refused', source: vip(1), destination: vip(9) },
    });
    slowPath.receive([{ frame: frame(2, 1, 4, 8), packetMeta: 0 }]);
    expect(logs.slice(10).map(({ line }) => line)).toEqual([
      'warning packet dropped: the source is no address of ours',
    ]);
    expect(slowPath.counters.noPeer).toBe(13);
    expect(world.opened).toEqual([]);
  });

  test('that no session could carry is counted as such', () => {
    const slowPath = open();
    const cut = frame(2, 1).subarray(0, 30);
    const cut6 = frame(2, 1, 6).subarray(0, 50);
    const other = frame(2, 1);
    other.set([0x88, 0xcc], 12);
    slowPath.receive([cut, cut6, other].map((one) => ({ frame: one, packetMeta: 0 })));
    expect(slowPath.counters).toMatchObject({ unusable: 3, misses: 0 });
  });

  test('finds no place: it is dropped, counted and told of', async () => {
    const slowPath = open();
    world.mayTakePlace = false;
    miss(slowPath, 2, [1, 2]);
    expect([slowPath.counters.noSession, world.opened.length]).toEqual([2, 0]);
    const told = (reason: string) => ({
      type: 'no-session',
      localVip: vip(1),
      remoteVip: vip(2),
      reason,
    });
    expect(events[0]).toEqual(told('the table is full, or many are being made'));
    world.mayTakePlace = true;
    world.open = () => Promise.reject(new Error('no room'));
    miss(slowPath, 2, [3, 4]);
    await clock.advance(5);
    expect(slowPath.counters.noSession).toBe(4);
    expect(events.at(-1)).toEqual(told('no room'));
    world.open = async () => {};
    miss(slowPath, 2, [5]);
    await clock.advance(5);
    expect(sentIds()).toEqual([5]);
  });

  test('does not begin more than 256 sessions at one time', async () => {
    const slowPath = open({ peers: { ownerOf: () => peer, localVips: { has: () => true } } as never });
    world.open = () => new Promise(() => {});
    for (let i = 0; i < 258; i++) {
      const packet = { ...packetBetween(1, 2, i), destination: Uint8Array.of(10, 1, i >> 8, i & 255) };
      slowPath.receive([{ frame: frameOf(packet), packetMeta: 0 }]);
    }
    expect([world.opened.length, slowPath.counters.noSession]).toEqual([256, 2]);
  });
});

describe('a session that is there', () => {
  test('with a way out carries what missed it before it was there', async () => {
    const slowPath = open();
    const session = newSession(vip(1), vip(2), peer, peer, 0);
    establish(session);
    sessions.set(pairOf(vip(1), vip(2)), session);
    miss(slowPath, 2, [1]);
    expect(sentIds()).toEqual([1]);
    // What comes back from there goes round no more.
    miss(slowPath, 2, [1], PKT_META_RESUBMITTED);
    expect([sent.length, slowPath.counters.looping, slowPath.counters.misses]).toEqual([1, 1, 2]);
    session.egress = undefined;
    miss(slowPath, 2, [2], PKT_META_RESUBMITTED);
    expect(slowPath.missed.countOf(session)).toBe(1);
  });

  test('and that is being asked for by somebody else is waited for', async () => {
    const slowPath = open();
    const session = newSession(vip(1), vip(2), peer, peer, 0);
    session.state = 'requesting';
    sessions.set(pairOf(vip(1), vip(2)), session);
    miss(slowPath, 2, [1]);
    await clock.advance(5);
    expect(world.asked).toEqual([]);
    establish(session);
    slowPath.flush([session]);
    expect(sentIds()).toEqual([1]);
  });

  test('but dormant is opened like one that is not', async () => {
    const slowPath = open();
    const session = newSession(vip(1), vip(2), peer, peer, 0);
    session.state = 'dormant';
    sessions.set(pairOf(vip(1), vip(2)), session);
    miss(slowPath, 2, [1]);
    expect(world.opened).toHaveLength(1);
  });

  test('but no way out drops what has waited for too long, also when nothing else happens', async () => {
    const slowPath = open();
    const session = newSession(vip(1), vip(2), peer, peer, 0);
    session.state = 'requesting';
    sessions.set(pairOf(vip(1), vip(2)), session);
    miss(slowPath, 2, [1]);
    await clock.advance(LIMITS.missedPacketTtlMs / 2);
    miss(slowPath, 2, [2]);
    await clock.advance(2 * LIMITS.missedPacketTtlMs);
    expect([slowPath.missed.total, slowPath.missed.expired]).toEqual([0, 2]);
    miss(slowPath, 2, [3]);
    await clock.advance(3 * LIMITS.missedPacketTtlMs);
    expect([slowPath.missed.total, slowPath.missed.expired]).toEqual([0, 3]);
  });

  test('and whose wait is not over yet is asked for when it is', async () => {
    const slowPath = open();
    const session = newSession(vip(1), vip(2), peer, peer, 0);
    Object.assign(session, { state: 'backing-off', retryAtMs: clock.nowMs() + 70 });
    sessions.set(pairOf(vip(1), vip(2)), session);
    miss(slowPath, 2, [1]);
    await clock.advance(69);
    expect(world.asked).toEqual([]);
    await clock.advance(1);
    expect([world.asked.length, sentIds()]).toEqual([1, [1]]);
  });

  test('but whose packets have become too old before its turn came is not asked for', async () => {
    const slowPath = open();
    const session = newSession(vip(1), vip(2), peer, peer, 0);
    Object.assign(session, { state: 'backing-off', retryAtMs: clock.nowMs() + 2 * LIMITS.missedPacketTtlMs });
    sessions.set(pairOf(vip(1), vip(2)), session);
    miss(slowPath, 2, [1]);
    await clock.advance(2 * LIMITS.missedPacketTtlMs);
    expect([world.asked.length, world.removed]).toEqual([0, [session]]);
    // Whoever began to use it since keeps it.
    for (const change of [{ asking: true }, { wanted: 2 }, { egress: {} }]) {
      Object.assign(session, { state: 'backing-off', asking: false, wanted: 0, egress: undefined });
      world.removed = [];
      session.retryAtMs = clock.nowMs() + 2 * LIMITS.missedPacketTtlMs;
      miss(slowPath, 2, [1]);
      await clock.advance(LIMITS.missedPacketTtlMs);
      Object.assign(session, change);
      await clock.advance(LIMITS.missedPacketTtlMs);
      expect(world.removed).toEqual([]);
    }
  });

  test('is given what the device takes; the rest follows a millisecond later', async () => {
    const slowPath = open();
    const waiting = answers();
    miss(slowPath, 2, [1, 2, 3]);
    await clock.advance(1);
    world.room = 2;
    waiting[0]!();
    await clock.advance(0);
    expect([sentIds(), slowPath.counters.resubmitted]).toEqual([[1, 2], 2]);
    world.room = 0;
    await clock.advance(1);
    expect(typesOf().filter((type) => type === 'resubmitted')).toHaveLength(1);
    world.room = 9;
    await clock.advance(1);
    expect([sentIds(), slowPath.counters.resubmitted]).toEqual([[1, 2, 3], 3]);
    await clock.advance(100);
    expect(sent).toHaveLength(3);
  });

  test('that goes while packets wait drops them, or begins anew with them where it was only idle', async () => {
    const slowPath = open();
    answers();
    miss(slowPath, 2, [1, 2]);
    await clock.advance(1);
    const session = known();
    session.state = 'removed';
    slowPath.onVacated(session, 'removed');
    expect([slowPath.counters.abandoned, slowPath.missed.total]).toEqual([2, 0]);
    for (const reason of ['idle', 'idle-in-full-table'] as const) {
      sessions.clear();
      miss(slowPath, 2, [3]);
      await clock.advance(1);
      const { length } = world.opened;
      known().state = 'removed';
      slowPath.onVacated(known(), reason);
      expect(world.opened).toHaveLength(length + 1);
      await clock.advance(1);
    }
    expect(slowPath.counters.abandoned).toBe(2);
  });

  test('that is removed as soon as it is made drops what waited for it', async () => {
    const slowPath = open();
    world.made = 'removed';
    miss(slowPath, 2, [1, 2]);
    await clock.advance(1);
    expect([slowPath.counters.abandoned, world.asked.length]).toEqual([2, 0]);
  });
});

describe('a peer that does not answer', () => {
  const silent = () => {
    world.exchange = () => Promise.reject(new Error('no answer'));
  };

  test('is asked again when the wait is over, as long as packets wait', async () => {
    const slowPath = open();
    silent();
    miss(slowPath, 2, [1]);
    await clock.advance(1);
    miss(slowPath, 2, [2]);
    await clock.advance(BACKOFF_MS - 2);
    expect(world.asked).toHaveLength(1);
    await clock.advance(2);
    expect(world.asked).toHaveLength(2);
    expect(logs[0]).toEqual({
      line: 'warning tunnel request failed: no answer',
      fields: { event: 'exchange-failed', peer: peer.name, tunnels: 1, attempt: 0, retryInMs: BACKOFF_MS },
    });
    world.exchange = async () => {};
    await clock.advance(BACKOFF_MS);
    expect([world.asked.length, sentIds()]).toEqual([3, [1, 2]]);
  });

  test('is asked no more when the packets have become too old, and what is left of the session goes', async () => {
    const slowPath = open();
    silent();
    miss(slowPath, 2, [1]);
    await clock.advance(LIMITS.missedPacketTtlMs + 2 * BACKOFF_MS);
    const asked = world.asked.length;
    expect([slowPath.missed.expired, slowPath.missed.total]).toEqual([1, 0]);
    expect(world.removed).toEqual([known()]);
    await clock.advance(60_000);
    expect(world.asked).toHaveLength(asked);
  });

  test('whose session the device keeps is told of', async () => {
    const slowPath = open();
    silent();
    world.stuck = true;
    const gone = LIMITS.missedPacketTtlMs + 2 * BACKOFF_MS;
    miss(slowPath, 2, [1]);
    await clock.advance(gone);
    expect(events.at(-1)).toEqual({ type: 'work-failed', work: 'session-removal', reason: 'stuck' });
  });

  test('and for whose turn its packets have waited too long is not asked, and what is left of the session goes', async () => {
    const slowPath = open();
    const waiting = answers();
    const all = Array.from({ length: 17 }, (_, i) => parseIp(`10.1.0.${i}`));
    for (const [i, remoteVip] of all.entries()) {
      sessions.set(pairOf(vip(1), remoteVip), newSession(vip(1), remoteVip, peer, vip(1), 0));
      const packet = { ...packetBetween(1, 2, i), destination: Uint8Array.of(10, 1, 0, i) };
      slowPath.receive([{ frame: frameOf(packet), packetMeta: 0 }]);
    }
    await clock.advance(LIMITS.missedPacketTtlMs + 1);
    expect(world.asked).toHaveLength(16);
    waiting[0]!();
    await clock.advance(1);
    expect(world.asked).toHaveLength(16);
    expect(world.removed.map(({ remoteVip }) => remoteVip)).toEqual([all[16]]);
  });

  test('keeps a session that somebody else wants', async () => {
    const slowPath = open();
    silent();
    miss(slowPath, 2, [1]);
    await clock.advance(1);
    known().wanted = 3;
    await clock.advance(LIMITS.missedPacketTtlMs + 2 * BACKOFF_MS);
    expect(world.removed).toEqual([]);
  });

  test('is asked at once when it is heard of, but only that one', async () => {
    const slowPath = open();
    silent();
    miss(slowPath, 2, [1]);
    await clock.advance(1);
    slowPath.heardOf(testPeer(5));
    await clock.advance(1);
    expect(world.asked).toHaveLength(1);
    slowPath.heardOf(peer);
    await clock.advance(1);
    expect(world.asked).toHaveLength(2);
    await clock.advance(BACKOFF_MS - 3);
    expect(world.asked).toHaveLength(2);
  });

  test('but asks itself meanwhile is not asked again', async () => {
    const slowPath = open();
    world.exchange = (session) => {
      establish(session);
      return Promise.reject(new Error('crossed'));
    };
    miss(slowPath, 2, [1]);
    await clock.advance(1);
    establish(known());
    await clock.advance(10 * BACKOFF_MS);
    expect(world.asked).toHaveLength(1);
  });

  test('has 16 requests of ours at one time; the next session waits for its turn, and not when nobody needs it', async () => {
    const all = Array.from({ length: 18 }, (_, i) => parseIp(`10.1.0.${i}`));
    const slowPath = open();
    const waiting = answers();
    for (const remoteVip of all) {
      const session = newSession(vip(1), remoteVip, peer, vip(1), 0);
      sessions.set(pairOf(vip(1), remoteVip), session);
      const one = packetBetween(1, 2, 1);
      const to = { ...one, destination: Uint8Array.from(remoteVip.split('.').map(Number)) };
      slowPath.receive([{ frame: frameOf(to), packetMeta: 0 }]);
    }
    await clock.advance(1);
    expect(world.asked).toHaveLength(16);
    establish([...sessions.values()][16]!);
    waiting[0]!();
    await clock.advance(1);
    expect(world.asked.map(({ remoteVip }) => remoteVip)).toEqual([...all.slice(0, 16), all[17]]);
  });
});

describe('an address that its peer has not proved', () => {
  test('gets 16 packets, marked as trials, and then one now and then', async () => {
    const slowPath = open({ limits: { ...LIMITS, missedPacketsPerSession: 64 } });
    const session = newSession(vip(1), vip(2), peer, peer, 0);
    establish(session, true);
    sessions.set(pairOf(vip(1), vip(2)), session);
    miss(
      slowPath,
      2,
      Array.from({ length: 20 }, (_, i) => i),
    );
    expect([sent.length, slowPath.counters.resubmitted, slowPath.missed.countOf(session)]).toEqual([
      16, 16, 4,
    ]);
    expect(sent[0]!.packetMeta).toBe(trialMark(7));
    expect(events.filter(({ type }) => type === 'resubmitted')).toHaveLength(16);
    const held = { type: 'underlay-held', peer: peer.name, address: vip(9) };
    expect(events.filter(({ type }) => type === 'underlay-held')).toEqual(
      [1, 2, 3, 4].map((waiting) => ({ ...held, waiting })),
    );
    await clock.advance(9_000);
    miss(slowPath, 2, [20]);
    expect(sent).toHaveLength(16);
    await clock.advance(1_000);
    miss(slowPath, 2, [21]);
    expect(sent).toHaveLength(17);
    session.egress = { ...session.egress!, held: false };
    slowPath.flush([session]);
    expect(sent.at(-1)!.packetMeta).toBe(PKT_META_RESUBMITTED);
    expect(slowPath.missed.countOf(session)).toBe(0);
  });

  test('gets what waits also when there is no room for more', async () => {
    const slowPath = open({ limits: { ...LIMITS, missedPacketsPerSession: 3, missedPacketTtlMs: 60_000 } });
    const session = newSession(vip(1), vip(2), peer, peer, 0);
    establish(session, true);
    sessions.set(pairOf(vip(1), vip(2)), session);
    miss(
      slowPath,
      2,
      Array.from({ length: 20 }, (_, i) => i),
    );
    expect([sent.length, slowPath.missed.countOf(session), slowPath.missed.overflowed]).toEqual([16, 3, 1]);
    await clock.advance(10_000);
    miss(slowPath, 2, [20]);
    expect([sentIds().at(-1), sent.length, slowPath.missed.countOf(session)]).toEqual([16, 17, 2]);
    // One that waits for an answer has nothing to send.
    session.egress = undefined;
    miss(slowPath, 2, [21, 22]);
    expect(sent).toHaveLength(17);
  });

  test('loses what the device has no room for', () => {
    const slowPath = open();
    const session = newSession(vip(1), vip(2), peer, peer, 0);
    establish(session, true);
    sessions.set(pairOf(vip(1), vip(2)), session);
    world.room = 0;
    miss(slowPath, 2, [1]);
    expect([slowPath.counters.resubmitted, slowPath.missed.countOf(session)]).toEqual([0, 0]);
  });
});

describe('what is for the gateway itself', () => {
  const workloadMac = macFromOctets(WORKLOAD_MAC);
  const dhcpDiscover = () => {
    const message = buildDhcp({
      operation: BOOT_REQUEST,
      type: DHCP_DISCOVER,
      transactionId: 7,
      clientMac: workloadMac,
      broadcast: false,
    });
    const payload = new Uint8Array(8 + message.length);
    payload.set([0, 68, 0, 67, payload.length >> 8, payload.length & 255, 0, 0]);
    payload.set(message, 8);
    const [source, destination] = [new Uint8Array(4), new Uint8Array(4).fill(255)];
    return frameOf({ ...packetBetween(1, 2, 1), source, destination, payload });
  };

  const arp = (target = [192, 168, 1, 2]) => {
    const octets = new Uint8Array(42);
    octets.set([255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 0x11, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]);
    octets.set([2, 0, 0, 0, 0, 0x11, 192, 168, 1, 1], 22);
    octets.set(target, 38);
    return octets;
  };

  test('ARP is answered towards the workload, or taken as it is, and misses no session', () => {
    const slowPath = open();
    slowPath.receive([{ frame: arp(), packetMeta: 0 }]);
    expect(sent.map(({ packetMeta }) => packetMeta)).toEqual([PKT_META_RETURN_TO_VF]);
    const reply = arp();
    reply[21] = 2;
    slowPath.receive([{ frame: reply, packetMeta: 0 }]);
    expect(sent).toHaveLength(1);
    expect(slowPath.counters).toMatchObject({ answeredArp: 1, misses: 0, unusable: 0 });
  });

  const large = (id: number, dontFragment = true) => {
    const packet = packetBetween(1, 2, id);
    const whole = frameOf({ ...packet, payload: new Uint8Array(1400) });
    if (!dontFragment) {
      whole[14 + 6] = 0;
      // The checksum goes with the flag.
      const view = new DataView(whole.buffer);
      const sum = view.getUint16(14 + 10) + 0x4000;
      view.setUint16(14 + 10, sum > 0xffff ? (sum + 1) & 0xffff : sum);
    }
    return whole;
  };

  test('packets that do not fit are answered, a thousand a second, and those are told of', () => {
    const slowPath = open();
    slowPath.receive(Array.from({ length: 1003 }, (_, id) => ({ frame: large(id), packetMeta: 0 })));
    expect(slowPath.counters).toMatchObject({ answeredTooBig: 1000, tooBigDropped: 3, misses: 0 });
    expect(sent).toHaveLength(1000);
    expect(sent[0]!.packetMeta).toBe(PKT_META_RETURN_TO_VF);
    const about = { source: vip(1), destination: vip(2), mtuOctets: 1400 };
    expect(events).toEqual(sent.map(() => ({ type: 'packet-too-big', ...about })));
  });

  test('packets that do not fit, and whose sender no router may answer, are dropped and counted', () => {
    const slowPath = open();
    const packet = {
      ...packetBetween(1, 2, 1),
      payload: new Uint8Array(1400),
      destination: Uint8Array.of(224, 0, 0, 1),
    };
    slowPath.receive([{ frame: frameOf(packet), packetMeta: 0 }]);
    expect(slowPath.counters).toMatchObject({ tooBigDropped: 1, answeredTooBig: 0, misses: 0 });
    expect(sent).toEqual([]);
  });

  test('solicitations of neighbors are answered, and DHCP where it is on', () => {
    const solicitation = buildNeighborSolicitation(vip(1, 6) as never, vip(2, 6) as never, workloadMac);
    const discover = dhcpDiscover();
    const slowPath = open();
    slowPath.receive([solicitation, discover].map((one) => ({ frame: one, packetMeta: 0 })));
    expect(slowPath.counters).toMatchObject({ answeredNeighbor: 1, answeredDhcp: 0, misses: 1, noPeer: 1 });
    expect(sent.map(({ packetMeta }) => packetMeta)).toEqual([PKT_META_RETURN_TO_VF]);
    const router = parseIp('192.168.1.254') as never;
    const withDhcp = open({ dhcp: { address: vip(1) as never, router, ourMac: OUR_MAC, mtuOctets: 1400 } });
    withDhcp.receive([{ frame: discover, packetMeta: 0 }]);
    expect(withDhcp.counters).toMatchObject({ answeredDhcp: 1, misses: 0 });
    expect(sent).toHaveLength(2);
  });

  test('packets that may be cut are cut, and what the device has no room for is counted', () => {
    const slowPath = open();
    slowPath.receive([{ frame: large(1, false), packetMeta: 0 }]);
    expect([sent.length, slowPath.counters.fragmented, slowPath.counters.tooBigDropped]).toEqual([2, 1, 0]);
    expect(sent[0]!.packetMeta).toBeUndefined();
    world.room = 1;
    slowPath.receive([{ frame: large(1, false), packetMeta: 0 }]);
    expect([slowPath.counters.fragmented, slowPath.counters.tooBigDropped]).toEqual([2, 1]);
  });
});

describe('in transport mode', () => {
  const segment = {
    pass: (_: unknown, octets: Uint8Array) => (octets.length > 60 ? octets : undefined),
  } as never;

  test('what belongs to the segment goes to the other side, as far as it may', () => {
    const slowPath = open({ segment });
    const message = frame(2, 1);
    slowPath.receive([{ frame: message, packetMeta: PKT_META_SEGMENT_IN }]);
    expect(sent).toEqual([{ frame: message, packetMeta: PKT_META_RETURN_TO_VF }]);
    slowPath.receive([{ frame: message.subarray(0, 60), packetMeta: PKT_META_SEGMENT_IN }]);
    const solicitation = new Uint8Array(80);
    solicitation.set([0x86, 0xdd, 0x60, 0, 0, 0, 0, 24, 58, 255], 12);
    solicitation[54] = 135;
    slowPath.receive([{ frame: solicitation, packetMeta: 0 }]);
    expect(slowPath.counters.segmentDropped).toBe(1);
    expect(slowPath.counters.segmentPassed).toBe(2);
    expect(sent[1]!.packetMeta).toBe(PKT_META_SEGMENT_OUT);
  });

  test('fragments of the workload are dropped, counted and told of', () => {
    const slowPath = open({ segment });
    const fragment = () => {
      const one = frame(2, 1);
      one[14 + 6] = 0x20;
      return { frame: one, packetMeta: 0 };
    };
    slowPath.receive([fragment(), fragment()]);
    expect(slowPath.counters).toMatchObject({ fragmentsDropped: 2, misses: 0, unusable: 0 });
    const told = { type: 'fragment-dropped', source: vip(1), destination: vip(2) };
    expect(events).toEqual([told, told]);
    const tunnel = open();
    tunnel.receive([fragment()]);
    expect(tunnel.counters.fragmentsDropped).toBe(0);
  });
});

describe('sampled packets', () => {
  test('are counted and told of, so many a second', async () => {
    const slowPath = open({ limits: { ...LIMITS, sampledLinesPerSecond: 2 } });
    const payload = new Uint8Array(80);
    payload.set([0x9c, 0x40, 0x03, 0xe8, 0, 80, 0, 0, 4, 1, 0, 1, 0, 0, 0, 5]);
    const sealed = frameOf({ ...packetBetween(1, 2, 1), payload });
    expect(sampledFields(sealed, true, false)).not.toEqual(sampledFields(sealed, false, false));
    const sampled = (packetMeta: number) => slowPath.receive([{ frame: sealed, packetMeta }]);
    sampled(PKT_META_INGRESS_SAMPLED);
    sampled(PKT_META_EGRESS_SAMPLED);
    sampled(PKT_META_EGRESS_SAMPLED);
    expect(slowPath.counters).toMatchObject({
      sampledIngress: 1,
      sampledEgress: 2,
      sampledNotLogged: 1,
      misses: 0,
    });
    expect(logs.map(({ line }) => line)).toEqual(['info sampled at ingress', 'info sampled at egress']);
    expect(received).toEqual(['sampled at ingress', 'sampled at egress', 'sampled at egress']);
    expect(sent).toEqual([]);
    // Of what is encrypted nothing is said.
    const told = logs.map(({ fields }) => fields);
    expect(told[0]).toEqual(sampledFields(sealed, true, false));
    expect(told[1]).toEqual(sampledFields(sealed, false, false));
    const before = open({ sampleBeforeEncryption: true, sampledOctets: true });
    before.receive([{ frame: sealed, packetMeta: PKT_META_EGRESS_SAMPLED }]);
    expect(logs.at(-1)!.fields).toEqual(sampledFields(sealed, true, true));
  });
});

test('after the stop nothing is taken, asked for, sent or told', async () => {
  const slowPath = open();
  world.exchange = () => Promise.reject(new Error('no answer'));
  miss(slowPath, 2, [1]);
  await clock.advance(1);
  slowPath.stop();
  miss(slowPath, 2, [2]);
  slowPath.heardOf(peer);
  establish(known());
  slowPath.flush([known()]);
  await clock.advance(60_000);
  expect([world.asked.length, sent.length, slowPath.counters.misses, logs.length]).toEqual([1, 0, 1, 1]);
});
