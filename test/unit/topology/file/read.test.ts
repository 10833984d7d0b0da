import { describe, expect, test } from 'vitest';
import { DEFAULT_SERVICE_PORT } from '../../../../src/gateway/rpc/transport.js';
import { NO_IMPAIRMENTS } from '../../../../src/hal-sim/ports/link.js';
import { ipFamily } from '../../../../src/packet/address.js';
import { readTopologyFiles } from '../../../../src/topology/file/read.js';
import { gatewaysOf, insidersOf } from '../../../../src/topology/model.js';
import { INSIDER_ACT_NAMES } from '../../../../src/topology/nodes/insider/acts.js';
import { gatewayOf, topologyOf } from '../../../support/topology-text.js';

const mesh = (more: string) => topologyOf(`name: t\ntopology: {full-mesh: ${more}}\n`);

/** Three gateways with a workload each at a switch, and a scenario. */
const withScenario = (scenario: string, flags = '{inner: both}') =>
  topologyOf(`name: t
topology:
  defaults: {flags: ${flags}}
  nodes:
    h1: {kind: gateway, workloads: {v1: [192.168.1.1, "fd00::1"]}}
    h2: {kind: gateway, workloads: {v2: [192.168.1.2, "fd00::2"]}}
    h3: {kind: gateway, workloads: {v3: ["fd00::3"], w3: [192.168.1.3]}}
    s1: {kind: switch}
  links:
    - {endpoints: ["h1:p0", "s1:e1"]}
    - {endpoints: ["h2:p0", "s1:e2"]}
    - {endpoints: ["h3:p0", "s1:e3"]}
scenario: ${scenario}
`);

describe('defaults', () => {
  const topology = topologyOf(`name: t
topology:
  nodes: {a: {kind: gateway}, r: {kind: router}}
  links: [{endpoints: ["a:p0", "r:x"]}]
`);

  test('are a seed of 1, an OOB network as gateways have among themselves, and no scenario', () => {
    expect(topology).toMatchObject({
      name: 't',
      seed: 1,
      oob: { delayMs: 0.5, jitterMs: 0, lossRatio: 0 },
      scenario: { traffic: [], events: [], expectations: [] },
    });
    expect(topology.scenario).not.toHaveProperty('durationMs');
  });

  test('of a link are no impairments and an MTU of 1500', () => {
    expect(topology.links).toEqual([
      {
        name: 'a:p0 r:x',
        endpoints: [
          { node: 'a', port: 'p0' },
          { node: 'r', port: 'x' },
        ],
        mtuOctets: 1500,
        impairments: NO_IMPAIRMENTS,
      },
    ]);
  });

  test('of traffic are those of the documentation', () => {
    const { traffic } = withScenario(`{traffic: {
      P: {type: ping, from: v1, to: v2},
      U: {type: udp, from: v1, to: v2, rate: 1/s, duration: 1s},
      T: {type: transfer, from: v1, to: v2, size: 1MB}}}`).scenario;
    const common = { from: 'v1', to: 'v2', family: 4, startMs: 0 };
    expect(traffic).toEqual([
      { ...common, name: 'P', type: 'ping', count: 10, intervalMs: 100, sizeOctets: 56, timeoutMs: 1000 },
      { ...common, name: 'U', type: 'udp', packetsPerSecond: 1, durationMs: 1000, sizeOctets: 1000 },
      { ...common, name: 'T', type: 'transfer', sizeOctets: 1_000_000 },
    ]);
  });
});

