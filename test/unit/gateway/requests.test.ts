/** What a gateway grants to those who ask it over the network, and what it refuses. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RpcError } from '../../../src/gateway/rpc/transport.js';
import {
  encodeKeyRotationRequest,
  encodeNewTunnelRequest,
} from '../../../src/gateway/rpc/tunnel-messages.js';
import { type AskedPair, askAsPeer } from '../../support/ask-as-peer.js';
import { idsOf, LIMITS, TestNetwork, type TestNode, vip } from '../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

/** Sends a request as peer 2 and gives the status. */
const askAsPeer2 = (to: TestNode, pairs: readonly AskedPair[], versionsAccepted?: readonly number[]) =>
  askAsPeer(net, 2, to, pairs, versionsAccepted);

describe('the service', () => {
  const outcome = (call: Promise<unknown>) =>
    call.then(
      () => 'OK',
      (error: unknown) => (error as RpcError).code,
    );

  test('RequestKeyRotation with issue_new_keys re-keys; without, keys stay; strangers and haste are refused', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1]);
    net.send(a, 2, [1]);
    await net.run(50);
    const spis = () => b.gateway.view().sessions[0]!.ingressSpis;
    const before = spis();
    const client = net.network.transport(a.service);
    const rotate = async (from: typeof client, issueNewKeys: boolean) => {
      const request = encodeKeyRotationRequest(1n, issueNewKeys);
      const code = outcome(from.call(b.service, 'RequestKeyRotation', request, { deadlineMs: 1000 }));
      await net.run(500);
      return code;
    };
    expect(await rotate(net.network.transport({ host: '10.9.9.9' as never, port: 1 }), true)).toBe(
      'PERMISSION_DENIED',
    );
    expect(b.gateway.view().rotations).toBe(0);
    expect(await rotate(client, false)).toBe('OK');
    expect(spis()).toEqual(before);
    expect(await rotate(client, true)).toBe('RESOURCE_EXHAUSTED');
    await net.run(11_000);
    // The session has a key that would end: it gets another, and the grace of the old one must be over.
    expect(await rotate(client, true)).toBe('FAILED_PRECONDITION');
    await net.run(2 * LIMITS.rekeyGraceMs + 500);
    expect(spis()).toHaveLength(1);
    expect(spis()).not.toEqual(before);
    expect(await rotate(client, true)).toBe('OK');
    expect(b.gateway.view().rotations).toBe(2);
    await net.run(30_000);
    expect(spis()).toHaveLength(1);
    expect(b.gateway.view().spisOfFormerKey).toBe(0);
  });

  test('SetOpState and GetOpState answer UNIMPLEMENTED', async () => {
    const a = await net.start(1, [2]);
    const client = net.network.transport({ host: '10.0.0.2' as never, port: 3000 });
    for (const method of ['SetOpState', 'GetOpState'] as const) {
      const code = outcome(client.call(a.service, method, new Uint8Array(0), { deadlineMs: 100 }));
      await net.run(50);
      expect(await code).toBe('UNIMPLEMENTED');
    }
  });

  test('a tunnel to an address that is not behind the gateway is refused', async () => {
    const a = await net.start(1, [2]);
    const client = net.network.transport({ host: '10.0.0.2' as never, port: 3000 });
    const tunnel = { virtSource: vip(2), virtDestination: vip(9), reverse: undefined };
    const request = encodeNewTunnelRequest(1n, [1], tunnel);
    const code = outcome(client.call(a.service, 'RequestTunnelParams', request, { deadlineMs: 100 }));
    await net.run(50);
    expect(await code).toBe('PERMISSION_DENIED');
    expect(a.gateway.view().sessions).toEqual([]);
  });
});

describe('tunnels that are asked for', () => {
  test('a second request for a pair replaces the first, in one session', async () => {
    const a = await net.start(1, [2]);
    for (let i = 0; i < 5; i++) expect(await askAsPeer2(a, [[vip(2), vip(1)]])).toBe('OK');
    expect(a.gateway.view().sessions).toHaveLength(1);
    await net.run(60_000);
    expect(a.gateway.view().sessions[0]!.ingressSpis).toEqual([5]);
  });

  test('a peer gets so many tunnels per second, and others are not touched by it', async () => {
    // At once it may ask twice for all tunnels that there can be.
    const a = await net.start(1, [2, 3], { maxTunnels: 2, limits: { tunnelsPerPeerPerSecond: 2 } });
    const c = await net.start(3, [1]);
    for (let i = 0; i < 4; i++) expect(await askAsPeer2(a, [[vip(2), vip(1)]])).toBe('OK');
    expect(await askAsPeer2(a, [[vip(2), vip(1)]])).toBe('RESOURCE_EXHAUSTED');
    net.send(c, 1, [1]);
    await net.run(50);
    expect(idsOf(a.workload.takeSent())).toEqual([1]);
    await net.run(1000);
    expect(await askAsPeer2(a, [[vip(2), vip(1)]])).toBe('OK');
  });

  test('a request for too many tunnels, for one pair twice, for none or for unknown versions changes nothing', async () => {
    const a = await net.start(1, [2], { limits: { tunnelsPerRequest: 2 } });
    const pair = [vip(2), vip(1)] as const;
    expect(await askAsPeer2(a, [pair, [vip(2, 6), vip(1, 6)], pair])).toBe('RESOURCE_EXHAUSTED');
    expect(await askAsPeer2(a, [pair, pair])).toBe('INVALID_ARGUMENT');
    expect(await askAsPeer2(a, [])).toBe('INVALID_ARGUMENT');
    expect(await askAsPeer2(a, [pair], [2, 3])).toBe('INVALID_ARGUMENT');
    expect(a.gateway.view()).toMatchObject({
      sessions: [],
      keySlotsUsed: 0,
      refused: { RESOURCE_EXHAUSTED: 1, INVALID_ARGUMENT: 3 },
    });
    expect(await askAsPeer2(a, [pair], [3, 0, 1])).toBe('OK');
  });
});
