/**
 * Peers that own prefixes, in whole gateways: every address of one carries traffic, the first and the last too, the longest
 * one decides, and nobody gets an address of another's or of ours by owning a prefix around it.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { countStatic } from '../../../src/gateway/directory.js';
import type { PeerOptions } from '../../../src/gateway/options.js';
import type { IpAddress } from '../../../src/packet/address.js';
import { parseIp } from '../../../src/packet/address.js';
import { parsePrefix } from '../../../src/packet/prefix.js';
import { frameOf } from '../../../src/verify/inner-packets.js';
import {
  idsOf,
  likeDoca,
  type NodeOptions,
  packetBetween,
  TestNetwork,
  type TestNode,
  vip,
} from '../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const vips = (...list: number[]): IpAddress[] => list.flatMap((n) => [vip(n), vip(n, 6)]);

/** The peer that is node `number`, with these prefixes and addresses. */
function peer(number: number, prefixes: string[], virtualIps: IpAddress[] = []): PeerOptions {
  const serviceAddress = { host: parseIp(`10.0.0.${number}`), port: 3000 };
  return { serviceAddress, virtualIps, virtualPrefixes: prefixes.map(parsePrefix) };
}

/** A packet from one address behind a node to another. */
function send(from: TestNode, source: number, destination: number, id: number, family: 4 | 6 = 4): void {
  from.workload.inject([frameOf(packetBetween(source, destination, id, family))]);
}

/** Node 1 with these peers. */
const startFirst = (peers: PeerOptions[], options: NodeOptions = {}) =>
  net.start(1, [], { peers, ...options });

/** Node `number`, behind which there are some more addresses, and whose peer is node 1. */
const startBehind = (number: number, more: number[], options: NodeOptions = {}) =>
  net.start(number, [1], { localVirtualIps: vips(...more), ...options });

test.each([
  ['192.168.1.16/28', 4],
  ['fd00:0:0:1::10/124', 6],
] as const)('traffic to the first and to the last address of %s flows, both ways', async (prefix, family) => {
  const a = await startFirst([peer(16, [prefix])]);
  const b = await startBehind(16, [31]);
  send(a, 1, 16, 1, family);
  send(a, 1, 31, 2, family);
  await net.run(50);
  expect(idsOf(b.workload.takeSent()).sort()).toEqual([1, 2]);
  send(b, 31, 1, 3, family);
  send(b, 16, 1, 4, family);
  await net.run(5);
  expect(idsOf(a.workload.takeSent()).sort()).toEqual([3, 4]);
  // Right behind it nobody is.
  send(a, 1, 15, 5, family);
  send(a, 1, 32, 6, family);
  await net.run(50);
  expect(a.gateway.view().slowPath.noPeer).toBe(2);
});

test('whoever is first to send from inside of a prefix is let in', async () => {
  const a = await startFirst([peer(16, ['192.168.1.16/28'])]);
  const b = await startBehind(16, [31]);
  send(b, 31, 1, 1);
  send(b, 16, 1, 2);
  await net.run(50);
  expect(idsOf(a.workload.takeSent()).sort()).toEqual([1, 2]);
  expect(a.gateway.view().sessions.map(({ holder }) => holder)).toEqual(Array(2).fill('10.0.0.16:3000'));
});

test('of several prefixes the longest decides, and an address before any', async () => {
  const a = await startFirst([
    peer(16, ['192.168.1.0/24']),
    peer(20, ['192.168.1.20/30']),
    peer(22, [], [vip(22)]),
  ]);
  const nodes = [await startBehind(16, [19, 24]), await startBehind(20, [21, 23]), await startBehind(22, [])];
  for (const n of [19, 20, 21, 22, 23, 24]) send(a, 1, n, n);
  await net.run(50);
  expect(nodes.map(({ workload }) => idsOf(workload.takeSent()).sort())).toEqual([
    [19, 24],
    [20, 21, 23],
    [22],
  ]);
});