describe('addresses that are made', () => {
  const text = (flags: string, h2 = '') =>
    `name: t
topology:
  defaults: {flags: ${flags}}
  nodes:
    s: {kind: switch}
    h1: {kind: gateway}
    h2: {kind: gateway${h2}}
  links: [{endpoints: ["h1:p0", "s:1a"]}, {endpoints: ["h2:p0", "s:b"]}]
`.replace('s:1a', 's:a');

  test("follow from the gateway's number", () => {
    const [h1, h2] = gatewaysOf(topologyOf(text('{}')));
    expect(h1).toMatchObject({
      underlay: { ipv6: '2001:db8::1' },
      serviceAddress: { host: '10.0.0.1', port: DEFAULT_SERVICE_PORT },
      uplinkMac: '02:00:00:00:00:01',
      workloadMac: '02:00:00:01:00:01',
      workloads: [{ name: 'h1-v1', addresses: ['192.168.0.1'], present: true }],
    });
    expect(h2).toMatchObject({ underlay: { ipv6: '2001:db8::2' }, workloads: [{ name: 'h2-v1' }] });
  });

  test('have the families of the flags', () => {
    const [h1] = gatewaysOf(topologyOf(text('{inner: both, outer-ip-type: ipv4}')));
    expect(h1!.underlay).toEqual({ ipv4: '172.16.0.1', ipv6: '2001:db8::1' });
    expect(h1!.workloads[0]!.addresses).toEqual(['192.168.0.1', 'fd00:0:0:1::1']);
    const [v6] = gatewaysOf(topologyOf(text('{inner: ipv6}')));
    expect(v6!.underlay).toEqual({ ipv6: '2001:db8::1' });
    expect(v6!.workloads[0]!.addresses).toEqual(['fd00:0:0:1::1']);
  });

  test('avoid those of the file, also of nodes that come later', () => {
    const taken =
      ', underlay: ["2001:db8::1"], oob: 10.0.0.1, mac: "02:00:00:00:00:01", workload-mac: "02:00:00:01:00:01", workloads: {v: [192.168.0.1]}';
    const [h1] = gatewaysOf(topologyOf(text('{}', taken)));
    expect(h1).toMatchObject({
      underlay: { ipv6: '2001:db8::2' },
      serviceAddress: { host: '10.0.0.2' },
      uplinkMac: '02:00:00:00:00:02',
      workloadMac: '02:00:00:01:00:02',
      workloads: [{ addresses: ['192.168.0.2'] }],
    });
  });

  test('are all different, and no network or broadcast addresses', () => {
    const all = gatewaysOf(mesh('{gateways: 600, workloads: 3, flags: {inner: both, outer-ip-type: ipv4}}'));
    const hosts = all.map(({ serviceAddress: { host } }) => host);
    const underlays = all.flatMap(({ underlay }) => [underlay.ipv4!, underlay.ipv6!]);
    const workloads = all.flatMap((gateway) => gateway.workloads.flatMap(({ addresses }) => addresses));
    const macs = all.flatMap(({ uplinkMac, workloadMac }) => [uplinkMac, workloadMac]);
    const different = (list: readonly string[]) => new Set(list).size;
    expect([hosts, underlays, workloads, macs].map(different)).toEqual([600, 1200, 3600, 1200]);
    for (const ip of [...hosts, ...underlays, ...workloads]) expect(ip).not.toMatch(/\.(0|255)$/);
  });
});

