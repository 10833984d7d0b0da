/** What is asked of the device to prove where peers are, and what is made of its answers: the evidence by itself. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createVirtualClock, type VirtualClock } from '../../../../src/base/virtual-clock.js';
import type { GatewayEvent } from '../../../../src/gateway/events.js';
import type { Peer } from '../../../../src/gateway/peers.js';
import { newSession, OPERATOR, type Session } from '../../../../src/gateway/sessions/session.js';
import { SessionTable } from '../../../../src/gateway/sessions/session-table.js';
import { UnderlayAddresses } from '../../../../src/gateway/underlay/underlay-addresses.js';
import { UnderlayEvidence } from '../../../../src/gateway/underlay/underlay-evidence.js';
import { UnderlayPolicy } from '../../../../src/gateway/underlay/underlay-policy.js';
import { HalError } from '../../../../src/hal/errors.js';
import type { EntryId, EntryOperation } from '../../../../src/hal/hal.js';
import { type IpAddress, parseIp, parseMac } from '../../../../src/packet/address.js';
import { testPeer } from '../../../support/peers.js';

const [b, c, alias, configured] = [testPeer(2), testPeer(3), testPeer(2), testPeer(4)];
const [B_IP, C_IP] = [parseIp('2001:db8::2'), parseIp('2001:db8::3')];
const localVip = parseIp('192.168.0.1');
let clock: VirtualClock;
let sessions: SessionTable;
let addresses: UnderlayAddresses;
let policy: UnderlayPolicy;
let evidence: UnderlayEvidence;
/** The device's entries: what each matches, and how many packets it has counted. */
let entries: Map<EntryId, { spi: number; packets: bigint }>;
/** Packets of entries that are gone. */
let former: bigint;
/** Batches of operations, as text. */
let applied: string[];
/** Readings of counters: how many each. */
let read: number[];
let refuse: boolean | number;
let failure: Error | undefined;
/** While it is set, the device takes its time. */
let held: Promise<void> | undefined;
let confirmed: [Peer, IpAddress][];
let events: GatewayEvent[];

function open(confirmUnderlay = false): void {
  let next = 1;
  clock = createVirtualClock(1e12);
  sessions = new SessionTable();
  addresses = new UnderlayAddresses(() => clock.nowMs());
  [entries, former, applied, read] = [new Map(), 0n, [], []];
  [refuse, failure, held, confirmed, events] = [false, undefined, undefined, [], []];
  const observe = (event: GatewayEvent) => void events.push(event);
  policy = new UnderlayPolicy({
    prefixes: new Map([[configured, []]]),
    addresses,
    uplink: { ip: parseIp('2001:db8::1'), mac: parseMac('02:00:00:00:01:01') },
    own: [],
    observe,
  });
  const hal = {
    async apply(operations: readonly EntryOperation[]) {
      const texts: string[] = [];
      const results = operations.map((one) => {
        if (one.operation === 'add') {
          const match = (one.entry as { match: Record<string, unknown> }).match;
          const spi = match['tun.psp.spi'] as number;
          texts.push(`+${spi}`);
          expect(one.pipe).toBe('UNDERLAY_SEEN');
          if (refuse === true || refuse === spi) return { error: new HalError('FULL', 'no room') };
          const id = next++ as EntryId;
          entries.set(id, { spi, packets: 0n });
          return { id };
        }
        const { id } = one;
        texts.push(`-${entries.get(id)!.spi}`);
        former += entries.get(id)!.packets;
        entries.delete(id);
        return { id };
      });
      applied.push(texts.join(' '));
      await held;
      if (failure !== undefined) throw failure;
      return results;
    },
    async counters(selectors: readonly { id?: EntryId; total?: boolean }[]) {
      read.push(selectors.length);
      await held;
      if (failure !== undefined) throw failure;
      const total = () => [...entries.values()].reduce((sum, { packets }) => sum + packets, former);
      return selectors.map(({ id, total: all }) => ({
        packets: all === true ? total() : entries.get(id!)!.packets,
        octets: 0n,
      }));
    },
  };
  evidence = new UnderlayEvidence({
    hal: hal as never,
    clock,
    observe,
    pipeline: { confirmUnderlay, outerFamily: 6 } as never,
    sessions,
    addresses,
    policy,
    onConfirmed: (peer, address) => confirmed.push([peer, address]),
  });
}
beforeEach(() => open());

