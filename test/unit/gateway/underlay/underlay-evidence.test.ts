/** What proves where a peer is, and what waits for it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
  encodeMultiTunnelResponse,
} from '../../../../src/gateway/rpc/tunnel-messages.js';
import { UNCONFIRMED_HOLD_MS } from '../../../../src/gateway/underlay/underlay-addresses.js';
import { HELD_PACKETS_AT_ONCE } from '../../../../src/gateway/underlay/underlay-hold.js';
import { delegateHal } from '../../../../src/hal/delegate.js';
import { HalError } from '../../../../src/hal/errors.js';
import type { EntryOperation, EntryResult, PipeHal } from '../../../../src/hal/hal.js';
import type { IpAddress } from '../../../../src/packet/address.js';
import { parsePrefix } from '../../../../src/packet/prefix.js';
import { idsOf, type NodeOptions, TestNetwork, type TestNode, vip } from '../../../support/gateways.js';
import { expectSumsLikeDevice } from '../../../support/summed-counters.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const underlayOf = (node: TestNode) => node.gateway.view().peers.map(({ underlay }) => underlay);
const provedLines = (node: TestNode) =>
  node.logs.filter(({ message }) => message === "a peer's underlay address is proved");

async function pair(options: NodeOptions = {}): Promise<[TestNode, TestNode]> {
  return [await net.start(1, [2], options), await net.start(2, [1])];
}

/** Frames of the underlay from one address to node 1, with another outer source. */
function resourced(frames: readonly Uint8Array[], source: number): Uint8Array[] {
  return frames.map((frame) => {
    const copy = frame.slice();
    copy[14 + 8 + 15] = source;
    return copy;
  });
}

describe.each([
  ['IPv6', 6],
  ['IPv4', 4],
] as const)('over %s', (_, outerFamily) => {
  test('an address is a claim until an authenticated packet has come from it', async () => {
    const [a, b] = [await net.start(1, [2], { outerFamily }), await net.start(2, [1], { outerFamily })];
    net.send(a, 2, [1]);
    await net.run(5000);
    const address = outerFamily === 6 ? '2001:db8::2' : '203.0.113.2';
    expect(underlayOf(a)).toEqual([[{ address, origin: 'learnt', confirmed: false }]]);
    expect(provedLines(a)).toEqual([]);
    expect(a.gateway.view().underlay.watched).toBe(1);
    // B has got one, and so knows where A is.
    expect(underlayOf(b)[0]![0]!.confirmed).toBe(true);
    net.send(b, 1, [2]);
    await net.run(2000);
    expect(underlayOf(a)).toEqual([[{ address, origin: 'learnt', confirmed: true }]]);
    expect(provedLines(a)).toHaveLength(1);
    // Nothing is left of it in the device, and a re-key begins nothing anew.
    expect(a.gateway.view().underlay).toMatchObject({ watched: 0, watchRefused: 0 });
    await Promise.all([a.gateway.rekey(), net.run(2000)]);
    expect(a.gateway.view().underlay.watched).toBe(0);
    expect((await a.hal.counters([{ pipe: 'UNDERLAY_SEEN', total: true }]))[0]!.packets).toBe(1n);
  });
});

test('a packet from elsewhere, a forged one, or one that is not authenticated proves nothing', async () => {
  const [a, b] = await pair();
  net.send(a, 2, [1]);
  await net.run(50);
  net.lose = () => true;
  net.wire.length = 0;
  net.send(b, 1, [2]);
  await net.run(50);
  const [genuine] = net.wire;
  const damaged = genuine!.slice();
  damaged[damaged.length - 20]! ^= 1;
  net.arrive(a, [...resourced([genuine!], 9), damaged]);
  await net.run(3000);
  expect(idsOf(a.workload.takeSent())).toEqual([2]);
  expect(underlayOf(a)[0]![0]!.confirmed).toBe(false);
  net.arrive(a, [genuine!]);
  await net.run(3000);
  expect(underlayOf(a)[0]![0]!.confirmed).toBe(true);
});

test('what another peer sends from there proves nothing for this one', async () => {
  const a = await net.start(1, [2, 3]);
  const b = await net.start(2, [1]);
  const c = await net.start(3, [1]);
  net.send(a, 2, [1]);
  net.send(a, 3, [2]);
  await net.run(50);
  net.lose = () => true;
  net.wire.length = 0;
  net.send(c, 1, [3]);
  await net.run(50);
  // C's own packet, from B's address.
  net.arrive(a, resourced(net.wire, 2));
  await net.run(3000);
  expect(underlayOf(a).map(([one]) => one!.confirmed)).toEqual([false, false]);
  expect(b.gateway.view().sessions).toHaveLength(1);
});

