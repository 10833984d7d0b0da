/** Flows between workloads, in runs: what each sends, and that what arrives is found to be its own. */
import { describe, expect, test } from 'vitest';
import { parseIp } from '../../../../src/packet/address.js';
import { readCapture } from '../../../../src/packet/pcap.js';
import type { Topology, TrafficPlan } from '../../../../src/topology/model.js';
import { addressOf } from '../../../../src/topology/packets.js';
import type { ReplayPlan } from '../../../../src/topology/traffic/replay.js';
import type { ReplayFrame } from '../../../../src/topology/traffic/replay-frames.js';
import { EPOCH_MS, runVirtually, type VirtualRunOptions } from '../../../../src/topology/virtual-run.js';
import { inner } from '../../../support/invariants.js';
import { mesh, ping, udp } from '../../../support/topologies.js';

const FAMILIES = [4, 6] as const;

async function run(topology: Topology, options: VirtualRunOptions = {}) {
  const pieces: Buffer[] = [];
  const sink = {
    write: (file: string, octets: Uint8Array) => {
      if (file === 'vf-h1.pcapng') pieces.push(Buffer.from(octets));
    },
  };
  const { report } = await runVirtually(topology, { sink, captures: true, ...options });
  expect(report.violations).toEqual([]);
  /** What v1 sent or received: time in the run, and the frame. */
  const atV1 = async (direction: 'from' | 'to') => {
    const source = (async function* () {
      yield Buffer.concat(pieces);
    })();
    const records: { atMs: number; frame: Uint8Array }[] = [];
    for await (const { interfaceName, timestampNs, frame } of readCapture(source))
      if (interfaceName === `h1:vf ${direction} workload`)
        records.push({ atMs: Number(timestampNs) / 1e6 - EPOCH_MS, frame });
    return records;
  };
  return { report, atV1 };
}

const isUdp = (frame: Uint8Array) => (frame[12] === 8 ? frame[23] : frame[20]) === 17;

describe.each(FAMILIES)('IPv%d', (family) => {
  test('datagrams go at an even pace from their start, and have the size that is asked for', async () => {
    const plan = udp(1, 2, { family, startMs: 500, packetsPerSecond: 30, durationMs: 1_000, sizeOctets: 77 });
    const { report, atV1 } = await run(mesh(2, { traffic: [plan] }));
    expect(report.flows[plan.name]).toMatchObject({
      type: 'udp',
      from: 'v1',
      to: 'v2',
      sent: 30,
      delivered: 30,
    });
    const sent = (await atV1('from')).filter(({ frame }) => isUdp(frame));
    const headers = 14 + (family === 4 ? 20 : 40) + 8;
    expect(sent.map(({ frame }) => frame.length)).toEqual(sent.map(() => headers + 77));
    for (const [i, { atMs }] of sent.entries()) if (i > 0) expect(atMs).toBeCloseTo(500 + (i * 1000) / 30, 2);
  });

  test('pings go from the workload’s address of the family, and answers are told apart', async () => {
    const plans = [
      ping(1, 2, { family, name: 'a' }),
      ping(1, 2, { family, name: 'b', startMs: 50, count: 5 }),
    ];
    const { report } = await run(mesh(2, { traffic: plans }));
    expect(report.flows.a).toMatchObject({ sent: 10, delivered: 10, duplicates: 0, reordered: 0 });
    expect(report.flows.b).toMatchObject({ sent: 5, delivered: 5 });
  });

  test('transfers at once, in one direction and the other, are intact, each its own', async () => {
    const transfer = (from: number, to: number, sizeOctets: number): TrafficPlan => ({
      type: 'transfer',
      name: `T${from} ${sizeOctets}`,
      startMs: 0,
      from: `v${from}`,
      to: `v${to}`,
      family,
      sizeOctets,
    });
    const traffic = [transfer(1, 2, 30_000), transfer(2, 1, 50_001), transfer(1, 2, 40_000)];
    const { report } = await run(mesh(2, { traffic }));
    expect(Object.values(report.flows).map((flow) => flow.transfer)).toEqual(
      [30_000, 50_001, 40_000].map((octets) => ({ octets, intact: true, retransmissions: 0 })),
    );
  });

  test('of two workloads behind a gateway each sends from its own address', async () => {
    const own = parseIp(family === 4 ? '192.168.1.77' : 'fd00::77');
    const base = mesh(2, { traffic: [{ ...ping(1, 2, { family }), from: 'other' }] });
    const nodes = base.nodes.map((plan) => {
      if (plan.kind !== 'gateway') return plan;
      const { options, workloads } = plan;
      if (plan.name === 'h2') {
        const peers = options.peers.map((peer) => ({ ...peer, virtualIps: [...peer.virtualIps, own] }));
        return { ...plan, options: { ...options, peers } };
      }
      const other = { name: 'other', addresses: [own], present: true };
      return {
        ...plan,
        options: { ...options, localVirtualIps: [...options.localVirtualIps, own] },
        workloads: [...workloads, other],
      };
    });
    const { report, atV1 } = await run({ ...base, nodes });
    expect(report.flows['ping 1 2']).toMatchObject({ from: 'other', sent: 10, delivered: 10 });
    const echoes = (await atV1('from')).filter(
      ({ frame }) => frame.length === 14 + (family === 4 ? 20 : 40) + 64,
    );
    expect(echoes).toHaveLength(10);
    for (const { frame } of echoes) expect(addressOf(frame, family, 'source')).toBe(own);
  });
});