describe('a gateway', () => {
  test('takes flags of defaults, of its kind and its own; the nearest wins', () => {
    const topology = topologyOf(`name: t
topology:
  defaults: {flags: {cookie: true, psp-version: 0, sample-rate: 1}}
  kinds: {gateway: {flags: {psp-version: 1, sample-rate: 2}}}
  nodes:
    a: {kind: gateway, flags: {cookie: false, sample-rate: 3, inner-ip-type: ipv6}}
    b: {kind: gateway}
  links: [{endpoints: ["a:p0", "b:p0"]}]
`);
    expect(gatewayOf(topology, 'a')).toMatchObject({
      flags: { cookie: 'false', 'psp-version': '1', 'sample-rate': '3', inner: 'ipv6' },
      options: { cookies: false, pspVersion: 1, sampleRateLog2: 3, innerFamilies: [6] },
    });
    expect(gatewayOf(topology, 'b')).toMatchObject({
      flags: { cookie: 'true', 'psp-version': '1', 'sample-rate': '2' },
      options: { cookies: true, pspVersion: 1, sampleRateLog2: 2, innerFamilies: [4] },
    });
  });

  test('has all others as peers, with the addresses of workloads that are absent at first, and they prove who they are', () => {
    const topology = topologyOf(`name: t
topology:
  nodes:
    a: {kind: gateway, oob: "[2001:db8:9::1]:4000", workloads: {}}
    b: {kind: gateway, oob: "10.1.1.1", workloads: {x: [192.168.1.1], y: {addresses: [192.168.1.2], present: false}}}
    c: {kind: gateway, oob: "10.1.1.2:9"}
    s: {kind: switch}
  links: [{endpoints: ["a:p0", "s:a"]}, {endpoints: ["b:p0", "s:b"]}, {endpoints: ["c:p0", "s:c"]}]
`);
    const a = { serviceAddress: { host: '2001:db8:9::1', port: 4000 }, virtualIps: [] };
    const b = {
      serviceAddress: { host: '10.1.1.1', port: 3000 },
      virtualIps: ['192.168.1.1', '192.168.1.2'],
    };
    const c = { serviceAddress: { host: '10.1.1.2', port: 9 }, virtualIps: ['192.168.0.3'] };
    expect(gatewayOf(topology, 'a').options).toMatchObject({
      serviceAddress: a.serviceAddress,
      peers: [b, c],
      localVirtualIps: [],
      insecure: false,
    });
    expect(gatewayOf(topology, 'b').options).toMatchObject({
      serviceAddress: b.serviceAddress,
      peers: [a, c],
      localVirtualIps: ['192.168.1.1', '192.168.1.2'],
    });
  });

  test.each([
    ['tunnel', '{tunnel: "10.9.9.9:198.51.100.1"}'],
    ['tunnel as a list', '{tunnel: ["10.9.9.9:198.51.100.1", "10.9.9.8:198.51.100.2,  198.51.100.3"]}'],
    ['tunnels-file', '{tunnels-file: peers.txt}'],
    ['config', '{config: peers.json}'],
  ])('with the flag %s has the peers of that flag', (_, flags) => {
    const files = {
      'peers.txt': '10.9.9.9:198.51.100.1\n',
      'peers.json':
        '{"peers": [{"remote-grpc-address": "10.9.9.9", "sessions": [{"remote-vips": ["198.51.100.1"]}]}]}',
    };
    const topology = topologyOf(
      `name: t
topology:
  nodes: {a: {kind: gateway, flags: ${flags}}, b: {kind: gateway}}
  links: [{endpoints: ["a:p0", "b:p0"]}]
`,
      files,
    );
    const { peers } = gatewayOf(topology, 'a').options;
    expect(peers[0]).toMatchObject({ serviceAddress: { host: '10.9.9.9' }, virtualIps: ['198.51.100.1'] });
    expect(peers).toHaveLength(flags.includes('[') ? 2 : 1);
    expect(gatewayOf(topology, 'b').options.peers).toHaveLength(1);
  });

  test('reads the files of its flags beside the topology', () => {
    const asked: string[] = [];
    const text = `name: t
topology:
  nodes: {a: {kind: gateway, flags: {tunnels-file: peers.txt}}, b: {kind: gateway}}
  links: [{endpoints: ["a:p0", "b:p0"]}]
`;
    expect(() =>
      topologyOf(text, {
        get 'peers.txt'() {
          asked.push('peers.txt');
          return '';
        },
      }),
    ).not.toThrow();
    expect(asked).toEqual(['peers.txt']);
  });

  test('may have as many tunnels as pairs of addresses, unless its flags say how many', () => {
    expect(mesh('10').nodes[0]).toMatchObject({ options: { maxTunnels: 256 } });
    // Of each family, 3 addresses here and 3 at each of 99 others.
    expect(mesh('{gateways: 100, workloads: 3, flags: {inner: both}}').nodes[0]).toMatchObject({
      options: { maxTunnels: 2 * 3 * 99 * 3 },
    });
    expect(mesh('{gateways: 100, flags: {max-tunnels: 99}}').nodes[0]).toMatchObject({
      options: { maxTunnels: 99 },
    });
    expect(mesh('{gateways: 1000, workloads: 20}').nodes[0]).toMatchObject({
      options: { maxTunnels: 250_000 },
    });
  });
});

