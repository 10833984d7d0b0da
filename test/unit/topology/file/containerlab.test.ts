/** Containerlab's files: what they become, what is left out of them, and where mistakes are told. */
import { describe, expect, test } from 'vitest';
import { readTopologyFiles } from '../../../../src/topology/file/read.js';
import { runVirtually } from '../../../../src/topology/virtual-run.js';

function read(text: string, path = 'lab.clab.yml', scenario = '') {
  const files: Readonly<Record<string, string>> = { [path]: text, 'scenario.yaml': scenario };
  const options = scenario === '' ? {} : { scenarioPath: 'scenario.yaml' };
  const { topology, problems } = readTopologyFiles(path, (name) => files[name]!, options);
  return { topology, problems: problems.list, remarks: problems.remarks };
}

const LAB = `name: clos.1
prefix: ""
mgmt: {network: custom}
topology:
  defaults: {env: {A: b}}
  kinds:
    nokia_srlinux: {image: ghcr.io/nokia/srlinux, type: ixrd3}
    linux: {image: alpine}
  groups: {leaves: {kind: nokia_srlinux}}
  nodes:
    leaf1: {group: leaves, startup-config: leaf1.cfg}
    leaf2: {kind: nokia_srlinux}
    spine1: {kind: nokia_srlinux, labels: {role: spine}}
    br-1: {kind: bridge}
    client1: {kind: linux, exec: ["ip addr"]}
    client2:
      kind: linux
    client3: {kind: linux}
    frr: {kind: linux}
    alone: {kind: linux}
  links:
    - endpoints: ["leaf1:e1-49", "spine1:ethernet-1/1"]
    - endpoints: ["leaf2:1/1/c1", "spine1:e1-2"]
      mtu: 9500
    - endpoints: ["mgmt-net:x", "spine1:e1-3"]
    - type: veth
      endpoints: [{node: client1, interface: eth1, mac: "02:00:00:00:00:09"}, {node: leaf1, interface: e1-1}]
      mtu: 1400
      vars: {psp-link: {loss: 100%, delay: 1ms}, color: red}
    - endpoints: ["client2:eth1", "br-1:eth1"]
    - endpoints: ["br-1:eth2", "frr:eth1"]
    - endpoints: ["frr:eth2", "leaf2:e1-1"]
    - endpoints: ["client3:eth1", "br-1:eth3"]
    - type: vxlan
      endpoint: {node: leaf1, interface: e1-9}
      remote: 192.0.2.1
      vni: 5
      dst-port: 4789
`;

describe('a file of containerlab', () => {
  const { topology, problems, remarks } = read(LAB);

  test('gives names, kinds and links: hosts with one link are gateways, all that forwards is a router', () => {
    expect(problems).toEqual([]);
    expect(topology?.name).toBe('clos-1');
    expect(Object.fromEntries(topology!.nodes.map(({ name, kind }) => [name, kind]))).toEqual({
      leaf1: 'router',
      leaf2: 'router',
      spine1: 'router',
      'br-1': 'switch',
      client1: 'gateway',
      client2: 'gateway',
      client3: 'gateway',
      frr: 'router',
    });
    expect(topology!.links.map(({ name, mtuOctets }) => [name, mtuOctets])).toEqual([
      ['leaf1:e1-49 spine1:ethernet-1-1', 1500],
      ['leaf2:p1-1-c1 spine1:e1-2', 9216],
      ['client1:p0 leaf1:e1-1', 1400],
      ['client2:p0 br-1:eth1', 1500],
      ['br-1:eth2 frr:eth1', 1500],
      ['frr:eth2 leaf2:e1-1', 1500],
      ['client3:p0 br-1:eth3', 1500],
    ]);
    expect(topology!.links[2]!.impairments).toMatchObject({ lossRatio: 1, delayMs: 1 });
  });

  test('says how it was read, and what was left out', () => {
    expect(remarks).toEqual([
      'lab.clab.yml: read as gateway: client1, client2, client3',
      'lab.clab.yml: read as switch: br-1',
      'lab.clab.yml: read as router: leaf1, leaf2, spine1, frr',
      'lab.clab.yml: left out of links: mtu above 9216, vars color',
      'lab.clab.yml: left out of the links: endpoint mgmt-net:x, type vxlan (leaf1)',
      'lab.clab.yml: left out of nodes: startup-config, env, image, type, label role, exec',
      'lab.clab.yml: left out as it has no links: alone',
      'lab.clab.yml: left out of the file: prefix, mgmt',
    ]);
  });

  test('runs, with a scenario of its own', async () => {
    const scenario = `traffic:
  near: {type: ping, from: client2-v1, to: client3-v1, count: 3}
  cut: {type: ping, from: client1-v1, to: client3-v1, count: 3}
expect:
  - {flow: near, lost: 0}
  - {flow: cut, blocked: true}
`;
    const { topology: lab, problems: found } = read(LAB, 'lab.clab.yaml', scenario);
    expect(found).toEqual([]);
    const { report } = await runVirtually(lab!);
    expect(report.expectations.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.ok).toBe(true);
  });
});

