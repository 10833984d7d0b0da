import { describe, expect, test } from 'vitest';
import { boxesOf, topologyDot, topologyMermaid, topologySvg } from '../../../src/topology/graph.js';
import { topologyOf } from '../../support/topology-text.js';
import { textsOfXml } from '../../support/xml.js';

const TOPOLOGY = topologyOf(`name: t
topology:
  defaults: {flags: {inner: both}}
  nodes:
    h1: {kind: gateway, workloads: {v1: [192.168.1.1, "fd00::1"]}}
    end: {kind: gateway, underlay: ["2001:db8::9"], workloads: {v2: {addresses: [192.168.1.2], present: false}}}
    s1: {kind: switch}
    r1: {kind: router}
  links:
    - {endpoints: ["s1:e1", "h1:p0"]}
    - endpoints: ["end:p0", "r1:e1"]
      delay: 10us
      jitter: 1ms
      loss: 0.1%
      duplicate: 2%
      reorder: 3%
      corrupt: 4%
      rate: 10Gbps
      mtu: 9000
    - {endpoints: ["s1:e2", "r1:e2"], delay: 2s}
`);
const IMPAIRMENTS = '10us, jitter 1ms, loss 0.1%, duplicate 2%, reorder 3%, corrupt 4%, 10Gbps, MTU 9000';

describe('a drawing of a topology', () => {
  test('has interfaces of this machine as boxes of their own', () => {
    const topology = topologyOf(`name: t
topology:
  nodes: {s1: {kind: switch}}
  links:
    - {endpoints: ["host:ens2.7", "s1:e1"], loss: 1%}
    - {endpoints: ["s1:e2", "tap:vm1"]}
`);
    const [host, tap] = ['host:ens2.7', 'tap:vm1'].map((name) => `o_${Buffer.from(name).toString('hex')}`);
    expect(topologyMermaid(topology)).toBe(`flowchart TD
  n_s1[["s1<br/>switch"]]
  ${host}[/"host:ens2.7<br/>interface of this machine"/]
  ${tap}[/"tap:vm1<br/>TAP interface"/]
  n_s1 ---|"e1, loss 1%"| ${host}
  n_s1 ---|"e2"| ${tap}
`);
    expect(topologyDot(topology)).toContain('"host:ens2.7" [shape=cds');
  });

  test('with interfaces draws them beside gateways that are drawn as one', async () => {
    const topology = topologyOf(`name: t
topology:
  full-mesh: 30
  links: [{endpoints: ["switch1:up", "host:ens2"]}]
`);
    expect(boxesOf(topology)).toBe(3);
    expect(textsOfXml(await topologySvg(topology))).toContain('host:ens2');
  });

  test('as Mermaid has nodes by kind with their workloads, and links with what is not as usual', () => {
    expect(topologyMermaid(TOPOLOGY)).toBe(`flowchart TD
  n_h1["h1<br/>gateway 2001:db8::1<br/>v1: 192.168.1.1, fd00::1"]
  n_end["end<br/>gateway 2001:db8::9<br/>v2 (absent at first): 192.168.1.2"]
  n_s1[["s1<br/>switch"]]
  n_r1(["r1<br/>router"])
  n_s1 ---|"e1 - p0"| n_h1
  n_r1 ---|"e1 - p0, ${IMPAIRMENTS}"| n_end
  n_r1 ---|"e2 - e2, 2s"| n_s1
`);
  });

  test('as DOT has the same', () => {
    expect(topologyDot(TOPOLOGY)).toBe(`graph "t" {
  graph [nodesep=0.8, ranksep=1];
  node [fontname="sans-serif"];
  edge [fontname="sans-serif", fontsize=10];
  "h1" [shape=box, label="h1\\ngateway 2001:db8::1\\nv1: 192.168.1.1, fd00::1"];
  "end" [shape=box, label="end\\ngateway 2001:db8::9\\nv2 (absent at first): 192.168.1.2"];
  "s1" [shape=box3d, label="s1\\nswitch"];
  "r1" [shape=oval, label="r1\\nrouter"];
  "s1" -- "h1" [taillabel="e1", headlabel="p0"];
  "r1" -- "end" [taillabel="e1", headlabel="p0", label="${IMPAIRMENTS}"];
  "r1" -- "s1" [taillabel="e2", headlabel="e2", label="2s"];
}
`);
  });

  test('as SVG has the same, a box per node and a line per link', async () => {
    const svg = await topologySvg(TOPOLOGY);
    const texts = textsOfXml(svg);
    for (const text of ['h1', 'end', 's1', 'r1', 'v2 (absent at first): 192.168.1.2', IMPAIRMENTS, '2s']) {
      expect(texts).toContain(text);
    }
    expect(texts.filter((text) => /^(p|e)\d$/.test(text)).sort()).toEqual([
      'e1',
      'e1',
      'e2',
      'e2',
      'p0',
      'p0',
    ]);
    expect(svg.match(/<rect /g)).toHaveLength(4);
    expect(svg.match(/<path /g)).toHaveLength(3);
    expect(svg).not.toContain('NaN');
    expect(svg).not.toContain('marker');
  });

  test('as SVG explains the colors of what it has, and of nothing else', async () => {
    const texts = textsOfXml(await topologySvg(topologyOf('name: t\ntopology: {full-mesh: 2}\n')));
    expect(texts.filter((text) => ['gateway', 'insider', 'switch', 'router'].includes(text))).toEqual([
      'switch',
      'gateway',
      'switch',
    ]);
  });

  test('counts the workloads that would fill a box', () => {
    const mermaid = topologyMermaid(
      topologyOf('name: t\ntopology: {full-mesh: {gateways: 1, workloads: 9}}\n'),
    );
    expect(mermaid).toContain('h1-v6: 192.168.0.6<br/>and 3 more workloads"');
    expect(mermaid).not.toContain('h1-v7');
  });

  const MANY = (addressOf13 = '192.168.1.13') =>
    topologyOf(`name: many
topology:
  defaults: {flags: {inner: both}}
  nodes:
${Array.from({ length: 13 }, (_, i) => {
  const address = i === 12 ? addressOf13 : `192.168.1.${i + 1}`;
  return `    h${i + 1}: {kind: gateway, workloads: {v${i + 1}: ["${address}"]}}`;
}).join('\n')}
    s1: {kind: switch}
  links:
${Array.from({ length: 13 }, (_, i) => `    - {endpoints: ["h${i + 1}:p0", "s1:e${i + 1}"], delay: 10us}`).join('\n')}
`);

  test('has one box for more than twelve gateways that are alike, unless all are asked for', () => {
    expect(topologyMermaid(MANY())).toBe(`flowchart TD
  n_h1["h1, h2, ... h13<br/>13 gateways<br/>2001:db8::1 ... 2001:db8::d<br/>13 workloads<br/>192.168.1.1 ... 192.168.1.13"]
  n_s1[["s1<br/>switch"]]
  n_s1 ---|"e1 ... e13 - p0, 13 links, 10us"| n_h1
`);
    expect(boxesOf(MANY())).toBe(2);
    const all = topologyMermaid(MANY(), { all: true });
    expect(all.match(/gateway 2001/g)).toHaveLength(13);
    expect(all.match(/---\|"e\d+ - p0, 10us"\|/g)).toHaveLength(13);
  });

  test('has no such box for twelve, of thirteen when one is different', () => {
    // The thirteenth has a workload of another family.
    const drawn = topologyMermaid(MANY('fd00::13'));
    expect(drawn.match(/gateway 2001/g)).toHaveLength(13);
  });
});

