import { describe, expect, test } from 'vitest';
import { EVENT_TYPES } from '../../../../src/topology/events/registry.js';
import { TRAFFIC_TYPES } from '../../../../src/topology/traffic/registry.js';
import { problemsOf } from '../../../support/topology-text.js';

/** A right topology that ends with its links; scenarios can follow. */
const BASE = `name: t
topology:
  defaults: {flags: {inner: both}}
  nodes:
    h1: {kind: gateway, workloads: {v1: [192.168.1.1, "fd00::1"]}}
    h2: {kind: gateway, workloads: {v2: [192.168.1.2]}}
    s1: {kind: switch}
  links:
    - {endpoints: ["h1:p0", "s1:e1"]}
    - {endpoints: ["h2:p0", "s1:e2"]}
`;

/** BASE with a text replaced. */
function changed(from: string, to: string): string {
  expect(BASE).toContain(from);
  return BASE.replace(from, () => to);
}

const scenario = (...lines: string[]) => `${BASE}scenario:\n${lines.map((line) => `  ${line}\n`).join('')}`;
const traffic = (flow: string) => scenario('traffic:', `  A: ${flow}`);
const event = (text: string) => scenario('events:', `  - ${text}`);
const expectation = (text: string) =>
  scenario('traffic: {A: {type: ping, from: v1, to: v2}}', 'expect:', `  - ${text}`);

test('the file that the others are made from is right', () => expect(problemsOf(BASE)).toEqual([]));

/** What is wrong, its file, and all that is said. */
type Case = readonly [what: string, text: string, ...problems: string[]];

const TIME_HINT = 'write a time with its unit (us, ms, s, m, h, d), such as 10ms';
const NAME_HINT =
  'write a name of letters, digits, "-" and "_" that begins with a letter, 63 characters at most';

const SHAPE: readonly Case[] = [
  ['nothing', '', 't.yaml:1: is empty; write a map'],
  [
    'lines that end with carriage returns alone',
    `# a comment\r${BASE.replaceAll('\n', '\r')}`,
    't.yaml:1: a line ends with a carriage return alone (CR); save the file with LF or CRLF',
  ],
  [
    'one such line',
    `name: t\ntopology:\r  nodes: {}\n`,
    't.yaml:2: a line ends with a carriage return alone (CR); save the file with LF or CRLF',
  ],
  ['a list', '- a', 't.yaml:1: a list is not a map'],
  ['no name', BASE.replace('name: t\n', ''), 't.yaml:1: "name" is missing'],
  ['no topology', 'name: t\n', 't.yaml:1: "topology" is missing'],
  ['an empty topology', 'name: t\ntopology: {}\n', 't.yaml:2: topology: has no nodes'],
  ['a name with a space', BASE.replace('name: t', 'name: my net'), `t.yaml:1: name: "my net": ${NAME_HINT}`],
  ['a seed too large', `seed: 4294967296\n${BASE}`, 't.yaml:1: seed: 4294967296 is not from 0 to 4294967295'],
  [
    'a value in the line after its key, which is where it is looked for',
    `seed:\n  -1\n${BASE}`,
    't.yaml:1: seed: -1 is not from 0 to 4294967295',
  ],
  ['a misspelt key', `sed: 1\n${BASE}`, 't.yaml:1: sed: there is no such key here; did you mean "seed"?'],
  [
    'a key that is like no other',
    `colour: red\n${BASE}`,
    't.yaml:1: colour: there is no such key here; known are name, seed, epoch, oob, topology, scenario',
  ],
  ['a key twice', `${BASE}name: u\n`, 't.yaml:11: "name" is there twice'],
  [
    'YAML that ends too early',
    `${BASE}scenario: {`,
    't.yaml:11: Flow map in block collection must be sufficiently indented and end with a }',
  ],
  ['two documents', `${BASE}---\nname: u\n`, 't.yaml:11: a file is one document, here a second begins'],
  [
    'an alias of nothing',
    `${BASE}seed: *x\n`,
    't.yaml:1: cannot be read as YAML: Unresolved alias (the anchor must be set before the alias): x',
  ],
  [
    'an unknown kind',
    changed('s1: {kind: switch}', 's1: {kind: hub}'),
    't.yaml:7: topology.nodes.s1.kind: "hub" is not one of gateway, insider, external, switch, router',
  ],
  [
    'a node without kind',
    changed('s1: {kind: switch}', 's1: {}'),
    't.yaml:7: topology.nodes.s1: "kind" is missing; write one of gateway, insider, external, switch, router',
  ],
  [
    'a node that is nothing',
    changed(' {kind: switch}', ''),
    't.yaml:7: topology.nodes.s1: is empty; write a map',
  ],
  [
    'an insider without a link',
    changed('s1: {kind: switch}', 's1: {kind: switch}\n    m: {kind: insider}'),
    't.yaml:8: topology.nodes.m: the insider has no link; write one with the endpoint m:p0',
  ],
  [
    'an insider at another port, with an address that is none',
    changed('s1: {kind: switch}', 's1: {kind: switch}\n    m: {kind: insider, addresses: [1.2.3]}').replace(
      'links:',
      'links:\n    - {endpoints: ["m:p1", "s1:m"]}',
    ),
    't.yaml:8: topology.nodes.m: the insider has no link; write one with the endpoint m:p0',
    't.yaml:8: topology.nodes.m.addresses[0]: "1.2.3" is not an IP address (expected a form such as 192.0.2.1 or 2001:db8::1)',
    't.yaml:10: topology.links[0].endpoints[0]: the insider m has one port, p0; write m:p0',
  ],
  [
    'a switch with a field of gateways',
    changed('{kind: switch}', '{kind: switch, underlay: [192.0.2.1]}'),
    't.yaml:7: topology.nodes.s1.underlay: there is no such key here; known are kind',
  ],
  [
    "a node's name with a dot",
    changed('s1: {kind: switch}', 's1: {kind: switch}\n    s.2: {kind: switch}'),
    `t.yaml:8: topology.nodes.s.2: "s.2": ${NAME_HINT}`,
  ],
  [
    'a time without unit',
    changed('["h1:p0", "s1:e1"]', '["h1:p0", "s1:e1"], delay: 10'),
    `t.yaml:9: topology.links[0].delay: 10: ${TIME_HINT}`,
  ],
  [
    'a time of more than a week',
    changed('["h1:p0", "s1:e1"]', '["h1:p0", "s1:e1"], delay: 8d'),
    't.yaml:9: topology.links[0].delay: 8d is more than 7d',
  ],
  [
    'a month that there is not',
    `epoch: 2038-13-19T03:14:00Z\n${BASE}`,
    't.yaml:1: epoch: there is no time 2038-13-19T03:14:00Z',
  ],
  [
    'a time without the zone',
    `epoch: 2038-01-19T03:14:00\n${BASE}`,
    't.yaml:1: epoch: "2038-01-19T03:14:00": write a time in UTC, such as 2038-01-19T03:14:00Z',
  ],
  [
    'a share that is a number',
    changed('["h1:p0", "s1:e1"]', '["h1:p0", "s1:e1"], loss: 0.01'),
    't.yaml:9: topology.links[0].loss: 0.01: write a share in percent, such as 0.1%',
  ],
  [
    'a share of more than all',
    changed('["h1:p0", "s1:e1"]', '["h1:p0", "s1:e1"], reorder: 100.5%'),
    't.yaml:9: topology.links[0].reorder: 100.5% is more than 100%',
  ],
  [
    'a rate in words of others',
    changed('["h1:p0", "s1:e1"]', '["h1:p0", "s1:e1"], rate: 10Gbit'),
    't.yaml:9: topology.links[0].rate: "10Gbit": write bits per second, such as 10Gbps (bps, kbps, Mbps, Gbps)',
  ],
  [
    'a rate beyond any link',
    changed('["h1:p0", "s1:e1"]', '["h1:p0", "s1:e1"], rate: 1001Gbps'),
    't.yaml:9: topology.links[0].rate: 1001Gbps is more than 1000Gbps',
  ],
  [
    'an MTU that is too small',
    changed('["h1:p0", "s1:e1"]', '["h1:p0", "s1:e1"], mtu: 500'),
    't.yaml:9: topology.links[0].mtu: 500 is not from 576 to 9216',
  ],
  [
    'a link with one end',
    changed('["h2:p0", "s1:e2"]', '["h2:p0"]'),
    't.yaml:10: topology.links[1].endpoints: write 2 or more',
  ],
  [
    'an endpoint without port',
    changed('"s1:e2"', 's1'),
    't.yaml:10: topology.links[1].endpoints[1]: "s1": write NODE:PORT, such as h1:p0; or host:INTERFACE or tap:INTERFACE with a name of at most 15 characters',
  ],
  [
    'workloads without addresses',
    changed('v2: [192.168.1.2]', 'v2: {present: false}'),
    't.yaml:6: topology.nodes.h2.workloads.v2: "addresses" is missing',
  ],
  [
    'a workload that is a text',
    changed('v2: [192.168.1.2]', 'v2: 192.168.1.2'),
    't.yaml:6: topology.nodes.h2.workloads.v2: write a list of addresses or {addresses: [...], present: false}',
  ],
];

