import { describe, expect, test } from 'vitest';
import { NativePartError } from '../../../../src/hal/native-parts.js';
import { TapPortError } from '../../../../src/hal-sim/ports/tap.js';
import { macToOctets, parseIp, parseMac } from '../../../../src/packet/address.js';
import type { GatewayNode } from '../../../../src/topology/nodes/gateway-node.js';
import type { Machine } from '../../../../src/topology/real-time/machine.js';
import { cableSoftDoca } from '../../../../src/topology/real-time/soft-doca.js';
import { CapturePort } from '../../../../src/verify/capture-port.js';
import { gatewayPlan } from '../../../support/topologies.js';

const PID = 4711;
const TAP_MAC = parseMac('02:fe:00:00:00:01');
const plan = { ...gatewayPlan(1, 2), doca: { release: '3.3' as const, mapping: { completions: 'late' } } };
const node = { name: plan.name, plan, underlay: plan.underlay } as unknown as GatewayNode;

/** A machine on which interfaces get these indexes, one after the other. */
function machine(indexes: number[] = []) {
  const taps: { readonly name: string; readonly port: CapturePort; open: boolean }[] = [];
  const silenced: string[] = [];
  const mappings: string[] = [];
  let removed = 0;
  let next = 100;
  const numbers = new Map<string, number>();
  const fake: Machine = {
    openTap({ name, mtuOctets }) {
      const port = new CapturePort(name, mtuOctets!);
      const tap = { name, port, open: true };
      taps.push(tap);
      numbers.set(name, indexes.shift() ?? next++);
      return Object.assign(port, {
        mac: TAP_MAC,
        done: Promise.resolve(),
        counters: { received: 0, sent: 0, sendErrors: 0 },
        close: async () => {
          tap.open = false;
        },
      });
    },
    indexOf: (name) => numbers.get(name)!,
    openInterface: () => new CapturePort('host', 1500),
    readText: () => undefined,
    enterNamespace: async () => ({ close: () => undefined }),
    silence: (name) => void silenced.push(name),
    softDoca(release, mapping) {
      mappings.push(`${release}\n${mapping}`);
      return { variables: { DOCA_SOFT_CONFIG: 'm' }, close: () => removed++ };
    },
  };
  return { fake, taps, silenced, mappings, removed: () => removed };
}

const ports = () => ({ uplink: new CapturePort('uplink', 1500), vf: new CapturePort('vf', 9000) });
const frameFrom = (mac: string) => {
  const frame = new Uint8Array(60);
  frame.set(macToOctets(parseMac(mac)), 6);
  return frame;
};

describe('the ports of a gateway over the software DOCA', () => {
  test('are TAP interfaces of names that fit and that no other process of this machine has', async () => {
    const world = machine();
    const cables = cableSoftDoca(node, ports(), world.fake);
    await cables.connect!(PID);
    const names = world.taps.map(({ name }) => name);
    expect(names).toHaveLength(2);
    for (const name of names) {
      expect(name).toMatch(new RegExp(`^pg${process.pid.toString(36)}-[0-9a-z]{1,4}[uv]$`));
      expect(name.length).toBeLessThanOrEqual(15);
    }
    expect(world.silenced).toEqual(names);
    expect(cables.environment).toEqual({ DOCA_SOFT_CONFIG: 'm' });
    await cables.close();
    expect(world.taps.filter(({ open }) => open)).toEqual([]);
    expect(world.removed()).toBe(1);
  });

  test('are in its mapping file with the addresses that the node has now', async () => {
    const world = machine();
    const moved = { ...node, underlay: { ipv6: parseIp('2001:db8::77') } } as unknown as GatewayNode;
    const cables = cableSoftDoca(moved, ports(), world.fake);
    await cables.connect!(PID);
    const [uplink, vf] = world.taps.map(({ name }) => name);
    expect(world.mappings).toEqual([
      [
        '3.3',
        `[device ${plan.options.pciAddress}]`,
        `port = net_af_packet0,iface=${uplink}`,
        'mtu = 1500',
        `mac = ${plan.uplinkMac}`,
        'ipv6 = 2001:db8::77',
        'completions = late',
        '[representor vf0]',
        // Blocks of whole pages that hold whole frames: 581,632 octets are 142 pages and 64 frames.
        `port = net_af_packet1,iface=${vf},framesz=9088,blocksz=581632,framecnt=448`,
        'mtu = 9000',
        `mac = ${plan.uplinkMac}`,
        '',
      ].join('\n'),
    ]);
    await cables.close();
  });

  test('carry frames both ways, but for what the kernel sends by itself', async () => {
    const world = machine();
    const both = ports();
    const cables = cableSoftDoca(node, both, world.fake);
    await cables.connect!(PID);
    const [uplink, vf] = world.taps.map(({ port }) => port);
    uplink!.inject([frameFrom(TAP_MAC), frameFrom(plan.uplinkMac)]);
    expect(both.uplink.takeSent()).toEqual([frameFrom(plan.uplinkMac)]);
    both.vf.inject([frameFrom(plan.workloadMac)]);
    expect(vf!.takeSent()).toEqual([frameFrom(plan.workloadMac)]);
    await cables.close();
  });

  test('are made again where the kernel would take two sockets for one group', async () => {
    // The number of a group is that of the process, XOR that of the interface.
    const world = machine([5, 5, 5, 6]);
    const cables = cableSoftDoca(node, ports(), world.fake);
    await cables.connect!(PID);
    expect(world.taps.map(({ open }) => open)).toEqual([true, false, false, true]);
    await cables.close();
    const again = machine([5, 6]);
    const later = cableSoftDoca(node, ports(), again.fake);
    await later.connect!(PID);
    expect(again.taps).toHaveLength(2);
    await later.close();
  });

  test('that cannot be had end the start with what to do, and leave nothing', async () => {
    const world = machine();
    const refused = new TapPortError('pg-0u: cannot open it; run as root or with CAP_NET_ADMIN');
    const cables = cableSoftDoca(node, ports(), {
      ...world.fake,
      openTap: () => {
        throw refused;
      },
    });
    await expect(cables.connect!(PID)).rejects.toThrow(`${node.name}: ${refused.message}`);
    await cables.close();
    expect(world.removed()).toBe(1);
    const notBuilt = new NativePartError('release 3.3 is not built');
    expect(() =>
      cableSoftDoca(node, ports(), {
        ...world.fake,
        softDoca: () => {
          throw notBuilt;
        },
      }),
    ).toThrow(`${node.name}: release 3.3 is not built`);
  });
});