describe('a data centre', () => {
  const clos = (hosts: number) =>
    topologyOf(`name: dc\ntopology: {leaf-spine: {leaves: 32, spines: 8, hosts: ${hosts}}}\n`);

  test('of 8 spines, 32 leaves and 512 hosts is three boxes: a rank is drawn as one', async () => {
    expect(topologyMermaid(clos(512))).toBe(`flowchart TD
  n_h1["h1, h2, ... h512<br/>512 gateways<br/>2001:db8::1 ... 2001:db8::200<br/>512 workloads<br/>192.168.0.1 ... 192.168.2.4"]
  n_leaf1(["leaf1, leaf2, ... leaf32<br/>32 routers"])
  n_spine1(["spine1, spine2, ... spine8<br/>8 routers"])
  n_leaf1 ---|"eth9 ... eth24 - p0, 512 links, 16 at each"| n_h1
  n_spine1 ---|"eth1 ... eth32 - eth1 ... eth8, 256 links, each to each"| n_leaf1
`);
    const dot = topologyDot(clos(512));
    expect(dot.match(/ -- /g)).toHaveLength(2);
    expect(dot).toContain(
      'taillabel="eth1 ... eth32", headlabel="eth1 ... eth8", label="256 links, each to each"',
    );
    const svg = await topologySvg(clos(512));
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number);
    expect([width! < 1000, height! < 1000]).toEqual([true, true]);
    expect(textsOfXml(svg)).toContain('512 links, 16 at each');
  });

  test('tells leaves with fewer hosts from those with more', () => {
    const drawn = topologyMermaid(clos(500));
    expect(drawn).toContain('leaf1, leaf2, ... leaf20<br/>20 routers');
    expect(drawn).toContain('leaf21, leaf22, ... leaf32<br/>12 routers');
    expect(drawn).toContain('320 links, 16 at each');
    expect(drawn).toContain('180 links, 15 at each');
  });

  test('is drawn whole where all is asked for, and where it is small', () => {
    const all = topologyMermaid(clos(512), { all: true });
    expect(all.match(/^ {2}n_\w+\W/gm)!.length).toBeGreaterThan(512 + 32 + 8);
    expect(all.match(/ ---/g)).toHaveLength(512 + 256);
    const small = topologyMermaid(
      topologyOf('name: dc\ntopology: {leaf-spine: {leaves: 2, spines: 4, hosts: 10}}\n'),
    );
    expect(small.match(/ ---/g)).toHaveLength(10 + 8);
  });

  test('draws links within a rank in its box', () => {
    const ring = Array.from({ length: 30 }, (_, i) => `r${i}`);
    const drawn = topologyMermaid(
      topologyOf(`name: ring
topology:
  nodes: {${ring.map((name) => `${name}: {kind: router}`).join(', ')}}
  links: [${ring.map((name, i) => `{endpoints: ["${name}:a", "r${(i + 1) % 30}:b"]}`).join(', ')}]
`),
    );
    expect(drawn).toBe(
      'flowchart TD\n  n_r0(["r0, r1, ... r29<br/>30 routers<br/>30 links between them"])\n',
    );
  });
});
