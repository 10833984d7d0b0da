/** A peer that is who it says, and wants our packets sent where it has no business. */
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RpcError } from '../../../../src/gateway/rpc/transport.js';
import {
  decodeMultiTunnelResponse,
  encodeMultiTunnelRequest,
  encodeMultiTunnelResponse,
  type TunnelParameters,
} from '../../../../src/gateway/rpc/tunnel-messages.js';
import {
  UNCONFIRMED_HOLD_MS,
  UNDERLAY_ADDRESSES_PER_PEER_MAX,
} from '../../../../src/gateway/underlay/underlay-addresses.js';
import { delegateHal } from '../../../../src/hal/delegate.js';
import type { PipeHal } from '../../../../src/hal/hal.js';
import {
  type IpAddress,
  ipFromOctets,
  type MacAddress,
  macFromOctets,
  parseIp,
} from '../../../../src/packet/address.js';
import { parsePrefix } from '../../../../src/packet/prefix.js';
import { type NodeOptions, TestNetwork, type TestNode, vip } from '../../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

interface Claim {
  readonly ip?: string;
  readonly mac?: string;
}

const GOOD: Required<Claim> = { ip: '2001:db8:7::3', mac: '02:00:00:00:07:03' };
const serviceOf = (number: number) => ({ host: parseIp(`10.0.0.${number}`), port: 3000 });

const parametersOf = ({ ip = GOOD.ip, mac = GOOD.mac }: Claim, spi = 77): TunnelParameters => ({
  mac: mac as MacAddress,
  underlayIp: ip as IpAddress,
  pspVersion: 1,
  spi,
  key: new Uint8Array(32).fill(7),
  cookie: 0n,
});

/** Peer `number` asks `to` for tunnels with such reverse parameters, one for each claim; the status, and what was said. */
async function ask(to: TestNode, number: number, ...claims: Claim[]): Promise<string> {
  const client = net.network.transport(serviceOf(number));
  const families = [4, 6] as const;
  const request = encodeMultiTunnelRequest('3.x', {
    requestId: 1n,
    versionsAccepted: [1],
    tunnels: claims.map((claim, i) => ({
      virtSource: vip(number, families[i]!),
      virtDestination: vip(to.number, families[i]!),
      reverse: parametersOf(claim, 77 + i),
    })),
  });
  const outcome = client.call(to.service, 'RequestMultipleTunnelParams', request, { deadlineMs: 500 }).then(
    () => 'OK',
    (error: unknown) => (error as RpcError).message,
  );
  await net.run(50);
  return outcome;
}

/** A gateway whose devices' encapsulation headers are kept. */
async function start(number: number, peers: readonly number[], options: NodeOptions = {}) {
  const headers: Uint8Array[] = [];
  const wrapHal = (hal: PipeHal) =>
    delegateHal(hal, {
      apply: (operations) => {
        for (const operation of operations) {
          const values =
            operation.operation === 'add'
              ? operation.entry.values
              : operation.operation === 'update'
                ? operation.values
                : undefined;
          if (values?.encapHeader !== undefined) headers.push(values.encapHeader);
        }
        return hal.apply(operations);
      },
    });
  const node = await net.start(number, peers, { ...options, wrapHal });
  return { node, headers };
}

/** Where a header of tunnel mode over IPv6 or IPv4 sends packets. */
function destinationOf(header: Uint8Array): { ip: IpAddress; mac: MacAddress } {
  const v4 = header[12] === 0x08;
  return { mac: macFromOctets(header), ip: ipFromOctets(header, v4 ? 30 : 38, v4 ? 4 : 6) };
}

