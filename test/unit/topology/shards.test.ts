/** Shards of a search: exact ranges of seeds, fingerprints that say what broke and nothing else, and how shards are joined. */
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { fingerprintOf } from '../../../src/topology/fuzz/fingerprint.js';
import {
  FINGERPRINTS_MAX,
  identityProblems,
  readHead,
  ShardMerge,
} from '../../../src/topology/fuzz/merge.js';
import { SABOTAGES } from '../../../src/topology/fuzz/sabotage.js';
import {
  partOf,
  runShard,
  type SeedLine,
  type SeedRange,
  type ShardEnd,
  type ShardHead,
  seedsIn,
} from '../../../src/topology/fuzz/shard.js';
import { shrinkSeed } from '../../../src/topology/fuzz/shrink-seed.js';
import type { Expectation, Topology } from '../../../src/topology/model.js';
import type { Report } from '../../../src/topology/report.js';
import type { Sabotage } from '../../../src/topology/run.js';
import { mesh } from '../../support/topologies.js';

const IDENTITY = { version: '1.0.0', file: 'f00d', recoverMs: 5000, hostile: false, sabotage: '' };

async function linesOf(seeds: SeedRange, sabotage?: Sabotage) {
  const lines: (ShardHead | SeedLine | ShardEnd)[] = [];
  await runShard({
    base: mesh(2),
    seeds,
    of: seeds,
    identity: IDENTITY,
    clock: systemClock,
    onLine: (line) => {
      lines.push(line);
    },
    ...(sabotage === undefined ? {} : { sabotage }),
  });
  const [head, ...rest] = lines;
  return { head: head as ShardHead, seeds: rest.slice(0, -1) as SeedLine[], end: rest.at(-1) as ShardEnd };
}

describe('a shard', () => {
  test('runs exactly its seeds, whatever fails, and says so of each', async () => {
    const { head, seeds, end } = await linesOf({ first: 7, last: 9 }, SABOTAGES['clear-on-miss']!);
    expect(head).toMatchObject({ ...IDENTITY, shard: 1, name: 'mesh', seeds: [7, 9] });
    expect(seeds.map(({ seed }) => seed)).toEqual([7, 8, 9]);
    expect(seeds.map(({ verdict }) => verdict)).toEqual(['failed', 'failed', 'failed']);
    // Each under its own seed's scenario, and all of the same kind.
    expect(new Set(seeds.map(({ options }) => options.join())).size).toBe(3);
    expect(new Set(seeds.map(({ fingerprint }) => fingerprint))).toEqual(
      new Set([expect.stringMatching(/^plaintext-[0-9a-f]{8}$/)]),
    );
    expect(end).toMatchObject({ end: true, runs: 3, failed: 3 });
  });

  test('a seed under which the program itself fails is a finding, and keeps no other from being run', async () => {
    let starts = 0;
    const throws: Sabotage = {
      options: (options) => {
        // Both gateways of the first run.
        if (++starts <= 2) throw new RangeError('no room for 17 things at 10.0.0.1');
        return options;
      },
    };
    const { seeds, end } = await linesOf({ first: 1, last: 2 }, throws);
    expect(seeds.map(({ verdict, what }) => [verdict, what])).toEqual([
      ['failed', 'thrown: RangeError: no room for # things at #'],
      ['ok', undefined],
    ]);
    expect(end.failed).toBe(1);
  });

  test.each([1, 2, 3, 7, 10])('%i parts are all of the range, each seed in one', (parts) => {
    const all = Array.from({ length: parts }, (_, i) => partOf({ first: 5, last: 14 }, i, parts));
    expect(all[0]!.first).toBe(5);
    expect(all.at(-1)!.last).toBe(14);
    for (const [i, { first }] of all.slice(1).entries()) expect(first).toBe(all[i]!.last + 1);
    const counts = all.map(seedsIn);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });
});

