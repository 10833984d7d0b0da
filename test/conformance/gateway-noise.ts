/** Whatever a stranger sends to a gateway's tunnel service, nothing of it gets through. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RpcError, RpcMethod } from '../../src/gateway/rpc/transport.js';
import { encodeMultiTunnelRequest } from '../../src/gateway/rpc/tunnel-messages.js';
import type { IpAddress } from '../../src/packet/address.js';
import { vip } from '../support/gateways.js';
import type { GatewaysUnderTest } from './gateways.js';

const METHODS: readonly RpcMethod[] = [
  'RequestMultipleTunnelParams',
  'RequestTunnelParams',
  'RequestKeyRotation',
  'SetOpState',
  'GetOpState',
];

export function describeNoise({ network, runs }: GatewaysUnderTest): void {
  test('arbitrary bytes into every RPC, and every field of a request replaced by them, never crash and never get through', async () => {
    const net = network();
    const a = await net.start(1, [2]);
    // A stranger, and a peer that has gone mad.
    const callers = [
      net.network.transport({ host: '10.6.6.6' as IpAddress, port: 1 }),
      net.network.transport({ host: '10.0.0.2' as IpAddress, port: 3000 }),
    ];
    const whole = encodeMultiTunnelRequest('3.x', {
      requestId: 1n,
      versionsAccepted: [1],
      tunnels: [{ virtSource: vip(2), virtDestination: vip(1), reverse: undefined }],
    });
    const damaged = fc
      .tuple(fc.nat(whole.length - 1), fc.nat(whole.length), fc.uint8Array({ minLength: 1, maxLength: 8 }))
      .map(([at, length, noise]) =>
        Uint8Array.from([...whole.subarray(0, at), ...noise, ...whole.subarray(at + length)]),
      );
    const before = a.gateway.view();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...METHODS),
        fc.constantFrom(0, 1),
        fc.oneof(fc.uint8Array({ maxLength: 100 }), damaged),
        async (method, caller, bytes) => {
          // An empty KeyRotationRequest from a peer is a valid one; that is not what is asked here.
          fc.pre(method !== 'RequestKeyRotation' || caller === 0);
          const outcome = callers[caller]!.call(a.service, method, bytes, { deadlineMs: 1000 })
            .then(() => 'OK')
            .catch((error: RpcError) => error.code);
          await net.run(10);
          const code = await outcome;
          if (code === 'OK') {
            // The noise may have left a request as it was; then it is the peer's own, and the session goes again.
            expect(caller).toBe(1);
            expect(await a.gateway.removeSession(vip(1), vip(2))).toBe(true);
          } else
            expect([
              'INVALID_ARGUMENT',
              'PERMISSION_DENIED',
              'UNIMPLEMENTED',
              'RESOURCE_EXHAUSTED',
            ]).toContain(code);
          const { sessions, keySlotsUsed, rotations } = a.gateway.view();
          expect({ sessions, keySlotsUsed, rotations }).toEqual({
            sessions: [],
            keySlotsUsed: before.keySlotsUsed,
            rotations: before.rotations,
          });
        },
      ),
      { numRuns: runs.noise },
    );
    await net.stopAll();
  });
}