/** From now on the device takes its time, until what this gives is called. */
function hold(): () => void {
  let go = () => {};
  held = new Promise((resolve) => {
    go = resolve;
  });
  return go;
}

/** A session with a peer that has named an address, and these SPIs of ours under which it may send. */
function sessionWith(peer: Peer, address: IpAddress | undefined, ...spis: number[]): Session {
  const remoteVip = parseIp(`192.168.9.${sessions.size + 1}`);
  const session = newSession(localVip, remoteVip, peer, OPERATOR, 0);
  sessions.add(session);
  change(session, address, ...spis);
  return session;
}
function change(session: Session, address: IpAddress | undefined, ...spis: number[]): void {
  if (address !== undefined) {
    addresses.note(session.peer, address, 'learnt');
    session.egress = { underlayIp: address } as never;
  }
  session.ingress = spis.map((spi) => ({ spi })) as never;
}
const installed = ({ remoteVip }: Session) =>
  evidence.onEvent({ type: 'egress-installed', localVip, remoteVip, peer: '', spi: 0, cryptoId: 1 } as never);
const openedIn = ({ remoteVip }: Session) =>
  evidence.onEvent({ type: 'ingress-opened', localVip, remoteVip, peer: '', spi: 0 } as never);
const closed = ({ remoteVip }: Session, spi: number) =>
  evidence.onEvent({ type: 'spi-closed', localVip, remoteVip, peer: '', spi } as never);
/** Packets that the device has seen under an SPI, from the address that was watched. */
function arrive(spi: number, packets = 1n): void {
  for (const entry of entries.values()) if (entry.spi === spi) entry.packets += packets;
}
const spisInDevice = () => [...entries.values()].map(({ spi }) => spi).sort((x, y) => x - y);

describe('is watched', () => {
  test('each SPI of a session whose peer’s address is not proved, all in one batch, once each', async () => {
    const sessionsOfB = [sessionWith(b, B_IP, 1, 2), sessionWith(b, B_IP, 3)];
    for (const session of sessionsOfB) installed(session);
    for (const session of sessionsOfB) openedIn(session);
    expect(evidence.size).toBe(3);
    await clock.advance(1);
    expect(applied).toEqual(['+1 +2 +3']);
    change(sessionsOfB[1]!, B_IP, 3, 4);
    openedIn(sessionsOfB[1]!);
    await clock.advance(1);
    expect(applied).toEqual(['+1 +2 +3', '+4']);
    expect([evidence.size, spisInDevice()]).toEqual([4, [1, 2, 3, 4]]);
  });

  test('nothing of one that sends nowhere yet, is proved, is configured, or is unknown', async () => {
    const nowhere = sessionWith(b, undefined, 1);
    openedIn(nowhere);
    const proved = sessionWith(c, C_IP, 2);
    addresses.confirm(c, C_IP);
    installed(proved);
    installed(sessionWith(configured, parseIp('2001:db8::4'), 3));
    installed(newSession(localVip, parseIp('192.168.8.8'), b, OPERATOR, 0));
    evidence.onEvent({ type: 'miss', localVip, remoteVip: nowhere.remoteVip, waiting: 1 } as never);
    const notYet = sessionWith(b, B_IP, 4);
    evidence.onEvent({ type: 'miss', localVip, remoteVip: notYet.remoteVip, waiting: 1 } as never);
    closed(nowhere, 9);
    await clock.advance(10_000);
    expect([evidence.size, applied, read]).toEqual([0, [], []]);
  });

  test('no SPI that is closed', async () => {
    const session = sessionWith(b, B_IP, 1, 2);
    installed(session);
    await clock.advance(1);
    closed(session, 1);
    expect(evidence.size).toBe(1);
    await clock.advance(1);
    expect(applied).toEqual(['+1 +2', '-1']);
    // What was closed before the device was told never gets there.
    change(session, B_IP, 2, 3);
    openedIn(session);
    closed(session, 3);
    await clock.advance(1);
    expect(applied).toEqual(['+1 +2', '-1']);
  });

  test('an SPI with the new address of its peer once that has changed, and no more with the former', async () => {
    const session = sessionWith(b, B_IP, 1);
    installed(session);
    await clock.advance(1);
    change(session, parseIp('2001:db8::22'), 1);
    installed(session);
    await clock.advance(1);
    expect(applied).toEqual(['+1', '-1 +1']);
    expect(evidence.size).toBe(1);
    arrive(1);
    await clock.advance(1_000);
    expect(confirmed).toEqual([[b, '2001:db8::22']]);
  });

  test('nothing for which the device has no room; that is counted', async () => {
    refuse = true;
    const session = sessionWith(b, B_IP, 1, 2);
    installed(session);
    await clock.advance(1);
    expect([evidence.refused, spisInDevice(), evidence.size]).toEqual([2, [], 2]);
    closed(session, 1);
    await clock.advance(5_000);
    expect(applied).toEqual(['+1 +2']);
    expect(confirmed).toEqual([]);
  });

  test('of the SPIs of a session those for which there is room, and each of them proves', async () => {
    refuse = 1;
    installed(sessionWith(b, B_IP, 1, 2));
    await clock.advance(1);
    expect([evidence.refused, spisInDevice()]).toEqual([1, [2]]);
    arrive(2);
    await clock.advance(1_000);
    expect([confirmed, events.length, evidence.size]).toEqual([[[b, B_IP]], 1, 0]);
  });

  test('what is closed while the device is at it goes as soon as it is there', async () => {
    const session = sessionWith(b, B_IP, 1);
    const go = hold();
    installed(session);
    await clock.advance(1);
    closed(session, 1);
    change(session, B_IP, 2);
    openedIn(session);
    await clock.advance(1);
    expect(applied).toEqual(['+1']);
    go();
    await clock.advance(1);
    expect(applied[0]).toBe('+1');
    expect(spisInDevice()).toEqual([2]);
    expect(evidence.size).toBe(1);
  });
});

