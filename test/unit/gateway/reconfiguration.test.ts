/**
 * Other peers and limits while traffic flows: what stays loses nothing and shows nothing in clear; what goes leaves nothing
 * behind, as a ledger of the device counts; what comes is usable at once.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PeerOptions } from '../../../src/gateway/options.js';
import { HalError } from '../../../src/hal/errors.js';
import type { PipeHal } from '../../../src/hal/hal.js';
import { parseIp } from '../../../src/packet/address.js';
import { parseNetwork } from '../../../src/packet/prefix.js';
import { contains } from '../../../src/verify/inner-packets.js';
import { idsOf, LIMITS, type NodeOptions, TestNetwork, type TestNode, vip } from '../../support/gateways.js';
import { HalLedger } from '../../support/hal-ledger.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const peer = (number: number, more: Partial<PeerOptions> = {}): PeerOptions => ({
  serviceAddress: { host: parseIp(`10.0.0.${number}`), port: 3000 },
  virtualIps: [vip(number, 4), vip(number, 6)],
  ...more,
});
const peersTo = (node: TestNode, ...peers: PeerOptions[]) =>
  node.gateway.reconfigure({ peers, limits: LIMITS });
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const sessionsOf = ({ gateway }: TestNode) =>
  gateway.view().sessions.map((one) => `${one.remoteVip} ${one.peer} ${one.state}`);

/** A gateway whose entries and key slots are counted. */
async function counted(number: number, peers: readonly number[], options: NodeOptions = {}) {
  const ledger = new HalLedger();
  const node = await net.start(number, peers, { ...options, wrapHal: (hal) => ledger.wrap(hal) });
  return { node, ledger };
}

/** Sends `count` packets both ways between two nodes, one of each in a millisecond, while `work` goes on. */
async function underTraffic(a: TestNode, b: TestNode, count: number, work: () => Promise<unknown>) {
  let working: Promise<unknown> | undefined;
  for (const id of numbers(count, 1000)) {
    net.send(a, b.number, [id]);
    net.send(b, a.number, [id]);
    if (id === 1000 + Math.floor(count / 2)) working = work();
    await net.run(1);
  }
  await working;
  await net.run(200);
  return { atA: idsOf(a.workload.takeSent()), atB: idsOf(b.workload.takeSent()) };
}

const expectNothingInClear = () => {
  for (const frame of net.wire) expect(contains(frame, new Uint8Array(16).fill(0x77))).toBe(false);
};

async function connected(a: TestNode, b: TestNode): Promise<void> {
  net.send(a, b.number, [1]);
  net.send(b, a.number, [1]);
  await net.run(300);
  expect([idsOf(a.workload.takeSent()), idsOf(b.workload.takeSent())]).toEqual([[1], [1]]);
}

test('a peer that an operator disconnects loses all that it held, in both directions, and comes back when it wants', async () => {
  const { node: a, ledger } = await counted(1, [2, 3]);
  const [b, c] = [await net.start(2, [1]), await net.start(3, [1])];
  await connected(a, c);
  // Its address is proved by then, and the entry gone that waited for that.
  await net.run(30_000);
  const before = { entries: [...ledger.entries], slots: [...ledger.keySlots] };
  await connected(a, b);
  const gone = a.gateway.view().sessions.find(({ peer: name }) => name === '10.0.0.2:3000')!;
  let done: unknown;
  const { atA, atB } = await underTraffic(a, c, 40, async () => {
    done = await a.gateway.disconnectPeers('10.0.0.2');
  });
  expect([atA, atB]).toEqual([numbers(40, 1000), numbers(40, 1000)]);
  expect(done).toEqual({ connections: 0, sessions: 1 });
  expect(a.events.filter(({ type }) => type === 'peer-disconnected')).toEqual([
    { type: 'peer-disconnected', peer: '10.0.0.2:3000', connections: 0, sessions: 1 },
  ]);
  await net.run(1000);
  // It is a peer still: packets that fail are counted by its address.
  expect([ledger.entries.length, ledger.keySlots.length]).toEqual([
    before.entries.length + 1,
    before.slots.length,
  ]);
  expect(sessionsOf(a)).toEqual([`${vip(3)} 10.0.0.3:3000 established`]);
  // Under its former SPI nothing gets in, until there is a new one.
  net.send(b, 1, [50]);
  await net.run(1000);
  net.send(a, 2, [52]);
  await net.run(1000);
  net.send(b, 1, [51]);
  await net.run(1000);
  expect([idsOf(a.workload.takeSent()), idsOf(b.workload.takeSent())]).toEqual([[51], [52]]);
  const now = a.gateway.view().sessions.find(({ peer: name }) => name === '10.0.0.2:3000')!;
  for (const spi of now.ingressSpis) expect(gone.ingressSpis).not.toContain(spi);
  expectNothingInClear();
});

