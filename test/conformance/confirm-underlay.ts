/**
 * --confirm-underlay of a whole gateway over a device: without proof of where a peer is a bounded number of packets leaves, and
 * after an authenticated packet from there all do, by the device alone.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { HELD_PACKET_INTERVAL_S, HELD_PACKETS_AT_ONCE } from '../../src/gateway/underlay/underlay-hold.js';
import type { HalUnderTest } from '../../src/verify/harness.js';
import { GatewayWorld } from './gateway-world.js';

/** Packets at a time, all of which may wait for one session. */
const BURST = 40;
/** Packets that may go in as many intervals. */
const LATER = 2;
const PEER = 2;
/** The last octet of the address that the peer names, and of another one. */
const ITS_OWN = 2;
const ELSEWHERE = 9;

export function describeConfirmUnderlay(implementation: HalUnderTest): void {
  describe(`--confirm-underlay over ${implementation.name}`, () => {
    let net: GatewayWorld;
    afterEach(() => net.gateway.stop());

    test('a bounded number of packets leaves until the address is proved, then all do', async () => {
      net = new GatewayWorld(await implementation.open(), { confirmUnderlay: true });
      await net.start();
      const [into] = await net.request(PEER, [0]);
      const underlay = () => net.gateway.view().underlay;
      const misses = () => net.gateway.view().slowPath.misses;
      expect(await net.leaves(PEER, 0, BURST)).toBe(HELD_PACKETS_AT_ONCE);
      expect(misses()).toBe(BURST);
      // Authenticated, and let in, but not from where the peer says that it is.
      expect(await net.letsIn(PEER, 0, into!, ELSEWHERE)).toBe(true);
      await net.run(1000);
      expect(await net.leaves(PEER, 0, BURST)).toBe(0);
      // Long enough for what waited to be too old.
      await net.run(LATER * HELD_PACKET_INTERVAL_S * 1000);
      expect(await net.leaves(PEER, 0, BURST)).toBe(LATER);
      expect(underlay()).toMatchObject({ watched: 1, heldPassed: HELD_PACKETS_AT_ONCE + LATER });
      expect(net.gateway.view().peers[0]!.underlay[0]!.confirmed).toBe(false);

      expect(await net.letsIn(PEER, 0, into!, ITS_OWN)).toBe(true);
      await net.run(1000);
      expect(net.gateway.view().peers[0]!.underlay[0]!.confirmed).toBe(true);
      // Those of the last burst that waited leave first.
      expect(await net.left()).toBe(BURST - LATER);
      const before = misses();
      expect(await net.leaves(PEER, 0, BURST)).toBe(BURST);
      expect(misses()).toBe(before);
      expect(underlay()).toMatchObject({ watched: 0, heldPassed: HELD_PACKETS_AT_ONCE + LATER });
    });
  });
}
