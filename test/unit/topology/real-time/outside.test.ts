import { beforeEach, describe, expect, test } from 'vitest';
import { NativePartError } from '../../../../src/hal/native-parts.js';
import type { PortsAddon } from '../../../../src/hal-sim/ports/ports-addon.js';
import { readTopologyFiles, TopologyFileError } from '../../../../src/topology/file/read.js';
import { lookAtOutside, openOutside } from '../../../../src/topology/real-time/outside.js';
import { runVirtually } from '../../../../src/topology/virtual-run.js';

const TEXT = `name: t
topology:
  nodes: {s1: {kind: switch}}
  links:
    - {endpoints: ["s1:e1", "host:ens1"], mtu: 9000}
    - {endpoints: ["tap:vm1", "s1:e2"], mac: "02:00:00:00:00:08"}
    - {endpoints: ["s1:e3", "host:ens3"], promiscuous: false, mac: "02:00:00:00:00:09"}
`;
const read = () => readTopologyFiles('t.yaml', () => TEXT);
const topology = read().topology!;

/** A kernel whose interfaces have these MTUs; of others it has none. */
let mtus: Record<string, number>;
let opened: string[];
let closed: string[];
const addon = {
  PacketSocket: class {
    readonly mtuOctets: number;
    constructor(
      readonly name: string,
      options: object,
    ) {
      if (mtus[name] === undefined) throw new Error(`${name}: not there`);
      this.mtuOctets = mtus[name];
      opened.push(`${name} ${JSON.stringify(options)}`);
    }
    close = () => closed.push(this.name);
    counters = () => ({});
  },
  Tap: class {
    mac = new Uint8Array(6);
    mtuOctets = 0;
    constructor(readonly name: string) {
      if (mtus[name] === undefined) throw new Error(`${name}: taken`);
    }
    close = () => closed.push(this.name);
  },
} as unknown as PortsAddon;

beforeEach(() => {
  mtus = { ens1: 9000, vm1: 0, ens3: 1500 };
  opened = [];
  closed = [];
});

const NOT_THERE = 'ens1: not there';
const TOO_SMALL = `ens3: its MTU is 1400, the link's 1500; ip link set dev ens3 mtu 1500, or write mtu: 1400`;

describe('interfaces of this machine', () => {
  test('are opened as the file says, and stay open', async () => {
    const ends = await openOutside(topology, () => addon);
    expect([...ends.keys()]).toEqual(['s1:e1 host:ens1', 'tap:vm1 s1:e2', 's1:e3 host:ens3']);
    expect(opened).toContain('ens1 {"mtuOctets":9000,"promiscuous":true}');
    expect(opened).toContain(
      'ens3 {"mtuOctets":1500,"promiscuous":false,"mac":{"0":2,"1":0,"2":0,"3":0,"4":0,"5":9}}',
    );
    const port = ends.get('tap:vm1 s1:e2')!(() => {});
    expect(port).toMatchObject({ mtuOctets: 1500, counters: { sent: 0, received: 0, tooBig: 0 } });
    expect(closed).toEqual([]);
  });

  test('that cannot be had are told of all at once, and none stays open', async () => {
    mtus = { vm1: 0, ens3: 1400 };
    await expect(openOutside(topology, () => addon)).rejects.toEqual(
      new TopologyFileError([`link "s1:e1 host:ens1": ${NOT_THERE}`, `link "s1:e3 host:ens3": ${TOO_SMALL}`]),
    );
    expect(closed).toEqual(['ens3', 'vm1']);
  });

  test('that cannot be had are told of with their places, and none stays open', async () => {
    mtus = { ens3: 1400 };
    const { outside, problems } = read();
    await lookAtOutside(topology, outside, () => addon);
    expect(problems.list).toEqual([
      `t.yaml:5: topology.links[0].endpoints[1]: ${NOT_THERE}`,
      't.yaml:6: topology.links[1].endpoints[0]: vm1: taken',
      `t.yaml:7: topology.links[2].endpoints[1]: ${TOO_SMALL}`,
    ]);
    expect(closed).toEqual(['ens3']);
  });

  test('say how the native ports are built where they are not', async () => {
    const { outside, problems } = read();
    await lookAtOutside(topology, outside, () => {
      throw new NativePartError('the native ports are not built: npm run build:native');
    });
    expect(problems.list).toHaveLength(3);
    expect(problems.list[0]).toBe(
      't.yaml:5: topology.links[0].endpoints[1]: the native ports are not built: npm run build:native',
    );
  });

  test('are refused where the native ports are those of an earlier version, which had none', async () => {
    const { outside, problems } = read();
    await lookAtOutside(topology, outside, () => ({ Tap: addon.Tap }));
    expect(problems.list).toEqual([
      expect.stringContaining(
        't.yaml:5: topology.links[0].endpoints[1]: the native ports are those of an earlier version',
      ),
      expect.stringContaining('t.yaml:7: '),
    ]);
  });

  test('are nothing for a run in virtual time, which the library can be asked for as well', async () => {
    await expect(runVirtually(topology)).rejects.toThrow(
      'link "s1:e1 host:ens1": interfaces of this machine know no virtual time',
    );
  });
});