const lab = (nodes: string, links: string, more = '') =>
  read(`name: x\ntopology:\n${more}  nodes: ${nodes}\n  links:\n${links}`);
const kindsOf = ({ topology }: ReturnType<typeof read>) =>
  topology!.nodes.map(({ name, kind }) => `${name} ${kind}`);

describe('the label psp-kind', () => {
  const LINKS = '    - endpoints: ["a:eth1", "b:eth1"]\n    - endpoints: ["b:eth2", "c:eth1"]\n';

  test('wins over the kind, of the node, its kind or its group', () => {
    const labels = 'labels: {psp-kind: switch}';
    const kinds =
      '  kinds: {linux: {labels: {psp-kind: gateway}}}\n  groups: {middle: {labels: {psp-kind: router}}}\n';
    expect(
      kindsOf(
        lab(
          `{a: {kind: linux}, b: {kind: linux, ${labels}}, c: {kind: crpd, labels: {psp-kind: gateway}}}`,
          LINKS,
        ),
      ),
    ).toEqual(['a gateway', 'b switch', 'c gateway']);
    expect(
      kindsOf(lab('{a: {kind: linux}, b: {kind: linux, group: middle}, c: {kind: linux}}', LINKS, kinds)),
    ).toEqual(['a gateway', 'b router', 'c gateway']);
  });

  test('of another kind, and on a gateway with two links, is a mistake at its line', () => {
    const { problems } = lab(
      '\n    a: {kind: linux, labels: {psp-kind: firewall}}\n    b: {kind: linux, labels: {psp-kind: gateway}}\n    c: {kind: linux}',
      LINKS,
    );
    expect(problems).toEqual([
      'lab.clab.yml:4: topology.nodes.a: the label psp-kind is one of gateway, switch, router',
      expect.stringMatching(/^lab\.clab\.yml:9: .*b:p0 has a link already/),
    ]);
  });

  test('run is of our own files for containerlab, beside which there is a topology', () => {
    const { problems } = lab(
      '{a: {kind: linux}, run: {kind: linux, labels: {psp-kind: run}}}',
      '    - endpoints: ["a:eth1", "run:eth1"]\n',
    );
    expect(problems).toEqual([expect.stringContaining('read the topology.yaml beside it')]);
  });
});

describe('mistakes', () => {
  test.each([
    ['[]', 'a containerlab file has nodes under "topology", by name'],
    ['name: x\ntopology: {links: []}', 'a containerlab file has nodes under "topology", by name'],
    ['name: x\ntopology: {nodes: {a: {kind: linux}}, links: {}}', 'topology.links: write a list of links'],
    ['topology: {nodes: {a: {kind: linux}, b: }, links: [endpoints: ["a:e", "b:e"]]}', '"name" is missing'],
  ])('%j', (text, words) => {
    expect(read(text).problems.join()).toContain(words);
  });

  test('are told at their own lines, also behind links that are left out', () => {
    const { problems } = lab(
      '{a: {kind: linux}, b: {kind: linux}}',
      '    - {type: dummy, endpoint: {node: a, interface: e9}}\n    - endpoints: ["a:eth1"]\n    - endpoints: ["a:eth1", "c:eth1"]\n    - {endpoints: ["a:eth2", "b:eth1"], mtu: 100}\n',
    );
    expect(problems).toEqual([
      'lab.clab.yml:6: topology.links[1]: a link has two endpoints, NODE:INTERFACE or a map with node and interface',
      expect.stringMatching(/^lab\.clab\.yml:7: topology\.links\[2\].*no node "c"/),
      expect.stringMatching(/^lab\.clab\.yml:8: topology\.links\[3\]\.mtu: /),
    ]);
  });

  test('interfaces of the host stay ends of links: real time only', () => {
    const text = `name: x
topology:
  nodes: {a: {kind: linux}, s: {kind: bridge}}
  links:
    - endpoints: ["a:eth1", "s:eth1"]
    - endpoints: ["s:eth2", "host:ens2f0np0"]
    - {type: host, endpoint: {node: s, interface: eth3}, host-interface: ens2f1np1}
`;
    const { topology } = read(text);
    expect(topology!.links.map(({ name }) => name)).toEqual([
      'a:p0 s:eth1',
      's:eth2 host:ens2f0np0',
      's:eth3 host:ens2f1np1',
    ]);
    const refused = readTopologyFiles('x.clab.yml', () => text, { inVirtualTime: true }).problems;
    expect(refused.list).toHaveLength(2);
  });
});

test('a file with another name is none of containerlab’s', () => {
  expect(read(LAB, 'lab.yaml').problems.length).toBeGreaterThan(3);
});