describe('links', () => {
  test('take values of their kind and their own; the nearest wins', () => {
    const { links } = topologyOf(`name: t
topology:
  kinds: {link: {delay: 10us, loss: 1%, mtu: 9000}}
  nodes: {a: {kind: gateway}, b: {kind: gateway}}
  links: [{endpoints: ["a:p0", "b:p0"], loss: 0%, jitter: 1ms, duplicate: 2%, reorder: 3%, corrupt: 4%, rate: 1Mbps}]
`);
    expect(links[0]).toMatchObject({
      mtuOctets: 9000,
      impairments: {
        delayMs: 0.01,
        jitterMs: 1,
        lossRatio: 0,
        duplicateRatio: 0.02,
        reorderRatio: 0.03,
        corruptRatio: 0.04,
        rateBitsPerSecond: 1e6,
      },
    });
  });
});

describe('full-mesh', () => {
  test('of a thousand gateways is read, with peers that are shared', () => {
    const topology = mesh('1000');
    const all = gatewaysOf(topology);
    expect(all).toHaveLength(1000);
    expect(topology.nodes.at(-1)).toEqual({ kind: 'switch', name: 'switch1' });
    expect(topology.links).toHaveLength(1000);
    const [first, second] = all.map(({ options }) => options.peers);
    expect(first).toHaveLength(999);
    // The third gateway, as the first and the second see it.
    expect(first![1]).toBe(second![1]);
    const objects = new Set(all.flatMap(({ options }) => options.peers));
    expect(objects.size).toBe(1000);
  });

  test('makes all its tunnels at start-up, from the first address, unless it says otherwise', () => {
    expect(gatewaysOf(mesh('3'))).toHaveLength(3);
    for (const gateway of gatewaysOf(mesh('3'))) {
      const [first] = gateway.workloads[0]!.addresses;
      expect(gateway).toMatchObject({
        options: { staticTunnels: first },
        flags: { 'static-tunnels': first },
      });
    }
    expect(gatewaysOf(mesh('{gateways: 3, static: false}'))).toHaveLength(3);
    for (const gateway of gatewaysOf(mesh('{gateways: 3, static: false}'))) {
      expect(gateway.options).not.toHaveProperty('staticTunnels');
    }
  });

  test('leaves static tunnels from an address that the flags name', () => {
    const [gateway] = gatewaysOf(mesh('{gateways: 1, workloads: 2, flags: {static-tunnels: 192.168.0.2}}'));
    expect(gateway).toMatchObject({
      options: { staticTunnels: '192.168.0.2' },
      flags: { 'static-tunnels': '192.168.0.2' },
    });
  });

  test('makes static tunnels from all addresses, or none, where the flag is true or false', () => {
    const optionsOf = (value: boolean) =>
      gatewaysOf(mesh(`{gateways: 1, workloads: 2, flags: {static-tunnels: ${value}}}`))[0]!.options;
    expect(optionsOf(true).staticTunnels).toBe('all');
    expect(optionsOf(false)).not.toHaveProperty('staticTunnels');
  });

  test('takes workloads, link values and flags, over those of kinds', () => {
    const topology = topologyOf(`name: t
topology:
  kinds: {link: {delay: 1ms, loss: 1%}, gateway: {flags: {cookie: true, psp-version: 0}}}
  full-mesh: {gateways: 2, workloads: 3, link: {delay: 2ms, mtu: 9000}, flags: {psp-version: 1}}
`);
    expect(gatewayOf(topology, 'h2').workloads.map(({ name }) => name)).toEqual(['h2-v1', 'h2-v2', 'h2-v3']);
    expect(gatewayOf(topology, 'h2').options).toMatchObject({ cookies: true, pspVersion: 1 });
    expect(topology.links[0]).toMatchObject({
      mtuOctets: 9000,
      impairments: { delayMs: 2, lossRatio: 0.01 },
    });
  });

  test('goes together with nodes and links of the file', () => {
    const topology = topologyOf(`name: t
topology:
  full-mesh: 2
  nodes: {x: {kind: gateway}}
  links: [{endpoints: ["x:p0", "switch1:up"]}]
`);
    expect(topology.nodes.map(({ name }) => name)).toEqual(['x', 'h1', 'h2', 'switch1']);
    expect(gatewayOf(topology, 'h1').options.peers).toHaveLength(2);
  });
});