describe('a peer that is removed', () => {
  test('loses its sessions and all that it held; the others lose nothing', async () => {
    const { node: a, ledger } = await counted(1, [2, 3]);
    const [b, c] = [await net.start(2, [1]), await net.start(3, [1])];
    await connected(a, b);
    const before = { entries: [...ledger.entries], slots: [...ledger.keySlots] };
    const spis = a.gateway.view().sessions.map(({ ingressSpis, egressSpi }) => [ingressSpis, egressSpi]);
    await connected(a, c);
    expect(ledger.keySlots.length).toBeGreaterThan(before.slots.length);
    const { atA, atB } = await underTraffic(a, b, 40, () => peersTo(a, peer(2)));
    expect([atA, atB]).toEqual([numbers(40, 1000), numbers(40, 1000)]);
    expectNothingInClear();
    expect(sessionsOf(a)).toEqual([`${vip(2)} 10.0.0.2:3000 established`]);
    expect(a.gateway.view().sessions.map(({ ingressSpis, egressSpi }) => [ingressSpis, egressSpi])).toEqual(
      spis,
    );
    expect(ledger.keySlots).toEqual(before.slots);
    // The underlay address that was watched for it goes with the next look at these.
    await net.run(5000);
    // Proofs of addresses end by themselves.
    const lasting = (entries: readonly string[]) => entries.filter((pipe) => pipe !== 'UNDERLAY_SEEN').sort();
    expect(lasting(ledger.entries)).toEqual(lasting(before.entries));
    expect(a.gateway.view().peers.map(({ name }) => name)).toEqual(['10.0.0.2:3000']);
    expect(a.events.filter(({ type }) => type === 'reconfigured')).toEqual([
      { type: 'reconfigured', peersAdded: 0, peersRemoved: 1, peersChanged: 0, sessionsEnded: 1 },
    ]);
  });

  test('gets no session any more, neither by its requests nor by packets for it', async () => {
    const { node: a, ledger } = await counted(1, [2]);
    const b = await net.start(2, [1]);
    await peersTo(a);
    const before = ledger.entries.length;
    net.send(b, 1, [1]);
    net.send(a, 2, [1]);
    await net.run(2000);
    expect(b.events).toContainEqual(
      expect.objectContaining({
        type: 'request-failed',
        reason: expect.stringMatching('no configured peer'),
      }),
    );
    expect(a.gateway.view().slowPath.noPeer).toBe(1);
    expect(ledger.entries).toHaveLength(before);
    expect(sessionsOf(a)).toEqual([]);
  });

  test.each([0, 5, 10, 15, 20, 30])(
    'while it is being asked leaves nothing, %i ms after the exchange began',
    async (delayMs) => {
      const { node: a, ledger } = await counted(1, [2]);
      const before = ledger.entries.length;
      const b = await net.start(2, [1]);
      net.send(a, 2, [1]);
      net.send(b, 1, [1]);
      await net.run(delayMs);
      await Promise.all([peersTo(a), net.run(20_000)]);
      expect(sessionsOf(a)).toEqual([]);
      expect(ledger.keySlots).toEqual([]);
      expect(ledger.entries).toHaveLength(before);
      expect(a.gateway.view()).toMatchObject({ keySlotsUsed: 0, spisRetiring: 0, entriesLeft: 0 });
    },
  );

  test('gets no session by what waited for its turn when it was removed', async () => {
    const others = numbers(30, 2);
    const { node: a, ledger } = await counted(1, others);
    const before = ledger.entries.length;
    const connect = (number: number) =>
      a.gateway
        .connect([{ localVip: vip(1), remoteVip: vip(number) }])
        .catch((error: Error) => error.message);
    const asked = Promise.all(others.map(connect));
    await Promise.all([peersTo(a), net.run(20_000)]);
    expect(await asked).toContainEqual(expect.stringContaining('configuration of peers has changed'));
    expect(sessionsOf(a)).toEqual([]);
    expect(ledger.keySlots).toEqual([]);
    expect(ledger.entries).toHaveLength(before);
  });

  test('is let go of later where the device does not do it at once', async () => {
    let refusing = false;
    const ledger = new HalLedger();
    const a = await net.start(1, [2], {
      wrapHal: (hal) => {
        const { apply } = hal;
        const counting = ledger.wrap(hal);
        return new Proxy(counting, {
          get: (target, name) => {
            const value: unknown = Reflect.get(target, name);
            if (name !== 'apply') return value;
            return ((operations) =>
              refusing && operations.some(({ operation }) => operation === 'remove')
                ? Promise.resolve(operations.map(() => ({ error: new HalError('UNKNOWN', 'not now') })))
                : (value as typeof apply)(operations)) satisfies PipeHal['apply'];
          },
        });
      },
    });
    const b = await net.start(2, [1]);
    await connected(a, b);
    refusing = true;
    expect(await peersTo(a)).toMatchObject({ peersRemoved: 1, sessionsEnded: 0 });
    await net.run(2500);
    expect(sessionsOf(a)).toHaveLength(1);
    refusing = false;
    await net.run(5000);
    expect(sessionsOf(a)).toEqual([]);
    expect(ledger.keySlots).toEqual([]);
  });
});