const FORBIDDEN: readonly (readonly [string, Claim, string])[] = [
  ['nowhere', { ip: '::' }, 'INVALID_ARGUMENT'],
  ['loopback', { ip: '::1' }, 'INVALID_ARGUMENT'],
  ['a group', { ip: 'ff02::1' }, 'INVALID_ARGUMENT'],
  ['a group of the site', { ip: 'ff05::1:3' }, 'INVALID_ARGUMENT'],
  ['a link-local address', { ip: 'fe80::1' }, 'INVALID_ARGUMENT'],
  ['an IPv4 address in the form of IPv6', { ip: '::ffff:203.0.113.9' }, 'INVALID_ARGUMENT'],
  ['an IPv4 address behind a translator', { ip: '64:ff9b::203.0.113.9' }, 'INVALID_ARGUMENT'],
  ['an address of the other family', { ip: '203.0.113.9' }, 'INVALID_ARGUMENT'],
  ["the gateway's own address", { ip: '2001:db8::1' }, 'INVALID_ARGUMENT'],
  ['no MAC', { mac: '00:00:00:00:00:00' }, 'INVALID_ARGUMENT'],
  ['everybody', { mac: 'ff:ff:ff:ff:ff:ff' }, 'INVALID_ARGUMENT'],
  ['a group of MACs', { mac: '33:33:00:00:00:01' }, 'INVALID_ARGUMENT'],
  ["the gateway's own MAC", { mac: '02:00:00:00:01:01' }, 'INVALID_ARGUMENT'],
];
const FORBIDDEN_4: readonly (readonly [string, Claim, string])[] = [
  ['nowhere', { ip: '0.0.0.0' }, 'INVALID_ARGUMENT'],
  ['this network', { ip: '0.1.2.3' }, 'INVALID_ARGUMENT'],
  ['loopback', { ip: '127.0.0.1' }, 'INVALID_ARGUMENT'],
  ['a group', { ip: '224.0.0.251' }, 'INVALID_ARGUMENT'],
  ['everybody', { ip: '255.255.255.255' }, 'INVALID_ARGUMENT'],
  ['a reserved address', { ip: '240.0.0.1' }, 'INVALID_ARGUMENT'],
  ['a link-local address', { ip: '169.254.1.1' }, 'INVALID_ARGUMENT'],
  ["the gateway's own address", { ip: '203.0.113.1' }, 'INVALID_ARGUMENT'],
  ["the gateway's service", { ip: '10.0.0.1' }, 'INVALID_ARGUMENT'],
  ['an address of the other family', { ip: '2001:db8::9' }, 'INVALID_ARGUMENT'],
];

describe.each([
  ['IPv6', 6, FORBIDDEN],
  ['IPv4', 4, FORBIDDEN_4],
] as const)('over %s, reverse parameters that point to', (_, outerFamily, forbidden) => {
  test.each(forbidden)('%s are refused, and change nothing', async (_text, claim, code) => {
    const { node, headers } = await start(1, [3], { outerFamily });
    const good = outerFamily === 4 ? { ip: '203.0.113.33' } : {};
    expect(await ask(node, 3, { ...good, ...claim })).toMatch(
      new RegExp(`^${code}: .*tunnels\\[0\\]\\.reverse_params`),
    );
    expect(headers).toEqual([]);
    expect(node.gateway.view()).toMatchObject({ sessions: [], keySlotsUsed: 0, peers: [{ underlay: [] }] });
    expect(await ask(node, 3, good)).toBe('OK');
  });

  test.each(forbidden)('%s are refused in an answer, too', async (_text, claim) => {
    const good = outerFamily === 4 ? { ip: '203.0.113.33' } : {};
    let requests = 0n;
    let answer: Claim = { ...good, ...claim };
    const { node, headers } = await start(1, [3], {
      outerFamily,
      wrapTransport: (transport) => ({
        ...transport,
        call: async (peer, method, ...args) => {
          const response = await transport.call(peer, method, ...args);
          if (method === 'Announce') return response;
          return encodeMultiTunnelResponse(
            ++requests,
            decodeMultiTunnelResponse(response, 1).map(() => parametersOf(answer)),
          );
        },
      }),
    });
    await net.start(3, [1], { outerFamily });
    net.send(node, 3, [1]);
    await net.run(50);
    expect(headers).toEqual([]);
    answer = good;
    await net.run(5000);
    expect(headers).toHaveLength(1);
  });
});