const NETWORK: readonly Case[] = [
  [
    'an endpoint at a node that is not there',
    changed('"s1:e2"', '"s2:e2"'),
    't.yaml:10: topology.links[1].endpoints[1]: there is no node "s2"; did you mean "h2"?',
  ],
  [
    'a port in two links',
    changed('"s1:e2"', '"s1:e1"'),
    't.yaml:10: topology.links[1].endpoints[1]: s1:e1 has a link already (t.yaml:9)',
  ],
  [
    "a gateway's port that is not p0",
    changed('"h2:p0"', '"h2:eth0"'),
    't.yaml:6: topology.nodes.h2: the gateway has no link; write one with the endpoint h2:p0',
    't.yaml:10: topology.links[1].endpoints[0]: the gateway h2 has one port, p0; write h2:p0',
  ],
  [
    'a link from a node to itself',
    `${BASE}    - {endpoints: ["s1:a", "s1:b"]}\n`,
    't.yaml:11: topology.links[2]: both ends are at s1; a link is between two nodes',
  ],
  [
    'a loop of switches',
    `${changed('s1: {kind: switch}', 's1: {kind: switch}\n    s2: {kind: switch}')}    - {endpoints: ["s1:a", "s2:a"]}
    - {endpoints: ["s1:b", "s2:b"]}\n`,
    't.yaml:13: topology.links[3]: makes a loop of switches, in which frames go round for ever; make one of them a router',
  ],
  [
    'an address that is none',
    changed('[192.168.1.2]', '[192.168.1]'),
    't.yaml:6: topology.nodes.h2.workloads.v2[0]: "192.168.1" is not an IP address (expected a form such as 192.0.2.1 or 2001:db8::1)',
  ],
  [
    'addresses that nobody on a network can have',
    changed('[192.168.1.2]', '[0.0.0.0, "ff02::1", 255.255.255.255, 127.0.0.1, "::ffff:224.0.0.1"]'),
    ...[
      "0.0.0.0 is unspecified, and no host's own address; give a unicast address",
      "ff02::1 is multicast, and no host's own address; give a unicast address",
      "255.255.255.255 is broadcast, and no host's own address; give a unicast address",
      '127.0.0.1 is loopback, and never leaves its host; give an address of a network',
      "224.0.0.1 is multicast, and no host's own address; give a unicast address",
    ].map((reason, i) => `t.yaml:6: topology.nodes.h2.workloads.v2[${i}]: ${reason}`),
  ],
  [
    'nor gateways',
    changed(
      'kind: gateway, workloads: {v1',
      'kind: gateway, oob: 0.0.0.0, underlay: ["::1"], workloads: {v1',
    ),
    't.yaml:5: topology.nodes.h1.underlay[0]: ::1 is loopback, and never leaves its host; give an address of a network',
    "t.yaml:5: topology.nodes.h1.oob: 0.0.0.0 is unspecified, and no host's own address; give a unicast address",
  ],
  [
    "another workload's address, as IPv6",
    changed('[192.168.1.2]', '["::ffff:192.168.1.1"]'),
    't.yaml:6: topology.nodes.h2.workloads.v2[0]: 192.168.1.1 is the address of v1 already',
  ],
  [
    'a gateway that is its own peer',
    changed(
      'kind: gateway, workloads: {v1',
      'kind: gateway, oob: 10.9.9.9, flags: {tunnel: "10.9.9.9:192.168.1.1,192.168.1.2"}, workloads: {v1',
    ),
    't.yaml:5: topology.nodes.h1.flags.tunnel: 10.9.9.9:3000 is where h1 serves itself; leave it out',
    "t.yaml:5: topology.nodes.h1.flags.tunnel: 192.168.1.1 is an address of a workload of h1, and no peer's; leave it out",
  ],
  [
    "another workload's address",
    changed('[192.168.1.2]', '["fd00:0::1"]'),
    't.yaml:6: topology.nodes.h2.workloads.v2[0]: fd00::1 is the address of v1 already',
  ],
  [
    "another workload's name",
    changed('v2:', 'v1:'),
    't.yaml:6: topology.nodes.h2.workloads.v1: there is a workload v1 behind h1 already',
  ],
  [
    'an underlay address twice',
    changed(
      'kind: gateway, workloads: {v1',
      'kind: gateway, underlay: ["2001:db8::2"], workloads: {v1',
    ).replace('kind: gateway, workloads: {v2', 'kind: gateway, underlay: ["2001:db8:0::2"], workloads: {v2'),
    't.yaml:6: topology.nodes.h2.underlay[0]: 2001:db8::2 is the underlay address of h1 already',
  ],
  [
    'two underlay addresses of a family',
    changed(
      'kind: gateway, workloads: {v1',
      'kind: gateway, underlay: ["2001:db8::2", "2001:db8::3"], workloads: {v1',
    ),
    't.yaml:5: topology.nodes.h1.underlay[1]: h1 has an IPv6 address already',
  ],
  [
    'no underlay address of the outer family',
    changed('kind: gateway, workloads: {v1', 'kind: gateway, underlay: [192.0.2.1], workloads: {v1'),
    't.yaml:5: topology.nodes.h1.underlay: has no IPv6 address, and the flag outer-ip-type is ipv6',
  ],
  [
    'an OOB address twice, at different ports',
    changed('kind: gateway, workloads: {v1', 'kind: gateway, oob: "10.1.1.1:1", workloads: {v1').replace(
      'kind: gateway, workloads: {v2',
      'kind: gateway, oob: "10.1.1.1:2", workloads: {v2',
    ),
    't.yaml:6: topology.nodes.h2.oob: 10.1.1.1 is the OOB address of h1 already',
  ],
  [
    'a MAC address twice',
    changed(
      'kind: gateway, workloads: {v1',
      'kind: gateway, mac: "02:00:00:00:00:aa", workload-mac: "02:00:00:00:00:AA", workloads: {v1',
    ),
    't.yaml:5: topology.nodes.h1.workload-mac: 02:00:00:00:00:aa is the MAC address of h1 already',
  ],
  [
    'a workload of a family that the gateway does not carry',
    changed('inner: both', 'inner: ipv4'),
    't.yaml:5: topology.nodes.h1.workloads.v1[1]: fd00::1 is IPv6, and h1 carries IPv4 only; give it the flag "inner: both"',
  ],
  [
    'two generators',
    'name: t\ntopology:\n  full-mesh: 2\n  leaf-spine: {leaves: 1, spines: 1, hosts: 1}\n',
    't.yaml:4: topology.leaf-spine: does not go together with full-mesh; write one of them',
  ],
  [
    'a generator that makes too much',
    'name: t\ntopology:\n  leaf-spine: {leaves: 1000, spines: 999, hosts: 2, workloads: 1000}\n',
    't.yaml:3: topology.leaf-spine: makes 2001 nodes; 2000 are allowed at most',
    't.yaml:3: topology.leaf-spine: makes 999002 links; 10000 are allowed at most',
  ],
  [
    'too many workloads in all',
    'name: t\ntopology:\n  full-mesh: {gateways: 21, workloads: 1000}\n',
    't.yaml:3: topology.full-mesh: makes 21000 workloads; 20000 are allowed at most',
  ],
  [
    'a node that the generator makes too',
    'name: t\ntopology:\n  full-mesh: 2\n  nodes:\n    h1: {kind: gateway}\n',
    't.yaml:3: topology.full-mesh: makes a node h1, and "nodes" has one; rename that one',
  ],
];

