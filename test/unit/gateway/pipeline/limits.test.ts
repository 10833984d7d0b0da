/** What holds between the sizes of tables, wherever they are used. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  INGRESS_SPIS_PER_TUNNEL_MAX,
  KEY_SLOTS_PER_TUNNEL_MAX,
  tunnelLimits,
} from '../../../../src/gateway/pipeline/limits.js';

test('a device with slots enough has two key slots and four ingress entries for each session', () => {
  expect(tunnelLimits(256)).toEqual({ tunnels: 256, keySlots: 512, ingressEntries: 1024 });
});

test('a device with few slots has fewer sessions, and one at least', () => {
  expect(tunnelLimits(256, 100)).toMatchObject({ tunnels: 50, keySlots: 100 });
  expect(tunnelLimits(256, 101)).toMatchObject({ tunnels: 50, keySlots: 101 });
  expect(tunnelLimits(256, 1)).toMatchObject({ tunnels: 1, keySlots: 1 });
});

test('all sessions find their slots and entries, for any numbers', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 250_000 }),
      fc.integer({ min: 2, max: 1 << 20 }),
      (maxTunnels, device) => {
        const { tunnels, keySlots, ingressEntries } = tunnelLimits(maxTunnels, device);
        expect(tunnels).toBeLessThanOrEqual(maxTunnels);
        expect(tunnels * KEY_SLOTS_PER_TUNNEL_MAX).toBeLessThanOrEqual(keySlots);
        expect(keySlots).toBeLessThanOrEqual(device);
        expect(tunnels * INGRESS_SPIS_PER_TUNNEL_MAX).toBeLessThanOrEqual(ingressEntries);
      },
    ),
  );
});