test('loopback is right where our own underlay is loopback', async () => {
  const wrapHal = (hal: PipeHal): PipeHal =>
    new Proxy(hal, {
      get(target, name) {
        if (name === 'device') {
          const ports = hal.device.ports.map((port) =>
            port.kind === 'uplink' ? { ...port, ipv4: '127.0.0.2' } : port,
          );
          return { ...hal.device, ports };
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  const node = await net.start(1, [3], { outerFamily: 4, wrapHal });
  expect(await ask(node, 3, { ip: '127.0.0.3' })).toBe('OK');
  expect(await ask(node, 3, { ip: '127.0.0.2' })).toContain("gateway's own");
  for (const ip of ['127.255.255.255', '127.0.0.0'])
    expect(await ask(node, 3, { ip })).toContain(`${ip} is broadcast`);
});

describe('what another peer holds', () => {
  test('is refused, told and counted, whether it came by an answer or by a request', async () => {
    const a = await net.start(1, [2, 3]);
    await net.start(2, [1]);
    net.send(a, 2, [1]);
    await net.run(50);
    expect(await ask(a, 3, { ip: '2001:db8::2' })).toBe(
      'PERMISSION_DENIED: tunnels[0].reverse_params.ip_addr: 2001:db8::2 is held by another peer',
    );
    expect(a.gateway.view().underlay.refused).toEqual({ held: 1 });
    const told = a.logs.find(({ message }) => message === 'a peer claims the underlay address of another');
    const whose = { peer: '10.0.0.3:3000', holder: '10.0.0.2:3000' };
    expect(told?.fields).toMatchObject({ ...whose, address: '2001:db8::2' });
    expect(await ask(a, 3, {})).toBe('OK');
    expect(await ask(a, 2, {})).toContain('held by another peer');
  });

  test('is given to whom it is configured for, and to nobody else, before anybody has claimed it', async () => {
    const underlay = [parsePrefix('2001:db8:7::/48')];
    const peers = [
      { serviceAddress: serviceOf(2), virtualIps: [vip(2), vip(2, 6)], underlay },
      { serviceAddress: serviceOf(3), virtualIps: [vip(3), vip(3, 6)] },
    ];
    const a = await net.start(1, [], { peers });
    expect(await ask(a, 3, {})).toContain('configured for another peer');
    expect(await ask(a, 2, {})).toBe('OK');
    expect(a.gateway.view().peers[0]!.underlay).toEqual([
      { address: GOOD.ip, origin: 'learnt', confirmed: true },
    ]);
  });

  test('a claim without proof locks nobody out for longer than ten seconds', async () => {
    const a = await net.start(1, [2, 3]);
    expect(await ask(a, 3, {})).toBe('OK');
    expect(await ask(a, 2, {})).toContain('held by another peer');
    await net.run(UNCONFIRMED_HOLD_MS);
    expect(await ask(a, 2, {})).toBe('OK');
    expect(await ask(a, 3, {})).toContain('held by another peer');
  });

  test('nor by claiming it again and again, with others in between', async () => {
    const a = await net.start(1, [2, 3]);
    const fillers = Array.from({ length: UNDERLAY_ADDRESSES_PER_PEER_MAX }, (_, i) => `2001:db8:8::${i + 1}`);
    let refused = 0;
    await ask(a, 3, {});
    for (let second = 0; second < 60; second++) {
      if (second % 4 === 3) for (const ip of [...fillers, GOOD.ip]) await ask(a, 3, { ip });
      if ((await ask(a, 2, {})) !== 'OK') refused++;
      await net.run(700);
    }
    expect(refused).toBeGreaterThan(0);
    expect(refused * 700).toBeLessThanOrEqual(UNCONFIRMED_HOLD_MS);
  });

  test('nor after a start, before the owner of the last life is there again', async () => {
    let text: string | undefined;
    const state = {
      load: async () => text,
      save: async (saved: string) => {
        text = saved;
      },
      isThere: async () => true,
    };
    let a = await net.start(1, [2, 3], { state });
    const b = await net.start(2, [1]);
    net.send(a, 2, [1]);
    await net.run(50);
    net.send(b, 1, [2]);
    await net.run(2_000);
    await net.stop(a);
    a = await net.start(1, [2, 3], { state });
    expect(await ask(a, 3, { ip: '2001:db8::2' })).toContain('held by another peer');
    expect(await ask(a, 2, { ip: '2001:db8::2' })).toBe('OK');
    expect(await ask(a, 3, { ip: '2001:db8::2' })).toContain('held by another peer');
  });

  test('two peers that claim one address at the same moment do not both get it', async () => {
    const { node: a, headers } = await start(1, [2, 3]);
    const outcomes = await Promise.all([ask(a, 2, {}), ask(a, 3, {})]);
    expect(outcomes.filter((outcome) => outcome === 'OK')).toHaveLength(1);
    expect(headers).toHaveLength(1);
  });
});

describe('configured prefixes', () => {
  test.each([
    ['2001:db8:7::/48', 'OK'],
    ['2001:db8:7::3', 'OK'],
    ['2001:db8:6::/48', 'PERMISSION_DENIED'],
    ['203.0.113.0/24', 'PERMISSION_DENIED'],
  ])('%s: %s', async (prefix, outcome) => {
    const peers = [
      { serviceAddress: serviceOf(3), virtualIps: [vip(3), vip(3, 6)], underlay: [parsePrefix(prefix)] },
    ];
    const a = await net.start(1, [], { peers });
    expect(await ask(a, 3, {})).toMatch(new RegExp(`^${outcome}`));
  });

  test('do not make right what no host can have, or what is ours', async () => {
    const underlay = [parsePrefix('::/0')];
    const a = await net.start(1, [], {
      peers: [{ serviceAddress: serviceOf(3), virtualIps: [vip(3)], underlay }],
    });
    for (const ip of ['::', '::1', 'ff02::1', 'fe80::1', '2001:db8::1'])
      expect(await ask(a, 3, { ip })).toMatch(/^INVALID_ARGUMENT/);
  });
});

test('a new address and a change of it are logged, and a peer that changes it all the time does not fill the log', async () => {
  const a = await net.start(1, [3]);
  expect(await ask(a, 3, {})).toBe('OK');
  expect(await ask(a, 3, {})).toBe('OK');
  expect(await ask(a, 3, { ip: '2001:db8:7::4' })).toBe('OK');
  const said = a.logs.filter(({ message }) => message.includes('underlay address'));
  expect(said).toEqual([
    {
      level: 'info',
      message: "a peer's underlay address",
      fields: {
        event: 'underlay-address',
        peer: '10.0.0.3:3000',
        address: GOOD.ip,
        mac: GOOD.mac,
        confirmed: false,
      },
    },
    {
      level: 'warning',
      message: "a peer's underlay address has changed",
      fields: {
        event: 'underlay-changed',
        peer: '10.0.0.3:3000',
        address: '2001:db8:7::4',
        mac: GOOD.mac,
        confirmed: false,
        before: GOOD.ip,
      },
    },
  ]);
  for (let i = 0; i < 100; i++) await ask(a, 3, { ip: `2001:db8:7::${(i + 16).toString(16)}` });
  expect(a.gateway.view().underlay.changes).toBe(101);
  expect(a.logs.filter(({ message }) => message.includes('underlay address')).length).toBeLessThanOrEqual(5);
  // And no more than a few are held for it.
  expect(a.gateway.view().peers[0]!.underlay).toHaveLength(4);
});

test('a peer that changes its address all the time hides no change of another', async () => {
  const a = await net.start(1, [2, 3]);
  for (let i = 0; i < 100; i++) await ask(a, 3, { ip: `2001:db8:7::${(i + 16).toString(16)}` });
  expect(await ask(a, 2, { ip: '2001:db8:9::1' })).toBe('OK');
  expect(await ask(a, 2, { ip: '2001:db8:9::2' })).toBe('OK');
  const changes = a.logs.filter(({ message }) => message === "a peer's underlay address has changed");
  expect(changes.filter(({ fields }) => fields!.peer === '10.0.0.2:3000')).toHaveLength(1);
});

test('whatever a peer says, our packets go to unicast addresses that are nobody else’s', async () => {
  const { node: a, headers } = await start(1, [2, 3]);
  const b = await net.start(2, [1]);
  // The other peer's address is proved by a packet from it: a mere claim is another's after UNCONFIRMED_HOLD_MS, and the
  // questions below take longer.
  net.send(a, 2, [1]);
  await net.run(50);
  net.send(b, 1, [2]);
  await net.run(2_000);
  expect(a.gateway.view().peers[0]!.underlay).toEqual([
    { address: '2001:db8::2', origin: 'learnt', confirmed: true },
  ]);
  headers.length = 0;
  const interesting = [...FORBIDDEN, ...FORBIDDEN_4].flatMap(([, claim]) => claim.ip ?? []);
  const anyIp = fc.oneof(
    fc.constantFrom(...interesting, '2001:db8::2', GOOD.ip),
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map((octets) => ipFromOctets(octets, 0, 6) as string),
    fc.uint8Array({ minLength: 4, maxLength: 4 }).map((octets) => ipFromOctets(octets, 0, 4) as string),
    fc
      .uint8Array({ minLength: 2, maxLength: 2 })
      .map(([a1, b1]) => `${a1!.toString(16)}00::${b1!.toString(16)}`),
  );
  const anyMac = fc.oneof(
    fc.constantFrom(...FORBIDDEN.flatMap(([, claim]) => claim.mac ?? []), GOOD.mac),
    fc.uint8Array({ minLength: 6, maxLength: 6 }).map((octets) => macFromOctets(octets) as string),
  );
  await fc.assert(
    fc.asyncProperty(fc.record({ ip: anyIp, mac: anyMac }), async (claim) => {
      await ask(a, 3, claim);
    }),
    { numRuns: 300 },
  );
  expect(headers.length).toBeGreaterThan(10);
  const others = [...a.hal.device.ports, ...b.hal.device.ports].flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]);
  for (const { ip, mac } of headers.map(destinationOf)) {
    expect(ip).toContain(':');
    const address = ipaddr.parse(ip);
    const forbidden = [
      'unspecified',
      'loopback',
      'linkLocal',
      'multicast',
      'ipv4Mapped',
      'rfc6052',
      'rfc6145',
    ];
    expect(forbidden).not.toContain(address.range());
    expect(others).not.toContain(ip);
    expect(Number.parseInt(mac.slice(0, 2), 16) & 1).toBe(0);
    expect(['00:00:00:00:00:00', '02:00:00:00:01:01']).not.toContain(mac);
  }
});
