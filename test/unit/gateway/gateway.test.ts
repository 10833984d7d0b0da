import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RpcError } from '../../../src/gateway/rpc/transport.js';
import { UPLINK_PORT } from '../../../src/hal/program.js';
import { contains } from '../../../src/verify/inner-packets.js';
import { idsOf, LIMITS, TestNetwork, vip } from '../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

test('a start rotates no master key: a device that is open has none of an earlier run', async () => {
  const a = await net.start(1, [2]);
  expect(a.gateway.view().rotations).toBe(0);
  expect((await a.hal.statistics()).keyRotations).toBe(0n);
});

describe('on-demand tunnels', () => {
  test.each([4, 6] as const)(
    'the first IPv%i packet makes a tunnel both ways and arrives',
    async (family) => {
      const a = await net.start(1, [2]);
      const b = await net.start(2, [1]);
      net.send(a, 2, [7], family);
      await net.run(50);
      expect(idsOf(b.workload.takeSent())).toEqual([7]);
      net.send(b, 1, [8], family);
      await net.run(50);
      expect(idsOf(a.workload.takeSent())).toEqual([8]);
      expect(b.events.filter(({ type }) => type === 'miss')).toEqual([]);
      expect(net.wire.length).toBeGreaterThanOrEqual(2);
      for (const frame of net.wire) expect(contains(frame, new Uint8Array(16).fill(0x77))).toBe(false);
    },
  );

  test('concurrent misses share one RPC, and the packets arrive in order, each once', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1]);
    for (const id of numbers(20)) net.send(a, 2, [id]);
    await net.run(100);
    expect(idsOf(b.workload.takeSent())).toEqual(numbers(20));
    expect(a.events.filter(({ type }) => type === 'request-sent')).toHaveLength(1);
  });

  test('packets that do not fit the queue are dropped and counted', async () => {
    const a = await net.start(1, [2], { limits: { missedPacketsPerSession: 5 } });
    const b = await net.start(2, [1]);
    net.send(a, 2, numbers(8));
    await net.run(100);
    expect(idsOf(b.workload.takeSent())).toEqual(numbers(5));
    expect(a.gateway.view().slowPath.overflowed).toBe(3);
  });

  test('a destination that no peer owns is dropped and counted, without an RPC', async () => {
    const a = await net.start(1, [2]);
    net.send(a, 9, [1]);
    await net.run(100);
    expect(a.gateway.view().slowPath.noPeer).toBe(1);
    expect(a.gateway.view().sessions).toEqual([]);
    const ofItself = ['announcement-sent', 'announcement-failed', 'peer-silent'];
    expect(a.events.filter(({ type }) => !ofItself.includes(type))).toEqual([
      {
        type: 'packet-refused',
        reason: 'no peer owns the destination',
        source: '192.168.1.1',
        destination: '192.168.1.9',
      },
    ]);
  });
});

describe('what goes wrong leaves nothing behind', () => {
  test('a failed RPC leaves no state, and the packets arrive once the peer is there', async () => {
    const a = await net.start(1, [2]);
    net.send(a, 2, [1, 2]);
    await net.run(50);
    expect(a.gateway.view()).toMatchObject({
      keySlotsUsed: 0,
      sessions: [{ state: 'backing-off', egressSpi: undefined }],
    });
    const b = await net.start(2, [1]);
    await net.run(5000);
    expect(idsOf(b.workload.takeSent())).toEqual([1, 2]);
  });

  test('a peer that never comes: packets expire, then session, SPIs and slots are gone', async () => {
    const a = await net.start(1, [2], { limits: { missedPacketTtlMs: 1000 } });
    net.send(a, 2, [1, 2]);
    await net.run(60_000);
    const view = a.gateway.view();
    expect(view).toMatchObject({ keySlotsUsed: 0, sessions: [], spisRetiring: 0 });
    expect(view.slowPath.expired).toBe(2);
    // Each attempt opened an SPI, and each was closed again.
    const opened = a.events.filter(({ type }) => type === 'ingress-opened').length;
    expect(opened).toBeGreaterThan(1);
    expect(a.events.filter(({ type }) => type === 'spi-closed')).toHaveLength(opened);
  });

  test('a dead peer stalls nobody', async () => {
    const a = await net.start(1, [2, 3]);
    const c = await net.start(3, [1]);
    // Node 2 takes requests and never answers.
    await net.network.transport({
      host: a.gateway.serviceAddress!.host.replace('.1', '.2') as never,
      port: 3000,
    });
    net.network.fate = (_, to) => (to.host.endsWith('.2') ? { delayMs: 1, lost: 'request' } : { delayMs: 1 });
    net.send(a, 2, [1]);
    await net.run(10);
    net.send(a, 3, [2]);
    await net.run(20);
    expect(idsOf(c.workload.takeSent())).toEqual([2]);
  });

  test('slots come back when a session is removed', async () => {
    const a = await net.start(1, [2], { maxTunnels: 1 });
    const b = await net.start(2, [1]);
    net.send(a, 2, [1], 4);
    await net.run(50);
    net.send(a, 2, [2], 6);
    await net.run(50);
    expect(a.gateway.view().slowPath.noSession).toBe(1);
    expect(await a.gateway.removeSession(vip(1), vip(2))).toBe(true);
    expect(a.gateway.view()).toMatchObject({ keySlotsUsed: 0, sessions: [] });
    net.send(a, 2, [3], 6);
    await net.run(50);
    expect(idsOf(b.workload.takeSent())).toEqual([1, 3]);
  });

  test('a response that is lost leaves a tunnel that the next attempt completes', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1]);
    let rpcs = 0;
    net.network.fate = () => (rpcs++ === 0 ? { delayMs: 1, lost: 'response' } : { delayMs: 1 });
    net.send(a, 2, [1, 2, 3]);
    await net.run(10_000);
    expect(idsOf(b.workload.takeSent())).toEqual([1, 2, 3]);
    net.send(b, 1, [4]);
    await net.run(50);
    expect(idsOf(a.workload.takeSent())).toEqual([4]);
    await net.run(60_000);
    for (const node of [a, b]) {
      expect(node.gateway.view().sessions[0]!.ingressSpis).toHaveLength(1);
      expect(node.gateway.view().keySlotsUsed).toBe(1);
    }
  });
});

