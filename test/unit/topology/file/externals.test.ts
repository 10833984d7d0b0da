import { describe, expect, test } from 'vitest';
import { topologyToYaml } from '../../../../src/topology/file/write.js';
import { externalsOf } from '../../../../src/topology/model.js';
import { Routes } from '../../../../src/topology/routes.js';
import { gatewayOf, problemsOf, topologyOf } from '../../../support/topology-text.js';

const KNOWN =
  'at: "host:eth9", service: "127.0.0.9:4000", underlay: ["2001:db8::9"], mac: 02:00:00:00:00:99, workloads: {b: [192.168.1.9]}';

const file = (external = KNOWN, scenario = '{}', link = '"host:eth9"', peer = 'kind: router') => `name: t
topology:
  nodes:
    h1: {kind: gateway, workloads: {a: [192.168.1.1]}}
    h2: {kind: gateway, workloads: {c: [192.168.1.3]}}
    dpu: {kind: external, ${external}}
    r: {${peer}}
  links:
    - {endpoints: ["h1:p0", "r:e1"]}
    - {endpoints: ["h2:p0", "r:e2"]}
    - {endpoints: [${link}, "r:e3"]}
scenario: ${scenario}
`;

describe('a gateway that somebody else runs', () => {
  test('is a peer of all gateways, as far as it is known', () => {
    const topology = topologyOf(
      file(`${KNOWN}, dialect: 2.8, cookies: true, version: "theirs", keys: k.jsonl`),
    );
    expect(externalsOf(topology)).toEqual([
      {
        kind: 'external',
        name: 'dpu',
        at: 'host:eth9',
        serviceAddress: { host: '127.0.0.9', port: 4000 },
        uplinkMac: '02:00:00:00:00:99',
        underlay: { ipv6: '2001:db8::9' },
        workloads: [
          { name: 'b', addresses: ['192.168.1.9'], present: true, host: { behind: 'external', name: 'dpu' } },
        ],
        dialect: '2.8',
        cookies: true,
        version: 'theirs',
        keysPath: 'k.jsonl',
      },
    ]);
    for (const name of ['h1', 'h2'])
      expect(gatewayOf(topology, name).options.peers).toContainEqual({
        serviceAddress: { host: '127.0.0.9', port: 4000 },
        virtualIps: ['192.168.1.9'],
        dialect: '2.8',
      });
    expect(topologyOf(topologyToYaml(topology))).toEqual(topology);
  });

  test('is found by routers, behind its end of a link', () => {
    const { nodes, links } = topologyOf(file());
    expect(new Routes(nodes, links).towards('dpu').get('r')).toEqual([
      { port: 'e3', next: 'dpu', nextPort: 'eth9' },
    ]);
  });

  test('has workloads that are pinged, and that do what they like otherwise', () => {
    const flows = topologyOf(file(KNOWN, '{traffic: {A: {type: ping, from: "*", to: "*"}}}')).scenario
      .traffic;
    expect(flows.map(({ name }) => name)).toEqual(['A/a>c', 'A/a>b', 'A/c>a', 'A/c>b'].sort(byOrder(flows)));
    expect(problemsOf(file(KNOWN, '{traffic: {A: {type: ping, from: b, to: a}}}'))).toEqual([
      expect.stringMatching(/A\.from: b is a real host, and its traffic is its own/),
    ]);
  });

  test.each([
    [KNOWN.replace('eth9', 'eth8'), /dpu\.at: no link ends at host:eth8; write one with that endpoint/],
    [KNOWN.replace('"host:eth9"', 'eth9'), /dpu\.at: "eth9": write host:INTERFACE or tap:INTERFACE/],
    [KNOWN.replace('192.168.1.9', '192.168.1.1'), /b\[0\]: 192\.168\.1\.1 is the address of a already/],
    [KNOWN.replace('{b:', '{a:'), /dpu\.workloads\.a: there is a workload a behind h1 already/],
    [KNOWN.replace('127.0.0.9:4000', '0.0.0.0'), /dpu\.service: /],
    [`${KNOWN}, dialect: 1.0`, /dpu\.dialect: /],
  ])('%s is refused', (external, reason) => {
    expect(problemsOf(file(external))).toEqual([expect.stringMatching(reason)]);
  });

  test('takes no events, is no end of links itself, and no part of virtual time', () => {
    expect(problemsOf(file(KNOWN, '{events: [{at: 1s, crash: dpu}]}'))).toEqual([
      expect.stringMatching(/dpu is an external; name a gateway/),
    ]);
    expect(problemsOf(file(KNOWN, '{}', '"dpu:p0"')).join()).toMatch(/dpu is outside; write the end/);
    expect(problemsOf(file(), {}, { inVirtualTime: true })).toContain(
      't.yaml:6: topology.nodes.dpu.kind: a gateway of somebody else knows no virtual time; run it with --real-time',
    );
  });
});

/** In the order of the flows, whatever it is. */
const byOrder = (flows: readonly { readonly name: string }[]) => (a: string, b: string) =>
  flows.findIndex(({ name }) => name === a) - flows.findIndex(({ name }) => name === b);
