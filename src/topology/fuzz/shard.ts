/**
 * A shard of a search: an exact range of seeds, each of which is run whatever became of the others, with one line about each. Shards
 * of one search may run anywhere; merge.ts joins them.
 */
import type { Clock } from '../../base/clock.js';
import type { Topology } from '../model.js';
import type { Sabotage } from '../run.js';
import { runVirtually } from '../virtual-run.js';
import { drawScenario } from './draw.js';
import { type Fingerprint, fingerprintOf, fingerprintOfThrown } from './fingerprint.js';
import { failuresOf, reasonsOf } from './fuzz.js';

/** Seeds from the first to the last, both included. */
export interface SeedRange {
  readonly first: number;
  readonly last: number;
}

/** What all shards of one search have in common, or else they are not of one search. */
export interface SearchIdentity {
  /** Of the program. */
  readonly version: string;
  /** Digest of the files that the topology was read from. */
  readonly file: string;
  readonly recoverMs: number;
  readonly hostile: boolean;
  /** The defect on purpose; empty: none. */
  readonly sabotage: string;
}

/** Format of the lines; another number is not read. */
export const SHARD_FORMAT = 1;

/** The first line of a shard. */
export interface ShardHead extends SearchIdentity {
  readonly shard: typeof SHARD_FORMAT;
  /** The topology's name. */
  readonly name: string;
  readonly seeds: readonly [first: number, last: number];
  /** Of the whole search that the shard is a part of. */
  readonly of: readonly [first: number, last: number];
}

/** The line about a seed. */
export interface SeedLine {
  readonly seed: number;
  readonly verdict: 'ok' | 'failed';
  /** Of what failed. */
  readonly fingerprint?: string;
  readonly what?: string;
  readonly kinds?: readonly string[];
  readonly reasons?: readonly string[];
  /** Descriptions of what was drawn. */
  readonly options: readonly string[];
  readonly packets: number;
  /** On the machine's clock. */
  readonly tookMs: number;
}

/** The last line: without it a shard is cut. */
export interface ShardEnd {
  readonly end: true;
  readonly runs: number;
  readonly failed: number;
  readonly tookMs: number;
}

export interface ShardOptions {
  readonly base: Topology;
  readonly seeds: SeedRange;
  readonly of: SeedRange;
  readonly identity: SearchIdentity;
  readonly sabotage?: Sabotage;
  /** Tells how long runs take; they have a virtual clock of their own. */
  readonly clock: Clock;
  /** Takes each line as soon as it is known. */
  readonly onLine: (line: ShardHead | SeedLine | ShardEnd) => Promise<void> | void;
}

/** Reasons that a line has, and how long each may be. */
const REASONS_MAX = 5;
const REASON_CHARACTERS_MAX = 300;
const OPTIONS_MAX = 100;

export const seedsIn = ({ first, last }: SeedRange): number => last - first + 1;

/** The part of a range with this number, from 0, of so many parts that differ by one seed at most. */
export function partOf({ first, last }: SeedRange, index: number, parts: number): SeedRange {
  const count = seedsIn({ first, last });
  const from = (part: number) => first + Math.floor((count * part) / parts);
  return { first: from(index), last: from(index + 1) - 1 };
}

export async function runShard(options: ShardOptions): Promise<ShardEnd> {
  const { base, seeds, of, identity, clock, onLine } = options;
  await onLine({
    shard: SHARD_FORMAT,
    ...identity,
    name: base.name,
    seeds: [seeds.first, seeds.last],
    of: [of.first, of.last],
  });
  const startMs = clock.nowMs();
  let failed = 0;
  for (let seed = seeds.first; seed <= seeds.last; seed++) {
    const line = await runSeed(options, seed);
    if (line.verdict === 'failed') failed++;
    await onLine(line);
  }
  const end: ShardEnd = { end: true, runs: seedsIn(seeds), failed, tookMs: tookMs(clock, startMs) };
  await onLine(end);
  return end;
}

async function runSeed({ base, identity, sabotage, clock }: ShardOptions, seed: number): Promise<SeedLine> {
  const startMs = clock.nowMs();
  const { topology, options } = drawScenario(base, seed, identity.recoverMs, identity.hostile);
  const common = { seed, options: options.slice(0, OPTIONS_MAX) };
  try {
    const { report } = await runVirtually(topology, sabotage === undefined ? {} : { sabotage });
    const packets = Object.values(report.flows).reduce((sum, { sent }) => sum + sent, 0);
    const found = fingerprintOf(topology, report);
    const failure =
      found === undefined ? {} : failureOf(found, failuresOf(topology, report), reasonsOf(report));
    const verdict = found === undefined ? 'ok' : 'failed';
    return { ...common, verdict, ...failure, packets, tookMs: tookMs(clock, startMs) };
  } catch (error) {
    // One seed that ends the program's own way is a finding, and keeps none of the others from being run.
    const found = fingerprintOfThrown(topology, error);
    const failure = failureOf(found, ['thrown'], [found.what]);
    return { ...common, verdict: 'failed', ...failure, packets: 0, tookMs: tookMs(clock, startMs) };
  }
}

function failureOf(
  { id, what }: Fingerprint,
  kinds: Iterable<string>,
  reasons: readonly string[],
): Required<Pick<SeedLine, 'fingerprint' | 'what' | 'kinds' | 'reasons'>> {
  return {
    fingerprint: id,
    what,
    kinds: [...kinds],
    reasons: reasons.slice(0, REASONS_MAX).map((reason) => reason.slice(0, REASON_CHARACTERS_MAX)),
  };
}

const tookMs = (clock: Clock, startMs: number) => Math.round(clock.nowMs() - startMs);