test('nor does it when the other one had claimed that address, which was given to this one since', async () => {
  const a = await net.start(1, [2, 3], {
    // C's answers name B's address.
    wrapTransport: (transport) => ({
      ...transport,
      call: async (...args) => {
        const [{ host }, method, request] = args;
        const response = await transport.call(...args);
        if (host !== '10.0.0.3' || method === 'Announce') return response;
        const { requestId } = decodeMultiTunnelRequest(request);
        const answers = decodeMultiTunnelResponse(response, 1, requestId);
        const claimed = answers.map((one) => ({ ...one, underlayIp: '2001:db8::2' as IpAddress }));
        return encodeMultiTunnelResponse(requestId, claimed);
      },
    }),
  });
  const b = await net.start(2, [1]);
  const c = await net.start(3, [1]);
  net.send(a, 3, [1]);
  await net.run(UNCONFIRMED_HOLD_MS + 1000);
  net.send(a, 2, [2]);
  await net.run(50);
  const claim = { address: '2001:db8::2', origin: 'learnt', confirmed: false };
  expect(underlayOf(a)).toEqual([[claim], []]);
  net.lose = () => true;
  net.wire.length = 0;
  net.send(c, 1, [3]);
  await net.run(50);
  net.arrive(a, resourced(net.wire, 2));
  await net.run(3000);
  expect(idsOf(a.workload.takeSent())).toEqual([3]);
  expect(underlayOf(a)).toEqual([[claim], []]);
  net.lose = () => false;
  net.send(b, 1, [4]);
  await net.run(3000);
  expect(underlayOf(a)).toEqual([[{ ...claim, confirmed: true }], []]);
});

test('of several peers only the one whose packet came has proved its address', async () => {
  const a = await net.start(1, [2, 3]);
  const b = await net.start(2, [1]);
  await net.start(3, [1]);
  net.send(a, 2, [1]);
  net.send(a, 3, [2]);
  await net.run(50);
  net.send(b, 1, [3]);
  await net.run(3000);
  expect(underlayOf(a).map(([one]) => one!.confirmed)).toEqual([true, false]);
  expect(a.gateway.view().underlay.watched).toBe(1);
});

test('a change of the address has to be proved anew, and closed SPIs are not watched', async () => {
  const [a] = await pair();
  net.send(a, 2, [1]);
  await net.run(50);
  await Promise.all([a.gateway.rekey(), net.run(500)]);
  expect(a.gateway.view().underlay.watched).toBe(2);
  await net.run(20_000);
  expect(a.gateway.view().underlay.watched).toBe(1);
  await Promise.all([a.gateway.removeSession(vip(1), vip(2)), net.run(500)]);
  expect(a.gateway.view().underlay.watched).toBe(0);
});

test('a device that has no room for it holds up no tunnel; the address stays a claim, and that is counted', async () => {
  const wrapHal = (hal: PipeHal) =>
    delegateHal(hal, {
      apply: async (operations: readonly EntryOperation[]) => {
        const results: EntryResult[] = [];
        for (const one of operations) {
          const watches = one.operation === 'add' && one.pipe === 'UNDERLAY_SEEN';
          results.push(watches ? { error: new HalError('FULL', 'no room') } : (await hal.apply([one]))[0]!);
        }
        return results;
      },
    });
  const [a, b] = await pair({ wrapHal });
  net.send(a, 2, [1]);
  await net.run(50);
  net.send(b, 1, [2]);
  await net.run(2000);
  expect([idsOf(b.workload.takeSent()), idsOf(a.workload.takeSent())]).toEqual([[1], [2]]);
  expect(underlayOf(a)[0]![0]!.confirmed).toBe(false);
  expect(a.gateway.view().underlay.watchRefused).toBe(1);
});

