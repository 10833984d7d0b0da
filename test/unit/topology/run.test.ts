import { createHash } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { createVirtualClock } from '../../../src/base/virtual-clock.js';
import { SUMMARY_INTERVAL_MS } from '../../../src/gateway/event-log.js';
import type { Sink } from '../../../src/topology/captures.js';
import { SABOTAGES } from '../../../src/topology/fuzz/sabotage.js';
import type { EventPlan, Expectation, Topology } from '../../../src/topology/model.js';
import { type Progress, type RunOptions, runTopology } from '../../../src/topology/run.js';
import { EPOCH_MS, runVirtually } from '../../../src/topology/virtual-run.js';
import { mesh, ping, udp } from '../../support/topologies.js';
import { textsOfXml } from '../../support/xml.js';

test('pings and datagrams of three gateways at a switch all arrive, and nothing is violated', async () => {
  const { report } = await runVirtually(
    mesh(3, {
      traffic: [
        ping(1, 2),
        ping(2, 3, { family: 6 }),
        udp(3, 1),
        { type: 'transfer', name: 'T', startMs: 0, from: 'v1', to: 'v3', family: 4, sizeOctets: 300_000 },
      ],
      expectations: [{ type: 'flow', flows: ['ping 1 2', 'ping 2 3', 'udp 3 1', 'T'], lostAtMost: 0 }],
    }),
  );
  expect(report.violations).toEqual([]);
  expect(report.ok).toBe(true);
});

describe('in transport mode', () => {
  const run = (sabotage?: RunOptions['sabotage']) => {
    const traffic = [ping(1, 2), ping(2, 1, { family: 6 }), udp(1, 2)];
    const topology = mesh(2, { traffic }, ['--mode=transport']);
    return runVirtually(topology, sabotage === undefined ? {} : { sabotage });
  };

  test('workloads find each other through their gateways, and all arrives', async () => {
    const { report } = await run();
    expect(report.violations).toEqual([]);
    expect(Object.values(report.flows).map(({ sent, lost }) => [sent, lost])).toEqual([
      [10, 0],
      [10, 0],
      [200, 0],
    ]);
  });

  test('a packet that leaves in clear is found, though ARP and neighbor discovery may', async () => {
    const { report } = await run(SABOTAGES['clear-on-miss']);
    expect(report.violations[0]?.kind).toBe('plaintext');
    expect(report.violations.every(({ text }) => !/ (42|86) octets/.test(text))).toBe(true);
  });
});

interface Files {
  readonly sink: Sink;
  text(file: string): string;
  /** SHA-256 of each file. */
  digests(): Record<string, string>;
}

function files(): Files {
  const hashes = new Map<string, ReturnType<typeof createHash>>();
  const texts = new Map<string, string>();
  return {
    sink: {
      write: (file, octets) => {
        if (!hashes.has(file)) hashes.set(file, createHash('sha256'));
        hashes.get(file)!.update(octets);
        if (!file.endsWith('.pcapng'))
          texts.set(file, (texts.get(file) ?? '') + Buffer.from(octets).toString());
      },
    },
    text: (file) => texts.get(file) ?? '',
    digests: () => Object.fromEntries([...hashes].map(([file, hash]) => [file, hash.copy().digest('hex')])),
  };
}

test('an hour of the network’s time, with a ping every ten seconds, ends, and its log says what happened', async () => {
  const HOUR_MS = 3_600_000;
  const { sink, text } = files();
  const { report } = await runVirtually(
    mesh(2, {
      traffic: [ping(1, 2, { count: 360, intervalMs: 10_000 })],
      events: [
        { type: 'rotate', atMs: 600_000, nodes: ['h1'] },
        { type: 'crash', atMs: 1_805_000, nodes: ['h2'], downMs: 60_000 },
        { type: 'cut', atMs: 3_005_000, link: 'h1:p0 s1:e1' },
        { type: 'restore-link', atMs: 3_025_000, link: 'h1:p0 s1:e1' },
      ],
      expectations: [{ type: 'recovered', flows: ['ping 1 2'], withinMs: 20_000 }, { type: 'no-leaks' }],
    }),
    { sink },
  );
  expect(report.expectations.map(({ ok }) => ok)).toEqual([true, true]);
  expect(report.ok).toBe(true);
  expect(report.durationMs).toBeGreaterThanOrEqual(HOUR_MS - 10_000);
  expect(report.durationMs).toBeLessThan(HOUR_MS + 10_000);
  // Six while h2 was down, two in the cut; h2 says itself that it has started.
  const { sent, lost } = report.flows['ping 1 2']!;
  expect(sent).toBe(360);
  expect(lost).toBe(8);
  const lines = text('run.log').trim().split('\n');
  const at = (line: RegExp) => lines.findIndex((one) => line.test(one));
  const story = [
    /^0\.000 h1 info: gateway started/,
    /^600000\.000 scenario info: rotate \{"nodes":\["h1"\]\}$/,
    /^600000\.\d{3} h1 info: master key rotated rotations=1 spisGiven=1$/,
    /^1805000\.000 scenario info: crash \{"nodes":\["h2"\],"downMs":60000\}$/,
    /^1865000\.000 h2 info: gateway started/,
    /^1865000\.\d{3} h1 info: a peer has started anew/,
    /^3005000\.000 scenario info: cut \{"link":"h1:p0 s1:e1"\}$/,
    /^3025000\.000 scenario info: restore-link \{"link":"h1:p0 s1:e1"\}$/,
  ].map(at);
  expect(story).not.toContain(-1);
  expect(story).toEqual([...story].sort((a, b) => a - b));
  const times = lines.map((line) => Number.parseFloat(line));
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(textsOfXml(text('sequence.svg')).slice(0, 2)).toEqual(['v1', 'h1']);
  expect(text('sequence.mmd')).toMatch(/^sequenceDiagram\n {2}participant v1\n {2}participant h1\n/);
});