describe('leaf-spine', () => {
  const topology = topologyOf('name: t\ntopology: {leaf-spine: {leaves: 3, spines: 2, hosts: 7}}\n');

  test('has a link from every leaf to every spine, and the gateways in turns at the leaves', () => {
    expect(topology.nodes.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      ...[1, 2, 3, 4, 5, 6, 7].map((i) => `h${i} gateway`),
      ...[1, 2, 3].map((i) => `leaf${i} router`),
      ...[1, 2].map((i) => `spine${i} router`),
    ]);
    expect(topology.links.map(({ name }) => name)).toEqual([
      'h1:p0 leaf1:eth3',
      'h2:p0 leaf2:eth3',
      'h3:p0 leaf3:eth3',
      'h4:p0 leaf1:eth4',
      'h5:p0 leaf2:eth4',
      'h6:p0 leaf3:eth4',
      'h7:p0 leaf1:eth5',
      'leaf1:eth1 spine1:eth1',
      'leaf1:eth2 spine2:eth1',
      'leaf2:eth1 spine1:eth2',
      'leaf2:eth2 spine2:eth2',
      'leaf3:eth1 spine1:eth3',
      'leaf3:eth2 spine2:eth3',
    ]);
  });

  test('makes its tunnels on demand', () => {
    expect(gatewaysOf(topology)).not.toHaveLength(0);
    for (const { options } of gatewaysOf(topology)) expect(options).not.toHaveProperty('staticTunnels');
  });
});