describe('--confirm-underlay', () => {
  const HOLD: NodeOptions = { confirmUnderlay: true };

  test('holds all but so many packets back until the address is proved, then nothing', async () => {
    const [a, b] = await pair(HOLD);
    for (const at of numbers(20)) {
      net.send(a, 2, numbers(20, 20 * at));
      await net.run(10);
    }
    expect(idsOf(b.workload.takeSent())).toEqual(numbers(HELD_PACKETS_AT_ONCE));
    expect(a.gateway.view().underlay.heldPassed).toBe(HELD_PACKETS_AT_ONCE);
    net.send(b, 1, [1000]);
    await net.run(300);
    // What waited goes: as many as may wait for one session.
    expect(idsOf(b.workload.takeSent())).toEqual(numbers(64, HELD_PACKETS_AT_ONCE));
    const { misses } = a.gateway.view().slowPath;
    net.send(a, 2, numbers(500, 2000));
    await net.run(50);
    expect(idsOf(b.workload.takeSent())).toEqual(numbers(500, 2000));
    expect(a.gateway.view().slowPath.misses).toBe(misses);
    for (const node of [a, b]) await expectSumsLikeDevice(node);
  });

  test('lets one through now and then, so that lost packets are not the end', async () => {
    const [a, b] = await pair(HOLD);
    net.lose = () => true;
    for (const id of numbers(40)) {
      net.send(a, 2, [id]);
      await net.run(10);
    }
    net.lose = () => false;
    for (const id of numbers(32, 100)) {
      net.send(a, 2, [id]);
      await net.run(1000);
    }
    expect(idsOf(b.workload.takeSent())).toHaveLength(3);
  });

  test('lets one through now and then also while more come than may wait', async () => {
    const [a, b] = await pair(HOLD);
    net.lose = () => true;
    net.send(a, 2, numbers(200));
    await net.run(10);
    net.lose = () => false;
    for (const second of numbers(32)) {
      net.send(a, 2, numbers(100, 1000 * (second + 1)));
      await net.run(1000);
    }
    expect(idsOf(b.workload.takeSent())).toHaveLength(3);
    expect(a.gateway.view().underlay.heldPassed).toBe(HELD_PACKETS_AT_ONCE + 3);
  });

  test.each([4, 6] as const)(
    'both ways at once, and while keys change, nothing is lost or sent twice, IPv%i',
    async (family) => {
      const [a, b] = [await net.start(1, [2], { ...HOLD, sampleRateLog2: 2 }), await net.start(2, [1], HOLD)];
      net.send(a, 2, [1], family);
      await net.run(20);
      await Promise.all([a.gateway.rekey(), net.run(200)]);
      net.send(a, 2, [2], family);
      await net.run(20);
      net.send(b, 1, [3], family);
      await net.run(500);
      await Promise.all([b.gateway.rekey(), net.run(500)]);
      net.send(a, 2, [4], family);
      net.send(b, 1, [5], family);
      await net.run(500);
      expect(idsOf(b.workload.takeSent())).toEqual([1, 2, 4]);
      expect(idsOf(a.workload.takeSent())).toEqual([3, 5]);
      for (const node of [a, b]) {
        const { sessions, keySlotsUsed, underlay, entriesLeft } = node.gateway.view();
        expect({ sessions: sessions.length, keySlotsUsed, watched: underlay.watched, entriesLeft }).toEqual({
          sessions: 1,
          keySlotsUsed: 1,
          watched: 0,
          entriesLeft: 0,
        });
      }
    },
  );

  test('asks for no proof of what is configured, so that one-way traffic goes on', async () => {
    const underlay = [parsePrefix('2001:db8::2')];
    const peers = [
      { serviceAddress: { host: '10.0.0.2' as IpAddress, port: 3000 }, virtualIps: [vip(2)], underlay },
    ];
    const a = await net.start(1, [], { ...HOLD, peers });
    const b = await net.start(2, [1]);
    net.send(a, 2, [0]);
    await net.run(50);
    net.send(a, 2, numbers(200, 1));
    await net.run(50);
    expect(idsOf(b.workload.takeSent())).toEqual(numbers(201));
    expect(a.gateway.view().underlay).toMatchObject({ heldPassed: 0, watched: 0 });
  });

  test('a peer that names one address after the other gets no more packets for it', async () => {
    const [a, b] = await pair(HOLD);
    net.send(a, 2, numbers(30));
    await net.run(50);
    for (const at of numbers(5)) {
      await Promise.all([b.gateway.rekey(), net.run(200)]);
      net.send(a, 2, numbers(30, 100 * (at + 1)));
      await net.run(50);
    }
    expect(a.gateway.view().underlay.heldPassed).toBe(HELD_PACKETS_AT_ONCE);
    await Promise.all([a.gateway.removeSession(vip(1), vip(2)), net.run(500)]);
    expect(a.gateway.view()).toMatchObject({ sessions: [], keySlotsUsed: 0, entriesLeft: 0 });
  });
});