const FLAGS: readonly Case[] = [
  [
    'a misspelt flag',
    changed('inner: both', 'inner: both, cokie: true'),
    't.yaml:3: topology.defaults.flags.cokie: there is no such key here; did you mean "cookie"?',
  ],
  [
    'a flag that is like no other',
    changed('inner: both', 'inner: both, frobnicate: true'),
    't.yaml:3: topology.defaults.flags.frobnicate: there is no such key here',
  ],
  [
    'a value that is no choice',
    changed('inner: both', 'inner: all'),
    't.yaml:3: topology.defaults.flags.inner: "all" is not one of ipv4, ipv6, both',
  ],
  [
    'a text where true or false belongs',
    changed('inner: both', 'inner: both, cookie: on'),
    't.yaml:3: topology.defaults.flags.cookie: "on" is not true or false',
  ],
  [
    'a number out of range',
    changed('inner: both', 'inner: both, psp-version: 4'),
    't.yaml:3: topology.defaults.flags.psp-version: 4 is not from 0 to 3',
  ],
  [
    'a value that only the gateway can judge, in the layer that it comes from',
    changed('inner: both', 'inner: both, decap-dmac: x').replace(
      'kind: gateway, workloads: {v1',
      'kind: gateway, flags: {cookie: true}, workloads: {v1',
    ),
    't.yaml:3: topology.defaults.flags.decap-dmac: "x" is not a MAC address (expected six octets such as 02:00:00:00:00:01)',
  ],
  [
    'flags that do not go together',
    changed('inner: both', 'inner: both, maintain-order: true, backoff-max: 100'),
    't.yaml:3: topology.defaults.flags.maintain-order: is for sampling; give --sample-rate as well',
    't.yaml:5: topology.nodes.h1: --backoff-min: is greater than --backoff-max',
    't.yaml:6: topology.nodes.h2: --backoff-min: is greater than --backoff-max',
  ],
  [
    'a flag under two names',
    changed('inner: both', 'inner: both, inner-ip-type: ipv4'),
    't.yaml:3: topology.defaults.flags.inner-ip-type: is given twice, also as inner',
    't.yaml:5: topology.nodes.h1.workloads.v1[1]: fd00::1 is IPv6, and h1 carries IPv4 only; give it the flag "inner: both"',
  ],
  [
    'TLS',
    changed('inner: both', 'inner: both, tls-ca: ca.pem'),
    't.yaml:3: topology.defaults.flags.tls-ca: is not for topologies: there is no TLS in virtual time, and --real-time makes its own certificates',
  ],
  [
    'what the topology says in its own words',
    changed('kind: gateway, workloads: {v1', 'kind: gateway, flags: {svc-addr: 10.0.0.1}, workloads: {v1'),
    't.yaml:5: topology.nodes.h1.flags.svc-addr: is not for topologies: write the address as "oob" of the node',
  ],
  [
    'static tunnels from an address that is not there',
    changed(
      'kind: gateway, workloads: {v1',
      'kind: gateway, flags: {static-tunnels: 192.168.1.9}, workloads: {v1',
    ),
    't.yaml:5: topology.nodes.h1.flags.static-tunnels: 192.168.1.9 is no address of a workload of h1',
  ],
  [
    'more static tunnels than allowed',
    'name: t\ntopology:\n  full-mesh: {gateways: 4, flags: {max-tunnels: 2}}\n',
    ...[1, 2, 3, 4].map(
      (i) => `t.yaml:3: topology.full-mesh.flags.max-tunnels: h${i} makes 3 static tunnels, 2 are allowed`,
    ),
  ],
  [
    'dialects of peers that the topology makes',
    changed('inner: both', 'inner: both, peer-dialect: 10.0.0.1=2.7'),
    't.yaml:3: topology.defaults.flags.peer-dialect: is for gateways with peers of their own (tunnel, tunnels-file, config)',
    't.yaml:3: topology.defaults.flags.peer-dialect: there is no peer 10.0.0.1:3000',
  ],
  [
    'a file of tunnels that is not there',
    changed('inner: both', 'inner: both, tunnels-file: peers.txt'),
    't.yaml:3: topology.defaults.flags.tunnels-file: there is no file peers.txt',
  ],
];

