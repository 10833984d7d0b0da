/** What processes of gateways tell of their keys is checked as if their devices were here. */
import { expect, test } from 'vitest';
import type { ControlTransport } from '../../../../src/gateway/rpc/transport.js';
import {
  encodeMultiTunnelRequest,
  encodeMultiTunnelResponse,
} from '../../../../src/gateway/rpc/tunnel-messages.js';
import type { PipeHal, SpiKeyBatch } from '../../../../src/hal/hal.js';
import { parseIp } from '../../../../src/packet/address.js';
import { watchCalls, watchKeys } from '../../../../src/topology/real-time/watching.js';
import { checkSeen, type Seen } from '../../../../src/topology/seen.js';
import { build, h1, h2, inner, psp } from '../../../support/invariants.js';

const keyOf = (n: number) => new Uint8Array(16).fill(n);

test('keys that two devices make, or two senders use, are found, wherever the devices are', async () => {
  const { watch, seen } = build();
  for (const node of [h1, h2]) {
    const batch: SpiKeyBatch = { spis: Uint32Array.of(1), keys: keyOf(5), keyLengthOctets: 16 };
    const told: Seen[] = [];
    const hal = watchKeys(
      { generateKeys: async () => batch, setKeys: async () => [null] } as unknown as PipeHal,
      (one) => told.push(one),
    );
    await hal.generateKeys(16, 1, 'gcm');
    await hal.setKeys([{ cryptoId: 1, key: keyOf(9) }]);
    // Device and gateway wipe what they do not need any more.
    batch.keys.fill(0);
    expect(told[0]).toMatchObject({ what: 'made', batch: { keys: keyOf(5) } });
    for (const one of told) checkSeen(watch, node, structuredClone(one));
  }
  expect(seen()).toEqual(['key-reuse h2', 'key-reuse h2']);
});

test('a packet under a key that was given to another than its source is found by what processes tell', async () => {
  const owners: Record<string, string> = { '192.168.1.1': 'h1', '192.168.1.3': 'h3' };
  const { watch, seen } = build({ ownerOf: (ip) => owners[ip], remote: () => true });
  const parameters = {
    pspVersion: 0 as const,
    spi: 0x1000,
    key: keyOf(7),
    cookie: 0n,
    underlayIp: parseIp('2001:db8::2'),
    mac: h2.plan.uplinkMac,
  };
  const request = encodeMultiTunnelRequest('3.x', {
    requestId: 1n,
    versionsAccepted: [0],
    tunnels: [
      { virtSource: parseIp('192.168.1.1'), virtDestination: parseIp('192.168.1.2'), reverse: undefined },
    ],
  });
  const told: Seen[] = [];
  const transport = watchCalls(
    'h1',
    { call: async () => encodeMultiTunnelResponse(1n, [parameters]) } as unknown as ControlTransport,
    { nameOf: () => 'h2' },
    (one) => told.push(one),
  );
  await transport.call(h2.plan.serviceAddress, 'RequestMultipleTunnelParams', request, { deadlineMs: 1 });
  expect(told.map(({ what }) => what)).toEqual(['request', 'given', 'granted']);
  for (const one of told) checkSeen(watch, h1, structuredClone(one));
  const deliver = (frame: Uint8Array, iv: bigint) => {
    watch.onVf(h1, 'in', frame);
    watch.onUplink(h2, 'in', psp({ frame, iv }));
    watch.onVf(h2, 'out', frame);
  };
  deliver(inner(), 1n);
  expect(seen()).toEqual([]);
  deliver(inner({ from: parseIp('192.168.1.3') }), 2n);
  expect(seen()).toEqual(['impersonated h2']);
  // It starts anew: what it gave before is worth nothing, so that nobody knows whose the packet is.
  checkSeen(watch, h2, { what: 'starts' });
  deliver(inner({ from: parseIp('192.168.1.3'), sequence: 9 }), 3n);
  expect(seen()).toEqual([]);
});