test('flows between the same workloads are told apart, whatever of them is lost', async () => {
  const traffic = ['a', 'b', 'c'].map((name, i) => udp(1, 2, { name, packetsPerSecond: 20 * (i + 1) }));
  const base = mesh(2, { traffic });
  const links = base.links.map((link) => ({ ...link, impairments: { ...link.impairments, lossRatio: 0.1 } }));
  const { report } = await run({ ...base, links });
  expect(Object.values(report.flows).map(({ sent }) => sent)).toEqual([40, 80, 120]);
  const delivered = Object.values(report.flows).reduce((sum, flow) => sum + flow.delivered, 0);
  const lost = Object.values(report.links).flatMap((ends) => Object.values(ends).map((end) => end.lost!));
  expect(delivered).toBe(240 - lost.reduce((a, b) => a + b, 0));
  expect(delivered).toBeLessThan(240);
});

test('what a link has damaged is lost: no workload takes it for its own', async () => {
  const traffic = [udp(1, 2), ping(1, 2)];
  const base = mesh(2, { traffic });
  const links = base.links.map((link) => ({
    ...link,
    impairments: { ...link.impairments, corruptRatio: 0.5 },
  }));
  const { report } = await run({ ...base, links });
  const { sent, delivered, lost } = report.flows['udp 1 2']!;
  expect(delivered + lost).toBe(sent);
  expect(delivered).toBeLessThan(sent / 2);
  expect(report.nodes.h2!.psp.rxAuthFail).toBeGreaterThan(20);
});

test('a sweep goes to all addresses that peers own, of the family of the first of its own, in turn', async () => {
  const sweep: TrafficPlan = {
    type: 'sweep',
    name: 'S',
    startMs: 0,
    from: 'v1',
    packetsPerSecond: 30,
    durationMs: 1_000,
  };
  const { report, atV1 } = await run(mesh(4, { traffic: [sweep] }));
  expect(report.flows.S).toMatchObject({ type: 'sweep', from: 'v1', sent: 30, delivered: 30, lost: 0 });
  const sent = (await atV1('from')).filter(({ frame }) => isUdp(frame));
  const times = new Map<string, number>();
  for (const { frame } of sent) {
    const to = addressOf(frame, 4, 'destination');
    times.set(to, (times.get(to) ?? 0) + 1);
  }
  expect(times).toEqual(new Map([2, 3, 4].map((n) => [`192.168.1.${n}`, 10])));
});

test('a flood goes to addresses that nobody has, and is nobody’s', async () => {
  const flood: TrafficPlan = {
    type: 'flood',
    name: 'F',
    startMs: 0,
    from: 'v1',
    packetsPerSecond: 300,
    durationMs: 1_000,
  };
  const { report, atV1 } = await run(mesh(2, { traffic: [flood, ping(1, 2)] }));
  expect(report.flows.F).toMatchObject({ type: 'flood', from: 'v1', sent: 300, delivered: 0, lost: 300 });
  expect('to' in report.flows.F!).toBe(false);
  expect(report.nodes.h1!.slowPath.noPeer).toBeGreaterThan(200);
  expect(report.flows['ping 1 2']!.lost).toBe(0);
  const sent = (await atV1('from')).filter(({ frame }) => isUdp(frame));
  const to = new Set(sent.map(({ frame }) => frame.subarray(30, 34).join('.')));
  expect([...to].every((ip) => /^198\.18\.0\.\d+$/.test(ip))).toBe(true);
  expect(to.size).toBeGreaterThan(200);
});

describe('replays', () => {
  const plan = (name: string, startMs: number): ReplayPlan => ({
    type: 'replay',
    name,
    startMs,
    from: 'v1',
    file: 'x',
  });
  const frames: ReplayFrame[] = [
    { atMs: 0, frame: inner({ sequence: 1 }) },
    { atMs: 10, frame: inner({ sequence: 2, family: 6 }) },
    // The same packet again, as TCP may send one.
    { atMs: 25, frame: inner({ sequence: 1 }) },
    { atMs: 30, frame: inner({ sequence: 3, protocol: 132 }) },
  ];
  const replay = (...names: string[]) =>
    run(mesh(2, { traffic: names.map((name, i) => plan(name, 200 + 300 * i)) }), {
      replays: new Map(names.map((name) => [name, { frames, leftOut: {}, unplayable: 0 }])),
    });

  test('frames go as they are, at the times of the capture', async () => {
    const { report, atV1 } = await replay('R');
    const sent = await atV1('from');
    expect(sent.map(({ frame }) => frame)).toEqual(frames.map(({ frame }) => frame));
    for (const [i, { atMs }] of sent.entries()) expect(atMs).toBeCloseTo(200 + frames[i]!.atMs, 3);
    expect(report.flows.R).toMatchObject({ sent: 4, delivered: 4, duplicates: 0, reordered: 0 });
  });

  test('what arrives is found again in the right flow, and in the right packet of equal ones', async () => {
    const { report } = await replay('R', 'S');
    for (const name of ['R', 'S']) {
      expect(report.flows[name]).toMatchObject({ sent: 4, delivered: 4, duplicates: 0, reordered: 0 });
      expect(report.flows[name]!.latencyMs!.max).toBeLessThan(5);
    }
  });

  test('copies that the underlay makes are duplicates', async () => {
    const base = mesh(2, { traffic: [plan('R', 200)] });
    const links = base.links.map((link, i) =>
      i === 0 ? { ...link, impairments: { ...link.impairments, duplicateRatio: 1 } } : link,
    );
    const { report } = await run(
      { ...base, links },
      {
        replays: new Map([['R', { frames, leftOut: {}, unplayable: 0 }]]),
      },
    );
    expect(report.flows.R).toMatchObject({ sent: 4, delivered: 4, duplicates: 4, reordered: 0 });
  });
});