test("a prefix around other peers' addresses and ours gives none of them", async () => {
  const a = await startFirst([peer(16, ['192.168.0.0/16']), peer(20, ['192.168.1.20/30'])]);
  const b = await startBehind(16, [21]);
  // As a neighbor's, and as our own.
  send(b, 21, 1, 1);
  b.workload.inject([frameOf(packetBetween(1, 1, 2))]);
  await net.run(50);
  expect(a.workload.takeSent()).toEqual([]);
  expect(a.gateway.view()).toMatchObject({
    sessions: [],
    refused: { PERMISSION_DENIED: expect.any(Number) },
  });
  await expect(a.gateway.connectNow([{ localVip: vip(1), remoteVip: vip(1) }])).rejects.toThrow(
    /no peer owns/,
  );
});

describe('static tunnels', () => {
  const up = (node: TestNode) => node.events.filter(({ type }) => type === 'static-tunnels-up');
  const established = (node: TestNode) =>
    node.gateway.view().sessions.filter(({ state }) => state === 'established');

  test('over a prefix are all of its addresses, the first and the last too', async () => {
    const a = await startFirst([peer(16, ['192.168.1.16/28'])], { staticTunnels: vip(1) });
    await startBehind(16, numbers(15, 17));
    await net.run(3000);
    expect(established(a).map(({ remoteVip }) => remoteVip)).toEqual(numbers(16, 16).map((n) => vip(n)));
    expect(up(a)).toEqual([{ type: 'static-tunnels-up', tunnels: 16 }]);
    const peers = [peer(16, ['192.168.1.16/28'])];
    expect(countStatic({ peers, staticTunnels: vip(1) }, vips(1))).toBe(16);
  });

  test('from one of several addresses are made for all of a prefix that there is room for', async () => {
    const a = await startFirst([peer(16, ['192.168.1.16/28'])], {
      staticTunnels: vip(1),
      localVirtualIps: [vip(2), vip(3)],
      maxTunnels: 16,
    });
    await startBehind(16, numbers(15, 17));
    await net.run(3000);
    expect(established(a).map(({ localVip, remoteVip }) => `${localVip} ${remoteVip}`)).toEqual(
      numbers(16, 16).map((n) => `${vip(1)} ${vip(n)}`),
    );
  });

  test('are left to their first packet where the peer does not have the address, which is tried once', async () => {
    const a = await startFirst([peer(16, ['192.168.1.16/28'], [vip(77)])], { staticTunnels: vip(1) });
    const b = await startBehind(16, [29, 77]);
    await net.run(3000);
    const remotes = () => established(a).map(({ remoteVip }) => remoteVip);
    expect(remotes().sort()).toEqual([vip(16), vip(29), vip(77)]);
    expect(a.gateway.view().sessions).toHaveLength(3);
    expect(up(a)).toEqual([{ type: 'static-tunnels-up', tunnels: 3, refused: 14 }]);
    expect(a.logs.find(({ message }) => message === 'all static tunnels are up')?.fields).toEqual({
      event: 'static-tunnels-up',
      tunnels: 3,
      refused: 14,
    });
    const refused = b.gateway.view().refused.PERMISSION_DENIED;
    await net.run(60_000);
    expect(b.gateway.view().refused.PERMISSION_DENIED).toBe(refused);
  });

  test('wait for a peer that is not there yet', async () => {
    const a = await startFirst([peer(16, ['192.168.1.16/31'])], { staticTunnels: vip(1) });
    await net.run(30_000);
    expect(up(a)).toEqual([]);
    await startBehind(16, [17]);
    await net.run(5000);
    expect(established(a)).toHaveLength(2);
  });

  test('from all of our addresses, without one that is named', async () => {
    const a = await startFirst([peer(16, ['192.168.1.16/31', 'fd00:0:0:1::10/127'])], {
      staticTunnels: 'all',
      localVirtualIps: [vip(2)],
    });
    await startBehind(16, [17], { peers: [peer(1, [], vips(1, 2))] });
    await net.run(3000);
    expect(
      established(a)
        .map(({ localVip, remoteVip }) => `${localVip} ${remoteVip}`)
        .sort(),
    ).toEqual([
      '192.168.1.1 192.168.1.16',
      '192.168.1.1 192.168.1.17',
      '192.168.1.2 192.168.1.16',
      '192.168.1.2 192.168.1.17',
      'fd00:0:0:1::1 fd00:0:0:1::10',
      'fd00:0:0:1::1 fd00:0:0:1::11',
    ]);
    expect(up(a)).toEqual([{ type: 'static-tunnels-up', tunnels: 6 }]);
    const peers = [peer(16, ['192.168.1.16/31', 'fd00:0:0:1::10/127'])];
    expect(countStatic({ peers, staticTunnels: 'all' }, [...vips(1), vip(2)])).toBe(6);
  });
});