describe('a fingerprint', () => {
  const nothing = { violations: [], expectations: [], errors: [] } as unknown as Report;
  const violation = (node: string, text: string, kind = 'iv-reuse') =>
    ({ ...nothing, violations: [{ kind, atMs: 17, node, text }] }) as unknown as Report;
  const expecting = (...expectations: Expectation[]): Topology => mesh(3, { expectations });
  const verdicts = (...all: [text: string, seen: string][]) =>
    ({ ...nothing, expectations: all.map(([text, seen]) => ({ text, seen, ok: false })) }) as Report;

  test.each([
    ['h1', 'SPI 0x80000001 of 2001:db8::2: IV 17 after 18'],
    ['h2', 'SPI 0x00000007 of 203.0.113.3: IV 4 after 44444'],
    ['h3', 'SPI 0x7 of fd00:0:0:1::33: IV 0 after 1'],
  ])('has nothing of names, numbers and addresses: %s, %s', (node, text) => {
    expect(fingerprintOf(mesh(3), violation(node, text))).toEqual({
      id: 'iv-reuse-2e5002ed',
      what: 'iv-reuse at GATEWAY: SPI # of #: IV # after #',
    });
  });

  test('tells kinds, words and places apart', () => {
    const all = [
      violation('h1', 'a frame of 60 octets that nobody sent', 'unauthenticated'),
      violation('h1', 'a packet for 192.168.1.3, which is not behind it', 'unauthenticated'),
      violation('h1', 'a frame of 60 octets that nobody sent', 'plaintext'),
      violation('s1', 'a frame of 60 octets that nobody sent', 'unauthenticated'),
    ].map((report) => fingerprintOf(mesh(3), report)!.id);
    expect(new Set(all).size).toBe(all.length);
  });

  test('is that of what was violated first, and of expectations where nothing was', () => {
    const violations = [violation('h1', 'made again', 'key-reuse'), violation('h2', 'later')].flatMap(
      (report) => report.violations,
    );
    const both: Report = { ...verdicts(['x', 'y']), violations };
    expect(fingerprintOf(expecting({ type: 'no-leaks' }), both)?.id).toMatch(/^key-reuse-/);
    const recovered = { type: 'recovered', flows: ['calm-1'], withinMs: 30_000 } as const;
    const words = (name: string, lost: number): [string, string] => [
      `${name} recovers within 30000 ms of the last event`,
      `${name} lost ${lost}`,
    ];
    const one = fingerprintOf(expecting(recovered), verdicts(words('calm-1', 5)));
    const more = fingerprintOf(
      expecting(recovered, recovered),
      verdicts(words('calm-4', 7), words('calm-12', 1)),
    );
    expect(one).toEqual(more);
    expect(one?.what).toBe('recovered: calm-# recovers within # ms of the last event');
  });

  test('of leftovers says of what kinds, in any order', () => {
    const leaks = (seen: string) =>
      fingerprintOf(expecting({ type: 'no-leaks' }), verdicts(['no gateway holds more', seen]))!;
    const first = leaks('h1: 2 SPIs are still to be closed; h2: 1 packets still wait for their sessions');
    expect(first).toEqual(
      leaks('h3: 7 packets still wait for their sessions; h1: 1 SPIs are still to be closed'),
    );
    expect(first).not.toEqual(leaks('h1: 2 SPIs are still to be closed'));
  });

  test('there is none where nothing failed', () => {
    expect(fingerprintOf(mesh(2), nothing)).toBeUndefined();
  });
});

