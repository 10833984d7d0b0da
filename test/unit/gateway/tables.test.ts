/** The table of sessions when it fills: who goes, who stays, and that nobody sends into nothing afterwards. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sleep } from '../../../src/base/clock.js';
import { delegateHal } from '../../../src/hal/delegate.js';
import { HalError } from '../../../src/hal/errors.js';
import type { EntryOperation, PipeHal } from '../../../src/hal/hal.js';
import { idsOf, TestNetwork, type TestNode } from '../../support/gateways.js';
import { HalLedger } from '../../support/hal-ledger.js';
import { addressOf, startWide, wideFrame } from '../../support/wide-nodes.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const requestsOf = (node: TestNode) => node.events.filter(({ type }) => type === 'request-sent').length;
const ofHolder = (node: TestNode, holder: string) =>
  node.gateway
    .view()
    .sessions.filter((session) => session.holder === holder && session.state === 'established');
const IDLE = { sessionIdleS: 300 };

/** One packet from address i of one node to address j of another, for each pair; the packet's number is j. */
function sendTo(from: TestNode, i: number, to: number, addresses: readonly number[]): void {
  from.workload.inject(addresses.map((j) => wideFrame(addressOf(from.number, i), addressOf(to, j), j)));
}

/** The other way round: from many addresses of a node to one of another. */
function sendFrom(from: TestNode, addresses: readonly number[], to: number, j = 0): void {
  from.workload.inject(addresses.map((i) => wideFrame(addressOf(from.number, i), addressOf(to, j), i)));
}

