/** Draining: no new tunnels in either direction, the old ones go on, peers know, and it ends as it says. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AdminService } from '../../../src/admin/admin-service.js';
import { notReadyReasons } from '../../../src/metrics/readiness.js';
import { parseIp } from '../../../src/packet/address.js';
import { idsOf, LIMITS, likeDoca, TestNetwork, type TestNode, vip } from '../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const HOUR_MS = 3_600_000;
const of = ({ events }: TestNode, type: string) => events.filter((event) => event.type === type);
/** Ids of all packets that a node's workload has got so far. */
const taken = new WeakMap<TestNode, number[]>();
const got = (node: TestNode): number[] => {
  const all = [...(taken.get(node) ?? []), ...idsOf(node.workload.takeSent())];
  taken.set(node, all);
  return all;
};
const pair = (from: number, to: number, family: 4 | 6 = 4) => ({
  localVip: vip(from, family),
  remoteVip: vip(to, family),
});
const serviceOf = ({ gateway }: TestNode) =>
  new AdminService({
    gateway,
    clock: net.clock,
    version: '1.2.3',
    hasTls: false,
    log: { docaLevel: 50, lostLines: 0, setLevel: () => {} },
    reload: async () => ({ problems: [] }),
    counters: () => ({}) as never,
  });
const established = async (node: TestNode, to: number) => {
  net.send(node, to, [1]);
  await net.run(100);
};

test('no new tunnel is made in either direction, those that there are go on and are re-keyed, and peers know', async () => {
  const a = await net.start(1, [2, 3, 4]);
  const b = await net.start(2, [1]);
  const c = await net.start(3, [1]);
  const doca = await net.start(4, [1], { wrapTransport: likeDoca });
  await established(b, 1);
  a.gateway.drain({ timeoutMs: HOUR_MS, stops: true });
  await net.run(100);
  expect(of(a, 'drain-begun')).toEqual([{ type: 'drain-begun', sessions: 1, timeoutS: 3600, stops: true }]);
  for (const node of [b, c])
    expect(of(node, 'peer-drains')).toEqual([{ type: 'peer-drains', peer: '10.0.0.1:3000', endsInS: 3600 }]);
  const asked = [a, b, c].map((node) => of(node, 'request-sent').length);
  // New ones: of ours, of a peer's that knows, another pair of a peer that has one, and of one that cannot be told.
  net.send(a, 3, [10]);
  net.send(c, 1, [11]);
  net.send(b, 1, [12], 6);
  net.send(doca, 1, [13]);
  // The old one, both ways.
  net.send(a, 2, [20]);
  net.send(b, 1, [21]);
  await net.run(5000);
  expect(got(a)).toEqual([1, 21]);
  expect(got(b)).toEqual([20]);
  expect([...got(c), ...got(doca)]).toEqual([]);
  expect([a, b, c].map((node) => of(node, 'request-sent').length)).toEqual(asked);
  const whyNot = (node: TestNode) => of(node, 'no-session').map((event) => 'reason' in event && event.reason);
  expect(whyNot(a)).toEqual([expect.stringMatching(/^this gateway drains/)]);
  expect([whyNot(b), whyNot(c)]).toEqual([['peer 10.0.0.1:3000 drains'], ['peer 10.0.0.1:3000 drains']]);
  expect(a.gateway.summary().refused.FAILED_PRECONDITION).toBeGreaterThan(0);
  expect(doca.gateway.summary().peers[0]!.failure?.reason).toContain('this gateway drains');
  for (const node of [a, c, doca]) expect(node.gateway.summary().keySlotsUsed).toBe(node === a ? 1 : 0);
  // Re-keys by either side, and a rotation.
  await Promise.all([a.gateway.rekey(), net.run(1000)]);
  await Promise.all([b.gateway.rekey(), net.run(1000)]);
  await Promise.all([a.gateway.rotateMasterKey(true), net.run(20_000)]);
  net.send(a, 2, [30]);
  net.send(b, 1, [31]);
  await net.run(100);
  expect([got(a).at(-1), got(b).at(-1)]).toEqual([31, 30]);
  expect(a.gateway.summary().rotations).toBe(1);
});