describe('joined shards', () => {
  const head = (first: number, last: number, of: [number, number] = [1, 100]): ShardHead => ({
    shard: 1,
    ...IDENTITY,
    name: 'mesh',
    seeds: [first, last],
    of,
  });
  const line = (seed: number, broken?: string) =>
    JSON.stringify(
      broken === undefined
        ? { seed, verdict: 'ok' }
        : { seed, verdict: 'failed', fingerprint: `${broken}-00c0ffee`, what: broken, reasons: [broken] },
    );

  async function* whole(first: number, last: number, broken: (seed: number) => string | undefined) {
    for (let seed = first; seed <= last; seed++) yield line(seed, broken(seed));
    yield JSON.stringify({ end: true, runs: last - first + 1 });
  }

  const add = (
    merge: ShardMerge,
    [first, last]: readonly [number, number],
    broken: (seed: number) => string | undefined = () => undefined,
  ) => merge.add({ file: `shard-${first}`, head: head(first, last) }, whole(first, last, broken));

  test('say which seeds ran, which are missing and which ran twice; failures are counted once', async () => {
    const merge = new ShardMerge();
    const broken = (seed: number) => (seed % 10 === 0 ? 'plaintext' : seed === 41 ? 'iv-reuse' : undefined);
    for (const range of [
      [1, 30],
      [11, 20],
      [26, 45],
      [61, 80],
    ] as const)
      await add(merge, range, broken);
    expect(merge.problems).toEqual([]);
    expect(merge.result()).toMatchObject({
      shards: 4,
      runs: 65,
      failed: 7,
      whole: { first: 1, last: 100 },
      ran: [
        { first: 1, last: 45 },
        { first: 61, last: 80 },
      ],
      missing: [
        { first: 46, last: 60 },
        { first: 81, last: 100 },
      ],
      twice: [
        { first: 11, last: 20 },
        { first: 26, last: 30 },
      ],
      groups: [
        { fingerprint: 'plaintext-00c0ffee', count: 6, seeds: [10, 20, 30, 40, 70, 80] },
        { fingerprint: 'iv-reuse-00c0ffee', count: 1, seeds: [41] },
      ],
    });
  });

  test('keep no more groups and seeds than they say', async () => {
    const merge = new ShardMerge();
    const letters = (seed: number) => [...String(seed)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
    await add(merge, [1, FINGERPRINTS_MAX + 5], letters);
    const { groups, untold, failed } = merge.result();
    expect({ groups: groups.length, untold, failed }).toEqual({
      groups: FINGERPRINTS_MAX,
      untold: 5,
      failed: FINGERPRINTS_MAX + 5,
    });
    const same = new ShardMerge();
    await add(same, [1, 500], () => 'plaintext');
    expect(same.result().groups).toMatchObject([{ count: 500, seeds: { length: 20 } }]);
  });

  test.each([
    ['is cut', [line(1), line(2)], 'shard-1: is cut: its last line is missing'],
    [
      'lacks a seed',
      [line(1), '{"end":true,"runs":2}'],
      'shard-1: ends after seed 1, and should have those to 2',
    ],
    ['has another seed', [line(2)], 'shard-1:2: expected seed 1'],
    ['has what is no line', [line(1), '{"seed":2,'], 'shard-1:3: is no line of a shard'],
    ['has failures of no kind', ['{"seed":1,"verdict":"failed"}'], 'shard-1:2: expected seed 1'],
    [
      'would choose a file itself',
      ['{"seed":1,"verdict":"failed","fingerprint":"../x-00c0ffee","what":"","reasons":[]}'],
      'shard-1:2: expected seed 1',
    ],
    [
      'goes on after its end',
      [line(1), line(2), '{"end":true,"runs":2}', line(3)],
      'shard-1:5: comes after the end of the shard',
    ],
  ])('one that %s is told', async (_, lines, problem) => {
    const merge = new ShardMerge();
    async function* all() {
      yield* lines;
    }
    await merge.add({ file: 'shard-1', head: head(1, 2) }, all());
    expect(merge.problems).toEqual([expect.stringContaining(problem)]);
  });

  test('of another program, file, defect or search are refused, each with the reason', () => {
    const here = { version: '1.0.0', file: 'f00d', sabotage: '' };
    const shards = [
      { file: 'a', head: head(1, 2) },
      { file: 'b', head: { ...head(3, 4), version: '0.9.0', file: 'beef' } },
      { file: 'c', head: { ...head(5, 6), hostile: true, recoverMs: 1, sabotage: 'clear-on-miss' } },
    ];
    expect(identityProblems(shards.slice(0, 1), here)).toEqual([]);
    expect(identityProblems(shards, here)).toEqual([
      'b: was run by version 0.9.0, and this is 1.0.0; merge with the version that ran it',
      'b: is of another topology, or of this one as it was before (digest beef, here f00d)',
      'c: ran with PSP_GATEWAY_SABOTAGE="clear-on-miss", and here it is ""; set it likewise',
      'c: ran with --recover 1, and a with 5000; merge those of one search',
      'c: ran with --hostile true, and a with false; merge those of one search',
    ]);
  });

  test.each([undefined, '', '[]', '{"seed":1}', '{"shard":2}', '{"shard":1,"version":"1"}'])(
    'a file that begins with %s is no shard',
    (begin) => {
      expect(readHead(begin)).toMatch(/^(?:is no shard|has the format 2)/);
    },
  );
});

test('a failure is made small with its fingerprint, and one that does not come again is told as that', async () => {
  const options = { base: mesh(3), seed: 7, recoverMs: 5000, hostile: false, shrinkRunsMax: 40 };
  const { seeds } = await linesOf({ first: 7, last: 7 }, SABOTAGES['clear-on-miss']!);
  const wanted = { ...options, fingerprint: seeds[0]!.fingerprint! };
  const found = await shrinkSeed({ ...wanted, sabotage: SABOTAGES['clear-on-miss']! });
  expect(found?.small.scenario.traffic.length).toBeLessThanOrEqual(2);
  expect(found?.reasons[0]).toMatch(/^plaintext at /);
  expect(await shrinkSeed(wanted)).toBeUndefined();
});
