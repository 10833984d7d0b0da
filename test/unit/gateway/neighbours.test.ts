/** What users of other gateways and VPNs have suffered, each as a test of its own name. docs/testing.md has the whole list. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sleep } from '../../../src/base/clock.js';
import {
  decodeMultiTunnelResponse,
  encodeMultiTunnelRequest,
} from '../../../src/gateway/rpc/tunnel-messages.js';
import { delegateHal } from '../../../src/hal/delegate.js';
import type { EntryOperation, PipeHal } from '../../../src/hal/hal.js';
import { parseIp } from '../../../src/packet/address.js';
import { contains } from '../../../src/verify/inner-packets.js';
import { idsOf, likeDoca, TestNetwork, type TestNode, vip } from '../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const pair = (from: number, to: number) => ({ localVip: vip(from), remoteVip: vip(to) });

/** Sends a packet each way in each of `count` milliseconds, while `work` goes on; gives what has come. */
async function underTraffic(a: TestNode, b: TestNode, count: number, work: () => unknown) {
  for (const id of numbers(count)) {
    net.send(a, b.number, [id]);
    net.send(b, a.number, [id]);
    if (id === Math.floor(count / 4)) void work();
    await net.run(1);
  }
  await net.run(3000);
  return [idsOf(a.workload.takeSent()), idsOf(b.workload.takeSent())];
}

const expectNothingInClear = () => {
  for (const frame of net.wire) expect(contains(frame, new Uint8Array(16).fill(0x77))).toBe(false);
};

async function connected(a: TestNode, b: TestNode): Promise<void> {
  await Promise.all([a.gateway.connect([pair(a.number, b.number)]), net.run(3000)]);
  expect(a.gateway.view().sessions).toHaveLength(1);
}

/** A device that takes so long for entries; `done` hears of those that are there. */
const slowly =
  (delayMs: number, done: (operations: readonly EntryOperation[]) => void = () => {}) =>
  (hal: PipeHal): PipeHal =>
    delegateHal(hal, {
      apply: async (operations) => {
        await sleep(net.clock, delayMs);
        const results = await hal.apply(operations);
        done(operations);
        return results;
      },
    });

test('receive state before the SPI is told: with a slow installer no packet comes before its entry', async () => {
  // The other one is quick: it sends under an SPI as soon as it is told of it.
  const [a, b] = await Promise.all([
    net.start(1, [2], { wrapHal: slowly(40) }),
    net.start(2, [1]),
    net.run(1000),
  ]);
  await connected(a, b);
  const [atA, atB] = await underTraffic(a, b, 200, async () => {
    await a.gateway.rekey();
    await b.gateway.rekey();
  });
  expect([atA, atB]).toEqual([numbers(200), numbers(200)]);
  expectNothingInClear();
});

test('receive state before the SPI is told: a thousand nodes that ask at once, of a slow installer, are told of entries that are there', async () => {
  const nodes = numbers(999).map((n) => ({
    service: { host: parseIp(`10.1.${n >> 8}.${n & 0xff}`), port: 3000 },
    vip: parseIp(`10.2.${n >> 8}.${n & 0xff}`),
  }));
  const installed = new Set<unknown>();
  const starting = net.start(1, [], {
    peers: nodes.map(({ service, vip: virtualIp }) => ({ serviceAddress: service, virtualIps: [virtualIp] })),
    maxTunnels: 1024,
    keySlots: 4096,
    wrapHal: slowly(20, (operations) => {
      for (const one of operations)
        if (one.operation === 'add') installed.add(one.entry.match?.['tun.psp.spi']);
    }),
  });
  const [hub] = await Promise.all([starting, net.run(1000)]);
  const told = new Set<number>();
  const early: number[] = [];
  const asked = nodes.map(async ({ service, vip: virtualIp }) => {
    const request = encodeMultiTunnelRequest('3.x', {
      requestId: 1n,
      versionsAccepted: [1],
      tunnels: [{ virtSource: virtualIp, virtDestination: vip(1), reverse: undefined }],
    });
    const answer = await net.network
      .transport(service)
      .call(hub.service, 'RequestMultipleTunnelParams', request, { deadlineMs: 60_000 });
    for (const { spi } of decodeMultiTunnelResponse(answer, 1)) {
      told.add(spi);
      if (!installed.has(spi)) early.push(spi);
    }
  });
  await Promise.all([...asked, net.run(60_000)]);
  expect([told.size, early]).toEqual([nodes.length, []]);
});

test('re-keys that collide: both sides ask at the same moment, again and again, and no packet is lost', async () => {
  const a = await net.start(1, [2]);
  const b = await net.start(2, [1]);
  await connected(a, b);
  const [atA, atB] = await underTraffic(a, b, 200, () => {
    for (const _ of numbers(3)) {
      void a.gateway.rekey();
      void b.gateway.rekey();
    }
  });
  expect([atA, atB]).toEqual([numbers(200), numbers(200)]);
  const way = (node: TestNode) => node.gateway.view().sessions[0]!;
  expect(way(b).ingressSpis).toContain(way(a).egressSpi);
  expect(way(a).ingressSpis).toContain(way(b).egressSpi);
  expectNothingInClear();
});

test('rotation with mixed versions of peers: one that does not know our own RPCs loses no packet', async () => {
  const a = await net.start(1, [2]);
  const b = await net.start(2, [1], { wrapTransport: likeDoca });
  await connected(a, b);
  const [atA, atB] = await underTraffic(a, b, 400, async () => {
    await Promise.all([a.gateway.rotateMasterKey(true), b.gateway.rotateMasterKey(true)]);
    await Promise.all([a.gateway.rotateMasterKey(true), b.gateway.rotateMasterKey(true)]);
  });
  expect([atA, atB]).toEqual([numbers(400), numbers(400)]);
  expectNothingInClear();
});