describe('traffic', () => {
  const flowsOf = (entry: string) =>
    withScenario(`{traffic: {M: ${entry}}}`).scenario.traffic.map(({ name }) => name);

  test('between many is a flow per ordered pair behind different gateways with a common family', () => {
    expect(flowsOf('{type: ping, from: "*", to: "*"}')).toEqual([
      'M/v1>v2',
      'M/v1>v3',
      'M/v1>w3',
      'M/v2>v1',
      'M/v2>v3',
      'M/v2>w3',
      'M/v3>v1',
      'M/v3>v2',
      'M/w3>v1',
      'M/w3>v2',
    ]);
    expect(flowsOf('{type: ping, from: v1, to: [w3, v2]}')).toEqual(['M/v1>w3', 'M/v1>v2']);
    expect(flowsOf('{type: ping, from: "*", to: w3}')).toEqual(['M/v1>w3', 'M/v2>w3']);
  });

  test('from many without an end is a flow per workload', () => {
    expect(flowsOf('{type: flood, from: "*", rate: 1/s, duration: 1s}')).toEqual([
      'M/v1',
      'M/v2',
      'M/v3',
      'M/w3',
    ]);
    expect(flowsOf('{type: replay, from: [v3, v1], file: x.pcap}')).toEqual(['M/v3', 'M/v1']);
  });

  test('has the family that is asked for, or the first that both have and their gateways carry', () => {
    const familiesOf = (entry: string, flags?: string) =>
      withScenario(`{traffic: {M: ${entry}}}`, flags).scenario.traffic.map(
        (flow) => 'family' in flow && flow.family,
      );
    expect(familiesOf('{type: ping, from: v1, to: v2}')).toEqual([4]);
    expect(familiesOf('{type: ping, from: v1, to: v2, family: 6}')).toEqual([6]);
    expect(familiesOf('{type: ping, from: v1, to: v3}')).toEqual([6]);
    expect(familiesOf('{type: ping, from: "*", to: "*", family: 6}')).toEqual([6, 6, 6, 6, 6, 6]);
  });

  test('that is sampled is so many different flows in their order, for the same seed the same ones', () => {
    const sampled = (seed: number, name = 'M', sample = 40) =>
      topologyOf(`name: t
seed: ${seed}
topology: {full-mesh: 50}
scenario: {traffic: {${name}: {type: ping, from: "*", to: "*", sample: ${sample}}}}
`).scenario.traffic.map((flow) => flow.name.slice(2));
    const picked = sampled(1);
    expect(picked).toHaveLength(40);
    const all = sampled(1, 'M', 100_000);
    expect(picked).toEqual(all.filter((flow) => picked.includes(flow)));
    expect(sampled(1)).toEqual(sampled(1));
    expect(sampled(1)).not.toEqual(sampled(2));
    expect(sampled(1)).not.toEqual(sampled(1, 'N'));
  });

  test('that is sampled leaves out no flow for ever', () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const { traffic } = topologyOf(
        `name: t\nseed: ${seed}\ntopology: {full-mesh: 3}\nscenario: {traffic: {M: {type: ping, from: "*", to: "*", sample: 1}}}\n`,
      ).scenario;
      seen.add(traffic[0]!.name);
    }
    expect(seen.size).toBe(6);
  });

  test('with spread starts evenly', () => {
    const { traffic } = withScenario(
      '{traffic: {M: {type: ping, from: [v1, v2], to: w3, start: 1s, spread: 3s}}}',
    ).scenario;
    expect(traffic.map(({ startMs }) => startMs)).toEqual([1000, 2500]);
  });
});