const TRAFFIC: readonly Case[] = [
  [
    'an unknown type',
    traffic('{type: pong, from: v1, to: v2}'),
    `t.yaml:13: scenario.traffic.A.type: "pong" is not one of ${TRAFFIC_TYPES.join(', ')}`,
  ],
  [
    'no rate',
    traffic('{type: flood, from: v1, duration: 1s}'),
    't.yaml:13: scenario.traffic.A: "rate" is missing',
  ],
  [
    'a workload that is not there',
    traffic('{type: ping, from: v1, to: v22}'),
    't.yaml:13: scenario.traffic.A.to: there is no workload "v22"; did you mean "v2"?',
  ],
  [
    'a list with a workload that is not there',
    traffic('{type: ping, from: v1, to: [v2, w]}'),
    't.yaml:13: scenario.traffic.A.to[1]: there is no workload "w"',
  ],
  [
    'a workload and itself',
    traffic('{type: ping, from: v1, to: v1}'),
    't.yaml:13: scenario.traffic.A: v1 cannot send to itself',
  ],
  [
    'two workloads of one gateway',
    changed('v2: [192.168.1.2]', 'v2: [192.168.1.2], v3: [192.168.1.3]').concat(
      'scenario: {traffic: {A: {type: ping, from: v2, to: v3}}}\n',
    ),
    't.yaml:11: scenario.traffic.A: v2 and v3 are both behind h2; traffic between them takes no tunnel',
  ],
  [
    'a family that one has not',
    traffic('{type: ping, from: v1, to: v2, family: 6}'),
    't.yaml:13: scenario.traffic.A: v1 and v2 have not both an IPv6 address',
  ],
  [
    'no common family',
    changed('[192.168.1.1, "fd00::1"]', '["fd00::1"]').concat(
      'scenario: {traffic: {A: {type: ping, from: v1, to: v2}}}\n',
    ),
    't.yaml:11: scenario.traffic.A: v1 and v2 have no IP family in common',
  ],
  [
    'a "*" that makes nothing',
    traffic('{type: ping, from: "*", to: "*", family: 6}'),
    't.yaml:13: scenario.traffic.A: makes no flow: no two of these workloads can talk through a tunnel',
  ],
  [
    'a sample of one flow',
    traffic('{type: ping, from: v1, to: v2, sample: 1, spread: 1s}'),
    't.yaml:13: scenario.traffic.A.sample: is for lists and "*"; this is one flow',
    't.yaml:13: scenario.traffic.A.spread: is for lists and "*"; this is one flow',
  ],
  [
    'a name twice in a list',
    traffic('{type: flood, from: [v1, v1], rate: 1/s, duration: 1s}'),
    't.yaml:13: scenario.traffic.A.from[1]: v1 is in the list twice',
    't.yaml:13: scenario.traffic.A: there is a flow A/v1 already',
  ],
  [
    'traffic in transport mode across a router',
    changed('kind: switch}', 'kind: router}')
      .replace('inner: both', 'inner: both, mode: transport')
      .concat('scenario: {traffic: {A: {type: ping, from: v1, to: v2}}}\n'),
    't.yaml:11: scenario.traffic.A: v1 and v2 are not on one segment, which transport mode needs: no router passes address resolution on',
  ],
  [
    'traffic between transport and tunnel mode',
    changed(
      '{kind: gateway, workloads: {v2',
      '{kind: gateway, flags: {mode: transport}, workloads: {v2',
    ).concat('scenario: {traffic: {A: {type: ping, from: v1, to: v2}}}\n'),
    't.yaml:11: scenario.traffic.A: h2 is in transport mode, and h1 is not',
  ],
  [
    'traffic and events after the end',
    scenario(
      'duration: 2s',
      'traffic: {A: {type: ping, from: v1, to: v2, start: 2s}, B: {type: ping, from: v1, to: v2, start: 1999ms}}',
      'events: [{at: 1s, rotate: "*", every: 1s}, {at: 1s, heal: true}]',
    ),
    't.yaml:13: scenario.traffic.A: would start after the run, whose duration is given',
    't.yaml:14: scenario.events[0]: would be after the run, whose duration is given',
  ],
  [
    'echo requests that are too small',
    traffic('{type: ping, from: v1, to: v2, size: 23}'),
    't.yaml:13: scenario.traffic.A.size: 23 is not from 24 to 8952 octets',
  ],
  [
    'datagrams that are too small',
    traffic('{type: udp, from: v1, to: v2, rate: 1/s, duration: 1s, size: 23}'),
    't.yaml:13: scenario.traffic.A.size: 23 is not from 24 to 8952 octets',
  ],
  [
    'a rate and a time of nothing',
    traffic('{type: udp, from: v1, to: v2, rate: 0/s, duration: 0}'),
    't.yaml:13: scenario.traffic.A.rate: 0 packets per second are none; write more',
    't.yaml:13: scenario.traffic.A.duration: 0 is no time; write more',
  ],
  [
    'too many packets per second',
    traffic('{type: flood, from: v1, rate: 10000001, duration: 1s}'),
    't.yaml:13: scenario.traffic.A.rate: 10000001 is more than 10000000/s',
  ],
  [
    'a transfer of too much',
    traffic('{type: transfer, from: v1, to: v2, size: 11GB}'),
    't.yaml:13: scenario.traffic.A.size: 11GB is not from 1 to 10000000000 octets',
  ],
  [
    'two flows of one name',
    scenario(
      'traffic:',
      '  A: {type: ping, from: [v1], to: v2}',
      '  A/v1>v2: {type: ping, from: v1, to: v2}',
    ),
    't.yaml:14: scenario.traffic.A/v1>v2: there is a flow A/v1>v2 already',
  ],
  [
    'more flows than allowed',
    'name: t\ntopology: {full-mesh: 400}\nscenario:\n  traffic:\n    A: {type: ping, from: "*", to: "*"}\n',
    't.yaml:5: scenario.traffic.A: more than 100000 flows in all; give "sample", or name fewer workloads',
  ],
  [
    'more pairs than are looked at',
    'name: t\ntopology: {full-mesh: {gateways: 3, workloads: 1000}}\nscenario:\n  traffic:\n    A: {type: ping, from: "*", to: "*", sample: 1}\n',
    't.yaml:5: scenario.traffic.A: more than 4000000 pairs of workloads in all; name fewer workloads',
  ],
];