describe('a full table', () => {
  test('one datagram to each of 300 addresses keeps nobody from new sessions, and costs few requests', async () => {
    const counts = { 1: 2, 2: 300, 3: 2 };
    const a = await startWide(net, 1, counts, { limits: IDLE });
    await startWide(net, 2, counts, { maxTunnels: 400 });
    const c = await startWide(net, 3, counts);
    for (const at of numbers(30)) {
      sendTo(a, 0, 2, numbers(10, at * 10));
      await net.run(10);
    }
    await net.run(100);
    expect(a.gateway.view().sessions).toHaveLength(256);
    // A place for each, and then those that may be replaced at once and in these 0.4 seconds.
    expect(requestsOf(a)).toBeLessThanOrEqual(256 + 10 + 5);
    expect(a.gateway.view().slowPath.noSession).toBeGreaterThan(0);
    sendTo(a, 1, 3, [0]);
    sendFrom(c, [1], 1);
    await net.run(100);
    expect(idsOf(c.workload.takeSent())).toEqual([0]);
    expect(idsOf(a.workload.takeSent())).toEqual([1]);
    expect(a.gateway.view().tables).toMatchObject({ aboveShare: 2, share: 85, holders: 3 });
  });

  test("one peer's 256 requests leave the next one its share, which the first cannot take back", async () => {
    const counts = { 1: 1, 2: 400, 3: 200 };
    const a = await startWide(net, 1, counts, { limits: IDLE });
    const b = await startWide(net, 2, counts, { maxTunnels: 500 });
    const c = await startWide(net, 3, counts, { maxTunnels: 500 });
    sendFrom(b, numbers(256), 1);
    await net.run(300);
    expect(ofHolder(a, '10.0.0.2:3000')).toHaveLength(256);
    // All of them are kept busy, with a packet a second.
    for (const second of numbers(10)) {
      sendFrom(b, numbers(256), 1);
      if (second === 2) sendFrom(c, numbers(128), 1);
      if (second > 4) sendFrom(b, numbers(20, 256 + second), 1);
      await net.run(1000);
      a.workload.takeSent();
    }
    expect(ofHolder(a, '10.0.0.3:3000')).toHaveLength(128);
    expect(ofHolder(a, '10.0.0.2:3000')).toHaveLength(128);
    // Each of them carries packets.
    sendFrom(c, numbers(128), 1);
    await net.run(100);
    expect(idsOf(a.workload.takeSent()).sort((x, y) => x - y)).toEqual(numbers(128));
  });

  test("a workload that opens sessions to all addresses of a peer takes nothing of that peer's", async () => {
    const counts = { 1: 1, 2: 40 };
    const a = await startWide(net, 1, counts, { maxTunnels: 16, limits: IDLE });
    const b = await startWide(net, 2, counts);
    sendFrom(b, numbers(8), 1);
    await net.run(50);
    for (const j of numbers(30, 10)) {
      sendTo(a, 0, 2, [j]);
      await net.run(1000);
    }
    expect(ofHolder(a, '10.0.0.2:3000')).toHaveLength(8);
    expect(ofHolder(a, '10.1.0.1')).toHaveLength(8);
    a.workload.takeSent();
    sendFrom(b, numbers(8), 1);
    await net.run(50);
    expect(idsOf(a.workload.takeSent())).toEqual(numbers(8));
  });

  test('an idle session goes first, oldest use first, and none before it has been idle for so long', async () => {
    const counts = { 1: 1, 2: 10, 3: 1 };
    const a = await startWide(net, 1, counts, { maxTunnels: 3, limits: { sessionIdleS: 100 } });
    await startWide(net, 2, counts);
    const c = await startWide(net, 3, counts);
    const remotes = () => a.gateway.view().sessions.map(({ remoteVip }) => remoteVip);
    for (const j of [0, 1, 2]) {
      sendTo(a, 0, 2, [j]);
      await net.run(1000);
    }
    // The look at 10 s saw that they were used, that at 120 s would find them idle. Address 0 is used again before.
    await net.run(108_500);
    sendTo(a, 0, 2, [0]);
    await net.run(1000);
    expect(a.gateway.view().tables).toMatchObject({ idle: 0, idleInFullTable: 0 });
    sendFrom(c, [0], 1);
    await net.run(50);
    expect(a.gateway.view().tables).toMatchObject({
      idle: 0,
      idleInFullTable: 1,
      aboveShare: 0,
      replaced: 0,
    });
    expect(remotes().sort()).toEqual([addressOf(2, 0), addressOf(2, 2), addressOf(3, 0)].sort());
  });

  test('sessions that are never established count for their holder like others', async () => {
    const counts = { 1: 1, 2: 40, 3: 1 };
    const a = await startWide(net, 1, counts, { maxTunnels: 8, limits: IDLE });
    const c = await startWide(net, 3, counts);
    net.network.fate = (_, to) => (to.host.endsWith('.2') ? { delayMs: 1, lost: 'request' } : { delayMs: 1 });
    sendTo(a, 0, 2, numbers(40));
    await net.run(500);
    expect(a.gateway.view().sessions).toHaveLength(8);
    sendFrom(c, [0], 1);
    await net.run(50);
    expect(idsOf(a.workload.takeSent())).toEqual([0]);
    await net.run(60_000);
    expect(a.gateway.view().sessions.map(({ remoteVip }) => remoteVip)).toEqual([addressOf(3, 0)]);
    expect(a.gateway.view()).toMatchObject({ keySlotsUsed: 1, spisRetiring: 0 });
  });

  test('what is in use is not pushed out by what the same workload, or the same peer, opens faster than it is looked at', async () => {
    const counts = { 1: 1, 2: 200, 3: 200 };
    const a = await startWide(net, 1, counts, { maxTunnels: 16, limits: IDLE });
    const b = await startWide(net, 2, counts);
    const c = await startWide(net, 3, counts, {
      maxTunnels: 300,
      limits: { sessionReplacementsPerSecond: 300 },
    });
    for (let second = 0; second < 200; second++) {
      sendTo(a, 0, 2, [0]);
      sendFrom(c, [0], 1);
      if (second > 100) {
        sendTo(a, 0, 2, [second - 90]);
        sendFrom(c, [second - 90], 1);
      }
      await net.run(1000);
    }
    const left = a.gateway.view().sessions.map(({ remoteVip }) => remoteVip);
    expect(left).toEqual(expect.arrayContaining([addressOf(2, 0), addressOf(3, 0)]));
    expect(a.gateway.view().tables.replaced).toBeGreaterThan(100);
    const removed = a.events.filter(({ type }) => type === 'session-removed') as { remoteVip: string }[];
    expect(
      removed.filter(({ remoteVip }) => [addressOf(2, 0), addressOf(3, 0)].includes(remoteVip as never)),
    ).toEqual([]);
    b.workload.takeSent();
  });

  test('a session whose request is being granted keeps its place until it is', async () => {
    const counts = { 1: 1, 2: 40 };
    let slow = 0;
    const a = await startWide(net, 1, counts, {
      maxTunnels: 8,
      limits: { ...IDLE, sessionReplacementsPerSecond: 100 },
      wrapHal: (hal) =>
        delegateHal(hal, {
          generateKeys: async (octets, count) => {
            if (count > 1) await sleep(net.clock, slow);
            return hal.generateKeys(octets, count);
          },
        }),
    });
    const b = await startWide(net, 2, counts);
    sendFrom(b, numbers(8), 1);
    await net.run(100);
    slow = 200;
    const rekeyed = b.gateway.rekey();
    await net.run(120);
    // While keys are drawn for all eight, others are asked for.
    sendFrom(
      b,
      numbers(4).map((i) => i + 20),
      1,
    );
    await net.run(2000);
    await rekeyed;
    expect(a.gateway.view().refused).not.toHaveProperty('ABORTED');
  });

  test('a request for more than there may be changes nothing', async () => {
    const counts = { 1: 1, 2: 20, 3: 1 };
    const a = await startWide(net, 1, counts, { maxTunnels: 4, limits: IDLE });
    const b = await startWide(net, 2, counts);
    const c = await startWide(net, 3, counts);
    sendFrom(c, [0], 1);
    await net.run(50);
    const pairs = (count: number) =>
      numbers(count).map((i) => ({ localVip: addressOf(2, i), remoteVip: addressOf(1, 0) }));
    const refusal = b.gateway
      .connectNow(pairs(4))
      .catch((error: unknown) => (error as { code: string }).code);
    await net.run(50);
    expect(await refusal).toBe('RESOURCE_EXHAUSTED');
    expect(a.gateway.view().sessions.map(({ remoteVip }) => remoteVip)).toEqual([addressOf(3, 0)]);
    void b.gateway.connectNow(pairs(3));
    await net.run(50);
    expect(ofHolder(a, '10.0.0.2:3000')).toHaveLength(3);
    expect(ofHolder(a, '10.0.0.3:3000')).toHaveLength(1);
  });

  test('a table is no larger than what the device has key slots for', async () => {
    const counts = { 1: 1, 2: 20 };
    const a = await startWide(net, 1, counts, { simLimits: { keySlots: 9 }, maxTunnels: 16 });
    await startWide(net, 2, counts);
    for (const j of numbers(20)) {
      sendTo(a, 0, 2, [j]);
      await net.run(200);
    }
    void a.gateway.rekey();
    await net.run(500);
    expect(a.gateway.view()).toMatchObject({ tables: { capacity: 4 }, keySlotsUsed: 4 });
  });
});