test("after a restart a DOCA peer's packets from inside a prefix come back without a miss of ours", async () => {
  const peers = [peer(16, ['192.168.1.16/28'])];
  let a = await startFirst(peers);
  // DOCA's application gives tunnels to any address.
  const b = await startBehind(16, numbers(15, 17), { wrapTransport: likeDoca });
  send(b, 31, 1, 1);
  await net.run(50);
  expect(idsOf(a.workload.takeSent())).toEqual([1]);
  await net.stop(a);
  a = await startFirst(peers);
  const delivered: number[] = [];
  for (let id = 2; id < 1000 && delivered.length === 0; id++) {
    send(b, 31, 1, id);
    await net.run(20);
    delivered.push(...idsOf(a.workload.takeSent()));
  }
  expect(delivered).toHaveLength(1);
});

test('in transport mode the device counts for addresses of prefixes, the longest first, and for no more than fit', async () => {
  const a = await startFirst([peer(16, ['10.0.0.0/8']), peer(20, ['192.168.1.16/28'])], {
    mode: 'transport',
  });
  expect(a.gateway.view().recovery.underlayAddresses).toBe(4096);
  await net.stop(a);
  const b = await startFirst([peer(20, ['192.168.1.16/28'])], { mode: 'transport' });
  expect(b.gateway.view().recovery.underlayAddresses).toBe(16);
});

test('in transport mode the packets of the longest prefix are known as those of its peer after a restart', async () => {
  const mode = { mode: 'transport' } as const;
  const peers = [peer(16, ['10.0.0.0/8', '192.168.0.0/16']), peer(20, ['192.168.1.16/28'])];
  let a = await startFirst(peers, mode);
  const b = await startBehind(20, numbers(16, 16), { ...mode, wrapTransport: likeDoca });
  const frame = frameOf(packetBetween(31, 1, 1));
  // Nobody answers ARP for the underlay: the frame carries the other gateway's MAC.
  frame.set([2, 0, 0, 0, 1, 1]);
  const received = async () => {
    b.workload.inject([frame]);
    await net.run(20);
    return a.workload.takeSent().length;
  };
  await net.run(100);
  expect(await received()).toBe(1);
  await net.stop(a);
  a = await startFirst(peers, mode);
  for (let tries = 0; (await received()) === 0; tries++) expect(tries).toBeLessThan(500);
  expect(a.gateway.view().recovery).toMatchObject({ unknownSourcePackets: 0n, unknownSourceSteps: 0 });
});

test('keys are printed at the default level where that was asked for, and only there', async () => {
  const keysOf = (node: TestNode) => node.logs.filter(({ message }) => message.startsWith('key '));
  const a = await net.start(1, [2], { debugKeys: true });
  const b = await net.start(2, [1]);
  net.send(a, 2, [1]);
  await net.run(50);
  expect(idsOf(b.workload.takeSent())).toEqual([1]);
  expect(new Set(keysOf(a).map(({ level }) => level))).toEqual(new Set(['info']));
  expect(
    keysOf(a)
      .map(({ message }) => message)
      .sort(),
  ).toEqual(['key given out', 'key received']);
  expect(keysOf(b)).toEqual([]);
});

test('an outer source address of its own stands in what is sent, and in what peers are told', async () => {
  const a = await net.start(1, [2], { localPip: parseIp('2001:db8::99') });
  const b = await net.start(2, [1]);
  net.send(a, 2, [1]);
  await net.run(50);
  expect(idsOf(b.workload.takeSent())).toEqual([1]);
  const source = (frame: Uint8Array) => Buffer.from(frame.subarray(22, 38)).toString('hex');
  expect(net.wire.map(source)).toContain('20010db8000000000000000000000099');
  expect(b.gateway.view().peers[0]!.underlay.map(({ address }) => address)).toEqual(['2001:db8::99']);
});
