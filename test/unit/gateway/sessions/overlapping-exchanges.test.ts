/** Exchanges of two gateways that overlap, are lost half way, or are repeated: no packet is lost, and nothing is left behind. */

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RpcFate } from '../../../../src/gateway/rpc/memory-transport.js';
import { type ControlTransport, RpcError } from '../../../../src/gateway/rpc/transport.js';
import { type AskedPair, askAsPeer } from '../../../support/ask-as-peer.js';
import { idsOf, TestNetwork, type TestNode, vip } from '../../../support/gateways.js';
import { HalLedger } from '../../../support/hal-ledger.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
/** Sends a request as peer 2 and gives the status. */
const askAsPeer2 = (to: TestNode, pairs: readonly AskedPair[], versionsAccepted?: readonly number[]) =>
  askAsPeer(net, 2, to, pairs, versionsAccepted);

describe('restarts', () => {
  test('a peer that restarts again and again takes one key slot, and its old SPIs are closed', async () => {
    const ledger = new HalLedger();
    const a = await net.start(1, [2], { wrapHal: (hal) => ledger.wrap(hal) });
    for (let life = 0; life < 10; life++) {
      const b = await net.start(2, [1]);
      net.send(b, 1, [life]);
      await net.run(200);
      await net.stop(b);
    }
    await net.run(60_000);
    expect(idsOf(a.workload.takeSent())).toEqual(numbers(10));
    expect(a.gateway.view()).toMatchObject({ keySlotsUsed: 1, spisRetiring: 0 });
    expect(a.gateway.view().sessions.flatMap(({ ingressSpis }) => ingressSpis)).toHaveLength(1);
    expect(ledger.entries.filter((pipe) => pipe.startsWith('INGR_ACL'))).toHaveLength(1);
    expect(ledger.entries.filter((pipe) => pipe.startsWith('EGR_ACL'))).toHaveLength(1);
    expect(ledger.keySlots).toHaveLength(1);
  });
});

