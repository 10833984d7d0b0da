/** Tunnels that are made at the start (--static-tunnels). */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseIp } from '../../../src/packet/address.js';
import { idsOf, TestNetwork, type TestNode, vip } from '../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const requestsOf = (node: TestNode) => node.events.filter(({ type }) => type === 'request-sent').length;

test('static tunnels are made at start-up, and a peer that comes late gets its own', async () => {
  const a = await net.start(1, [2, 3], { staticTunnels: vip(1) });
  const b = await net.start(2, [1]);
  await net.run(3000);
  const c = await net.start(3, [1]);
  await net.run(5000);
  net.send(a, 2, [1]);
  net.send(a, 3, [2]);
  net.send(c, 1, [3]);
  await net.run(5);
  expect(a.events.filter(({ type }) => type === 'miss')).toEqual([]);
  expect(idsOf(b.workload.takeSent())).toEqual([1]);
  expect(idsOf(c.workload.takeSent())).toEqual([2]);
  expect(idsOf(a.workload.takeSent())).toEqual([3]);
});

test('static tunnels to a peer that is not there are tried later and later, and one RPC makes both directions', async () => {
  const a = await net.start(1, [2], { staticTunnels: vip(1) });
  await net.run(60_000);
  const tried = requestsOf(a);
  // Each second would be sixty; backoffMaxMs is two seconds, with jitter from one on.
  expect(tried).toBeGreaterThan(25);
  expect(tried).toBeLessThan(65);
  const b = await net.start(2, [1]);
  await net.run(5000);
  net.send(b, 1, [7]);
  await net.run(50);
  expect(idsOf(a.workload.takeSent())).toEqual([7]);
  expect(requestsOf(b)).toBe(0);
});

test('a tunnel that the peer refuses, and a peer that takes fewer at once, do not keep the others from being made', async () => {
  const nowhere = parseIp('192.168.1.77');
  const service = { host: parseIp('10.0.0.2'), port: 3000 };
  const remoteVips = [...numbers(20, 200).map((n) => vip(n)), nowhere, vip(2)];
  const b = await net.start(2, [1], {
    limits: { tunnelsPerRequest: 4 },
    peers: [
      { serviceAddress: { host: parseIp('10.0.0.1'), port: 3000 }, virtualIps: [vip(1)] },
      // Names of ours that only a session file knows.
      {
        serviceAddress: { host: parseIp('10.0.0.9'), port: 3000 },
        virtualIps: [vip(9)],
        pairs: numbers(20, 200).map((n) => ({ localVip: vip(n), remoteVip: vip(9) })),
      },
    ],
  });
  const a = await net.start(1, [], {
    peers: [{ serviceAddress: service, virtualIps: remoteVips }],
    staticTunnels: vip(1),
  });
  await net.run(3000);
  const { sessions } = a.gateway.view();
  expect(sessions.filter(({ state }) => state === 'established')).toHaveLength(21);
  expect(sessions.filter(({ state }) => state !== 'established').map(({ remoteVip }) => remoteVip)).toEqual([
    nowhere,
  ]);
  expect(b.gateway.view().sessions).toHaveLength(21);
});