describe('a run with faults', () => {
  const topology = (seed: number): Topology => {
    const base = mesh(
      3,
      {
        traffic: [
          ping(1, 2, { count: 20 }),
          udp(3, 1),
          { type: 'transfer', name: 'T', startMs: 0, from: 'v2', to: 'v3', family: 6, sizeOctets: 50_000 },
        ],
        events: [
          { type: 'crash', atMs: 500, nodes: ['h2'], downMs: 300 },
          {
            type: 'attack',
            atMs: 900,
            link: 'h1:p0 s1:e1',
            durationMs: 500,
            replayRatio: 0.3,
            forgeRatio: 0.3,
            spoofsPerSecond: 50,
          },
          { type: 'rotate', atMs: 1_200, nodes: ['h1'] },
        ],
      },
      [],
      seed,
    );
    const impairments = {
      delayMs: 1,
      jitterMs: 2,
      lossRatio: 0.05,
      duplicateRatio: 0.05,
      reorderRatio: 0.05,
      corruptRatio: 0.02,
    };
    return {
      ...base,
      links: base.links.map((link) => ({ ...link, impairments: { ...link.impairments, ...impairments } })),
      oob: { delayMs: 2, jitterMs: 3, lossRatio: 0.1 },
    };
  };
  const run = async (seed: number) => {
    const { sink, digests } = files();
    const keys: string[] = [];
    const { report } = await runVirtually(topology(seed), {
      sink,
      captures: true,
      onKeys: (node, { keys: made }) => keys.push(`${node.name} ${Buffer.from(made).toString('hex')}`),
    });
    return { report, digests: digests(), keys };
  };

  test('repeats to the octet from its topology and seed: report, log, diagram, captures and keys', async () => {
    const [one, two] = [await run(7), await run(7)];
    expect(two).toEqual(one);
    expect(Object.keys(one.digests)).toHaveLength(3 + 3 + 3);
    expect(one.keys.length).toBeGreaterThan(5);
    expect(one.report.violations).toEqual([]);
    expect(Object.values(one.report.flows).some(({ lost }) => lost > 0)).toBe(true);
  });

  test('goes otherwise with another seed', async () => {
    const [one, other] = [await run(7), await run(8)];
    expect(other.report.flows).not.toEqual(one.report.flows);
    expect(Object.keys(one.digests)).toHaveLength(3 + 3 + 3);
    for (const [file, digest] of Object.entries(one.digests)) expect(other.digests[file]).not.toBe(digest);
    expect(other.keys.filter((key) => one.keys.includes(key))).toEqual([]);
  });
});

test('which packets a link loses follows from the seed', async () => {
  const lost = async (seed: number) => {
    const base = mesh(2, { traffic: [udp(1, 2)] }, [], seed);
    const links = base.links.map((link) => ({
      ...link,
      impairments: { ...link.impairments, lossRatio: 0.3 },
    }));
    return (await runVirtually({ ...base, links })).report.links['h1:p0 s1:e1']!['h1:p0']!.lost;
  };
  const counts = [await lost(1), await lost(2), await lost(3), await lost(4)];
  expect(new Set(counts).size).toBeGreaterThan(1);
  expect(await lost(1)).toBe(counts[0]);
});

test('frames that are on their way when a run ends are accounted for', async () => {
  const base = mesh(2, { durationMs: 1_020, traffic: [ping(1, 2, { count: 100 })] });
  const links = base.links.map((link) => ({ ...link, impairments: { ...link.impairments, delayMs: 50 } }));
  const { report } = await runVirtually({ ...base, links });
  const { sent, delivered } = report.links['h1:p0 s1:e1']!['h1:p0']!;
  expect(sent! - delivered!).toBe(1);
  expect(report.violations).toEqual([]);
});

