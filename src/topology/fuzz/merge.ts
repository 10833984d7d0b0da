/**
 * Joins the shards of one search (shard.ts): which seeds ran, which did not or twice, and the failures, one group for each
 * fingerprint. What is kept grows with the number of shards and of fingerprints, both of which have limits, and not with that of seeds.
 */
import {
  type SearchIdentity,
  type SeedLine,
  type SeedRange,
  SHARD_FORMAT,
  type ShardEnd,
  type ShardHead,
  seedsIn,
} from './shard.js';

export const SHARDS_MAX = 10_000;
/** Failures with further fingerprints are counted. */
export const FINGERPRINTS_MAX = 1000;
/** Octets of a line; longer ones are of no shard. */
export const SHARD_LINE_OCTETS_MAX = 256 * 1024;
/** Seeds that a group names. */
const SEEDS_NAMED_MAX = 20;
const PROBLEMS_MAX = 100;

/** All failures with one fingerprint. */
export interface FailureGroup {
  readonly fingerprint: string;
  readonly what: string;
  /** How many seeds failed so. */
  readonly count: number;
  /** The first of them. */
  readonly seeds: readonly number[];
  /** What the first one reported. */
  readonly reasons: readonly string[];
}

export interface Merged {
  readonly shards: number;
  /** Seeds that ran, each counted once. */
  readonly runs: number;
  /** What the shards say that the whole search is. */
  readonly whole: SeedRange;
  readonly ran: readonly SeedRange[];
  readonly missing: readonly SeedRange[];
  readonly twice: readonly SeedRange[];
  /** Those that most seeds have first. */
  readonly groups: readonly FailureGroup[];
  readonly failed: number;
  /** Of `failed`, those beyond FINGERPRINTS_MAX. */
  readonly untold: number;
}

/** A shard's file and its first line. */
export interface OpenShard {
  readonly file: string;
  readonly head: ShardHead;
}

interface Group {
  readonly what: string;
  readonly reasons: readonly string[];
  readonly seeds: number[];
  count: number;
}

/** The first line of a shard; a text says what is wrong with it. */
export function readHead(line: string | undefined): ShardHead | string {
  const value = line === undefined ? undefined : parsed(line);
  if (value === undefined || typeof value.shard !== 'number')
    return 'is no shard: its first line does not say of what; write it with topology fuzz --seeds A..B';
  if (value.shard !== SHARD_FORMAT)
    return `has the format ${value.shard}, and this program reads ${SHARD_FORMAT}; merge with the program that wrote it`;
  const { version, file, recoverMs, hostile, sabotage, name, seeds, of } = value;
  const isWhole =
    [version, file, sabotage, name].every((one) => typeof one === 'string') &&
    typeof recoverMs === 'number' &&
    typeof hostile === 'boolean' &&
    isRange(seeds) &&
    isRange(of);
  return isWhole ? (value as unknown as ShardHead) : 'is no shard: its first line lacks something';
}

/** What keeps these shards from being merged here. */
export function identityProblems(
  shards: readonly OpenShard[],
  here: Pick<SearchIdentity, 'version' | 'file' | 'sabotage'>,
): string[] {
  const problems: string[] = [];
  const [first] = shards;
  for (const { file, head } of shards) {
    if (head.version !== here.version)
      problems.push(
        `${file}: was run by version ${head.version}, and this is ${here.version}; merge with the version that ran it`,
      );
    if (head.file !== here.file)
      problems.push(
        `${file}: is of another topology, or of this one as it was before (digest ${short(head.file)}, here ${short(here.file)})`,
      );
    if (head.sabotage !== here.sabotage)
      problems.push(
        `${file}: ran with PSP_GATEWAY_SABOTAGE="${head.sabotage}", and here it is "${here.sabotage}"; set it likewise`,
      );
    for (const [flag, of] of [
      ['--recover', (one: ShardHead) => one.recoverMs],
      ['--hostile', (one: ShardHead) => one.hostile],
    ] as const) {
      if (of(head) !== of(first!.head))
        problems.push(
          `${file}: ran with ${flag} ${of(head)}, and ${first!.file} with ${of(first!.head)}; merge those of one search`,
        );
    }
  }
  return problems;
}

const short = (digest: string) => digest.slice(0, 8);

export class ShardMerge {
  readonly #groups = new Map<string, Group>();
  readonly #ran: SeedRange[] = [];
  readonly #twice: SeedRange[] = [];
  #shards = 0;
  /** All seeds up to this one that shards have are counted. */
  #counted = -1;
  #runs = 0;
  #failed = 0;
  #untold = 0;
  #first = Number.POSITIVE_INFINITY;
  #last = 0;
  readonly problems: string[] = [];