describe('packets that wait for peers that do not answer', () => {
  test('leave room for those of other workloads, and are gone when they have waited too long', async () => {
    const dead = [5, 6, 7, 8];
    const limits = { missedPacketsPerSession: 8, missedPacketsTotal: 24, missedPacketTtlMs: 3_000 };
    const a = await net.start(1, [2, ...dead], { limits });
    const b = await net.start(2, [1]);
    net.network.fate = (_, { host }) =>
      host === b.service.host ? { delayMs: 0.5 } : { delayMs: 0.5, lost: 'request' };
    for (let id = 0; id < 10; id++) for (const number of dead) net.send(a, number, [id]);
    await net.run(5);
    expect(a.gateway.view().sessions.reduce((sum, one) => sum + one.waitingPackets, 0)).toBe(24);
    // Another workload's first packet makes its session, and goes.
    net.send(a, 2, [99], 6);
    await net.run(20);
    expect(idsOf(b.workload.takeSent())).toEqual([99]);
    await net.run(2 * limits.missedPacketTtlMs + 100);
    expect(a.gateway.view().sessions.reduce((sum, one) => sum + one.waitingPackets, 0)).toBe(0);
    expect(a.gateway.view().slowPath).toMatchObject({ overflowed: 17, expired: 23 });
  });
});

