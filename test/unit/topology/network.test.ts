/** Routed underlays: ways around a cut, next hops of gateways, and addresses that move. */
import { describe, expect, test } from 'vitest';
import { parseIp } from '../../../src/packet/address.js';
import type { EventPlan, NodePlan, Topology } from '../../../src/topology/model.js';
import { runVirtually } from '../../../src/topology/virtual-run.js';
import { gatewayPlan, linkPlan, mesh, ping, udp } from '../../support/topologies.js';

const router = (name: string): NodePlan => ({ kind: 'router', name });
const UP = 'r1:b r2:a';
const TRAFFIC = [ping(1, 2, { count: 50 }), udp(1, 2, { packetsPerSecond: 20, durationMs: 5_000 })];

/** Two gateways at the ends of a diamond of four routers; both ways through it are equally long. */
function diamond(events: readonly EventPlan[], flags: readonly string[] = []): Topology {
  return {
    ...mesh(1, { traffic: TRAFFIC, events }),
    nodes: [gatewayPlan(1, 2, flags), gatewayPlan(2, 2, flags), ...['r1', 'r2', 'r3', 'r4'].map(router)],
    links: [
      linkPlan('h1:p0', 'r1:a'),
      ...[UP, 'r2:b r4:b', 'r1:c r3:a', 'r3:b r4:c'].map((name) =>
        linkPlan(...(name.split(' ') as [string, string])),
      ),
      linkPlan('r4:a', 'h2:p0'),
    ],
  };
}

async function run(topology: Topology) {
  const { report } = await runVirtually(topology);
  expect(report.violations).toEqual([]);
  expect(report.errors).toEqual([]);
  return { report, lost: Object.values(report.flows).reduce((sum, flow) => sum + flow.lost, 0) };
}

describe('through a diamond of routers', () => {
  test('packets come through, by one way per flow and direction', async () => {
    const { report, lost } = await run(diamond([]));
    expect(lost).toBe(0);
    // Pings one way, datagrams; and the answers back.
    expect(report.routers.r1!.counters).toMatchObject({ forwarded: 200, ignored: 0, noRoute: 0, tooBig: 0 });
    const { b, c } = report.routers.r1!.sent;
    expect(b! + c!).toBe(150);
    expect([b, c].filter((count) => count! % 50 === 0)).toHaveLength(2);
    expect(report.routers.r2!.counters.forwarded! + report.routers.r3!.counters.forwarded!).toBe(200);
  });

  test('when a link is cut all goes the other way, at once; when it is mended, both again', async () => {
    const whole = await run(diamond([]));
    for (const link of [UP, 'r1:c r3:a']) {
      const cut = await run(diamond([{ type: 'cut', atMs: 2_060, link }]));
      expect(cut.lost).toBe(0);
      const { b, c } = cut.report.routers.r1!.sent;
      expect([b, c]).not.toEqual([whole.report.routers.r1!.sent.b, whole.report.routers.r1!.sent.c]);
      const [left, other] = link === UP ? [b, c] : [c, b];
      // 21 pings and 42 datagrams had gone before.
      expect(left).toBeLessThanOrEqual(63);
      expect(left! + other!).toBe(150);
      const mended = await run(
        diamond([
          { type: 'cut', atMs: 2_060, link },
          { type: 'restore-link', atMs: 2_090, link },
        ]),
      );
      expect(mended.report.routers.r1!.sent).toEqual(whole.report.routers.r1!.sent);
    }
  });

  test('with both ways cut routers know none', async () => {
    const { report, lost } = await run(
      diamond([
        { type: 'cut', atMs: 2_060, link: UP },
        { type: 'cut', atMs: 2_060, link: 'r3:b r4:c' },
      ]),
    );
    expect(report.routers.r1!.counters.noRoute).toBe(lost);
    expect(lost).toBe(87);
  });

  test('calm mends them', async () => {
    const { lost } = await run(
      diamond([
        { type: 'cut', atMs: 2_060, link: UP },
        { type: 'cut', atMs: 2_060, link: 'r3:b r4:c' },
        { type: 'reset-faults', atMs: 3_060 },
      ]),
    );
    expect(lost).toBe(30);
  });

  test('a gateway that starts while its link is cut knows its router all the same', async () => {
    const link = 'h1:p0 r1:a';
    const { lost } = await run(
      diamond([
        { type: 'cut', atMs: 1_060, link },
        { type: 'restart', atMs: 1_260, nodes: ['h1'], downMs: 100 },
        { type: 'restore-link', atMs: 2_060, link },
      ]),
    );
    expect(lost).toBe(30);
  });

  test.each([
    ['203.0.113.77', ['--outer-ip-type=ipv4']],
    ['2001:db8::77', []],
  ])(
    'a gateway that moves to %s is found there at once, since it says that it has started',
    async (ip, flags) => {
      const moved = diamond([{ type: 'readdress', atMs: 1_060, node: 'h2', ip: parseIp(ip) }], flags);
      const own = udp(2, 1, { startMs: 2_000, packetsPerSecond: 20, durationMs: 3_000 });
      const traffic = [...TRAFFIC.map((plan) => ({ ...plan, family: 6 as const })), own];
      const { report } = await run({ ...moved, scenario: { ...moved.scenario, traffic } });
      expect(report.nodes.h2!.starts).toBe(2);
      expect(report.flows['udp 2 1']!.lost).toBe(0);
      // It is told before the next packet leaves for the old address, which nobody has.
      expect(report.flows['ping 1 2']!.lost).toBe(0);
      expect(report.flows['udp 1 2']!.lost).toBe(0);
      expect(report.routers.r1!.counters.noRoute).toBe(0);
    },
  );
});

test('gateways at one switch with a router reach those behind it, and each other', async () => {
  const { report, lost } = await run({
    ...mesh(1, { traffic: [ping(1, 2), ping(1, 3), ping(3, 2)] }),
    nodes: [...[1, 2, 3].map((n) => gatewayPlan(n, 3)), { kind: 'switch', name: 's1' }, router('r1')],
    links: [
      linkPlan('h1:p0', 's1:a'),
      linkPlan('h2:p0', 's1:b'),
      linkPlan('r1:a', 's1:c'),
      linkPlan('h3:p0', 'r1:b'),
    ],
  });
  expect(lost).toBe(0);
  expect(report.routers.r1!.counters.forwarded).toBeGreaterThanOrEqual(40);
});

test('switches forget on a cut: frames find the other way round', async () => {
  const ring: [string, string][] = [
    ['s1:a', 's2:a'],
    ['s2:b', 's3:a'],
    ['s3:b', 's1:b'],
  ];
  const base = mesh(2, {
    traffic: [ping(1, 2, { startMs: 100, count: 30 })],
    // One side of the ring is down, then another: switches have no spanning tree.
    events: [
      { type: 'cut', atMs: 0, link: 's3:b s1:b' },
      { type: 'cut', atMs: 1_050, link: 's1:a s2:a' },
      { type: 'restore-link', atMs: 1_050, link: 's3:b s1:b' },
    ],
  });
  const { report, lost } = await run({
    ...base,
    nodes: [...base.nodes, { kind: 'switch', name: 's2' }, { kind: 'switch', name: 's3' }],
    links: [linkPlan('h1:p0', 's1:e1'), linkPlan('h2:p0', 's2:e2'), ...ring.map(([a, b]) => linkPlan(a, b))],
  });
  expect(lost).toBe(0);
  expect(report.switches.s3!.forwarded).toBeGreaterThan(0);
});