test('without a sink the same happens, and with progress it is told on the clock of the run', async () => {
  const topology = mesh(2, { traffic: [ping(1, 2, { startMs: 100 })] });
  const { sink } = files();
  const seen: Progress[] = [];
  const quiet = await runVirtually(topology);
  const told = await runVirtually(topology, { sink, captures: true, onProgress: (one) => seen.push(one) });
  expect(told.report).toEqual(quiet.report);
  expect(seen[0]).toMatchObject({ atMs: 0, gateways: 2, flows: 1, flowsEnded: 0 });
  expect(seen.map(({ atMs }) => atMs)).toEqual(seen.map((_, i) => 50 * i));
  expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(['running', 'settling']);
  expect(seen.at(-1)).toMatchObject({ phase: 'settling', flowsEnded: 1 });
});

test('gateways make lines of the log only where somebody reads them', async () => {
  const topology = mesh(2, { traffic: [ping(1, 2)] });
  // A gateway that has made a line looks later at what it left out.
  const looks = async (options: Pick<RunOptions, 'sink'>) => {
    const clock = createVirtualClock(EPOCH_MS);
    const timers = vi.spyOn(clock, 'setTimer');
    const run = runTopology(topology, { ...options, clock });
    await clock.advance(5_000);
    expect((await run).report.ok).toBe(true);
    return timers.mock.calls.filter(([, delayMs]) => delayMs === SUMMARY_INTERVAL_MS).length;
  };
  const { sink, text } = files();
  expect(await looks({ sink })).toBe(2);
  expect(text('run.log')).toContain('h1 info: tunnel established');
  expect(await looks({})).toBe(0);
});

test('who has had enough ends a run, with the reason', async () => {
  const stop = new AbortController();
  const topology = mesh(2, { traffic: [ping(1, 2, { count: 1_000_000 })] });
  const over = runVirtually(topology, {
    signal: stop.signal,
    onProgress: ({ atMs }) => {
      if (atMs >= 1_000) stop.abort(new Error('enough'));
    },
  });
  await expect(over).rejects.toThrow('enough');
});

test('a run takes its duration when it has one, and the rest is not waited for', async () => {
  const { report } = await runVirtually(
    mesh(2, { durationMs: 1_050, traffic: [ping(1, 2, { count: 100 })] }),
  );
  expect(report.durationMs).toBe(1_050);
  expect(report.flows['ping 1 2']!.sent).toBe(11);
});

test('a run that ends too early says what its gateways still hold', async () => {
  const leaksAt = async (durationMs: number, ...events: EventPlan[]) => {
    const { report } = await runVirtually(
      mesh(2, {
        durationMs,
        traffic: [ping(1, 2, { count: 20 })],
        events: [{ type: 'rotate', atMs: 1_000, nodes: ['h1'] }, ...events],
        expectations: [{ type: 'no-leaks' }],
      }),
    );
    const [verdict] = report.expectations;
    expect(report.ok).toBe(verdict!.ok);
    return verdict!.seen;
  };
  expect(await leaksAt(0.4)).toBe('h1: 1 packets still wait for their sessions');
  expect(await leaksAt(900)).toBe('nothing left over');
  expect(await leaksAt(1_100)).toMatch(/^h1: 1 SPIs are still to be closed/);
  const slow: EventPlan = { type: 'slow-entries', atMs: 0, node: 'h1', delayMs: 200 };
  expect(await leaksAt(300, slow)).toMatch(
    /^h1: 1 key slots are in use, 0 sessions need one; h1: \d packets/,
  );
  expect(await leaksAt(800, slow)).toBe('nothing left over');
});

test('expectations decide, as do violations and errors', async () => {
  const traffic = [ping(1, 2)];
  const run = async (expectations: readonly Expectation[]) =>
    (await runVirtually(mesh(2, { traffic, expectations }))).report;
  const met = await run([{ type: 'flow', flows: ['ping 1 2'], lostAtMost: 0 }, { type: 'no-leaks' }]);
  expect(met.ok).toBe(true);
  const notMet = await run([
    { type: 'flow', flows: ['ping 1 2'], lostAtMost: 0 },
    { type: 'blocked', flows: ['ping 1 2'] },
    { type: 'counter', path: 'nodes.h1.psp.txPackets', min: 10, max: 10 },
    { type: 'counter', path: 'links.h1:p0 s1:e1.h1:p0.lost', max: 0 },
    { type: 'counter', path: 'flows.ping 1 2.latencyMs.max', max: 0.5 },
  ]);
  expect(notMet.expectations.map(({ ok }) => ok)).toEqual([true, false, true, true, false]);
  expect(notMet.ok).toBe(false);
  // What failed stands first, whatever the order of the file.
  const two = await runVirtually(
    mesh(2, {
      traffic: [ping(1, 2), ping(2, 1)],
      expectations: [{ type: 'blocked', flows: ['ping 2 1'] }],
    }),
  );
  expect(Object.keys(two.report.flows)).toEqual(['ping 2 1', 'ping 1 2']);
  expect(two.report.flows['ping 2 1']!.failed).toBe(true);
  const { report: violated } = await runVirtually(mesh(2, { traffic }), {
    sabotage: SABOTAGES['clear-on-miss']!,
  });
  expect([violated.ok, violated.violations[0]!.kind]).toEqual([false, 'plaintext']);
});