const EVENTS: readonly Case[] = [
  ['no time', event('{rotate: h1}'), 't.yaml:13: scenario.events[0]: "at" is missing'],
  [
    'a negative time',
    event('{at: -1s, heal: true}'),
    `t.yaml:13: scenario.events[0].at: "-1s": ${TIME_HINT}`,
  ],
  [
    'a misspelt event',
    event('{at: 1s, rotat: h1}'),
    't.yaml:13: scenario.events[0]: there is no key "rotat" here; did you mean "rotate"?',
  ],
  [
    'no event',
    event('{at: 1s}'),
    `t.yaml:13: scenario.events[0]: one of these is needed: ${EVENT_TYPES.join(', ')}`,
  ],
  [
    'two events in one',
    event('{at: 1s, restart: h1, cut: "h1:p0"}'),
    't.yaml:13: scenario.events[0]: restart and cut do not go together; write one for each',
  ],
  [
    'a field of another event',
    event('{at: 1s, rotate: h1, down: 1s}'),
    't.yaml:13: scenario.events[0].down: there is no such key here; known are at, rotate, every',
  ],
  [
    'a node that is not there',
    event('{at: 1s, rotate: [h1, h3]}'),
    't.yaml:13: scenario.events[0].rotate[1]: there is no node "h3"; did you mean "h1"?',
  ],
  [
    'a node that is no gateway',
    event('{at: 1s, crash: s1}'),
    't.yaml:13: scenario.events[0].crash: s1 is a switch; name a gateway',
  ],
  [
    'an insider where a gateway belongs',
    event('{at: 1s, rotate: m}').replace(
      '    s1: {kind: switch}\n  links:\n',
      '    s1: {kind: switch}\n    m: {kind: insider}\n  links:\n    - {endpoints: ["m:p0", "s1:m"]}\n',
    ),
    't.yaml:15: scenario.events[0].rotate: m is an insider; name a gateway',
  ],
  [
    'a gateway twice',
    event('{at: 1s, restart: [h1, h1]}'),
    't.yaml:13: scenario.events[0].restart[1]: h1 is there twice',
  ],
  [
    'a link that is not there',
    event('{at: 1s, cut: "h1:p1"}'),
    't.yaml:13: scenario.events[0].cut: there is no link "h1:p1"; did you mean "h1:p0"?',
  ],
  [
    'two ends of different links',
    event('{at: 1s, cut: "h1:p0 s1:e2"}'),
    't.yaml:13: scenario.events[0].cut: there is no link "h1:p0 s1:e2"; did you mean "h1:p0 s1:e1"?',
  ],
  [
    'an impairment of nothing',
    event('{at: 1s, impair: "h1:p0"}'),
    't.yaml:13: scenario.events[0]: changes nothing; write delay, jitter, loss, duplicate, reorder, corrupt or rate',
  ],
  [
    'an impairment with a misspelt key, of which nothing else is said',
    event('{at: 1s, impair: "h1:p0", los: 5%}'),
    't.yaml:13: scenario.events[0].los: there is no such key here; did you mean "loss"?',
  ],
  [
    'an impairment of a wrong value, of which nothing else is said',
    event('{at: 1s, impair: "h1:p0", loss: 5}'),
    't.yaml:13: scenario.events[0].loss: 5: write a share in percent, such as 0.1%',
  ],
  [
    'an OOB network with a misspelt key',
    event('{at: 1s, oob: {dealy: 5ms}}'),
    't.yaml:13: scenario.events[0].oob.dealy: there is no such key here; did you mean "delay"?',
  ],
  [
    'an OOB network with a wrong value',
    event('{at: 1s, oob: {delay: 5}}'),
    `t.yaml:13: scenario.events[0].oob.delay: 5: ${TIME_HINT}`,
  ],
  [
    'an OOB network that is a text',
    event('{at: 1s, oob: lossy}'),
    't.yaml:13: scenario.events[0].oob: "lossy" is not a map',
  ],
  [
    'an OOB network as it is',
    event('{at: 1s, oob: {}}'),
    't.yaml:13: scenario.events[0].oob: changes nothing; write delay, jitter or loss',
  ],
  [
    'one group',
    event('{at: 1s, partition: [[h1]]}'),
    't.yaml:13: scenario.events[0].partition: write 2 or more',
  ],
  [
    'a gateway in two groups',
    event('{at: 1s, partition: [[h1], [h2, h1]]}'),
    't.yaml:13: scenario.events[0].partition[1][1]: h1 is there twice',
  ],
  [
    'an insider that is a gateway',
    event('{at: 1s, insider: h1, for: 1s}'),
    't.yaml:13: scenario.events[0].insider: h1 is a gateway; name an insider',
  ],
  [
    'an insider that is not there',
    event('{at: 1s, insider: h3, for: 1s}'),
    't.yaml:13: scenario.events[0].insider: there is no node "h3"; did you mean "h1"?',
  ],
  [
    'an act that nobody knows',
    event('{at: 1s, insider: h1, for: 1s, does: [ask, steal]}'),
    't.yaml:13: scenario.events[0].does[1]: "steal" is not one of ask, batch, claim, redirect, rotate, send, impersonate, usurp, smuggle, replay, flood, abandon, announce, stall, lie',
    't.yaml:13: scenario.events[0].insider: h1 is a gateway; name an insider',
  ],
  ['no healing', event('{at: 1s, heal: false}'), 't.yaml:13: scenario.events[0].heal: false: write true'],
  [
    'a workload that is not there',
    event('{at: 1s, add-workload: v9}'),
    't.yaml:13: scenario.events[0].add-workload: there is no workload "v9"; did you mean "v1"?',
  ],
  [
    'an address that another gateway has then',
    scenario(
      'events:',
      '  - {at: 3s, readdress: h2, ip: "2001:db8::a"}',
      '  - {at: 1s, readdress: h1, ip: "2001:db8::a"}',
    ),
    't.yaml:13: scenario.events[0].ip: 2001:db8::a is the underlay address of h1 then',
  ],
  [
    'an address that nobody can have',
    event('{at: 1s, readdress: h1, ip: "ff02::1"}'),
    "t.yaml:13: scenario.events[0].ip: ff02::1 is multicast, and no host's own address; give a unicast address",
  ],
  [
    'an address of a family without underlay',
    event('{at: 1s, readdress: h1, ip: 192.0.2.1}'),
    't.yaml:13: scenario.events[0].ip: 192.0.2.1 is IPv4, and h1 has no underlay address of that family',
  ],
  [
    'an attack that does nothing',
    event('{at: 1s, attack: "h1:p0", for: 1s}'),
    't.yaml:13: scenario.events[0]: does nothing; write replay, forge or spoof',
  ],
  [
    'an attack of zeros',
    event('{at: 1s, attack: "h1:p0", for: 1s, replay: 0%, forge: 0.0%, spoof: 0}'),
    't.yaml:13: scenario.events[0]: does nothing; write replay, forge or spoof',
  ],
  [
    'an attack with a misspelt key, of which nothing else is said',
    event('{at: 1s, attack: "h1:p0", for: 1s, spoofs: 5}'),
    't.yaml:13: scenario.events[0].spoofs: there is no such key here; did you mean "spoof"?',
  ],
  [
    'an attack of a wrong value and zeros, of which nothing else is said',
    event('{at: 1s, attack: "h1:p0", for: 1s, forge: 5, replay: 0%}'),
    't.yaml:13: scenario.events[0].forge: 5: write a share in percent, such as 0.1%',
  ],
  [
    'an act twice',
    event('{at: 1s, insider: m, for: 1s, does: [ask, lie, ask, stall, lie]}').replace(
      '    s1: {kind: switch}\n  links:\n',
      '    s1: {kind: switch}\n    m: {kind: insider}\n  links:\n    - {endpoints: ["m:p0", "s1:m"]}\n',
    ),
    't.yaml:15: scenario.events[0].does[2]: "ask" is there twice',
    't.yaml:15: scenario.events[0].does[4]: "lie" is there twice',
  ],
  [
    'a clock that goes back',
    event('{at: 1s, clock-jump: h1, by: -1s}'),
    `t.yaml:13: scenario.events[0].by: "-1s": ${TIME_HINT}`,
  ],
  [
    'all gateways, of none',
    'name: t\ntopology: {nodes: {r: {kind: router}}}\nscenario: {events: [{at: 1s, rotate: "*"}]}\n',
    't.yaml:3: scenario.events[0].rotate: there are no gateways',
  ],
  [
    'one after the other, beyond a week',
    event('{at: 6d, rotate: "*", every: 2d}'),
    't.yaml:13: scenario.events[0].every: the last of these events is later than 7d',
  ],
];

