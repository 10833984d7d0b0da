import { describe, expect, test } from 'vitest';
import { type IpAddress, parseIp } from '../../../../src/packet/address.js';
import type { GatewayPlan } from '../../../../src/topology/model.js';
import { GATEWAYS_MAX, Places } from '../../../../src/topology/real-time/places.js';
import { gatewayPlan, mesh } from '../../../support/topologies.js';

const TOPOLOGY = mesh(3);
const NONE: ReadonlyMap<string, IpAddress> = new Map();

function gateways(topology: typeof TOPOLOGY): GatewayPlan[] {
  return topology.nodes.filter((node): node is GatewayPlan => node.kind === 'gateway');
}

describe('on the loopback network', () => {
  const places = new Places(TOPOLOGY, { subnet: 7, elsewhere: NONE });

  test('every gateway has an address of its own in the subnet, and so has the core', () => {
    expect(['h1', 'h2', 'h3'].map((name) => places.hostOf(name))).toEqual([
      '127.7.0.1',
      '127.7.0.2',
      '127.7.0.3',
    ]);
    expect(places.core).toBe('127.7.255.254');
  });

  test('each link has four ports of its own numbers, gateway’s and core’s side by side', () => {
    expect(places.linkOf('h1', 'uplink')).toEqual({
      gateway: { host: '127.7.0.1', port: 20_000 },
      core: { host: '127.7.255.254', port: 20_001 },
    });
    expect(places.linkOf('h1', 'vf')).toEqual({
      gateway: { host: '127.7.0.1', port: 20_002 },
      core: { host: '127.7.255.254', port: 20_003 },
    });
    expect(places.linkOf('h3', 'vf').core.port).toBe(20_011);
  });
});

test('with as many gateways as there may be, addresses and ports are all different and sound', () => {
  const plan = gatewayPlan(1, 1);
  const names = Array.from({ length: GATEWAYS_MAX }, (_, i) => `g${i}`);
  const places = new Places(
    { ...TOPOLOGY, nodes: names.map((name) => ({ ...plan, name })) },
    { subnet: 1, elsewhere: NONE },
  );
  const ends = names.flatMap((name) =>
    (['uplink', 'vf'] as const).flatMap((which) => Object.values(places.linkOf(name, which))),
  );
  expect(new Set(ends.map(({ host, port }) => `${host} ${port}`)).size).toBe(4 * GATEWAYS_MAX);
  expect(Math.max(...ends.map(({ port }) => port))).toBeLessThan(65_536);
  for (const { host } of ends) expect(host).toBe(parseIp(host));
  expect(ends.some(({ host }) => host === '127.1.39.16')).toBe(true);
});

describe('what is elsewhere', () => {
  const elsewhere = new Map([['h2', parseIp('192.0.2.5')]]);
  const core = parseIp('192.0.2.1');
  const places = new Places(TOPOLOGY, { subnet: 7, elsewhere, core });

  test('is at the address that is given, with the ports of its number', () => {
    expect(places.hostOf('h2')).toBe('192.0.2.5');
    expect(places.linkOf('h2', 'uplink')).toEqual({
      gateway: { host: '192.0.2.5', port: 20_004 },
      core: { host: '192.0.2.1', port: 20_005 },
    });
  });

  test('has the others at the core, where the other machine reaches them', () => {
    expect(places.hostOf('h3')).toBe(core);
    expect(places.linkOf('h3', 'vf')).toEqual({
      gateway: { host: core, port: 20_010 },
      core: { host: core, port: 20_011 },
    });
  });

  test('services move there: everybody’s own, and all that peers know of them; nothing else changes', () => {
    const moved = places.apply(TOPOLOGY);
    const services: Record<string, { host: string; port: number }> = {
      h1: { host: core, port: 20_000 },
      h2: { host: '192.0.2.5', port: 20_004 },
      h3: { host: core, port: 20_008 },
    };
    for (const [i, { name, serviceAddress, options }] of gateways(moved).entries()) {
      expect(serviceAddress).toEqual(services[name]);
      expect(options.serviceAddress).toEqual(serviceAddress);
      const others = ['h1', 'h2', 'h3'].filter((other) => other !== name);
      expect(options.peers.map((peer) => peer.serviceAddress)).toEqual(
        others.map((other) => services[other]),
      );
      const before = gateways(TOPOLOGY)[i]!;
      expect(options.peers.map(({ virtualIps }) => virtualIps)).toEqual(
        before.options.peers.map(({ virtualIps }) => virtualIps),
      );
      const back = { ...options, peers: before.options.peers, serviceAddress: before.serviceAddress };
      expect(back).toEqual(before.options);
    }
    expect({ ...moved, nodes: [] }).toEqual({ ...TOPOLOGY, nodes: [] });
    expect(moved.nodes.at(-1)).toBe(TOPOLOGY.nodes.at(-1));
  });

  test('a peer that gateways share they go on sharing, and one outside of the topology stays where it is', () => {
    const outside = { serviceAddress: { host: parseIp('198.51.100.1'), port: 1 }, virtualIps: [] };
    const shared = gateways(TOPOLOGY)[0]!.options.peers[0]!;
    const nodes = gateways(TOPOLOGY).map((plan) => ({
      ...plan,
      options: { ...plan.options, peers: [shared, outside] },
    }));
    const moved = gateways(places.apply({ ...TOPOLOGY, nodes }));
    expect(new Set(moved.map(({ options }) => options.peers[0])).size).toBe(1);
    expect(moved[0]!.options.peers[1]).toEqual(outside);
  });
});
