/** Tunnels of every kind: outer family, mode, PSP version, cookies, sampling, ACL. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ControlTransport } from '../../../src/gateway/rpc/transport.js';
import {
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
  encodeMultiTunnelResponse,
  type TunnelParameters,
} from '../../../src/gateway/rpc/tunnel-messages.js';
import { contains, frameOf } from '../../../src/verify/inner-packets.js';
import { idsOf, packetBetween, TestNetwork } from '../../support/gateways.js';
import { expectSumsLikeDevice } from '../../support/summed-counters.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const PLAINTEXT = new Uint8Array(16).fill(0x77);
/** A transport whose peers' answers are changed on the way. */
const changeAnswers =
  (change: (parameters: TunnelParameters) => TunnelParameters) =>
  (transport: ControlTransport): ControlTransport => ({
    ...transport,
    call: async (...args) => {
      const { requestId } = decodeMultiTunnelRequest(args[2]);
      const answers = decodeMultiTunnelResponse(await transport.call(...args), 1, requestId);
      return encodeMultiTunnelResponse(requestId, answers.map(change));
    },
  });

describe('every kind of tunnel carries both families both ways, and nothing in clear', () => {
  test.each([
    ['outer IPv4', { outerFamily: 4 as const }],
    ['cookies', { cookies: true }],
    ['cookies over IPv4', { cookies: true, outerFamily: 4 as const }],
    ['PSP version 0', { pspVersion: 0 as const }],
    ['transport mode', { mode: 'transport' as const }],
    ['transport mode with cookies', { mode: 'transport' as const, cookies: true }],
    ['ingress ACL off', { ingressAcl: false }],
    ['sampling', { sampleRateLog2: 1 }],
    ['sampling that keeps the order', { sampleRateLog2: 2, maintainOrder: true }],
    ['a crypt offset of 0', { cryptOffsetWords: 0 }],
  ])('%s', async (_, options) => {
    const a = await net.start(1, [2], options);
    const b = await net.start(2, [1], options);
    // In transport mode nobody answers ARP for the underlay: frames carry the peer's own MAC.
    const toPeer = (from: number, to: number, id: number, family: 4 | 6) => {
      const frame = frameOf(packetBetween(from, to, id, family));
      if ('mode' in options && options.mode === 'transport') frame.set([2, 0, 0, 0, 1, to]);
      return frame;
    };
    for (const family of [4, 6] as const) {
      a.workload.inject(numbers(30).map((id) => toPeer(1, 2, id, family)));
      await net.run(100);
      expect(idsOf(b.workload.takeSent())).toEqual(numbers(30));
      b.workload.inject(numbers(30, 100).map((id) => toPeer(2, 1, id, family)));
      await net.run(100);
      expect(idsOf(a.workload.takeSent())).toEqual(numbers(30, 100));
    }
    expect(net.wire.length).toBeGreaterThanOrEqual(2 * 2 * 30);
    for (const frame of net.wire) expect(contains(frame, PLAINTEXT)).toBe(false);
    for (const node of [a, b]) await expectSumsLikeDevice(node);
    if ('sampleRateLog2' in options) {
      const { slowPath } = a.gateway.view();
      expect(slowPath.sampledEgress).toBeGreaterThan(0);
      expect(b.gateway.view().slowPath.sampledIngress).toBe(slowPath.sampledEgress);
    }
  });
});

describe('cookies', () => {
  const COOKIE_OFFSET = 14 + 40 + 8 + 16;

  test('every tunnel has one of its own, each way', async () => {
    const a = await net.start(1, [2], { cookies: true });
    const b = await net.start(2, [1], { cookies: true });
    for (const family of [4, 6] as const) {
      net.send(a, 2, [1], family);
      await net.run(50);
      net.send(b, 1, [2], family);
      await net.run(50);
    }
    const cookies = net.wire.map((frame) =>
      Buffer.from(frame.subarray(COOKIE_OFFSET, COOKIE_OFFSET + 8)).toString('hex'),
    );
    expect(new Set(cookies).size).toBe(4);
    expect(cookies).not.toContain('0000000000000000');
  });

  test('a packet with another cookie than its tunnel has is dropped, although it authenticates', async () => {
    const a = await net.start(1, [2], {
      cookies: true,
      wrapTransport: changeAnswers((parameters) => ({ ...parameters, cookie: parameters.cookie ^ 1n })),
    });
    const b = await net.start(2, [1], { cookies: true });
    net.send(a, 2, [1]);
    await net.run(50);
    expect(net.wire).toHaveLength(1);
    expect(b.workload.takeSent()).toEqual([]);
    expect(await b.hal.statistics()).toMatchObject({ rxPackets: 1n, rxAuthFail: 0n });
  });

  test('a peer that wants one is refused without --cookie, but not the one that DOCA always announces', async () => {
    const b = await net.start(2, [1]);
    let cookie = 0x1234n;
    const a = await net.start(1, [2], {
      wrapTransport: changeAnswers((parameters) => ({ ...parameters, cookie })),
    });
    net.send(a, 2, [1]);
    await net.run(50);
    expect(net.wire).toEqual([]);
    expect(a.gateway.view().sessions).toMatchObject([{ state: 'backing-off' }]);
    cookie = 0x778899aabbccddeen;
    await net.run(5000);
    expect(idsOf(b.workload.takeSent())).toEqual([1]);
  });
});
