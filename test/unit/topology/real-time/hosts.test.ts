import { describe, expect, test } from 'vitest';
import { parseMac } from '../../../../src/packet/address.js';
import { Hosts } from '../../../../src/topology/real-time/hosts.js';
import { type Machine, StartError } from '../../../../src/topology/real-time/machine.js';
import { CapturePort } from '../../../../src/verify/capture-port.js';
import { topologyOf } from '../../../support/topology-text.js';

const TOPOLOGY = topologyOf(`name: t
topology:
  nodes:
    h1: {kind: gateway, workloads: {a: {kind: host, namespace: ns, addresses: [192.168.1.1]}}}
    h2: {kind: gateway, workloads: {b: {kind: host, tap: tap9, addresses: [192.168.1.2]}}}
    h3: {kind: gateway, workload-mac: 02:00:00:00:00:99, workloads: {c: {kind: host, interface: eth9, addresses: [192.168.1.3]}}}
    h4: {kind: gateway}
    s: {kind: switch}
  links:
    - {endpoints: ["h1:p0", "s:e1"]}
    - {endpoints: ["h2:p0", "s:e2"]}
    - {endpoints: ["h3:p0", "s:e3"]}
    - {endpoints: ["h4:p0", "s:e4"]}
`);

function machine(refuses = '') {
  const told: string[] = [];
  const port = (name: string) => {
    const made = new CapturePort(name, 9000);
    return Object.assign(made, {
      mac: parseMac('02:00:00:00:00:01'),
      done: Promise.resolve(),
      counters: { received: 0, sent: 0, sendErrors: 0 },
      close: async () => void told.push(`close ${name}`),
    });
  };
  const fake = {
    openTap({ name, mac }: { name: string; mac?: string }) {
      told.push(`tap ${name} ${mac}`);
      return port(name);
    },
    openInterface(name: string) {
      told.push(`interface ${name}`);
      if (name === refuses) throw new StartError('it is not there');
      return port(name);
    },
    async enterNamespace(name: string, namespace: string, addresses: readonly string[]) {
      told.push(`${name} into ${namespace} with ${addresses}`);
      return { close: () => void told.push(`leave ${namespace}`) };
    },
  } as unknown as Machine;
  return { fake, told };
}

describe('real hosts', () => {
  test('have the MAC of their VF, a TAP or an interface, and in a namespace addresses; all goes at the end', async () => {
    const { fake, told } = machine();
    const hosts = await Hosts.open(TOPOLOGY, fake);
    expect([...hosts.ports.keys()]).toEqual(['h1', 'h2', 'h3']);
    const inside = told[0]!.split(' ')[1]!;
    expect(inside).toMatch(/^pg[0-9a-z]{1,5}-[0-9a-z]{1,4}w$/);
    expect(told).toEqual([
      `tap ${inside} 02:00:00:01:00:01`,
      `${inside} into ns with 192.168.1.1`,
      'tap tap9 02:00:00:01:00:02',
      'interface eth9',
    ]);
    await hosts.close();
    expect(told.slice(4)).toEqual(['close eth9', 'close tap9', 'leave ns', `close ${inside}`]);
  });

  test('that cannot all be had leave nothing behind', async () => {
    const { fake, told } = machine('eth9');
    await expect(Hosts.open(TOPOLOGY, fake)).rejects.toThrow('it is not there');
    expect(told.filter((one) => /^close|^leave/.test(one))).toHaveLength(3);
  });
});