describe('a flood of packets to new addresses', () => {
  test('makes no more requests than there are places and replacements, and few lines', async () => {
    const counts = { 1: 1, 2: 10_000 };
    const ledger = new HalLedger();
    const a = await startWide(net, 1, counts, {
      maxTunnels: 32,
      limits: IDLE,
      wrapHal: (hal) => ledger.wrap(hal),
    });
    await startWide(net, 2, counts, { maxTunnels: 10_000 });
    for (const at of numbers(100)) {
      sendTo(a, 0, 2, numbers(100, at * 100));
      await net.run(100);
    }
    // Ten seconds: the table, the burst, and ten a second.
    expect(requestsOf(a)).toBeLessThanOrEqual(32 + 10 + 100);
    // Of tunnels that come and of those that go: ten lines, one a second, and one for all that were left out.
    const lines = a.logs.filter(({ level }) => level !== 'debug');
    expect(lines.length).toBeLessThan(60);
    expect(lines.length).toBeGreaterThan(20);
    expect(a.gateway.view().tables.dormant).toBeLessThanOrEqual(32);
    expect(ledger.entries.filter((pipe) => pipe.startsWith('INGR_ACL')).length).toBeLessThanOrEqual(64);
    expect(ledger.keySlots.length).toBeLessThanOrEqual(64);
    expect(a.gateway.view().tables.refusedTooFast).toBeGreaterThan(9000);
  });

  test('asks one peer for sixteen sessions at a time, and the others have their turn', async () => {
    const counts = { 1: 1, 2: 100 };
    const a = await startWide(net, 1, counts);
    const b = await startWide(net, 2, counts);
    let underWay = 0;
    let most = 0;
    const handle = (type: string) => {
      if (type === 'request-sent') most = Math.max(most, ++underWay);
      if (type === 'request-answered') underWay--;
    };
    net.network.fate = () => ({ delayMs: 20 });
    const push = a.events.push.bind(a.events);
    a.events.push = (...events) => {
      for (const { type } of events) handle(type);
      return push(...events);
    };
    sendTo(a, 0, 2, numbers(100));
    await net.run(500);
    expect(most).toBe(16);
    expect(idsOf(b.workload.takeSent()).sort((x, y) => x - y)).toEqual(numbers(100));
  });
});

