/**
 * The return of a whole gateway over a device after kill -9, in virtual time: what a live peer sends gets in again within two
 * seconds, with 10,000 addresses known and 1,000 peers dead and silent.
 */
import { afterEach, describe, expect, test } from 'vitest';
import type { StateStore } from '../../src/gateway/recovery/state-keeper.js';
import { RpcError } from '../../src/gateway/rpc/transport.js';
import type { TunnelParameters } from '../../src/gateway/rpc/tunnel-messages.js';
import { parseIp } from '../../src/packet/address.js';
import type { HalUnderTest } from '../../src/verify/harness.js';
import { LIMITS } from '../support/gateways.js';
import { addressOf } from '../support/wide-nodes.js';
import { GatewayWorld, serviceOf } from './gateway-world.js';

const BACK_WITHIN_MS = 2_000;
const STEP_MS = 20;
/** Time that is given up on. */
const STEPS_MAX = 500;
const LIVE = 2;
const DEAD = 1000;
const ADDRESSES_EACH = 10;

const block = (i: number) => `${i >>> 8}.${i & 255}`;
const DEAD_PEERS = Array.from({ length: DEAD }, (_, i) => ({
  serviceAddress: { host: parseIp(`10.9.${block(i)}`), port: 3000 },
  virtualIps: Array.from({ length: ADDRESSES_EACH }, (__, j) =>
    parseIp(`172.${16 + (i >>> 8)}.${i & 255}.${j + 1}`),
  ),
}));
const LIVE_PEER = {
  serviceAddress: serviceOf(LIVE),
  virtualIps: Array.from({ length: ADDRESSES_EACH }, (_, i) => addressOf(LIVE, i)),
};

export function describeRecovery(implementation: HalUnderTest): void {
  describe(`kill -9 of a gateway over ${implementation.name}`, () => {
    let net: GatewayWorld;
    let text: string | undefined;
    const state: StateStore = {
      load: async () => text,
      save: async (saved) => {
        text = saved;
      },
      isThere: async () => true,
    };
    afterEach(() => net.gateway.stop());

    /** A life of the gateway; its live peer is like DOCA, and cannot be told of a start. */
    async function live(): Promise<{ calls: string[] }> {
      const calls: string[] = [];
      const options = {
        peers: [...DEAD_PEERS, LIVE_PEER],
        limits: { ...LIMITS, tunnelsPerRequest: 1000 },
      };
      net = new GatewayWorld(await implementation.open(), options, {
        state,
        call: ({ host }, method) => {
          calls.push(host);
          if (host !== LIVE_PEER.serviceAddress.host) return new Promise(() => {});
          return method === 'Announce'
            ? Promise.reject(new RpcError('UNIMPLEMENTED', 'no such RPC'))
            : undefined;
        },
      });
      await net.start();
      return { calls };
    }

    test('traffic comes back past a thousand silent peers', async () => {
      await live();
      const [before] = await net.request(LIVE, [0]);
      // A packet proves the peer's underlay address once the device counts for it, which follows the answer.
      await net.run(STEP_MS);
      expect(await net.letsIn(LIVE, 0, before!, LIVE)).toBe(true);
      await net.run(5000);
      await net.gateway.stop();
      // What is kept says where the live peer is.
      expect(text).toContain('"underlay":["2001:db8::2"]');

      const { calls } = await live();
      const startMs = net.clock.nowMs();
      let given: TunnelParameters = before!;
      for (let step = 0; step < STEPS_MAX && given === before; step++) {
        net.send(LIVE, 0, before!, LIVE);
        // The device's own threads know no virtual time.
        await net.harness.settle();
        await net.run(STEP_MS);
        given = net.offered.get(addressOf(LIVE, 0)) ?? before!;
      }
      expect(net.clock.nowMs() - startMs).toBeLessThan(BACK_WITHIN_MS);
      expect(await net.letsIn(LIVE, 0, given, LIVE)).toBe(true);
      // Who answered last is told first, and asked for all of its addresses in one request.
      expect(calls[0]).toBe(LIVE_PEER.serviceAddress.host);
      expect(calls.filter((host) => host === calls[0])).toHaveLength(2);
      expect(net.gateway.view().recovery.steps).toBe(1);
    });
  });
}