describe('both sides', () => {
  test('a concurrent miss and request for one pair make one session, and all packets arrive', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1]);
    net.send(a, 2, numbers(5));
    net.send(b, 1, numbers(5, 100));
    await net.run(100);
    expect(idsOf(b.workload.takeSent())).toEqual(numbers(5));
    expect(idsOf(a.workload.takeSent())).toEqual(numbers(5, 100));
    for (const node of [a, b]) expect(node.gateway.view()).toMatchObject({ sessions: [{}], keySlotsUsed: 1 });
    await net.run(120_000);
    net.send(a, 2, [50]);
    net.send(b, 1, [150]);
    await net.run(50);
    expect(idsOf(b.workload.takeSent())).toEqual([50]);
    expect(idsOf(a.workload.takeSent())).toEqual([150]);
  });

  test.each(['the asking', 'the asked'])(
    'after %s side restarts traffic comes back by itself',
    async (which) => {
      let a = await net.start(1, [2]);
      let b = await net.start(2, [1]);
      net.send(a, 2, [1]);
      await net.run(100);
      if (which === 'the asking') {
        await net.stop(a);
        a = await net.start(1, [2]);
      } else {
        await net.stop(b);
        b = await net.start(2, [1]);
      }
      // Whoever did not restart goes on sending under what it knew.
      const [sender, receiver] = which === 'the asking' ? [b, a] : [a, b];
      for (const id of numbers(40)) {
        net.send(sender, receiver.number, [id]);
        await net.run(200);
      }
      const ids = idsOf(receiver.workload.takeSent());
      expect(ids.at(-1)).toBe(39);
      net.send(receiver, sender.number, [77]);
      await net.run(100);
      expect(idsOf(sender.workload.takeSent())).toContain(77);
    },
  );
});

describe('rotation', () => {
  test('of the master key under traffic loses no packet, and closes the old SPIs', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1]);
    net.send(a, 2, [0]);
    await net.run(50);
    const before = b.gateway.view().sessions[0]!.ingressSpis;
    for (let id = 1; id <= 300; id++) {
      if (id === 100) void b.gateway.rotateMasterKey(true);
      if (id === 200) void a.gateway.rotateMasterKey(true);
      net.send(a, 2, [id]);
      net.send(b, 1, [1000 + id]);
      await net.run(1);
    }
    await net.run(60_000);
    expect(idsOf(b.workload.takeSent())).toEqual(numbers(301));
    expect(idsOf(a.workload.takeSent())).toEqual(numbers(300, 1001));
    const after = b.gateway.view().sessions[0]!.ingressSpis;
    expect(after).toHaveLength(1);
    expect(after).not.toEqual(before);
  });

  test('twice without new keys for peers still loses nothing: what would be evicted is re-keyed first', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1]);
    net.send(a, 2, [0]);
    await net.run(50);
    for (let id = 1; id <= 5; id++) {
      await Promise.all([b.gateway.rotateMasterKey(false), net.run(2 * LIMITS.rekeyGraceMs + 2000)]);
      net.send(a, 2, [id]);
      await net.run(50);
    }
    expect(idsOf(b.workload.takeSent())).toEqual(numbers(6));
  });
});

describe('who may ask for what', () => {
  test('a peer cannot have a tunnel for an address that it does not own', async () => {
    const a = await net.start(1, [2, 3]);
    const mallory = await net.start(3, [1]);
    // Node 3 pretends that its workload has node 2's address.
    mallory.workload.inject([]);
    const client = net.network.transport(mallory.service);
    const { encodeMultiTunnelRequest } = await import('../../../src/gateway/rpc/tunnel-messages.js');
    const request = encodeMultiTunnelRequest('3.x', {
      requestId: 1n,
      versionsAccepted: [1],
      tunnels: [{ virtSource: vip(2), virtDestination: vip(1), reverse: undefined }],
    });
    const call = client.call(a.service, 'RequestMultipleTunnelParams', request, { deadlineMs: 1000 });
    const outcome = call.then(
      () => 'OK',
      (error: unknown) => (error as RpcError).code,
    );
    await net.run(100);
    expect(await outcome).toBe('PERMISSION_DENIED');
    expect(a.gateway.view()).toMatchObject({
      sessions: [],
      keySlotsUsed: 0,
      refused: { PERMISSION_DENIED: 1 },
    });
  });
});

test('stop closes everything and leaves no timer that does anything', async () => {
  const a = await net.start(1, [2]);
  const b = await net.start(2, [1]);
  net.send(a, 2, [1]);
  await net.run(50);
  await net.stop(a);
  await net.stop(b);
  const frames = net.wire.length;
  await net.run(60_000);
  expect(net.wire.length).toBe(frames);
  expect(() => a.hal.transmit([])).toThrow(/SHUTDOWN/);
  expect(UPLINK_PORT).toBe(0);
});