const EXPECTATIONS: readonly Case[] = [
  [
    'traffic that is not there',
    expectation('{flow: B, lost: 0}'),
    't.yaml:14: scenario.expect[0].flow: there is no traffic "B"',
  ],
  [
    'no traffic at all',
    scenario('expect:', '  - {flow: "*", lost: 0}'),
    't.yaml:13: scenario.expect[0].flow: there is no traffic',
  ],
  [
    'nothing expected',
    expectation('{flow: A}'),
    't.yaml:14: scenario.expect[0]: one of these is needed: lost, delivered, recovered-within, blocked, counter, no-leaks',
  ],
  [
    'a misspelt expectation',
    expectation('{flow: A, delivred: 5%}'),
    't.yaml:14: scenario.expect[0]: there is no key "delivred" here; did you mean "delivered"?',
  ],
  [
    'part of a packet',
    expectation('{flow: A, lost: 0.5}'),
    't.yaml:14: scenario.expect[0].lost: 0.5 is not a whole number',
  ],
  [
    'a counter without bounds',
    expectation('{counter: nodes.h1.starts}'),
    't.yaml:14: scenario.expect[0]: expects nothing; write min, max or both',
  ],
  [
    'a counter with a misspelt bound, of which nothing else is said',
    expectation('{counter: nodes.h1.starts, maxx: 1}'),
    't.yaml:14: scenario.expect[0].maxx: there is no such key here; did you mean "max"?',
  ],
  [
    'a counter with a wrong bound, of which nothing else is said',
    expectation('{counter: nodes.h1.starts, max: one}'),
    't.yaml:14: scenario.expect[0].max: "one" is not a number',
  ],
  [
    'bounds the wrong way round',
    expectation('{counter: nodes.h1.starts, min: 2, max: 1}'),
    't.yaml:14: scenario.expect[0]: min 2 is more than max 1',
  ],
  [
    'a counter of a node that is not there',
    expectation('{counter: nodes.h3.starts, min: 2}'),
    't.yaml:14: scenario.expect[0].counter: there is no node "h3"; did you mean "h1"?',
  ],
];