describe('idle sessions', () => {
  const counts = { 1: 1, 2: 3 };

  test('go after --idle-timeout without a packet, and not while packets go one way', async () => {
    const a = await startWide(net, 1, counts, { limits: { sessionIdleS: 20 } });
    const b = await startWide(net, 2, counts);
    sendTo(a, 0, 2, [0, 1, 2]);
    await net.run(50);
    for (const _ of numbers(20)) {
      await net.run(4000);
      sendTo(a, 0, 2, [0]);
      sendFrom(b, [1], 1);
    }
    const { sessions, tables, keySlotsUsed } = a.gateway.view();
    expect(sessions.map(({ remoteVip }) => remoteVip).sort()).toEqual([addressOf(2, 0), addressOf(2, 1)]);
    expect(tables).toMatchObject({ idle: 1, dormant: 1 });
    expect(keySlotsUsed).toBe(2);
    await net.run(19_000);
    expect(a.gateway.view().sessions).toHaveLength(2);
    // A look is a tenth of the time apart.
    await net.run(6000);
    expect(a.gateway.view()).toMatchObject({ sessions: [], keySlotsUsed: 0 });
  });

  test.each([
    ['ours only', 20, 0],
    ['both sides', 20, 20],
    ["the peer's only", 0, 20],
    ['ours before theirs', 20, 40],
  ])('%s: packets come through at once, whoever sends first', async (_, ours, theirs) => {
    for (const first of [1, 2]) {
      await net.stopAll();
      net = new TestNetwork();
      const a = await startWide(net, 1, counts, { limits: { sessionIdleS: ours } });
      const b = await startWide(net, 2, counts, { limits: { sessionIdleS: theirs } });
      for (const pauseMs of [19_500, 20_500, 21_000, 22_500, 30_000, 41_000, 60_000, 600_000]) {
        sendTo(a, 0, 2, [0]);
        sendFrom(b, [0], 1);
        await net.run(100);
        a.workload.takeSent();
        b.workload.takeSent();
        await net.run(pauseMs);
        if (first === 1) sendTo(a, 0, 2, [0]);
        else sendFrom(b, [0], 1);
        await net.run(50);
        expect(idsOf((first === 1 ? b : a).workload.takeSent())).toEqual([0]);
        if (first === 1) sendFrom(b, [0], 1);
        else sendTo(a, 0, 2, [0]);
        await net.run(50);
        expect(idsOf((first === 1 ? a : b).workload.takeSent())).toEqual([0]);
      }
    }
  });

  test('a packet that comes while the way out of its idle session is being removed is not lost', async () => {
    let removed = 0;
    const a = await startWide(net, 1, counts, {
      limits: { sessionIdleS: 20 },
      wrapHal: (hal) =>
        delegateHal(hal, {
          apply: async (operations) => {
            const results = await hal.apply(operations);
            if (operations[0]?.operation === 'remove' && removed++ === 0) {
              sendTo(a, 0, 2, [0]);
              await sleep(net.clock, 1);
            }
            return results;
          },
        }),
    });
    const b = await startWide(net, 2, counts);
    sendTo(a, 0, 2, [0]);
    await net.run(50);
    b.workload.takeSent();
    await net.run(40_000);
    expect(a.gateway.view().tables.idle).toBeGreaterThan(0);
    expect(idsOf(b.workload.takeSent())).toEqual([0]);
  });

  test('a wall clock that is set makes no session idle, nor keeps one', async () => {
    let aheadMs = 0;
    const a = await startWide(net, 1, counts, {
      limits: { sessionIdleS: 100 },
      wrapClock: (clock) => ({ ...clock, nowMs: () => clock.nowMs() + aheadMs }),
    });
    await startWide(net, 2, counts);
    sendTo(a, 0, 2, [0]);
    await net.run(50);
    for (const stepMs of [3_600_000, -7_200_000]) {
      aheadMs += stepMs;
      await net.run(20_000);
      expect(a.gateway.view().sessions).toHaveLength(1);
    }
    await net.run(100_000);
    expect(a.gateway.view()).toMatchObject({ sessions: [], tables: { idle: 1 } });
  });

  test('static tunnels stay, however idle, until their place is needed', async () => {
    const more = { 1: 1, 2: 2, 3: 4 };
    const a = await startWide(net, 1, more, {
      maxTunnels: 4,
      limits: { sessionIdleS: 20 },
      staticTunnels: addressOf(1, 0),
      peers: [],
    });
    await net.stop(a);
    const b = await startWide(net, 2, more);
    const c = await startWide(net, 3, more);
    const again = await startWide(net, 1, more, { maxTunnels: 4, limits: { sessionIdleS: 20 } });
    void again.gateway.connect(
      numbers(2).map((j) => ({ localVip: addressOf(1, 0), remoteVip: addressOf(2, j) })),
    );
    await net.run(3_600_000);
    expect(ofHolder(again, 'operator')).toHaveLength(2);
    // Two in use, two idle: the idle ones make room, those in use do not.
    sendTo(again, 0, 2, [0]);
    await net.run(3000);
    sendFrom(c, numbers(4), 1);
    await net.run(100);
    expect(ofHolder(again, 'operator').map(({ remoteVip }) => remoteVip)).toEqual([addressOf(2, 0)]);
    expect(ofHolder(again, '10.0.0.3:3000')).toHaveLength(3);
    b.workload.takeSent();
    sendTo(again, 0, 2, [0]);
    await net.run(50);
    expect(idsOf(b.workload.takeSent())).toEqual([0]);
  });

  test('with the ingress ACL off only what leaves is counted, and what comes in needs no session', async () => {
    const a = await startWide(net, 1, counts, { ingressAcl: false, limits: { sessionIdleS: 20 } });
    const b = await startWide(net, 2, counts, { ingressAcl: false });
    sendFrom(b, [0], 1);
    await net.run(50);
    for (const _ of numbers(20)) {
      await net.run(4000);
      sendFrom(b, [0], 1);
    }
    await net.run(50);
    expect(a.gateway.view()).toMatchObject({ sessions: [], keySlotsUsed: 0, tables: { dormant: 0 } });
    expect(idsOf(a.workload.takeSent())).toEqual(numbers(21).map(() => 0));
    sendTo(a, 0, 2, [0]);
    await net.run(50);
    expect(idsOf(b.workload.takeSent())).toEqual([0]);
  });

  test('are looked for in slices, each session ten times while it becomes idle', async () => {
    let calls = 0;
    let most = 0;
    let selectors = 0;
    const many = { 1: 1, 2: 1000 };
    const a = await startWide(net, 1, many, {
      maxTunnels: 1000,
      limits: { sessionIdleS: 100, tunnelsPerRequest: 1000 },
      wrapHal: (hal) =>
        delegateHal(hal, {
          counters: (asked) => {
            if (asked.some((one) => 'id' in one)) {
              calls++;
              selectors += asked.length;
              most = Math.max(most, asked.length);
            }
            return hal.counters(asked);
          },
        }),
    });
    await startWide(net, 2, many, { maxTunnels: 1000, limits: { tunnelsPerRequest: 1000 } });
    void a.gateway.connect(
      numbers(1000).map((j) => ({ localVip: addressOf(1, 0), remoteVip: addressOf(2, j) })),
    );
    await net.run(10_000);
    calls = selectors = most = 0;
    await net.run(100_000);
    expect(most).toBeLessThanOrEqual(2 * 256);
    expect(calls).toBeGreaterThanOrEqual(30);
    expect(calls).toBeLessThanOrEqual(41);
    expect(selectors).toBeLessThanOrEqual(2 * 1000 * 10);
  });
});

