/** Rates from two looks, tables of pipes and tunnels with them, and programs as texts. */
import { describe, expect, test } from 'vitest';
import type { PipesResponse, Tunnel } from '../../../src/admin/admin-api.js';
import { programOf, programText } from '../../../src/admin/program-text.js';
import { countedPipes, perSecondText, pipesBlocks, rateOf } from '../../../src/admin/rates.js';
import { TOP_ORDERS, type TopLook, type TopOrder, topBlocks, topOf } from '../../../src/admin/top-table.js';
import { renderDot } from '../../../src/draw/render.js';
import { buildPipeline } from '../../../src/gateway/pipeline/pipeline.js';
import { pipelineOptions } from '../../support/pipelines.js';

const traffic = (packets: number | bigint, octets: number | bigint) => ({
  packets: BigInt(packets),
  octets: BigInt(octets),
});

describe('a rate', () => {
  test('is what has come since, per second, of counters of 64 bits too', () => {
    expect(rateOf(traffic(10, 1000), traffic(15, 3000), 500)).toEqual({ packets: 10, octets: 4000 });
    expect(rateOf(traffic(2n ** 63n, 0), traffic(2n ** 63n + 3n, 0), 1000)).toEqual({
      packets: 3,
      octets: 0,
    });
  });

  test('of a counter that began anew is of what it has counted since', () => {
    expect(rateOf(traffic(1000, 9000), traffic(4, 400), 2000)).toEqual({ packets: 2, octets: 200 });
    // As many packets again, but other ones.
    expect(rateOf(traffic(4, 4000), traffic(4, 400), 1000)).toEqual({ packets: 4, octets: 400 });
  });

  test('is not known where nothing was counted, or no time has passed', () => {
    expect(rateOf(undefined, traffic(1, 1), 1000)).toBeUndefined();
    expect(rateOf(traffic(1, 1), undefined, 1000)).toBeUndefined();
    expect(rateOf(traffic(1, 1), traffic(2, 2), 0)).toBeUndefined();
  });

  test.each([
    [undefined, '-'],
    [0, '0'],
    [0.04, '0.0'],
    [9.96, '10.0'],
    [12, '12'],
    [99.94, '99.9'],
    [99.95, '100'],
    [999.4, '999'],
    [999.5, '1.0k'],
    [1500, '1.5k'],
    [999_500, '1.0M'],
    [2.5e9, '2.5G'],
    [3e16, '30000T'],
  ])('%s is written %s', (value, text) => {
    expect(perSecondText(value)).toBe(text);
  });
});

const pipes = (hits: number, misses?: number): PipesResponse => ({
  pipes: [
    {
      pipe: 'ROOT',
      hits: traffic(hits, hits * 100),
      misses: misses === undefined ? undefined : traffic(misses, 0),
      entries: [{ label: 'vf-arp', hits: traffic(hits, hits * 100) }],
    },
    { pipe: 'OTHER', hits: undefined, misses: undefined, entries: [] },
  ],
  received: traffic(hits, hits * 10),
  sent: undefined,
  program: '',
});

test('pipes have their rates, and "-" for what is not counted', () => {
  expect(pipesBlocks(countedPipes(pipes(30, 4), pipes(10, 2), 2000))).toEqual([
    [
      ['PIPE', 'hits', 'octets', 'hits/s', 'octets/s', 'misses', 'misses/s'],
      ['ROOT', 30n, 3000n, '10', '1.0k', 4n, '1'],
      ['  vf-arp', 30n, 3000n, '10', '1.0k', '-', '-'],
      ['OTHER', '-', '-', '-', '-', '-', '-'],
    ],
  ]);
  expect(countedPipes(pipes(30), undefined, 0)[0]).toMatchObject({ hitRate: undefined, missRate: undefined });
});

test('a program comes out of its text as it was, octets too', () => {
  for (const more of [{}, { sampleRateLog2: 3, cookies: true }]) {
    const program = buildPipeline(pipelineOptions(more));
    const text = programText(program);
    expect(programOf(text)).toEqual(program);
    expect(renderDot(programOf(text))).toBe(renderDot(program));
  }
});

const tunnel = (number: number, received: number, sent: number, ageMs?: bigint): Tunnel =>
  ({
    localVip: '10.0.0.1',
    remoteVip: `10.0.1.${number}`,
    peer: `10.9.0.${10 - number}:3000`,
    state: 'established',
    in: traffic(received, received * 100),
    out: traffic(sent, sent * 100),
    ageMs,
    receivedAgoMs: 1500n,
  }) as Tunnel;

const lookAt = (tunnels: Tunnel[], leftOut = 0, problems = 0): TopLook => ({
  status: {
    version: '1.2.3',
    service: '10.9.0.1:3000',
    uptimeMs: 61_000n,
    sessions: [{ state: 'established', sessions: 3n }],
    problems: Array.from({ length: problems }, (_, i) => ({ text: `trouble ${i}` })),
  } as never,
  tunnels: { tunnels, leftOut: BigInt(leftOut) },
  pipes: pipes(20),
});

describe('top', () => {
  const before = lookAt([tunnel(1, 0, 0, 1n), tunnel(2, 0, 0, 3n), tunnel(3, 100, 5, 2n)]);
  const now = lookAt([tunnel(1, 10, 60, 1n), tunnel(2, 50, 0, 3n), tunnel(3, 140, 5, 2n), tunnel(4, 9, 9)]);
  const namesIn = (order: TopOrder) =>
    topOf(now, before, 1000, order).rows.map((row) => Number(row.tunnel.remoteVip.slice(-1)));

  test.each<[TopOrder, number[]]>([
    ['rate', [1, 2, 3, 4]],
    ['in', [2, 3, 1, 4]],
    ['out', [1, 2, 3, 4]],
    ['packets', [3, 1, 2, 4]],
    ['age', [2, 3, 1, 4]],
    ['peer', [4, 3, 2, 1]],
    ['tunnel', [1, 2, 3, 4]],
  ])('sorts by %s, what is not known last, and what is equal by name', (order, names) => {
    expect(namesIn(order)).toEqual(names);
    expect(TOP_ORDERS).toContain(order);
  });

  test('has no more lines than there is room for, whatever is wrong, and says what is left out', () => {
    const crowded = lookAt([...now.tunnels.tunnels], 1000, 5);
    const top = topOf(crowded, before, 1000, 'rate');
    const linesOf = (lines: number) =>
      topBlocks(top, crowded, 'rate', lines).flatMap((block) =>
        typeof block === 'string' ? [block] : block,
      );
    const lines = linesOf(12);
    expect(lines).toHaveLength(12);
    expect(lines.slice(0, 7)).toEqual([
      'gateway 10.9.0.1:3000, psp-gateway 1.2.3, up 1 min 1 s; tunnels: 3 established',
      'in 0 packets/s 0 octets/s, out - packets/s - octets/s; sorted by rate',
      '! trouble 0',
      '! trouble 1',
      '! trouble 2',
      '! and 2 more; see psp-gateway status',
      '',
    ]);
    expect(lines[7]).toContain('octets/s*');
    expect(lines.at(-1)).toBe('and 1001 more, of those used last');
    // One row at least.
    expect(linesOf(1).at(-2)).toEqual(expect.arrayContaining(['10.0.0.1 - 10.0.1.1']));
  });
});