describe('events', () => {
  const eventsOf = (...events: string[]) => withScenario(`{events: [${events.join(', ')}]}`).scenario.events;

  test('come by time, equal times in the order of the file', () => {
    expect(
      eventsOf('{at: 2s, cut: "h1:p0"}', '{at: 1s, heal: true}', '{at: 2s, restore-link: "s1:e1"}'),
    ).toEqual([
      { atMs: 1000, type: 'heal' },
      { atMs: 2000, type: 'cut', link: 'h1:p0 s1:e1' },
      { atMs: 2000, type: 'restore-link', link: 'h1:p0 s1:e1' },
    ]);
  });

  test('are read under their former names too, with a warning where they stand', () => {
    const text = `name: t
topology: {full-mesh: 2}
scenario:
  events:
    - {at: 1s, cut: "h1:p0"}
    - {at: 2s, mend: "h1:p0"}
    - {at: 3s, calm: true}
    - {at: 4s, restore-link: "h1:p0"}
`;
    const { topology, problems } = readTopologyFiles('t.yaml', () => text);
    expect(problems.list).toEqual([]);
    expect(topology!.scenario.events.map(({ type }) => type)).toEqual([
      'cut',
      'restore-link',
      'reset-faults',
      'restore-link',
    ]);
    expect(problems.warnings).toEqual([
      't.yaml:6: scenario.events[1].mend is now called restore-link; the old name is still read',
      't.yaml:7: scenario.events[2].calm is now called reset-faults; the old name is still read',
    ]);
    // A wrong one is said to be wrong where it stands, under the name that it has there.
    const wrong = readTopologyFiles('t.yaml', () => text.replace('mend: "h1:p0"', 'mend: "h9:p0"'));
    expect(wrong.problems.list).toEqual([
      't.yaml:6: scenario.events[1].mend: there is no link "h9:p0"; did you mean "h1:p0"?',
    ]);
  });

  test('name a link by either end, or by both in either order', () => {
    const names = ['h2:p0', 's1:e2', 'h2:p0 s1:e2', 's1:e2 h2:p0'];
    const events = eventsOf(...names.map((name) => `{at: 0, cut: "${name}"}`));
    expect(events).toHaveLength(names.length);
    for (const event of events) {
      expect(event).toMatchObject({ link: 'h2:p0 s1:e2' });
    }
  });

  test('of all gateways are one, or one after the other', () => {
    expect(eventsOf('{at: 1s, rotate: "*"}')).toEqual([
      { atMs: 1000, type: 'rotate', nodes: ['h1', 'h2', 'h3'] },
    ]);
    expect(eventsOf('{at: 1s, restart: [h3, h1], every: 500ms, down: 2s}')).toEqual([
      { atMs: 1000, type: 'restart', nodes: ['h3'], downMs: 2000 },
      { atMs: 1500, type: 'restart', nodes: ['h1'], downMs: 2000 },
    ]);
  });

  test('are what they say, in units of the model', () => {
    expect(
      eventsOf(
        '{at: 0, crash: h1}',
        '{at: 0, impair: "h1:p0", delay: 1ms, corrupt: 5%}',
        '{at: 0, partition: [[h1], [h2, h3]]}',
        '{at: 0, oob: {jitter: 2ms}}',
        '{at: 0, add-workload: v1}',
        '{at: 0, remove-workload: v1}',
        '{at: 0, readdress: h1, ip: "2001:db8:0::9"}',
        '{at: 0, attack: "h1:p0", for: 2s, replay: 50%, spoof: 100/s}',
        '{at: 0, clock-jump: h1, by: 1h}',
        '{at: 0, slow-entries: h1, delay: 50ms}',
      ),
    ).toEqual([
      { atMs: 0, type: 'crash', nodes: ['h1'], downMs: 1000 },
      { atMs: 0, type: 'impair', link: 'h1:p0 s1:e1', impairments: { delayMs: 1, corruptRatio: 0.05 } },
      { atMs: 0, type: 'partition', groups: [['h1'], ['h2', 'h3']] },
      { atMs: 0, type: 'oob', oob: { jitterMs: 2 } },
      { atMs: 0, type: 'add-workload', workload: 'v1' },
      { atMs: 0, type: 'remove-workload', workload: 'v1' },
      { atMs: 0, type: 'readdress', node: 'h1', ip: '2001:db8::9' },
      {
        atMs: 0,
        type: 'attack',
        link: 'h1:p0 s1:e1',
        durationMs: 2000,
        replayRatio: 0.5,
        forgeRatio: 0,
        spoofsPerSecond: 100,
      },
      { atMs: 0, type: 'clock-jump', node: 'h1', jumpMs: 3_600_000 },
      { atMs: 0, type: 'slow-entries', node: 'h1', delayMs: 50 },
    ]);
  });

  test('an insider acts ten times a second and does everything, when nothing else is said', () => {
    const topology = topologyOf(`name: t
topology:
  full-mesh: 2
  nodes: {m: {kind: insider}, n: {kind: insider, underlay: ["2001:db8::77"], addresses: [192.0.2.9]}}
  links: [{endpoints: ["m:p0", "switch1:m"]}, {endpoints: ["n:p0", "switch1:n"]}]
scenario:
  events:
    - {at: 1s, insider: m, for: 5s}
    - {at: 2s, insider: n, for: 1s, rate: 100/s, does: [rotate, ask]}
`);
    const common = { type: 'insider', atMs: 1000, node: 'm', durationMs: 5000 };
    expect(topology.scenario.events).toEqual([
      { ...common, actsPerSecond: 10, does: INSIDER_ACT_NAMES },
      { ...common, atMs: 2000, node: 'n', durationMs: 1000, actsPerSecond: 100, does: ['rotate', 'ask'] },
    ]);
    // Made addresses follow those of the gateways; the insiders are everybody's peers.
    expect(insidersOf(topology)).toMatchObject([
      {
        name: 'm',
        serviceAddress: { host: '10.0.0.3', port: 3000 },
        uplinkMac: '02:00:00:00:00:03',
        underlay: { ipv4: '172.16.0.3', ipv6: '2001:db8::3' },
        addresses: ['192.168.0.3', 'fd00:0:0:1::3'],
      },
      { name: 'n', underlay: { ipv6: '2001:db8::77' }, addresses: ['192.0.2.9'] },
    ]);
    expect(gatewaysOf(topology)).not.toHaveLength(0);
    for (const { options } of gatewaysOf(topology))
      expect(options.peers.slice(1).map(({ virtualIps }) => virtualIps)).toEqual(
        insidersOf(topology).map(({ addresses }) => addresses),
      );
  });

  test('may give a gateway an address that another one had', () => {
    expect(
      eventsOf(
        '{at: 1s, readdress: h1, ip: "2001:db8::99"}',
        '{at: 2s, readdress: h2, ip: "2001:db8::1"}',
        '{at: 3s, readdress: h1, ip: "2001:db8::2"}',
      ),
    ).toHaveLength(3);
  });
});