describe('a peer that is added', () => {
  test('is usable at once, both ways', async () => {
    const a = await net.start(1, []);
    const b = await net.start(2, [1]);
    await peersTo(a, peer(2));
    await connected(a, b);
  });

  test('gets the static tunnels that there are for it', async () => {
    const a = await net.start(1, [3], { staticTunnels: 'all' });
    const [b] = [await net.start(2, [1]), await net.start(3, [1])];
    await net.run(1000);
    await peersTo(a, peer(3), peer(2));
    await net.run(1000);
    net.send(a, 2, [4]);
    await net.run(5);
    expect(idsOf(b.workload.takeSent())).toEqual([4]);
  });

  test('in the place of one of the same address whose underlay was another begins anew', async () => {
    const { node: a, ledger } = await counted(1, [2]);
    const b = await net.start(2, [1]);
    await connected(a, b);
    const slots = ledger.keySlots.length;
    const underlay = [parseNetwork('2001:db8::/64')];
    expect(await peersTo(a, peer(2, { underlay }))).toEqual({
      peersAdded: 1,
      peersRemoved: 1,
      peersChanged: 0,
      sessionsEnded: 1,
    });
    // What the peer sends under SPIs that are closed makes it ask anew, since it is told that it does not get in.
    const ids = numbers(60);
    for (const id of ids) {
      net.send(b, 1, [id]);
      await net.run(50);
    }
    const arrived = idsOf(a.workload.takeSent());
    expect(arrived.slice(-20)).toEqual(ids.slice(-20));
    await connected(a, b);
    expect(ledger.keySlots).toHaveLength(slots);
  });
});

describe('what peers own', () => {
  test('is the owner of the longest prefix, and a session ends when that is another one', async () => {
    const wide = peer(2, { virtualIps: [vip(2)], virtualPrefixes: [parseNetwork('192.168.1.0/29')] });
    const a = await net.start(1, []);
    const [b, c] = [await net.start(2, [1]), await net.start(3, [1])];
    await peersTo(a, wide, peer(3, { virtualIps: [] }));
    await connected(a, b);
    net.send(a, 3, [5]);
    await net.run(2000);
    expect(idsOf(c.workload.takeSent())).toEqual([]);
    expect(sessionsOf(a)).toEqual(
      expect.arrayContaining([expect.stringMatching(`^${vip(3)} 10.0.0.2:3000 `)]),
    );
    const change = await peersTo(
      a,
      wide,
      peer(3, { virtualIps: [], virtualPrefixes: [parseNetwork('192.168.1.3/32')] }),
    );
    expect(change).toEqual({ peersAdded: 0, peersRemoved: 0, peersChanged: 1, sessionsEnded: 1 });
    expect(sessionsOf(a)).toEqual([`${vip(2)} 10.0.0.2:3000 established`]);
    net.send(a, 3, [6]);
    await net.run(300);
    expect(idsOf(c.workload.takeSent())).toEqual([6]);
  });

  test('is none of our own addresses', async () => {
    const a = await net.start(1, []);
    expect(a.gateway.problemsOf([peer(2), peer(3, { virtualIps: [vip(1)] })])).toEqual([
      "10.0.0.3:3000: 192.168.1.1 is an address of our own workload, and no peer's",
    ]);
    expect(a.gateway.problemsOf([peer(2)])).toEqual([]);
  });
});

test('both gateways reload at the same moment, again and again, and no packet is lost or in clear', async () => {
  const [a, b] = [await net.start(1, [2]), await net.start(2, [1])];
  await net.start(3, [1, 2]);
  await connected(a, b);
  for (const round of numbers(10)) {
    const some = round % 2 === 0 ? [peer(3)] : [];
    const { atA, atB } = await underTraffic(a, b, 20, () =>
      Promise.all([peersTo(a, peer(2), ...some), peersTo(b, ...some, peer(1))]),
    );
    expect([atA, atB]).toEqual([numbers(20, 1000), numbers(20, 1000)]);
  }
  expectNothingInClear();
});

test('limits are others from then on', async () => {
  const a = await net.start(1, [2], { limits: { sessionIdleS: 0 } });
  const b = await net.start(2, [1]);
  await connected(a, b);
  await net.run(100_000);
  expect(sessionsOf(a)).toHaveLength(1);
  expect(a.gateway.view().rotation.nextAtMs).toBe(undefined);
  await a.gateway.reconfigure({
    peers: [peer(2)],
    limits: { ...LIMITS, sessionIdleS: 10, rotationPeriodMs: 60_000 },
  });
  expect(a.gateway.view().rotation.nextAtMs).toBe(net.clock.nowMs() + 60_000);
  await net.run(45_000);
  expect(a.gateway.view().sessionsByState.established ?? 0).toBe(0);
  await net.run(20_000);
  expect(a.gateway.view().rotations).toBe(1);
});
