/** Gateways that somebody else runs: what leaves them, the keys that they tell, and what comes from their workloads. */
import { expect, test } from 'vitest';
import type { CallerIdentity, ControlTransport, RpcHandler } from '../../../../src/gateway/rpc/transport.js';
import {
  encodeMultiTunnelRequest,
  encodeMultiTunnelResponse,
} from '../../../../src/gateway/rpc/tunnel-messages.js';
import { parseIp } from '../../../../src/packet/address.js';
import { watchTransport } from '../../../../src/topology/given-keys.js';
import { build, device, h1, h2, inner, NO_ENGINE, psp } from '../../../support/invariants.js';

const dpu = { name: 'dpu', underlay: { ipv6: parseIp('2001:db8::9') } };
const owners: Record<string, string> = { '192.168.1.1': 'dpu', '192.168.1.2': 'h2' };
const options = { ownerOf: (ip: string) => owners[ip], strangers: new Set(['dpu']) };

test('its packets of workloads are PSP, unreadable, and no IV follows itself', () => {
  const { watch, seen } = build(options);
  watch.onExternal(dpu, psp({ iv: 1n }));
  watch.onExternal(dpu, psp({ iv: 9n }));
  // Hardware may send in another order than it numbers.
  watch.onExternal(dpu, psp({ iv: 3n }));
  const arp = new Uint8Array(60);
  arp.set([8, 6], 12);
  watch.onExternal(dpu, arp);
  watch.onExternal(dpu, inner({ from: parseIp('198.51.100.1'), to: parseIp('198.51.100.2') }));
  expect(seen()).toEqual([]);
  watch.onExternal(dpu, psp({ iv: 3n }));
  expect(seen()).toEqual(['iv-reuse dpu']);
  watch.onExternal(dpu, inner());
  expect(seen()).toEqual(['plaintext dpu']);
  watch.onExternal(dpu, psp({ iv: 4n, engine: NO_ENGINE }));
  expect(seen()).toEqual(['plaintext dpu']);
});

test('a key that it tells is one that it was given, which nobody else may use, or one of its own', async () => {
  const { watch, seen } = build(options);
  const external = { name: 'dpu', incarnations: 1 };
  const key = (n: number) => new Uint8Array(16).fill(n);
  await device(watch, h1).make(1);
  watch.keyTold(external, key(1));
  watch.keyTold(external, key(1));
  // Its own, under which h2 sends.
  watch.keyTold(external, key(2));
  await device(watch, h2).use(2);
  expect(seen()).toEqual([]);
  await device(watch, h2).use(1);
  expect(seen()).toEqual(['key-reuse h2']);
  await device(watch, h2).make(2);
  expect(seen()).toEqual(['key-reuse h2']);
});

test('what its workloads send is taken under the keys that it asked for, and under no others', async () => {
  const { watch, seen } = build(options);
  const parameters = {
    pspVersion: 0 as const,
    spi: 0x1000,
    key: new Uint8Array(16).fill(7),
    cookie: 0n,
    underlayIp: parseIp('2001:db8::2'),
    mac: h2.plan.uplinkMac,
  };
  let handler: RpcHandler | undefined;
  const transport = watchTransport(
    'h2',
    {
      listen: async (address: unknown, given: RpcHandler) => {
        handler = given;
        return address;
      },
    } as unknown as ControlTransport,
    {
      nameOf: () => undefined,
      strangerOf: ({ source }: CallerIdentity) => (source === '192.0.2.9' ? 'dpu' : undefined),
      onGiven: (given) => watch.onGiven(given),
    },
  );
  const request = encodeMultiTunnelRequest('3.x', {
    requestId: 1n,
    versionsAccepted: [0],
    tunnels: [
      { virtSource: parseIp('192.168.1.1'), virtDestination: parseIp('192.168.1.2'), reverse: undefined },
    ],
  });
  await transport.listen(
    h2.plan.serviceAddress,
    async () => encodeMultiTunnelResponse(1n, [parameters]),
    {} as never,
  );
  const frame = inner();
  const deliver = (iv: bigint) => {
    watch.onUplink(h2, 'in', psp({ frame, iv }));
    watch.onVf(h2, 'out', frame);
  };
  deliver(1n);
  expect(seen()).toEqual(['unauthenticated h2']);
  const source = parseIp('192.0.2.9');
  await handler!('RequestMultipleTunnelParams', request, {
    authenticated: true,
    names: [],
    source,
    from: '',
  });
  deliver(2n);
  expect(seen()).toEqual([]);
});