test('is told: by status, by explain at both ends, and by /readyz', async () => {
  const a = await net.start(1, [2]);
  const b = await net.start(2, [1]);
  await established(b, 1);
  expect(serviceOf(a).cancelDrain()).toEqual({ cancelled: false });
  const { drain } = serviceOf(a).drain({ timeoutMs: 0n, noStop: true });
  expect(drain).toEqual({ begunAgoMs: 0n, endsInMs: 300_000n, stops: false, quietForMs: 0n });
  await net.run(2000);
  const statusOf = async (node: TestNode) => (await Promise.all([serviceOf(node).status(), net.run(100)]))[0];
  const own = await statusOf(a);
  expect(own.problems).toEqual([]);
  const { begunAgoMs, endsInMs } = own.drain!;
  expect(begunAgoMs + endsInMs!).toBe(300_000n);
  expect(begunAgoMs).toBeGreaterThanOrEqual(2000n);
  expect(notReadyReasons(a.gateway.summary(), false)).toEqual([expect.stringContaining('drains')]);
  const status = await statusOf(b);
  expect(status.peers[0]!.reach).toBe('drains');
  expect(status.problems).toMatchObject([
    { cause: 'peer-drains', about: '10.0.0.1:3000', text: expect.stringContaining('for 298 s more at most') },
  ]);
  const explained = async (node: TestNode, from: number, to: number, family: 4 | 6) => {
    const { localVip: source, remoteVip: destination } = pair(from, to, family);
    const transport = { protocol: 'icmp', sourcePort: 0, destinationPort: 0 } as const;
    const { verdict, facts } = await node.gateway.explain({ source, destination, ...transport } as never);
    return [verdict, ...facts].join('\n');
  };
  expect(await explained(b, 2, 1, 6)).toMatch(/which drops it: peer 10.0.0.1:3000 drains/);
  expect(await explained(a, 1, 2, 6)).toMatch(/which drops it: this gateway drains/);
  expect(await explained(b, 2, 1, 4)).toMatch(
    /peer 10.0.0.1:3000 drains, and makes no new tunnels\n.*established/,
  );
  expect(() => serviceOf(a).drain({ timeoutMs: 604_800_001n, noStop: false })).toThrow(/a week/);
});