describe('an address is proved', () => {
  test('by a packet under an SPI of its peer, told once, and then nothing of it is watched any more', async () => {
    installed(sessionWith(b, B_IP, 1, 2));
    installed(sessionWith(c, C_IP, 3));
    await clock.advance(1_500);
    expect(confirmed).toEqual([]);
    arrive(2);
    await clock.advance(1_000);
    expect(confirmed).toEqual([[b, B_IP]]);
    expect(addresses.isConfirmed(b, B_IP)).toBe(true);
    expect([evidence.size, spisInDevice()]).toEqual([1, [3]]);
    expect(events).toEqual([{ type: 'underlay-proved', peer: b.name, address: B_IP }]);
    arrive(3);
    await clock.advance(2_000);
    expect(confirmed).toEqual([
      [b, B_IP],
      [c, C_IP],
    ]);
    expect([evidence.size, spisInDevice()]).toEqual([0, []]);
  });

  test('for all peers of a service address, but for no other that has named it', async () => {
    installed(sessionWith(b, B_IP, 1));
    installed(sessionWith(alias, B_IP, 2));
    const foreign = sessionWith(c, undefined, 3);
    foreign.egress = { underlayIp: B_IP } as never;
    installed(foreign);
    await clock.advance(1);
    arrive(3);
    await clock.advance(1_000);
    // It is not known as that peer's.
    expect(confirmed).toEqual([]);
    expect(evidence.size).toBe(3);
    arrive(1);
    await clock.advance(1_000);
    expect(confirmed).toEqual([[b, B_IP]]);
    expect(spisInDevice()).toEqual([3]);
  });

  test('not by what is counted under an SPI that was closed meanwhile', async () => {
    const session = sessionWith(b, B_IP, 1, 2);
    installed(session);
    await clock.advance(1);
    arrive(1);
    closed(session, 1);
    await clock.advance(2_000);
    expect(confirmed).toEqual([]);
  });
});

