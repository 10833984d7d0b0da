/** Each event of a scenario does what it says, in runs of three gateways at a switch. */
import { describe, expect, test } from 'vitest';
import { type IpAddress, parseIp } from '../../../src/packet/address.js';
import { readCapture } from '../../../src/packet/pcap.js';
import { PSP_IV } from '../../../src/psp/header.js';
import type { EventPlan, TrafficPlan } from '../../../src/topology/model.js';
import { addressOf, locatePsp } from '../../../src/topology/packets.js';
import { EPOCH_MS, runVirtually } from '../../../src/topology/virtual-run.js';
import { mesh, ping, udp } from '../../support/topologies.js';

const LINK = 'h1:p0 s1:e1';
const PING = 'ping 1 2';
const UDP = 'udp 3 1';
/** Ten seconds, ten packets a second each way. */
const TRAFFIC: readonly TrafficPlan[] = [
  ping(1, 2, { count: 100 }),
  udp(3, 1, { packetsPerSecond: 10, durationMs: 10_000, family: 4 }),
];
/** What is lost until devices see that packets do not authenticate, and ask anew. */
const RECOVERY_MS = 1_500;

interface Change {
  readonly traffic?: readonly TrafficPlan[];
  readonly flags?: readonly string[];
  readonly durationMs?: number;
}

async function run(events: readonly EventPlan[], change: Change = {}) {
  const { traffic = TRAFFIC, flags = [], durationMs } = change;
  const topology = mesh(3, { traffic, events, ...(durationMs === undefined ? {} : { durationMs }) }, flags);
  const files = new Map<string, Buffer[]>();
  const sink = {
    write: (file: string, octets: Uint8Array) => {
      files.set(file, [...(files.get(file) ?? []), Buffer.from(octets)]);
    },
  };
  const { report } = await runVirtually(topology, { sink, captures: true });
  expect(report.violations).toEqual([]);
  const flow = (name: string) => report.flows[name]!;
  const node = (name: string) => report.nodes[name]!;
  const log = Buffer.concat(files.get('run.log')!).toString();
  /** PSP packets on h1's link, with their time in the run and their outer addresses. */
  const onLink = async () => {
    const records: { atMs: number; source: IpAddress; destination: IpAddress; iv: bigint }[] = [];
    const bytes = Buffer.concat(files.get('link-h1_p0-s1_e1.pcapng')!);
    const source = (async function* () {
      yield bytes;
    })();
    for await (const { frame, timestampNs } of readCapture(source)) {
      const psp = locatePsp(frame);
      if (psp === undefined) continue;
      const family = frame[12] === 8 ? 4 : 6;
      records.push({
        atMs: Number(timestampNs) / 1e6 - EPOCH_MS,
        source: addressOf(frame, family, 'source'),
        destination: addressOf(frame, family, 'destination'),
        iv: new DataView(frame.buffer).getBigUint64(psp.at + PSP_IV),
      });
    }
    return records;
  };
  return { report, flow, node, log, onLink };
}