describe('it is over', () => {
  const finished = (node: TestNode) => of(node, 'drain-finished');

  test('ten seconds after the last packet of a tunnel', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1]);
    await established(b, 1);
    a.gateway.drain({ timeoutMs: HOUR_MS, stops: true });
    for (let id = 10; id < 40; id++) {
      net.send(id % 2 === 0 ? a : b, id % 2 === 0 ? 2 : 1, [id]);
      await net.run(1000);
    }
    await net.run(7000);
    expect(finished(a)).toEqual([]);
    await net.run(5000);
    expect(finished(a)).toEqual([{ type: 'drain-finished', why: 'idle', sessions: 1, stops: true }]);
    expect(a.gateway.summary().drain).toMatchObject({ endsAtMs: undefined, stops: true });
    expect([...got(a), ...got(b)]).toHaveLength(31);
  });

  test('soon where there is no tunnel, when its peers have been told', async () => {
    const a = await net.start(1, [2, 9]);
    const b = await net.start(2, [1]);
    a.gateway.drain({ timeoutMs: HOUR_MS, stops: true });
    await net.run(3500);
    expect(of(b, 'peer-drains')).toHaveLength(1);
    expect(finished(a)).toHaveLength(1);
  });

  test('after its time although packets pass; then it stays drained, until that is cancelled', async () => {
    const a = await net.start(1, [2, 3, 4], { staticTunnels: vip(1) });
    const b = await net.start(2, [1]);
    await net.run(1000);
    a.gateway.drain({ timeoutMs: 600_000, stops: true });
    a.gateway.drain({ timeoutMs: 20_000, stops: false });
    for (let id = 10; id < 32; id++) {
      net.send(a, 2, [id]);
      await net.run(1000);
    }
    expect(finished(a)).toMatchObject([{ why: 'timeout', stops: false }]);
    // It tells again each minute, and is believed for five.
    await net.run(900_000);
    expect(finished(a)).toHaveLength(1);
    expect(b.gateway.summary().peers[0]!.drains).toEqual({ endsAtMs: undefined });
    const c = await net.start(3, [1]);
    await net.run(1000);
    // Who starts meanwhile hears it with the answer to its own announcement.
    expect(of(c, 'peer-drains')).toHaveLength(1);
    const doca = await net.start(4, [1], { wrapTransport: likeDoca });
    net.send(c, 1, [50]);
    // We asked for that one before, and have nothing of it: it is a new one still.
    net.send(doca, 1, [49]);
    await net.run(3000);
    expect(got(a)).toEqual([]);
    expect(a.gateway.cancelDrain()).toBe(true);
    expect(a.gateway.cancelDrain()).toBe(false);
    await net.run(2000);
    for (const node of [b, c]) expect(of(node, 'peer-drain-over')).toHaveLength(1);
    // The static tunnel to the peer that has come meanwhile.
    expect(a.gateway.view().sessions.map(({ remoteVip, state }) => `${remoteVip} ${state}`)).toContain(
      `${vip(3)} established`,
    );
    net.send(c, 1, [51]);
    await net.run(1000);
    // The one that has waited, and the new one.
    expect(got(a)).toEqual([49, 51]);
    expect(notReadyReasons(a.gateway.summary(), false)).toEqual([]);
  });

  test('with the static tunnels of peers that came meanwhile, when it is cancelled', async () => {
    const a = await net.start(1, [2], { staticTunnels: vip(1) });
    for (const number of [2, 3]) await net.start(number, [1]);
    await net.run(1000);
    a.gateway.drain({ timeoutMs: HOUR_MS, stops: false });
    const peers = [2, 3].map((number) => ({
      serviceAddress: { host: parseIp(`10.0.0.${number}`), port: 3000 },
      virtualIps: [vip(number)],
    }));
    await Promise.all([a.gateway.reconfigure({ peers, limits: LIMITS }), net.run(5000)]);
    expect(a.gateway.view().sessions).toHaveLength(1);
    a.gateway.cancelDrain();
    await net.run(1000);
    expect(a.gateway.summary().sessionsByState).toEqual({ established: 2 });
  });

  test('for a peer that has not heard that it was cancelled after five minutes', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1]);
    a.gateway.drain({ timeoutMs: HOUR_MS, stops: false });
    await net.run(1000);
    await net.stop(a);
    await net.run(290_000);
    expect(b.gateway.summary().peers[0]!.drains).toBeDefined();
    await net.run(10_000);
    expect(b.gateway.summary().peers[0]!.drains).toBeUndefined();
    const again = await net.start(1, [2]);
    net.send(b, 1, [7]);
    await net.run(5000);
    expect(got(again)).toEqual([7]);
  });
});

test('of a request for old tunnels and new ones the old ones get their keys', async () => {
  const a = await net.start(1, [2]);
  const b = await net.start(2, [1]);
  await Promise.all([b.gateway.connect([pair(2, 1), pair(2, 1, 6)]), net.run(1000)]);
  await Promise.all([a.gateway.removeSession(vip(1, 6), vip(2, 6)), net.run(100)]);
  a.gateway.drain({ timeoutMs: HOUR_MS, stops: false });
  await net.run(100);
  const before = b.gateway.view().sessions.map(({ egressSpi }) => egressSpi);
  void b.gateway.rekey();
  await net.run(2000);
  const after = new Map(b.gateway.view().sessions.map(({ remoteVip, egressSpi }) => [remoteVip, egressSpi]));
  expect(before).not.toContain(after.get(vip(1)));
  expect(before).toContain(after.get(vip(1, 6)));
  net.send(b, 1, [5]);
  await net.run(100);
  expect(got(a)).toEqual([5]);
});
