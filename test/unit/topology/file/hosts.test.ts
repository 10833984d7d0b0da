import { describe, expect, test } from 'vitest';
import { topologyToYaml } from '../../../../src/topology/file/write.js';
import { runVirtually } from '../../../../src/topology/virtual-run.js';
import { gatewayOf, problemsOf, topologyOf } from '../../../support/topology-text.js';

const file = (workload: string, scenario = '{}', more = '') => `name: t
topology:
  nodes:
    h1: {kind: gateway, workloads: {v1: [192.168.1.1]}}
    h2: {kind: gateway, ${more}workloads: {real: ${workload}}}
    h3: {kind: gateway, workloads: {v3: [192.168.1.3]}}
    s: {kind: switch}
  links:
    - {endpoints: ["h1:p0", "s:e1"]}
    - {endpoints: ["h2:p0", "s:e2"]}
    - {endpoints: ["h3:p0", "s:e3"]}
scenario: ${scenario}
`;
const HOST = '{kind: host, namespace: customer, addresses: [192.168.1.2]}';

describe('a workload that is a real host', () => {
  test.each([
    ['namespace: customer', 'namespace', 'customer', ''],
    ['tap: tap.0', 'tap', 'tap.0', ''],
    ['interface: eth1', 'interface', 'eth1', 'workload-mac: 02:00:00:00:00:99, '],
  ])('is behind what the file says: %s', (where, behind, name, more) => {
    const topology = topologyOf(file(`{kind: host, ${where}, addresses: [192.168.1.2]}`, '{}', more));
    expect(gatewayOf(topology, 'h2').workloads).toEqual([
      { name: 'real', addresses: ['192.168.1.2'], present: true, host: { behind, name } },
    ]);
    expect(topologyOf(topologyToYaml(topology))).toEqual(topology);
  });

  test.each([
    [
      '{namespace: customer, addresses: [192.168.1.2]}',
      /real\.namespace: is for a real host; write "kind: host"/,
    ],
    [
      '{kind: host, addresses: [192.168.1.2]}',
      /real: is a real host; write one of namespace, tap, interface/,
    ],
    ['{kind: host, tap: a, interface: b, addresses: [192.168.1.2]}', /real: is a real host; write one of/],
    [
      '{kind: host, namespace: a, present: false, addresses: [192.168.1.2]}',
      /present: is for simulated workloads/,
    ],
    ['{kind: host, tap: a-name-that-is-long, addresses: [192.168.1.2]}', /tap: .*15 characters at most/],
    ['{kind: host, interface: eth1, addresses: [192.168.1.2]}', /real: .*write it as "workload-mac"/],
    [`${HOST}, other: [192.168.1.9]`, /workloads: real is a real host, which has the VF for itself/],
  ])('%s is refused', (workload, reason) => {
    expect(problemsOf(file(workload))).toEqual([expect.stringMatching(reason)]);
  });

  test('is pinged by others, and sends nothing that the file says: of "*" it is left out', () => {
    const all =
      '{traffic: {A: {type: ping, from: "*", to: "*"}, U: {type: udp, from: "*", to: "*", rate: 1/s, duration: 1s}}}';
    expect(topologyOf(file(HOST, all)).scenario.traffic.map(({ name }) => name)).toEqual([
      ...['A/v1>real', 'A/v1>v3', 'A/v3>v1', 'A/v3>real'],
      ...['U/v1>v3', 'U/v3>v1'],
    ]);
  });

  test.each([
    ['{type: ping, from: real, to: v1}', /A\.from: real is a real host, and its traffic is its own/],
    [
      '{type: ping, from: [v3, real], to: v1}',
      /A\.from\[1\]: real is a real host, and its traffic is its own/,
    ],
    ['{type: transfer, from: v1, to: real, size: 1MB}', /A\.to: real is a real host, where nobody counts/],
    [
      '{type: udp, from: v1, to: [v3, real], rate: 1/s, duration: 1s}',
      /A\.to\[1\]: real is a real host, where/,
    ],
    ['{type: flood, from: real, rate: 1/s, duration: 1s}', /A\.from: real is a real host/],
  ])('traffic of it that nobody can command is refused: %s', (flow, reason) => {
    expect(problemsOf(file(HOST, `{traffic: {A: ${flow}}}`))).toEqual([expect.stringMatching(reason)]);
  });

  test.each(['add-workload', 'remove-workload'])('%s is refused: it comes and goes by itself', (event) => {
    expect(problemsOf(file(HOST, `{events: [{at: 1s, ${event}: real}]}`))).toEqual([
      expect.stringMatching(/real is a real host, which comes and goes by itself/),
    ]);
  });

  test('is no part of virtual time', async () => {
    expect(problemsOf(file(HOST), {}, { inVirtualTime: true })).toEqual([
      't.yaml:5: topology.nodes.h2.workloads.real.kind: a real host knows no virtual time; run it with --real-time',
    ]);
    await expect(runVirtually(topologyOf(file(HOST)))).rejects.toThrow(
      'real is a real host, in real time only',
    );
  });
});
