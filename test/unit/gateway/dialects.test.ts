/** Peers that speak the messages of other versions of DOCA's application. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RpcError } from '../../../src/gateway/rpc/transport.js';
import {
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
  decodeNewTunnelRequest,
  encodeMultiTunnelRequest,
  encodeMultiTunnelResponse,
  encodeNewTunnelRequest,
} from '../../../src/gateway/rpc/tunnel-messages.js';
import { idsOf, TestNetwork, vip } from '../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

describe('peers of other generations', () => {
  /** A peer that knows the singular RPC only, in front of a real gateway. */
  test('a peer of 2.7 answers UNIMPLEMENTED once, and is spoken to with RequestTunnelParams from then on', async () => {
    const a = await net.start(1, [2], { innerFamilies: [4, 6] });
    const methods: string[] = [];
    const b = await net.start(2, [1], {
      wrapTransport: (transport) => ({
        ...transport,
        listen: (address, handler, doorkeeper) =>
          transport.listen(
            address,
            (method, request, caller) => {
              if (method !== 'Announce') methods.push(method);
              if (method === 'RequestMultipleTunnelParams')
                throw new RpcError('UNIMPLEMENTED', 'no such RPC');
              return handler(method, request, caller);
            },
            doorkeeper,
          ),
      }),
    });
    net.send(a, 2, [1], 4);
    await net.run(50);
    net.send(a, 2, [2], 6);
    await net.run(50);
    expect(idsOf(b.workload.takeSent())).toEqual([1, 2]);
    expect(methods).toEqual(['RequestMultipleTunnelParams', 'RequestTunnelParams', 'RequestTunnelParams']);
  });

  test.each([0, 2, 3] as const)(
    'an answer with PSP version %i, where 1 was asked for, makes no session',
    async (pspVersion) => {
      const a = await net.start(1, [2]);
      await net.start(2, [1], {
        wrapTransport: (transport) => ({
          ...transport,
          listen: (address, handler, doorkeeper) =>
            transport.listen(
              address,
              async (method, request, caller) => {
                const answer = await handler(method, request, caller);
                if (method !== 'RequestMultipleTunnelParams') return answer;
                const [given] = decodeMultiTunnelResponse(answer, 1);
                const key = given!.key.slice(0, pspVersion % 2 === 0 ? 16 : 32);
                return encodeMultiTunnelResponse(0n, [{ ...given!, pspVersion, key }]);
              },
              doorkeeper,
            ),
        }),
      });
      net.send(a, 2, [1]);
      await net.run(50);
      expect(a.events).toContainEqual({
        type: 'request-failed',
        peer: expect.any(String),
        reason: expect.stringContaining(`INVALID_ARGUMENT: psp_version ${pspVersion} was not asked for`),
      });
      expect(a.gateway.view()).toMatchObject({ keySlotsUsed: 0 });
      expect(net.wire).toEqual([]);
    },
  );

  test('a configured dialect is kept to', async () => {
    const a = await net.start(1, [], {
      peers: [
        { serviceAddress: { host: '10.0.0.2' as never, port: 3000 }, virtualIps: [vip(2)], dialect: '2.8' },
      ],
    });
    const b = await net.start(2, [1]);
    net.send(a, 2, [1]);
    await net.run(50);
    net.send(b, 1, [2]);
    await net.run(50);
    expect(idsOf(b.workload.takeSent())).toEqual([1]);
    expect(idsOf(a.workload.takeSent())).toEqual([2]);
  });

  test('a request of 2.7 is answered', async () => {
    const a = await net.start(1, [2]);
    const client = net.network.transport({ host: '10.0.0.2' as never, port: 3000 });
    const request = encodeNewTunnelRequest(9n, [0, 1], {
      virtSource: vip(2),
      virtDestination: vip(1),
      reverse: undefined,
    });
    expect(decodeNewTunnelRequest(request).requestId).toBe(9n);
    const answer = client.call(a.service, 'RequestTunnelParams', request, { deadlineMs: 100 });
    await net.run(50);
    expect((await answer).length).toBeGreaterThan(0);
    expect(a.gateway.view().sessions).toMatchObject([
      { localVip: vip(1), remoteVip: vip(2), ingressSpis: [1] },
    ]);
  });

  test('a peer of 2.8 does not see what 3.x offers it, asks back, and is spoken to in its own form from then on', async () => {
    const dialects: (string | undefined)[] = [];
    const a = await net.start(1, [2]);
    const b = await net.start(2, [], {
      peers: [{ serviceAddress: a.service, virtualIps: [vip(1), vip(1, 6)], dialect: '2.8' }],
      wrapTransport: (transport) => ({
        ...transport,
        listen: (address, handler, doorkeeper) =>
          transport.listen(
            address,
            (method, octets, caller) => {
              if (method === 'Announce') throw new RpcError('UNIMPLEMENTED', 'no such RPC');
              const { dialect, ...request } = decodeMultiTunnelRequest(octets);
              dialects.push(dialect);
              // To 2.8, field 3 as a number and field 4 are unknown fields.
              const tunnels = request.tunnels.map((tunnel) =>
                dialect === '2.8' ? tunnel : { ...tunnel, reverse: undefined },
              );
              return handler(method, encodeMultiTunnelRequest('2.8', { ...request, tunnels }), caller);
            },
            doorkeeper,
          ),
      }),
    });
    net.send(a, 2, [1]);
    await net.run(50);
    net.send(b, 1, [2]);
    await net.run(50);
    net.send(a, 2, [3], 6);
    await net.run(50);
    net.send(b, 1, [4], 6);
    await net.run(50);
    expect(idsOf(b.workload.takeSent())).toEqual([1, 3]);
    expect(idsOf(a.workload.takeSent())).toEqual([2, 4]);
    expect(dialects).toEqual(['3.x', '2.8']);
    expect(a.gateway.view().peers).toMatchObject([{ dialect: '2.8', failures: 0 }]);
  });
});