describe('looks at the counters', () => {
  test('are made each second, and read one counter where there is nothing new', async () => {
    installed(sessionWith(b, B_IP, 1, 2));
    await clock.advance(999);
    expect(read).toEqual([]);
    await clock.advance(1);
    expect(read).toEqual([1]);
    await clock.advance(3_000);
    expect(read).toEqual([1, 1, 1, 1]);
    // A packet that proves nothing is looked for once.
    former++;
    await clock.advance(2_000);
    expect(read.slice(4)).toEqual([1, 2, 1]);
    expect(confirmed).toEqual([]);
  });

  test('are made ten times a second where packets wait for the proof', async () => {
    open(true);
    installed(sessionWith(b, B_IP, 1));
    await clock.advance(1_000);
    expect(read).toHaveLength(10);
  });

  test('end with what is watched, and begin again with it', async () => {
    const session = sessionWith(b, B_IP, 1);
    installed(session);
    await clock.advance(1_500);
    closed(session, 1);
    await clock.advance(10_000);
    const looks = read.length;
    expect(looks).toBeLessThanOrEqual(2);
    change(session, B_IP, 2);
    openedIn(session);
    await clock.advance(1_000);
    expect(read).toHaveLength(looks + 1);
  });

  test('go round, some thousands at a time, until each SPI has had its turn', async () => {
    const COUNT = 4_096;
    const spis = Array.from({ length: COUNT + 10 }, (_, i) => i + 1);
    installed(sessionWith(b, B_IP, ...spis));
    await clock.advance(1);
    arrive(COUNT + 5);
    await clock.advance(1_000);
    expect([read, confirmed]).toEqual([[1, COUNT], []]);
    await clock.advance(1_000);
    expect(confirmed).toEqual([[b, B_IP]]);
    await clock.advance(1);
    expect([evidence.size, spisInDevice()]).toEqual([0, []]);
  });

  test('that fail are told of, and made again', async () => {
    installed(sessionWith(b, B_IP, 1));
    await clock.advance(1);
    failure = new HalError('DRIVER', 'lost');
    await clock.advance(2_000);
    const failed = { type: 'work-failed', work: 'underlay-look', reason: expect.stringContaining('lost') };
    expect(events).toEqual([failed, failed]);
    failure = undefined;
    arrive(1);
    await clock.advance(1_000);
    expect(confirmed).toEqual([[b, B_IP]]);
  });
});

test('a batch that fails as a whole is told of, and the next one is made', async () => {
  failure = new HalError('DRIVER', 'lost');
  const session = sessionWith(b, B_IP, 1);
  installed(session);
  await clock.advance(1);
  expect(events).toEqual([
    { type: 'work-failed', work: 'underlay-proofs', reason: expect.stringContaining('lost') },
  ]);
  failure = undefined;
  change(session, B_IP, 1, 2);
  openedIn(session);
  await clock.advance(1);
  expect(applied).toEqual(['+1', '+2']);
});

describe('once it has stopped', () => {
  test('the device is asked nothing more', async () => {
    const session = sessionWith(b, B_IP, 1);
    installed(session);
    await clock.advance(1_000);
    const before = [applied.length, read.length];
    evidence.stop();
    change(session, B_IP, 1, 2);
    openedIn(session);
    closed(session, 1);
    await clock.advance(5_000);
    expect([applied.length, read.length]).toEqual(before);
  });

  test('a batch that was under way and fails is not told', async () => {
    const go = hold();
    installed(sessionWith(b, B_IP, 1));
    await clock.advance(1);
    evidence.stop();
    failure = new HalError('SHUTDOWN', 'closed');
    go();
    await clock.advance(5_000);
    expect(events).toEqual([]);
  });

  test('a look that was under way and fails is not told, and is the last', async () => {
    installed(sessionWith(b, B_IP, 1));
    await clock.advance(1);
    const go = hold();
    await clock.advance(1_000);
    evidence.stop();
    failure = new HalError('SHUTDOWN', 'closed');
    go();
    await clock.advance(5_000);
    expect([events, read]).toEqual([[], [1]]);
  });

  test('what waited for a batch under way is not asked of the device', async () => {
    const go = hold();
    const session = sessionWith(b, B_IP, 1);
    installed(session);
    await clock.advance(1);
    change(session, B_IP, 1, 2);
    openedIn(session);
    evidence.stop();
    go();
    await clock.advance(5_000);
    expect(applied).toEqual(['+1']);
  });
});