describe('dormant sessions', () => {
  const counts = { 1: 1, 2: 40, 3: 4 };

  test('what the peer sends under the SPIs that it has is let in, and the session has a place again when there is one', async () => {
    const a = await startWide(net, 1, counts, { maxTunnels: 4, limits: IDLE });
    const b = await startWide(net, 2, counts);
    const c = await startWide(net, 3, counts);
    sendFrom(b, numbers(4), 1);
    await net.run(50);
    sendFrom(c, [0, 1], 1);
    await net.run(50);
    expect(a.gateway.view().tables).toMatchObject({ aboveShare: 2, dormant: 2 });
    a.workload.takeSent();
    sendFrom(b, numbers(4), 1);
    await net.run(50);
    expect(idsOf(a.workload.takeSent())).toEqual(numbers(4));
    for (const remote of [0, 1]) await a.gateway.removeSession(addressOf(1, 0), addressOf(3, remote));
    sendFrom(b, numbers(4), 1);
    await net.run(31_000);
    expect(a.gateway.view().tables).toMatchObject({ woken: 2, dormant: 0 });
    expect(a.gateway.view().sessions).toHaveLength(4);
  });

  test('are as many as places at most, and go of the holder that has most of them', async () => {
    const ledger = new HalLedger();
    const a = await startWide(net, 1, counts, {
      maxTunnels: 4,
      limits: { sessionIdleS: 5 },
      wrapHal: (hal) => ledger.wrap(hal),
    });
    const b = await startWide(net, 2, counts);
    const c = await startWide(net, 3, counts);
    sendFrom(c, [0], 1);
    await net.run(10_000);
    for (const i of numbers(30)) {
      sendFrom(b, [i], 1);
      await net.run(10_000);
    }
    expect(a.gateway.view()).toMatchObject({ sessions: [], tables: { dormant: 4, dormantDropped: 27 } });
    expect(ledger.entries.filter((pipe) => pipe.startsWith('INGR_ACL'))).toHaveLength(4);
    expect(ledger.keySlots).toEqual([]);
    // The first one of all is among those that are left.
    a.workload.takeSent();
    sendFrom(c, [0], 1);
    await net.run(5);
    expect(idsOf(a.workload.takeSent())).toEqual([0]);
  });
});

