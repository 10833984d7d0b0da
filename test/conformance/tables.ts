/**
 * A gateway with a small table over a device: the device's own counters say which sessions are idle, a full table is shared
 * fairly, and what a peer sends under the SPIs of a session that lost its place is let in still.
 */
import { afterEach, describe, expect, test } from 'vitest';
import type { HalUnderTest } from '../../src/verify/harness.js';
import { LIMITS } from '../support/gateways.js';
import { addressOf } from '../support/wide-nodes.js';
import { GatewayWorld } from './gateway-world.js';

const MAX_TUNNELS = 4;
const IDLE_S = 20;

export function describeTables(implementation: HalUnderTest): void {
  describe(`the table of sessions over ${implementation.name}`, () => {
    let world: GatewayWorld | undefined;
    const open = async () => {
      world = new GatewayWorld(await implementation.open(), {
        maxTunnels: MAX_TUNNELS,
        limits: { ...LIMITS, sessionIdleS: IDLE_S },
      });
      await world.start();
      return world;
    };
    afterEach(async () => {
      await world?.gateway.stop();
      world = undefined;
    });

    test('what the device counts keeps a session, either way; without it the session goes, and comes back', async () => {
      const net = await open();
      const [into] = await net.request(2, [0]);
      await net.request(2, [1]);
      await net.request(2, [2]);
      for (let second = 0; second < 3 * IDLE_S; second += 5) {
        expect(await net.letsIn(2, 0, into!)).toBe(true);
        expect(await net.leaves(2, 1)).toBe(1);
        await net.run(5000);
      }
      const { sessions, tables } = net.gateway.view();
      expect(sessions.map(({ remoteVip }) => remoteVip).sort()).toEqual([addressOf(2, 0), addressOf(2, 1)]);
      expect(tables).toMatchObject({ idle: 1, dormant: 1 });
      // The one that has gone is asked for, once, and its packet leaves.
      expect(net.asked).not.toContain(addressOf(2, 2));
      expect(await net.leaves(2, 2)).toBe(1);
      expect(net.asked.filter((address) => address === addressOf(2, 2))).toHaveLength(1);
    });

    test('a full table is shared, and what a peer was given is let in after its session has lost its place', async () => {
      const net = await open();
      const given = await net.request(2, [0, 1, 2, 3]);
      await net.request(3, [0, 1]);
      expect(net.gateway.view().tables).toMatchObject({ aboveShare: 2, dormant: 2, share: 2 });
      expect(net.ledger.keySlots).toHaveLength(MAX_TUNNELS);
      for (const i of [0, 1, 2, 3]) expect(await net.letsIn(2, i, given[i]!)).toBe(true);
      await expect(net.request(3, [2, 3, 4, 5, 6])).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
      expect(net.gateway.view().tables).toMatchObject({ aboveShare: 2, dormant: 2 });
      expect(net.gateway.view().sessions).toHaveLength(MAX_TUNNELS);
    });

    test('when all have been idle the device holds no way out and no key', async () => {
      const net = await open();
      await net.request(2, [0, 1, 2, 3]);
      for (const i of [0, 1]) expect(await net.leaves(3, i)).toBe(1);
      await net.run(3 * IDLE_S * 1000);
      expect(net.gateway.view()).toMatchObject({ sessions: [], keySlotsUsed: 0 });
      expect(net.ledger.keySlots).toEqual([]);
      expect(net.ledger.entries.filter((pipe) => pipe.startsWith('EGR'))).toEqual([]);
      expect(net.ledger.entries.filter((pipe) => pipe.startsWith('INGR_ACL')).length).toBeLessThanOrEqual(
        MAX_TUNNELS,
      );
    });
  });
}