describe.each([
  ['shape', SHAPE],
  ['network', NETWORK],
  ['flags', FLAGS],
  ['traffic', TRAFFIC],
  ['events', EVENTS],
  ['expectations', EXPECTATIONS],
])('wrong %s:', (_, cases) => {
  test.each(cases)('%s', (__, text, ...problems) => expect(problemsOf(text)).toEqual(problems));
});

describe('a file with several problems', () => {
  test('has all of them said, by line, and nothing that only follows from another', () => {
    const text = `name: t
sed: 1
topology:
  defaults: {flags: {inner: bth, tls-ca: x}}
  nodes:
    h1: {kind: gatway, workloads: {v1: [192.168.1.1]}}
    h2: {kind: gateway, undrelay: [x], workloads: {v2: [1.2.3, "fd00::1"], v3: {addreses: [192.168.1.3]}}}
    s1: {kind: switch}
  links:
    - endpoints: ["h1:p0", "s1:e1"]
      loss: 0.1
      mtu: 10
    - endpoints: ["h2:p0", s1]
scenario:
  duration: 10
  traffic:
    A: {type: pong, from: v1, to: v2}
    B: {type: ping, from: v1, to: v3}
    C: {type: ping, from: v2, to: v4}
  events:
    - {at: 2s, rotat: [h1, h2]}
    - {at: 3s, restart: h1}
    - {at: 3s, cut: "h2:p0"}
    - {at: 3s, cut: "h3:p0"}
  expect:
    - {flow: A, lost: 0}
    - {flow: D, lost: 0}
    - {flow: B, lost: 0, delivered: 1%}
`;
    expect(problemsOf(text)).toEqual([
      't.yaml:2: sed: there is no such key here; did you mean "seed"?',
      't.yaml:4: topology.defaults.flags.inner: "bth" is not one of ipv4, ipv6, both',
      't.yaml:4: topology.defaults.flags.tls-ca: is not for topologies: there is no TLS in virtual time, and --real-time makes its own certificates',
      't.yaml:6: topology.nodes.h1.kind: "gatway" is not one of gateway, insider, external, switch, router',
      't.yaml:7: topology.nodes.h2.undrelay: there is no such key here; did you mean "underlay"?',
      't.yaml:7: topology.nodes.h2.workloads.v3: "addresses" is missing',
      't.yaml:7: topology.nodes.h2.workloads.v3.addreses: there is no such key here; did you mean "addresses"?',
      't.yaml:7: topology.nodes.h2.workloads.v2[0]: "1.2.3" is not an IP address (expected a form such as 192.0.2.1 or 2001:db8::1)',
      't.yaml:11: topology.links[0].loss: 0.1: write a share in percent, such as 0.1%',
      't.yaml:12: topology.links[0].mtu: 10 is not from 576 to 9216',
      't.yaml:13: topology.links[1].endpoints[1]: "s1": write NODE:PORT, such as h1:p0; or host:INTERFACE or tap:INTERFACE with a name of at most 15 characters',
      't.yaml:15: scenario.duration: 10: write a time with its unit (us, ms, s, m, h, d), such as 10ms',
      `t.yaml:17: scenario.traffic.A.type: "pong" is not one of ${TRAFFIC_TYPES.join(', ')}`,
      't.yaml:19: scenario.traffic.C.to: there is no workload "v4"; did you mean "v2"?',
      't.yaml:21: scenario.events[0]: there is no key "rotat" here; did you mean "rotate"?',
      't.yaml:24: scenario.events[3].cut: there is no link "h3:p0"',
      't.yaml:27: scenario.expect[1].flow: there is no traffic "D"',
      't.yaml:28: scenario.expect[2]: lost and delivered do not go together; write one for each',
    ]);
  });

  test('has wrong counters said too, but for those that nobody knows', () => {
    const text = scenario(
      'traffic: {A: {type: pong, from: "*", to: "*"}}',
      'expect:',
      '  - {counter: nodess.h1.starts, min: 1}',
      '  - {counter: tunnels.x, min: 1}',
      '  - {counter: nodes.h1.start, min: 1}',
      '  - {counter: nodes.h3.starts, min: 1}',
      '  - {counter: flows.B.sent, min: 1}',
      '  - {counter: flows.A.sent, min: 1}',
      '  - {counter: flows.A/v1>v2.sent, min: 1}',
    );
    expect(problemsOf(text)).toEqual([
      `t.yaml:12: scenario.traffic.A.type: "pong" is not one of ${TRAFFIC_TYPES.join(', ')}`,
      't.yaml:14: scenario.expect[0].counter: there is no counter "nodess.h1.starts"; expected one of tunnels, nodes, insiders, switches, routers, links, outside, flows, oob',
      't.yaml:15: scenario.expect[1].counter: there is no counter "tunnels.x"; did you mean "tunnels"?',
      't.yaml:16: scenario.expect[2].counter: there is no counter "nodes.h1.start"; did you mean "nodes.h1.starts"?',
      't.yaml:17: scenario.expect[3].counter: there is no node "h3"; did you mean "h1"?',
      't.yaml:18: scenario.expect[4].counter: there is no traffic "B"',
    ]);
  });

  test('has no more said of a flow whose traffic is wrong', () => {
    const text = scenario(
      'traffic: {A: {type: pong, from: "*", to: "*"}, B: {type: ping, from: "*", to: "*"}}',
      'expect:',
      '  - {flow: A/v1>v2, lost: 0}',
      '  - {flow: B/v1>v2, lost: 0}',
      '  - {flow: B/v1>v3, lost: 0}',
    );
    expect(problemsOf(text)).toEqual([
      `t.yaml:12: scenario.traffic.A.type: "pong" is not one of ${TRAFFIC_TYPES.join(', ')}`,
      't.yaml:16: scenario.expect[2].flow: there is no traffic "B/v1>v3"; did you mean "B/v1>v2"?',
    ]);
  });

  test('because of a wrong generator has that one said, and not what follows from it', () => {
    const text = `name: t
topology: {full-mesh: {gateways: 0}}
scenario:
  traffic: {A: {type: ping, from: "*", to: "*"}, B: {type: ping, from: h1-v1, to: h2-v1}}
  events: [{at: 1s, rotate: "*"}, {at: 1s, crash: h1}, {at: 1s, cut: "h1:p0"}, {at: 1s, add-workload: h1-v1}]
  expect: [{flow: A, lost: 0}, {flow: "*", lost: 0}, {counter: nodes.h1.starts, min: 1}]
`;
    expect(problemsOf(text)).toEqual(['t.yaml:2: topology.full-mesh.gateways: 0 is not from 1 to 1999']);
  });

  test('because of a misspelt key has no more said of what stands under it', () => {
    const uses = [
      'events: [{at: 1s, rotate: h1}, {at: 1s, cut: "h1:p0"}]',
      'traffic: {A: {type: ping, from: v1, to: "*"}}',
      'expect: [{flow: A, lost: 0}, {flow: "*", lost: 0}, {counter: flows.A.sent, min: 1}]',
    ];
    const known = 'there is no such key here; did you mean';
    const whole = scenario(...uses);
    for (const [key, misspelt, problem] of [
      ['  nodes:', '  nodse:', `t.yaml:4: topology.nodse: ${known} "nodes"?`],
      ['  links:', '  lnks:', `t.yaml:8: topology.lnks: ${known} "links"?`],
      ['  traffic:', '  trafic:', `t.yaml:13: scenario.trafic: ${known} "traffic"?`],
    ] as const) {
      expect(whole).toContain(key);
      expect(problemsOf(whole.replace(key, misspelt))).toEqual([problem]);
    }
    expect(
      problemsOf('name: t\ntopology: {full-mehs: 2}\nscenario: {events: [{at: 1s, rotate: "*"}]}\n'),
    ).toEqual([`t.yaml:2: topology.full-mehs: ${known} "full-mesh"?`]);
    // Of others all is said, whatever is misspelt beside them.
    expect(problemsOf(scenario('colour: 1', 'traffic: {}', 'expect: [{flow: B, lost: 0}]'))).toContain(
      't.yaml:14: scenario.expect[0].flow: there is no traffic "B"',
    );
  });

  test('has those of its other files in their lines', () => {
    const files = { 's.yaml': 'duration: 1\ntraffic:\n  A: {type: ping, from: v1, to: v9}\n' };
    expect(problemsOf(`${BASE}scenario: s.yaml\ncolour: 1\n`, files)).toEqual([
      't.yaml:12: colour: there is no such key here; known are name, seed, epoch, oob, topology, scenario',
      `s.yaml:1: duration: 1: ${TIME_HINT}`,
      's.yaml:3: traffic.A.to: there is no workload "v9"; did you mean "v1"?',
    ]);
  });

  test('that names a file that is not there says so where it names it', () => {
    expect(problemsOf(`${BASE}scenario: s.yaml\n`)).toEqual(['t.yaml:11: scenario: there is no file s.yaml']);
    expect(problemsOf(BASE, {}, { scenarioPath: 'other.yaml' })).toEqual([
      'other.yaml:1: there is no file other.yaml',
    ]);
  });

  test('has a thousand said at most', () => {
    const flows = Array.from({ length: 1500 }, (_, i) => `    A${i}: {type: ping, from: v1, to: w}\n`);
    const problems = problemsOf(`${BASE}scenario:\n  traffic:\n${flows.join('')}`);
    expect(problems).toHaveLength(1001);
    expect(problems.at(-1)).toBe('and 500 more problems');
  });
});

describe('a problem behind an alias or merge', () => {
  test('is said where the alias is used', () => {
    const text = `${BASE}scenario:
  traffic:
    A: &ping {type: ping, from: v1, to: v2}
    B: {<<: *ping, to: v7}
    C: {<<: *ping, from: v2}
`;
    expect(problemsOf(text)).toEqual([
      't.yaml:14: scenario.traffic.B.to: there is no workload "v7"; did you mean "v1"?',
      't.yaml:15: scenario.traffic.C: v2 cannot send to itself',
    ]);
  });
});