describe('expectations', () => {
  test('about traffic are about all its flows; about "*", about all flows', () => {
    const { expectations } = withScenario(`{
      traffic: {A: {type: ping, from: v1, to: v2}, M: {type: ping, from: v1, to: [v2, w3]}},
      expect: [
        {flow: A, lost: 2}, {flow: M, delivered: 99%}, {flow: ["M/v1>w3", A, M], recovered-within: 2s},
        {flow: "*", blocked: true}, {counter: nodes.h1.starts, max: 3}]}`).scenario;
    expect(expectations).toEqual([
      { type: 'flow', flows: ['A'], lostAtMost: 2 },
      { type: 'share', flows: ['M/v1>v2', 'M/v1>w3'], deliveredRatioMin: 0.99 },
      { type: 'recovered', flows: ['M/v1>w3', 'A', 'M/v1>v2'], withinMs: 2000 },
      { type: 'blocked', flows: ['A', 'M/v1>v2', 'M/v1>w3'] },
      { type: 'counter', path: 'nodes.h1.starts', max: 3 },
    ]);
  });
});

describe('the scenario', () => {
  const text = (scenario: string) => `name: t\ntopology: {full-mesh: 2}\n${scenario}`;
  const files = { 's.yaml': 'duration: 2s\n', 'u.yaml': 'duration: 3s\n' };

  test('may be in another file, which the topology names or the caller does; the caller wins', () => {
    expect(topologyOf(text('scenario: s.yaml\n'), files).scenario.durationMs).toBe(2000);
    expect(topologyOf(text('scenario: {duration: 1s}\n')).scenario.durationMs).toBe(1000);
    for (const scenario of ['scenario: s.yaml\n', 'scenario: {duration: 1s}\n', '']) {
      expect(topologyOf(text(scenario), files, { scenarioPath: 'u.yaml' }).scenario.durationMs).toBe(3000);
    }
  });

  test("has the caller's seed, when there is one", () => {
    expect(topologyOf(text('seed: 5\n')).seed).toBe(5);
    expect(topologyOf(text('seed: 5\n'), {}, { seed: 6 }).seed).toBe(6);
  });
});

test('the same file gives the same topology', () => {
  const text = `name: t
topology: {leaf-spine: {leaves: 2, spines: 2, hosts: 8, workloads: 2, flags: {inner: both}}}
scenario: {traffic: {M: {type: ping, from: "*", to: "*", sample: 9}}, events: [{at: 1s, rotate: "*", every: 1s}]}
`;
  expect(topologyOf(text)).toEqual(topologyOf(text));
});

test('a gateway carries no workload of a family that its flags rule out', () => {
  const gateways = gatewaysOf(mesh('{gateways: 3, flags: {inner: ipv6}}'));
  expect(gateways).toHaveLength(3);
  for (const gateway of gateways) {
    expect(gateway.workloads).not.toHaveLength(0);
    for (const { addresses } of gateway.workloads) expect(addresses.map(ipFamily)).toEqual([6]);
  }
});
