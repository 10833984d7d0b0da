import { describe, expect, test } from 'vitest';
import { topologyToYaml } from '../../../../src/topology/file/write.js';
import { problemsOf, topologyOf } from '../../../support/topology-text.js';

const withLinks = (...links: string[]) => `name: t
topology:
  nodes: {s1: {kind: switch}, r1: {kind: router}}
  links:
${links.map((link) => `    - {${link}}\n`).join('')}`;

describe('an interface of this machine at the end of a link', () => {
  const TEXT = withLinks(
    'endpoints: ["s1:e1", "host:ens2f0np0.100"], mtu: 9000, loss: 1%',
    'endpoints: ["tap:vm-1", "s1:e2"], mac: "02:00:00:00:00:08"',
    'endpoints: ["s1:e3", "host:ens3"], promiscuous: false, mac: "02:00:00:00:00:09"',
  );

  test('is read, at either end', () => {
    const topology = topologyOf(TEXT);
    expect(topology.links.map(({ name, outside }) => [name, outside])).toEqual([
      ['s1:e1 host:ens2f0np0.100', { end: 1, kind: 'host', promiscuous: true }],
      ['tap:vm-1 s1:e2', { end: 0, kind: 'tap', mac: '02:00:00:00:00:08', promiscuous: false }],
      ['s1:e3 host:ens3', { end: 1, kind: 'host', mac: '02:00:00:00:00:09', promiscuous: false }],
    ]);
    expect(topology.links[0]).toMatchObject({ mtuOctets: 9000, impairments: { lossRatio: 0.01 } });
  });

  test('is written as it is read', () => {
    const topology = topologyOf(TEXT);
    expect(topologyOf(topologyToYaml(topology))).toEqual(topology);
  });

  test('may be named by events and expectations, as any other end', () => {
    expect(
      problemsOf(`${TEXT}scenario:
  events:
    - {at: 1s, cut: "host:ens2f0np0.100"}
    - {at: 1s, impair: "tap:vm-1 s1:e2", delay: 1ms}
  expect:
    - {counter: outside.host:ens2f0np0.100.kernelDropped, max: 0}
    - {counter: "links.tap:vm-1 s1:e2.tap:vm-1.sent", min: 1}
`),
    ).toEqual([]);
  });

  test('is refused in virtual time, all of them at once, and otherwise not', () => {
    const knows = 'is an interface of this machine, which knows no virtual time; run it with --real-time';
    expect(problemsOf(TEXT, {}, { inVirtualTime: true })).toEqual([
      `t.yaml:5: topology.links[0].endpoints[1]: host:ens2f0np0.100 ${knows}`,
      `t.yaml:6: topology.links[1].endpoints[0]: tap:vm-1 ${knows}`,
      `t.yaml:7: topology.links[2].endpoints[1]: host:ens3 ${knows}`,
    ]);
    expect(problemsOf(TEXT)).toEqual([]);
  });

  const HINT =
    'write NODE:PORT, such as h1:p0; or host:INTERFACE or tap:INTERFACE with a name of at most 15 characters';
  const OUTSIDE = 'is for links with an end host:INTERFACE or tap:INTERFACE';
  test.each<readonly [what: string, links: readonly string[], ...problems: string[]]>([
    [
      'a name that the kernel would not take',
      ['endpoints: ["s1:a", "host:sixteencharacter"]', 'endpoints: ["s1:b", "tap:a/b"]'],
      `t.yaml:5: topology.links[0].endpoints[1]: "host:sixteencharacter": ${HINT}`,
      `t.yaml:6: topology.links[1].endpoints[1]: "tap:a/b": ${HINT}`,
    ],
    [
      'both ends',
      ['endpoints: ["host:a", "tap:b"]'],
      't.yaml:5: topology.links[0]: both ends are interfaces of this machine; one end of a link is at a node',
    ],
    [
      'twice, under whatever kind',
      ['endpoints: ["s1:a", "host:eth1"]', 'endpoints: ["s1:b", "tap:eth1"]'],
      't.yaml:6: topology.links[1].endpoints[1]: the interface eth1 has a link already (t.yaml:5)',
    ],
    [
      'what is of ends outside, at a link between nodes',
      ['endpoints: ["s1:a", "r1:a"], promiscuous: true, mac: "02:00:00:00:00:01"'],
      `t.yaml:5: topology.links[0].mac: ${OUTSIDE}`,
      `t.yaml:5: topology.links[0].promiscuous: ${OUTSIDE}`,
    ],
    [
      'a MAC that says nothing',
      ['endpoints: ["s1:a", "host:eth1"], mac: "02:00:00:00:00:01"'],
      't.yaml:5: topology.links[0].mac: the interface takes frames for all MACs; write promiscuous: false beside it',
    ],
    [
      'promiscuous mode of a TAP interface',
      ['endpoints: ["s1:a", "tap:t1"], promiscuous: false'],
      't.yaml:5: topology.links[0].promiscuous: is for host:INTERFACE; a TAP interface takes what comes',
    ],
    [
      'MACs that are no interface has',
      [
        'endpoints: ["s1:a", "tap:t1"], mac: "03:00:00:00:00:01"',
        'endpoints: ["s1:b", "tap:t2"], mac: "00:00:00:00:00:00"',
        'endpoints: ["s1:c", "tap:t3"], mac: "x"',
      ],
      't.yaml:5: topology.links[0].mac: 03:00:00:00:00:01 is the address of no interface',
      't.yaml:6: topology.links[1].mac: 00:00:00:00:00:00 is the address of no interface',
      't.yaml:7: topology.links[2].mac: "x" is not a MAC address (expected six octets such as 02:00:00:00:00:01)',
    ],
  ])('%s: is a problem', (_, links, ...problems) => {
    expect(problemsOf(withLinks(...links))).toEqual(problems);
  });

  test('is one of so many', () => {
    const links = (count: number) =>
      withLinks(...Array.from({ length: count }, (_, i) => `endpoints: ["s1:e${i}", "host:ens${i}"]`));
    expect(problemsOf(links(64))).toEqual([]);
    expect(problemsOf(links(65))).toEqual([
      't.yaml:2: topology: has more than 64 interfaces of this machine',
    ]);
  });

  test('leaves its names to itself', () => {
    expect(problemsOf('name: t\ntopology:\n  nodes:\n    host: {kind: switch}\n')).toEqual([
      't.yaml:4: topology.nodes.host: in links "host:" stands for this machine; give the node another name',
    ]);
  });
});