test('without events nothing is lost, nobody starts again, and the log has starts, peers and tunnels alone', async () => {
  const { report, flow, node, log } = await run([]);
  expect([flow(PING).lost, flow(UDP).lost]).toEqual([0, 0]);
  for (const name of ['h1', 'h2', 'h3'])
    expect(node(name)).toMatchObject({
      starts: 1,
      rotations: 0,
      egressUpdates: 0,
      vacant: { uplink: 0, vf: 0 },
    });
  const lines = log.trim().split('\n');
  const expected = /info: (gateway started|a peer's underlay address|peer seen|tunnel established) /;
  expect(lines.filter((line) => !expected.test(line))).toEqual([]);
  expect(lines.filter((line) => line.includes('gateway started'))).toHaveLength(3);
  expect(report.durationMs).toBeLessThan(11_000);
});

test('rotate: the gateways named re-key their sessions with all peers, and nothing is lost', async () => {
  const { flow, node, log } = await run([{ type: 'rotate', atMs: 3_000, nodes: ['h1', 'h3'] }]);
  expect([flow(PING).lost, flow(UDP).lost]).toEqual([0, 0]);
  expect(['h1', 'h2', 'h3'].map((name) => node(name).rotations)).toEqual([1, 0, 1]);
  // Keys of h1 are new for both peers, those of h3 for h1.
  for (const name of ['h1', 'h2', 'h3']) expect(node(name).egressUpdates).toBeGreaterThan(0);
  expect(log).toMatch(/^3000\.000 scenario info: rotate \{"nodes":\["h1","h3"\]\}$/m);
  expect(log.match(/^3000\.\d+ h[13] info: master key rotated/gm)).toHaveLength(2);
});

describe.each(['restart', 'crash'] as const)('%s', (type) => {
  test('the gateway is gone for downMs, comes back, and traffic with it', async () => {
    const { report, flow, node, log } = await run([{ type, atMs: 3_000, nodes: ['h2'], downMs: 1_000 }]);
    expect(report.errors).toEqual([]);
    expect(['h1', 'h2', 'h3'].map((name) => node(name).starts)).toEqual([1, 2, 1]);
    // The packets of that second came to an empty slot.
    expect(node('h2').vacant.uplink).toBe(10);
    expect(flow(PING).lost).toBeGreaterThanOrEqual(10);
    expect(flow(PING).lost).toBeLessThanOrEqual(10 + RECOVERY_MS / 100);
    expect(flow(UDP).lost).toBe(0);
    expect(log).toMatch(/^4000\.000 h2 info: gateway started/m);
  });

  test('what both incarnations have counted is in the report', async () => {
    const { flow, node } = await run([{ type, atMs: 3_000, nodes: ['h2'], downMs: 1_000 }]);
    // All answers left through h2, by its first incarnation or by its second.
    expect(node('h2').psp.txPackets).toBe(flow(PING).delivered);
    expect(node('h2').psp.rxPackets).toBe(flow(PING).delivered);
    expect(node('h2').slowPath.misses).toBe(0);
    const { fates } = node('h2');
    const ends = Object.entries(fates).reduce(
      (sum, [name, n]) => (name === 'in' || name === 'copies' ? sum : sum + n),
      0,
    );
    expect(fates.in! + fates.copies!).toBe(ends);
  });

  test('workloads whose gateway is down send in vain', async () => {
    const { flow, node } = await run([{ type, atMs: 3_000, nodes: ['h3'], downMs: 2_000 }]);
    expect(node('h3').vacant.vf).toBe(20);
    expect(flow(UDP).lost).toBe(20);
    expect(flow(PING).lost).toBe(0);
  });

  test('of a gateway that is down already changes nothing', async () => {
    const { node } = await run([
      { type, atMs: 3_000, nodes: ['h2'], downMs: 2_000 },
      { type: 'crash', atMs: 4_000, nodes: ['h2'], downMs: 5_000 },
      { type: 'rotate', atMs: 4_000, nodes: ['h2'] },
    ]);
    expect(node('h2')).toMatchObject({ starts: 2, rotations: 0 });
    expect(node('h2').vacant.uplink).toBe(20);
  });

  test('of several gateways happens to all at once', async () => {
    const { node, log } = await run([{ type, atMs: 3_000, nodes: ['h1', 'h3'], downMs: 500 }]);
    expect(['h1', 'h2', 'h3'].map((name) => node(name).starts)).toEqual([2, 1, 2]);
    expect(log.match(/^3500\.000 h[13] info: gateway started/gm)).toHaveLength(2);
  });
});

test('a gateway that is down for no time at all is back at once', async () => {
  for (const type of ['restart', 'crash'] as const) {
    const { node, log } = await run([{ type, atMs: 3_000, nodes: ['h2'], downMs: 0 }]);
    expect(node('h2').starts).toBe(2);
    expect(log).toMatch(/^3000\.000 h2 info: gateway started/m);
    expect(node('h2').vacant.uplink).toBe(0);
  }
});

test('cut and restore-link: in between all frames of the link are lost, and no others', async () => {
  const { report, flow } = await run([
    { type: 'cut', atMs: 3_000, link: LINK },
    { type: 'restore-link', atMs: 5_000, link: LINK },
  ]);
  expect([flow(PING).lost, flow(UDP).lost]).toEqual([20, 20]);
  const lost = Object.values(report.links).flatMap((ends) =>
    Object.entries(ends).map(([end, c]) => [end, c.lost]),
  );
  expect(Object.fromEntries(lost)).toEqual({
    'h1:p0': 20,
    's1:e1': 20,
    'h2:p0': 0,
    's1:e2': 0,
    'h3:p0': 0,
    's1:e3': 0,
  });
});

describe('impair', () => {
  test('changes what it names, both ways, from then on, and leaves the rest as it was', async () => {
    const { flow } = await run([
      { type: 'impair', atMs: 3_050, link: LINK, impairments: { delayMs: 20 } },
      { type: 'impair', atMs: 6_050, link: LINK, impairments: { duplicateRatio: 1 } },
      { type: 'impair', atMs: 9_050, link: LINK, impairments: { lossRatio: 1 } },
    ]);
    expect([flow(PING).lost, flow(UDP).lost]).toEqual([9, 9]);
    // 31 before, 60 with the delay.
    expect(flow(PING).latencyMs!.min).toBeLessThan(1);
    expect(flow(PING).latencyMs!.p50).toBeCloseTo(40, 0);
    expect(flow(PING).latencyMs!.max).toBeCloseTo(40, 0);
    expect(flow(UDP).duplicates).toBe(30);
  });

  test('of a link that is cut shows when it is mended', async () => {
    const { flow } = await run([
      { type: 'cut', atMs: 2_050, link: LINK },
      { type: 'impair', atMs: 3_000, link: LINK, impairments: { delayMs: 20 } },
      { type: 'restore-link', atMs: 4_050, link: LINK },
    ]);
    expect(flow(PING).lost).toBe(20);
    expect(flow(PING).latencyMs!.max).toBeCloseTo(40, 0);
  });
});

describe('the OOB network', () => {
  test('partition and heal: no tunnel across, but others; then it comes', async () => {
    const { report, flow, log } = await run([
      { type: 'partition', atMs: 0, groups: [['h1'], ['h2']] },
      { type: 'heal', atMs: 5_000 },
    ]);
    expect(flow(UDP).lost).toBe(0);
    expect(report.oob.partitioned).toBeGreaterThan(0);
    expect(flow(PING).latencyMs!.max).toBeGreaterThan(100);
    expect(flow(PING).lost).toBeGreaterThan(30);
    // The request that is under way when it heals runs into its deadline; the next one comes through.
    expect(flow(PING).lost).toBeLessThan(55);
    expect(log).toMatch(/h1 warning: tunnel request failed: DEADLINE_EXCEEDED/);
  });

  test('oob: what it names changes: here, how long the first packet waits for its tunnel', async () => {
    const { flow, report } = await run([{ type: 'oob', atMs: 0, oob: { delayMs: 150 } }]);
    expect(flow(PING).latencyMs!.max).toBeCloseTo(300, 0);
    expect(report.oob.lost).toBe(0);
    const lossy = await run([{ type: 'oob', atMs: 0, oob: { lossRatio: 1 } }]);
    expect(lossy.flow(PING).delivered + lossy.flow(UDP).delivered).toBe(0);
    // Each of the three had told both others of its start before.
    expect(lossy.report.oob.lost).toBe(lossy.report.oob.calls - 6);
  });
});

test('remove-workload and add-workload: in between nobody has its addresses', async () => {
  const { flow, node } = await run([
    { type: 'remove-workload', atMs: 3_050, workload: 'v2' },
    { type: 'add-workload', atMs: 6_050, workload: 'v2' },
  ]);
  expect(flow(PING).lost).toBe(30);
  expect(flow(UDP).lost).toBe(0);
  // It is the workload that is gone: the gateway goes on delivering.
  expect(node('h2').psp.rxPackets).toBe(100);
});

test('an event for a workload that there is not is an error, and the run goes on without it', async () => {
  const { report, flow } = await run([{ type: 'add-workload', atMs: 3_000, workload: 'v9' }]);
  expect(report.errors).toEqual(['event "add-workload {"workload":"v9"}": there is no workload v9']);
  expect(report.ok).toBe(false);
  expect(flow(PING).lost).toBe(0);
});

describe('readdress', () => {
  test.each([
    ['2001:db8::99', '2001:db8::1', []],
    ['203.0.113.99', '203.0.113.1', ['--outer-ip-type=ipv4']],
  ])('traffic goes on under %s', async (ip, before, flags) => {
    const { flow, node, onLink } = await run(
      [{ type: 'readdress', atMs: 3_000, node: 'h1', ip: parseIp(ip) }],
      { flags },
    );
    expect(node('h1').starts).toBe(2);
    expect(flow(PING).lost + flow(UDP).lost).toBeLessThanOrEqual((2 * RECOVERY_MS) / 100);
    const own = (await onLink()).map(({ atMs, source, destination }) => ({
      atMs,
      ip:
        source === before || destination === before
          ? 'before'
          : source === ip || destination === ip
            ? 'after'
            : '?',
    }));
    expect(new Set(own.filter(({ atMs }) => atMs < 3_000).map(({ ip: which }) => which))).toEqual(
      new Set(['before']),
    );
    const late = own.filter(({ atMs }) => atMs > 3_000 + RECOVERY_MS);
    expect(new Set(late.map(({ ip: which }) => which))).toEqual(new Set(['after']));
    expect(late.length).toBeGreaterThan(150);
  });
});

test('attack: frames are put onto the link for a time; none forged is delivered, and the flows go on', async () => {
  const { report, flow, node, onLink } = await run([
    {
      type: 'attack',
      atMs: 3_000,
      link: LINK,
      durationMs: 3_000,
      replayRatio: 0.5,
      forgeRatio: 0.5,
      spoofsPerSecond: 10,
    },
  ]);
  expect(report.injected).toBeGreaterThan(60);
  expect([flow(PING).lost, flow(UDP).lost]).toEqual([0, 0]);
  expect(flow(UDP).duplicates).toBeGreaterThan(0);
  expect(node('h1').psp.rxAuthFail! + node('h2').psp.rxAuthFail!).toBeGreaterThan(10);
  // Ping and answer, and a datagram, ten times a second: three in 100 ms.
  const times = (await onLink()).map(({ atMs }) => atMs);
  expect(times.filter((atMs) => atMs < 3_000).length).toBe(90);
  expect(times.filter((atMs) => atMs >= 7_001 && atMs < 9_950).length).toBe(3 * 29);
  // Replayed pings are answered again.
  expect(times.length).toBeGreaterThanOrEqual(300 + report.injected);
});

test('a second attack on a link is counted with the first', async () => {
  const attack = (atMs: number): EventPlan => ({
    type: 'attack',
    atMs,
    link: LINK,
    durationMs: 1_000,
    replayRatio: 0,
    forgeRatio: 0,
    spoofsPerSecond: 20,
  });
  // Before 3000 ms there is nothing to make frames up from; the second attack remembers what the first has seen.
  const { report } = await run([attack(2_950), attack(6_050)]);
  expect(report.injected).toBe(18 + 20);
});

test('clock-jump: IVs go on one by one, whatever the clock says, and nothing is lost', async () => {
  const { flow, node, onLink } = await run([
    { type: 'clock-jump', atMs: 3_050, node: 'h1', jumpMs: 3_600_000 },
  ]);
  expect([flow(PING).lost, flow(UDP).lost]).toEqual([0, 0]);
  expect(node('h1').starts).toBe(1);
  const sent = async (source: string) => (await onLink()).filter((packet) => packet.source === source);
  for (const source of ['2001:db8::1', '2001:db8::2']) {
    const ivs = (await sent(source)).map(({ iv }) => iv);
    expect(ivs.length).toBeGreaterThan(60);
    expect(ivs).toEqual(ivs.map((_, i) => ivs[0]! + BigInt(i)));
  }
});

test.each(['uplink', 'vf'] as const)(
  'lose-port: %s carries nothing for a time, and then everything',
  async (port) => {
    const { flow } = await run([{ type: 'lose-port', atMs: 1_000, node: 'h1', port, durationMs: 500 }]);
    for (const name of [PING, UDP]) {
      expect(flow(name).sent).toBe(100);
      expect(flow(name).lost).toBeGreaterThanOrEqual(4);
      expect(flow(name).lost).toBeLessThanOrEqual(6);
    }
  },
);

test('slow-entries: each batch of the gateway takes so long; packets wait for it', async () => {
  const fast = await run([]);
  const slow = await run([{ type: 'slow-entries', atMs: 0, node: 'h2', delayMs: 200 }]);
  expect(fast.flow(PING).latencyMs!.max).toBeLessThan(10);
  expect(slow.flow(PING).latencyMs!.max).toBeGreaterThanOrEqual(200);
  expect(slow.node('h2').tunnelSetUpMs!.max).toBeGreaterThanOrEqual(200);
  expect(slow.flow(UDP).latencyMs!.max).toBeLessThan(10);
});

test('reset-faults: links, OOB network, entries and workloads are as the topology has them', async () => {
  const late = [
    udp(2, 3, { startMs: 6_000, durationMs: 2_000, family: 4 }),
    udp(1, 3, { startMs: 6_000, durationMs: 2_000, family: 4 }),
  ];
  const storm: EventPlan[] = [
    { type: 'impair', atMs: 1_000, link: LINK, impairments: { delayMs: 20, lossRatio: 0.5 } },
    { type: 'cut', atMs: 1_000, link: 'h2:p0 s1:e2' },
    { type: 'oob', atMs: 1_000, oob: { delayMs: 400 } },
    { type: 'partition', atMs: 1_000, groups: [['h1', 'h2'], ['h3']] },
    { type: 'remove-workload', atMs: 1_000, workload: 'v3' },
    { type: 'slow-entries', atMs: 1_000, node: 'h2', delayMs: 2_000 },
  ];
  const stormy = await run(storm, { traffic: [...TRAFFIC, ...late] });
  expect(stormy.flow('udp 2 3').delivered + stormy.flow('udp 1 3').delivered).toBe(0);
  const calm = await run([...storm, { type: 'reset-faults', atMs: 5_000 }], {
    traffic: [...TRAFFIC, ...late],
  });
  for (const name of ['udp 2 3', 'udp 1 3']) {
    expect(calm.flow(name).lost).toBe(0);
    expect(calm.flow(name).latencyMs!.max).toBeLessThan(10);
  }
});

test('reset-faults: workloads that were absent at first are absent again', async () => {
  const late = parseIp('192.168.1.22');
  const base = mesh(2, {
    traffic: [{ ...ping(1, 2), to: 'late', count: 40 }],
    events: [
      { type: 'add-workload', atMs: 1_050, workload: 'late' },
      { type: 'reset-faults', atMs: 2_050 },
    ],
  });
  const nodes = base.nodes.map((plan) => {
    if (plan.kind !== 'gateway') return plan;
    const workloads = [{ name: 'late', addresses: [late], present: false }];
    const peers = plan.options.peers.map((peer) => ({ ...peer, virtualIps: [...peer.virtualIps, late] }));
    const localVirtualIps = [...plan.options.localVirtualIps, late];
    return plan.name === 'h2'
      ? {
          ...plan,
          workloads: [...plan.workloads, ...workloads],
          options: { ...plan.options, localVirtualIps },
        }
      : { ...plan, options: { ...plan.options, peers } };
  });
  const { report } = await runVirtually({ ...base, nodes });
  expect(report.violations).toEqual([]);
  expect(report.flows['ping 1 2']).toMatchObject({ sent: 40, delivered: 10 });
});

test('what is still to happen when the run is over does not happen', async () => {
  const { report, node } = await run(
    [
      { type: 'crash', atMs: 1_000, nodes: ['h2'], downMs: 60_000 },
      { type: 'rotate', atMs: 5_000, nodes: ['h1'] },
    ],
    { durationMs: 3_000 },
  );
  expect(report.durationMs).toBe(3_000);
  expect(node('h2').starts).toBe(1);
  expect(node('h1').rotations).toBe(0);
  // What is down holds no tunnels.
  expect(node('h2')).toMatchObject({ sessions: 0, keySlotsUsed: 0 });
  expect(report.tunnels).toBe(node('h1').sessions + node('h3').sessions);
});
