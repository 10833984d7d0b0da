import { describe, expect, test } from 'vitest';
import { topologyToYaml } from '../../../../src/topology/file/write.js';
import { runVirtually } from '../../../../src/topology/virtual-run.js';
import { gatewayOf, problemsOf, topologyOf } from '../../../support/topology-text.js';

const withDevice = (fields: string) => `name: t
topology:
  nodes:
    a: {kind: gateway}
    d:
      kind: gateway
${fields
  .split('\n')
  .map((line) => `      ${line}`)
  .join('\n')}
  links: [{endpoints: ["a:p0", "d:p0"]}]
`;

describe('a gateway over DOCA', () => {
  test('runs over the software DOCA, on a device of any address, on one core, where it says nothing more', () => {
    const { doca, options, flags } = gatewayOf(topologyOf(withDevice('hal: doca')), 'd');
    expect(doca).toEqual({ release: '3.1', mapping: {} });
    expect(options).toMatchObject({
      hal: 'doca',
      pciAddress: '0000:03:00.0',
      representor: '[0]',
      coreMask: '0x1',
    });
    expect(flags).toEqual({});
    expect(gatewayOf(topologyOf(withDevice('hal: sim')), 'd').doca).toBeUndefined();
  });

  test('has a release as it is written, the flags of its device, and keys of the mapping file', () => {
    const text = withDevice(
      'hal: doca\nrelease: 2.10\npci-addr: 08:00.1\nrepr: pf0vf0\ncore-mask: 0x3\nmapping: {completions: late, burst: 8}',
    );
    const { doca, options } = gatewayOf(topologyOf(text), 'd');
    expect(doca).toEqual({ release: '2.10', mapping: { completions: 'late', burst: 8 } });
    expect(options).toMatchObject({
      pciAddress: '0000:08:00.1',
      representor: 'pf0vf0',
      coreMask: '0x3',
    });
  });

  test('is written so that it reads back', () => {
    const topology = topologyOf(
      withDevice('hal: doca\nrelease: 3.3\ncore-mask: 0x3\nmapping: {completions: late, burst: 8}'),
    );
    const again = topologyOf(topologyToYaml(topology));
    expect(again).toEqual(topology);
  });

  test.each([
    ['release: 3.1', 'release: is for a gateway with "hal: doca"; add that, or leave it out'],
    ['hal: sim\nrepr: vf0', 'repr: is for a gateway with "hal: doca"; add that, or leave it out'],
    [
      'hal: doca\nrelease: 2.1',
      'release: "2.1" is no release of DOCA that is known; write one of 2.9, 2.10, 3.0, 3.1, 3.2, 3.3',
    ],
    [
      'hal: doca\nmapping: {port: net_null0}',
      'mapping.port: there is no such key here; known are completions',
    ],
  ])('%s is refused', (fields, reason) => {
    const problems = problemsOf(withDevice(fields));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`topology.nodes.d.${reason.split(':')[0]}`);
    expect(problems[0]).toContain(reason.split(': ')[1]!.split(';')[0]);
  });

  test('has its flags read by the program, with problems at their lines', () => {
    expect(problemsOf(withDevice('hal: doca\npci-addr: nowhere'))).toEqual([
      expect.stringMatching(/^t\.yaml:8: topology\.nodes\.d\.pci-addr: /),
    ]);
    expect(problemsOf(withDevice('hal: doca\nflags: {pci-addr: 03:00.0}'))).toEqual([
      expect.stringMatching(
        /^t\.yaml:8: topology\.nodes\.d\.flags\.pci-addr: .*write it as a field of the node/,
      ),
    ]);
  });

  test('is no part of virtual time, which says so at its line', async () => {
    const text = withDevice('hal: doca');
    expect(problemsOf(text)).toEqual([]);
    expect(problemsOf(text, {}, { inVirtualTime: true })).toEqual([
      "t.yaml:7: topology.nodes.d.hal: a gateway over DOCA is a process on the machine's clock, and virtual time cannot wait for it; run it with --real-time",
    ]);
    await expect(runVirtually(topologyOf(text))).rejects.toThrow('d runs over DOCA, in real time only');
  });
});