describe('exchanges that overlap', () => {
  test('an SPI on offer stays open when a crossing request of the peer is answered first', async () => {
    const limits = { rekeyGraceMs: 20 };
    const a = await net.start(1, [2], { limits });
    const b = await net.start(2, [1], { limits });
    net.network.fate = () => ({ delayMs: 300 });
    net.send(a, 2, [0]);
    await net.run(5);
    net.send(b, 1, [0]);
    // The peer has our offer from 300 ms on; its own request gets here at 305 and its answer there at 605.
    for (let id = 1; id < 80; id++) {
      await net.run(10);
      net.send(b, 1, [id]);
    }
    await net.run(1000);
    expect(idsOf(a.workload.takeSent())).toEqual(numbers(80));
  });

  test('many re-keys at once lose no packet', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1]);
    net.send(b, 1, [0]);
    await net.run(50);
    net.network.fate = () => ({ delayMs: 50 });
    for (let i = 0; i < 12; i++) void a.gateway.rekey();
    for (let id = 1; id < 400; id++) {
      net.send(b, 1, [id]);
      await net.run(1);
    }
    expect(idsOf(a.workload.takeSent())).toEqual(numbers(400));
  });

  test('however many exchanges fail, and whichever half of them is lost, no packet is', async () => {
    const exchange = fc.record({
      asks: fc.constantFrom(1, 2),
      fate: fc.constantFrom<RpcFate>(
        { delayMs: 1 },
        { delayMs: 1, lost: 'request' },
        { delayMs: 1, lost: 'response' },
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(exchange, { maxLength: 20 }), async (exchanges) => {
        await net.stopAll();
        net = new TestNetwork();
        const limits = { rpcDeadlineMs: 20 };
        const nodes = [await net.start(1, [2], { limits }), await net.start(2, [1], { limits })] as const;
        const sendBoth = async (id: number) => {
          net.send(nodes[0], 2, [id]);
          net.send(nodes[1], 1, [id]);
          await net.run(5);
        };
        await sendBoth(0);
        for (const [i, { asks, fate }] of exchanges.entries()) {
          net.network.fate = () => fate;
          const pair = { localVip: vip(asks), remoteVip: vip(3 - asks) };
          const over = nodes[asks - 1]!.gateway.connectNow([pair]).catch(() => {});
          await net.run(25);
          await over;
          await sendBoth(i + 1);
        }
        for (const { workload } of nodes)
          expect(idsOf(workload.takeSent())).toEqual(numbers(exchanges.length + 1));
      }),
      { numRuns: 150 },
    );
  });

  /** Lets so many promise reactions run. */
  const turns = async (count: number) => {
    for (let i = 0; i < count; i++) await Promise.resolve();
  };

  test.each(numbers(24))(
    'a session removed %i steps into our exchange leaves nothing in the device',
    async (steps) => {
      const ledger = new HalLedger();
      const a = await net.start(1, [2], { wrapHal: (hal) => ledger.wrap(hal) });
      await net.start(2, [1]);
      const pair = { localVip: vip(1, 6), remoteVip: vip(2, 6) };
      net.send(a, 2, [1], 6);
      await net.run(50);
      const again = a.gateway.connectNow([pair]).catch(() => {});
      await turns(steps);
      const removed = a.gateway.removeSession(pair.localVip, pair.remoteVip);
      await net.run(100);
      await Promise.all([again, removed]);
      await a.gateway.removeSession(pair.localVip, pair.remoteVip);
      expect(a.gateway.view()).toMatchObject({ sessions: [], keySlotsUsed: 0 });
      expect(ledger.entries).toEqual([]);
      expect(ledger.keySlots).toEqual([]);
    },
  );

  test.each(numbers(24))(
    "a session removed %i steps into a peer's exchange leaves nothing in the device",
    async (steps) => {
      const ledger = new HalLedger();
      let armed = false;
      let removed: Promise<unknown> = Promise.resolve();
      const a: TestNode = await net.start(1, [2], {
        wrapHal: (hal) => ledger.wrap(hal),
        wrapTransport: (transport) => ({
          ...transport,
          listen: (address, handler, doorkeeper) =>
            transport.listen(
              address,
              (...request) => {
                const answer = handler(...request);
                if (armed) removed = turns(steps).then(() => a.gateway.removeSession(vip(1, 6), vip(2, 6)));
                return answer;
              },
              doorkeeper,
            ),
        }),
      });
      await net.start(2, [1]);
      net.send(a, 2, [1], 6);
      await net.run(50);
      armed = true;
      await askAsPeer2(a, [[vip(2, 6), vip(1, 6)]]);
      await removed;
      await a.gateway.removeSession(vip(1, 6), vip(2, 6));
      expect(a.gateway.view()).toMatchObject({ sessions: [], keySlotsUsed: 0 });
      expect(ledger.entries).toEqual([]);
      expect(ledger.keySlots).toEqual([]);
    },
  );
});

test('a peer that goes by an older answer than we think is asked anew before its SPI is closed', async () => {
  const a = await net.start(1, [2]);
  const b = await net.start(2, [1]);
  // Our first request reaches the peer after the second one, which has long been answered.
  let rpcs = 0;
  net.network.fate = () => (rpcs++ === 0 ? { delayMs: 4000 } : { delayMs: 0.5 });
  net.send(a, 2, [0]);
  const sent: number[] = [];
  for (let id = 1; id <= 120; id++) {
    net.send(b, 1, [id]);
    sent.push(id);
    await net.run(500);
  }
  expect(idsOf(a.workload.takeSent())).toEqual(sent);
  await net.run(60_000);
  expect(a.gateway.view()).toMatchObject({ spisRetiring: 0, keySlotsUsed: 1 });
});

test('an SPI that the peer may have taken stays open when the peer says that a session was removed meanwhile', async () => {
  let abort = false;
  const wrapTransport = (transport: ControlTransport): ControlTransport => ({
    ...transport,
    call: async (...args) => {
      const response = await transport.call(...args);
      if (abort) throw new RpcError('ABORTED', 'a session was removed in the meantime; ask again');
      return response;
    },
  });
  const a = await net.start(1, [2], { wrapTransport });
  const b = await net.start(2, [1]);
  net.send(a, 2, [0]);
  await net.run(50);
  abort = true;
  const rekeyed = a.gateway.rekey();
  const sent: number[] = [];
  for (let id = 1; id <= 500; id++) {
    net.send(b, 1, [id]);
    sent.push(id);
    await net.run(1);
    abort &&= b.gateway.view().peers[0]!.spisGiven < 2;
  }
  await net.run(5000);
  await rekeyed;
  expect(idsOf(a.workload.takeSent())).toEqual(sent);
});
