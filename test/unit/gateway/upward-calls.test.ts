/** Who is told what by the parts below, and in which order; what fails of that disturbs nobody. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../../src/base/virtual-clock.js';
import type { GatewayEvent } from '../../../src/gateway/events.js';
import type { Peer } from '../../../src/gateway/peers.js';
import { newSession, type Session } from '../../../src/gateway/sessions/session.js';
import { type UpperParts, UpwardCalls } from '../../../src/gateway/upward-calls.js';
import { type IpAddress, parseIp } from '../../../src/packet/address.js';
import { testPeer } from '../../support/peers.js';

const NOW_MS = 7_000;
const ADDRESS = parseIp('2001:db8::2');
const EVENT: GatewayEvent = { type: 'rotated', rotations: 1, spisGiven: 9 };
let events: GatewayEvent[];
let told: string[];
let stopping: AbortController;
/** What the parts that are asked for something answer. */
let world: { rekey: Promise<void>; once: Promise<Session[]>; release: Promise<Session[]> };
let peers: Peer[];

const sessionOf = (number: number, peer: Peer): Session =>
  newSession(parseIp('192.168.0.1'), parseIp(`192.168.9.${number}`), peer, peer, 0);
const names = (sessions: readonly Session[]) => sessions.map(({ remoteVip }) => remoteVip).join(' ');
/** Lets promise reactions run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

const parts = (more: Partial<UpperParts> = {}): UpperParts => ({
  installer: {
    release: ({ name }: Peer, address: IpAddress) => {
      told.push(`installer: release ${name} ${address}`);
      return world.release;
    },
  },
  rotation: {
    onSpisExhausted: () => told.push('rotation: exhausted'),
    onSpisLow: () => told.push('rotation: low'),
  },
  bringUp: {
    heardOf: ({ name }: Peer) => told.push(`bring-up: heard of ${name}`),
    rekey: (sessions: readonly Session[]) => {
      told.push(`bring-up: rekey ${names(sessions)}`);
      return world.rekey;
    },
    once: ({ name }: Peer, sessions: readonly Session[]) => {
      told.push(`bring-up: ask ${name} once for ${names(sessions)}`);
      return world.once;
    },
  },
  announcements: { heardOf: ({ name }: Peer) => told.push(`announcements: heard of ${name}`) },
  slowPath: {
    flush: (sessions: readonly Session[]) => told.push(`slow path: flush ${names(sessions)}`),
    heardOf: ({ name }: Peer) => told.push(`slow path: heard of ${name}`),
    onVacated: (session: Session, reason: string) => told.push(`slow path: ${reason} ${names([session])}`),
  },
  underlay: { installed: ({ name }: Peer, { length }) => told.push(`underlay: ${length} of ${name}`) },
  evidence: { onEvent: ({ type }: GatewayEvent) => told.push(`evidence: ${type}`) },
  ...more,
});

const open = (holdsUnproved = true) =>
  new UpwardCalls({
    clock: createVirtualClock(NOW_MS),
    signal: stopping.signal,
    holdsUnproved,
    observer: (event) => {
      events.push(event);
      told.push(`observer: ${event.type}`);
    },
  });
const connected = (holdsUnproved = true, more: Partial<UpperParts> = {}) => {
  const calls = open(holdsUnproved);
  calls.connect(parts(more));
  return calls;
};

beforeEach(() => {
  told = [];
  events = [];
  stopping = new AbortController();
  world = { rekey: Promise.resolve(), once: Promise.resolve([]), release: Promise.resolve([]) };
  peers = [1, 2].map((number) => testPeer(number));
});

describe('the seam', () => {
  test('is closed once, after all parts are there', () => {
    const calls = open();
    expect(() => calls.onSpisLow()).toThrow('not connected yet');
    calls.connect(parts());
    expect(() => calls.connect(parts())).toThrow('connected already');
    calls.onSpisLow();
    expect(told).toEqual(['rotation: low']);
  });
});

describe('those who are told', () => {
  test('of events are the proofs of addresses, and then the observer', () => {
    connected().observe(EVENT);
    expect(told).toEqual(['evidence: rotated', 'observer: rotated']);
  });

  test('of events need not be there', () => {
    connected(true, { evidence: undefined }).observe(EVENT);
    expect(told).toEqual(['observer: rotated']);
    const calls = new UpwardCalls({
      clock: createVirtualClock(),
      signal: stopping.signal,
      holdsUnproved: false,
      observer: undefined,
    });
    calls.connect(parts());
    calls.observe(EVENT);
    expect(told.slice(1)).toEqual(['evidence: rotated']);
  });

  test('of SPIs that run out is the rotation', () => {
    const calls = connected();
    calls.onSpisExhausted();
    calls.onSpisLow();
    expect(told).toEqual(['rotation: exhausted', 'rotation: low']);
  });

  test('of routes is the slow path, and the peer has the time of its first one', () => {
    const [peer, other] = peers as [Peer, Peer];
    other.firstRouteAtMs = 5;
    const sessions = [sessionOf(1, peer), sessionOf(2, other)];
    const calls = connected();
    calls.onEstablished(sessions);
    calls.onStays(sessions[1]!);
    calls.onVacated(sessions[0]!, 'idle');
    expect(told).toEqual([
      'slow path: flush 192.168.9.1 192.168.9.2',
      'slow path: flush 192.168.9.2',
      'slow path: idle 192.168.9.1',
    ]);
    expect([peer.firstRouteAtMs, other.firstRouteAtMs]).toEqual([NOW_MS, 5]);
  });

  test('of a peer that was heard of are all that wait for one', () => {
    const [peer] = peers as [Peer];
    peer.heardAtMs = 1;
    connected().onHeardOf(peer);
    expect(told).toEqual([
      `announcements: heard of ${peer.name}`,
      `bring-up: heard of ${peer.name}`,
      `slow path: heard of ${peer.name}`,
    ]);
    expect(peer.heardAtMs).toBe(NOW_MS);
  });

  test('of a peer that has answered, whatever it said, are none: it is there, and nobody asks it anew for that', () => {
    const [peer] = peers as [Peer];
    const calls = connected();
    calls.onSilent(peer, 'down');
    told = [];
    calls.onAnswered(peer);
    expect(told).toEqual(['evidence: peer-seen', 'observer: peer-seen']);
    expect(peer).toMatchObject({ silentSinceMs: undefined, heardAtMs: NOW_MS });
  });

  test('of what a peer has given are these, and then who knows its addresses', () => {
    const [peer] = peers as [Peer];
    connected().onInstalled(peer, [{}, {}] as never);
    expect(told.slice(2)).toHaveLength(4);
    expect(told.at(-1)).toBe(`underlay: 2 of ${peer.name}`);
    expect(peer.heardAtMs).toBe(NOW_MS);
  });

  test('of a peer are told when it is heard of first, when it does not answer, and when it does again; each once', () => {
    const [peer] = peers as [Peer];
    const calls = connected();
    const news = () => events.splice(0);
    calls.onHeardOf(peer);
    calls.onHeardOf(peer);
    expect(news()).toEqual([{ type: 'peer-seen', peer: peer.name }]);
    calls.onSilent(peer, 'late', 'broken-off');
    calls.onSilent(peer, 'late again', 'expired');
    expect(news()).toEqual([
      { type: 'peer-silent', peer: peer.name, seen: true, reason: 'late', problem: 'broken-off' },
    ]);
    expect(peer).toMatchObject({ silentReason: 'late again', silentProblem: 'expired' });
    peer.silentSinceMs! -= 5_000;
    calls.onHeardOf(peer);
    calls.onHeardOf(peer);
    expect(news()).toEqual([{ type: 'peer-seen', peer: peer.name, silentS: 5 }]);
    expect(peer.silentSinceMs).toBeUndefined();
  });

  test('of a peer that has never been there hear of it as of a new one', () => {
    const [peer] = peers as [Peer];
    const calls = connected();
    calls.onSilent(peer, 'down');
    expect(events.splice(0)).toMatchObject([{ type: 'peer-silent', seen: false }]);
    calls.onHeardOf(peer);
    expect(events).toEqual([{ type: 'peer-seen', peer: peer.name }]);
  });
});

describe('sessions that need new keys', () => {
  test('are re-keyed, and what fails of that is told', async () => {
    world.rekey = Promise.reject(new Error('broken'));
    connected().onRekeyNeeded([sessionOf(1, peers[0]!), sessionOf(2, peers[1]!)]);
    await settle();
    expect(told[0]).toBe('bring-up: rekey 192.168.9.1 192.168.9.2');
    expect(events).toEqual([{ type: 'work-failed', work: 're-keying', reason: 'broken' }]);
  });

  test('because nobody answers are asked for once, peer by peer, but for those that somebody asks for now', async () => {
    const [peer, other] = peers as [Peer, Peer];
    const busy = Object.assign(sessionOf(3, peer), { asking: true });
    world.once = Promise.reject(new Error('the gateway stops'));
    connected().onUnanswered([sessionOf(1, peer), sessionOf(2, other), busy]);
    await settle();
    expect(told).toEqual([
      `bring-up: ask ${peer.name} once for 192.168.9.1`,
      `bring-up: ask ${other.name} once for 192.168.9.2`,
    ]);
    expect(events).toEqual([]);
  });
});

describe('an address that is proved', () => {
  test('releases the sessions that were held for it, and then their packets', async () => {
    const [peer] = peers as [Peer];
    world.release = Promise.resolve([sessionOf(4, peer)]);
    connected().onConfirmed(peer, ADDRESS);
    await settle();
    expect(told).toEqual([`installer: release ${peer.name} ${ADDRESS}`, 'slow path: flush 192.168.9.4']);
  });

  test('changes nothing where nothing is held', async () => {
    connected(false).onConfirmed(peers[0]!, ADDRESS);
    await settle();
    expect(told).toEqual([]);
  });

  test('is told of when its sessions could not be released, unless the gateway stops', async () => {
    const calls = connected();
    world.release = Promise.reject(new Error('broken'));
    calls.onConfirmed(peers[0]!, ADDRESS);
    await settle();
    expect(events).toEqual([{ type: 'work-failed', work: 'underlay-proofs', reason: 'broken' }]);
    stopping.abort();
    calls.onConfirmed(peers[0]!, ADDRESS);
    await settle();
    expect(events).toHaveLength(1);
  });
});