  /** Takes a shard whose first seed is none before that of the last one; `lines` are those after the first. */
  async add({ file, head }: OpenShard, lines: AsyncIterable<string>): Promise<void> {
    const [first, last] = head.seeds;
    let next = first;
    let number = 1;
    let isEnded = false;
    for await (const line of lines) {
      number++;
      const value = parsed(line);
      if (value === undefined || isEnded) {
        this.#problem(
          `${file}:${number}: ${isEnded ? 'comes after the end of the shard' : 'is no line of a shard'}`,
        );
        return;
      }
      if (value.end === true) {
        isEnded = true;
        if ((value as unknown as ShardEnd).runs !== next - first || next !== last + 1)
          this.#problem(`${file}: ends after seed ${next - 1}, and should have those to ${last}`);
        continue;
      }
      const seed = value as unknown as SeedLine;
      if (!isSeedLine(seed) || seed.seed !== next) {
        this.#problem(`${file}:${number}: expected seed ${next}`);
        return;
      }
      if (seed.seed > this.#counted) this.#count(seed);
      next++;
    }
    if (!isEnded) this.#problem(`${file}: is cut: its last line is missing; copy it again, or run it again`);
    this.#note({ first, last }, head.of);
  }

  result(): Merged {
    const whole = { first: this.#first, last: this.#last };
    const groups = [...this.#groups]
      .map(([fingerprint, group]): FailureGroup => ({ fingerprint, ...group }))
      .sort((a, b) => b.count - a.count || a.seeds[0]! - b.seeds[0]!);
    return {
      shards: this.#shards,
      runs: this.#runs,
      whole,
      ran: this.#ran,
      missing: gapsIn(whole, this.#ran),
      twice: this.#twice,
      groups,
      failed: this.#failed,
      untold: this.#untold,
    };
  }

  #count({ seed, verdict, fingerprint, what, reasons }: SeedLine): void {
    if (verdict === 'ok') return;
    this.#failed++;
    const group = this.#groups.get(fingerprint!);
    if (group !== undefined) {
      group.count++;
      if (group.seeds.length < SEEDS_NAMED_MAX) group.seeds.push(seed);
    } else if (this.#groups.size === FINGERPRINTS_MAX) this.#untold++;
    else this.#groups.set(fingerprint!, { what: what!, reasons: reasons!, seeds: [seed], count: 1 });
  }

  #note({ first, last }: SeedRange, [wholeFirst, wholeLast]: ShardHead['of']): void {
    this.#shards++;
    this.#first = Math.min(this.#first, wholeFirst, first);
    this.#last = Math.max(this.#last, wholeLast, last);
    if (first <= this.#counted) join(this.#twice, { first, last: Math.min(last, this.#counted) });
    if (last > this.#counted) {
      const fresh = { first: Math.max(first, this.#counted + 1), last };
      this.#runs += seedsIn(fresh);
      join(this.#ran, fresh);
      this.#counted = last;
    }
  }

  #problem(text: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(text);
  }
}

/** Adds a range whose first seed is none before those of the others. */
function join(ranges: SeedRange[], range: SeedRange): void {
  const before = ranges.at(-1);
  if (before !== undefined && range.first <= before.last + 1)
    ranges[ranges.length - 1] = { first: before.first, last: Math.max(before.last, range.last) };
  else ranges.push(range);
}

function gapsIn({ first, last }: SeedRange, ran: readonly SeedRange[]): SeedRange[] {
  const gaps: SeedRange[] = [];
  let next = first;
  for (const range of ran) {
    if (range.first > next) gaps.push({ first: next, last: range.first - 1 });
    next = range.last + 1;
  }
  if (next <= last) gaps.push({ first: next, last });
  return gaps;
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

function isRange(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [first, last] = value as unknown[];
  return Number.isSafeInteger(first) && Number.isSafeInteger(last) && Number(first) <= Number(last);
}

function isSeedLine({ seed, verdict, fingerprint, what, reasons }: SeedLine): boolean {
  if (!Number.isSafeInteger(seed) || (verdict !== 'ok' && verdict !== 'failed')) return false;
  const isTold =
    typeof fingerprint === 'string' &&
    FINGERPRINT.test(fingerprint) &&
    typeof what === 'string' &&
    Array.isArray(reasons);
  return verdict === 'ok' || isTold;
}

/** Names of files are made of it. */
const FINGERPRINT = /^[a-z][a-z-]{0,40}-[0-9a-f]{8}$/;