describe('a device that fails', () => {
  const counts = { 1: 1, 2: 4, 3: 1 };

  /** Refuses to remove entries of pipes whose name begins so, while `failing`. */
  function refusing(prefix: string, state: { failing: boolean }): (hal: PipeHal) => PipeHal {
    return (hal) => {
      const pipes = new Map<number, string>();
      return delegateHal(hal, {
        apply: async (operations: readonly EntryOperation[]) => {
          const refused = (operation: EntryOperation) =>
            state.failing &&
            operation.operation === 'remove' &&
            pipes.get(operation.id)?.startsWith(prefix) === true;
          const taken = operations.filter((operation) => !refused(operation));
          const results = taken.length === 0 ? [] : await hal.apply(taken);
          const queue = [...results];
          return operations.map((operation) => {
            if (refused(operation)) return { error: new HalError('DRIVER', 'the device is broken') };
            const result = queue.shift()!;
            if (operation.operation === 'add' && 'id' in result) pipes.set(result.id, operation.pipe);
            return result;
          });
        },
      });
    };
  }

  test('while it makes room leaves the session that should go as it was, and whoever asked without', async () => {
    const state = { failing: false };
    const a = await startWide(net, 1, counts, {
      maxTunnels: 2,
      limits: IDLE,
      wrapHal: refusing('EGR_ACL', state),
    });
    const b = await startWide(net, 2, counts);
    const c = await startWide(net, 3, counts);
    sendTo(a, 0, 2, [0, 1]);
    await net.run(50);
    b.workload.takeSent();
    state.failing = true;
    sendFrom(c, [0], 1);
    await net.run(50);
    expect(ofHolder(a, '10.1.0.1')).toHaveLength(2);
    expect(a.gateway.view()).toMatchObject({ keySlotsUsed: 2, tables: { dormant: 0, aboveShare: 0 } });
    sendTo(a, 0, 2, [0, 1]);
    await net.run(50);
    expect(idsOf(b.workload.takeSent())).toEqual([0, 1]);
    state.failing = false;
    await net.run(5000);
    expect(ofHolder(a, '10.0.0.3:3000')).toHaveLength(1);
    expect(idsOf(a.workload.takeSent())).toEqual([0]);
  });

  test('gives no key slot out again whose entry is still there', async () => {
    const state = { failing: false };
    const a = await startWide(net, 1, counts, {
      maxTunnels: 4,
      sampleRateLog2: 4,
      limits: IDLE,
      wrapHal: refusing('PSP_ENCRYPT', state),
    });
    await startWide(net, 2, counts);
    sendTo(a, 0, 2, [0, 1]);
    await net.run(50);
    state.failing = true;
    await a.gateway.removeSession(addressOf(1, 0), addressOf(2, 0));
    expect(a.gateway.view()).toMatchObject({ keySlotsUsed: 2 });
    expect(a.gateway.view().sessions).toHaveLength(1);
    state.failing = false;
    await a.gateway.removeSession(addressOf(1, 0), addressOf(2, 1));
    // What the device refused is tried again after a second.
    await net.run(1500);
    expect(a.gateway.view()).toMatchObject({ keySlotsUsed: 0, sessions: [] });
  });
});
