/** `psp-gateway topology fuzz --merge FOLDER`: joins the shards of a search, and makes one failure of each kind small. */
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { printable, printableLines } from '../base/printable.js';
import { fileProblem } from '../files/file-problem.js';
import { makeFolder } from '../files/folders.js';
import { replaceFile } from '../files/replace-file.js';
import { statIfThere } from '../files/stat.js';
import { TopologyFileError } from '../topology/file/read.js';
import {
  type FailureGroup,
  identityProblems,
  type Merged,
  type OpenShard,
  readHead,
  SHARD_LINE_OCTETS_MAX,
  SHARDS_MAX,
  ShardMerge,
} from '../topology/fuzz/merge.js';
import type { SeedRange } from '../topology/fuzz/shard.js';
import { type SmallFailure, shrinkSeed } from '../topology/fuzz/shrink-seed.js';
import type { Topology } from '../topology/model.js';
import { failAtFile } from './failure.js';
import type { FlagProblems } from './flag-problems.js';
import { colorsFor, EXIT_FAILED, printJson, progressLine } from './output.js';
import { mustTakeOutput } from './replaceable.js';
import { digestingReader, loadBeside, sabotage, sabotageName } from './topology-file.js';
import { fileOf, SHRINK_RUNS_MAX } from './topology-found.js';
import { VERSION } from './version.js';

export interface MergeFlags {
  readonly merge: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** The names of shards in a folder; other files there are left alone. */
const SHARD_FILE = /^shard-.+\.jsonl$/;
/** Of so many fingerprints, those that most seeds have, one failure is made small. */
const SHRUNK_MAX = 50;
const RANGES_SHOWN_MAX = 10;

interface Shrunk {
  readonly group: FailureGroup;
  /** Undefined: it was not tried, or does not fail so here. */
  readonly failure?: SmallFailure;
  readonly file?: string;
  readonly tried: boolean;
}

export async function mergeShards(
  file: string,
  flags: MergeFlags,
  wrong: FlagProblems,
  conflicts: readonly string[],
): Promise<void> {
  const reader = digestingReader();
  const { shards, problems } = await shardsIn(flags.merge);
  const base = loadBeside(wrong, file, [...conflicts, ...problems], { inVirtualTime: true }, reader.readFile);
  const defect = sabotage();
  const here = { version: VERSION, file: reader.digest(), sabotage: sabotageName() };
  throwIfAny(identityProblems(shards, here));
  const merge = new ShardMerge();
  for (const shard of shards) await merge.add(shard, linesAfterFirst(shard.file));
  throwIfAny(merge.problems);
  const merged = merge.result();
  const folder = flags.out ?? flags.merge;
  const paths = merged.groups.slice(0, SHRUNK_MAX).map(({ fingerprint }) => pathOf(folder, fingerprint));
  throwIfAny(await unfit(folder, paths));
  const { recoverMs, hostile } = shards[0]!.head;
  const shrunk = await shrinkAll(merged, { base, folder, recoverMs, hostile, ...defect });
  if (flags.json === true) printJson(outcomeOf(merged, shrunk));
  else printMerged(merged, shrunk);
  if (merged.failed > 0 || merged.missing.length > 0) process.exitCode = EXIT_FAILED;
}

const pathOf = (folder: string, fingerprint: string) => join(folder, `failure-${fingerprint}.yaml`);

function throwIfAny(problems: readonly string[]): void {
  if (problems.length > 0) throw new TopologyFileError(problems);
}

/** The shards by their first seeds, and what is wrong with the folder or their first lines. */
async function shardsIn(folder: string): Promise<{ shards: OpenShard[]; problems: string[] }> {
  const shards: OpenShard[] = [];
  const problems: string[] = [];
  try {
    const files = (await readdir(folder)).filter((name) => SHARD_FILE.test(name)).sort();
    if (files.length === 0) problems.push(`--merge: ${folder} has no shards (shard-*.jsonl)`);
    if (files.length > SHARDS_MAX) problems.push(`--merge: ${folder} has more than ${SHARDS_MAX} shards`);
    for (const name of files.slice(0, SHARDS_MAX)) {
      const file = join(folder, name);
      // Nobody may ever write to a FIFO.
      if (statIfThere(file)?.isFile() !== true) {
        problems.push(`${file}: is no regular file; take it away`);
        continue;
      }
      const head = readHead(await firstLine(file));
      if (typeof head === 'string') problems.push(`${file}: ${head}`);
      else shards.push({ file, head });
    }
  } catch (error) {
    const problem = fileProblem(error, folder);
    if (problem === undefined) throw error;
    problems.push(`--merge: ${problem.text}`);
  }
  shards.sort((a, b) => a.head.seeds[0] - b.head.seeds[0] || a.head.seeds[1] - b.head.seeds[1]);
  return { shards, problems };
}

async function firstLine(file: string): Promise<string | undefined> {
  for await (const line of linesOf(file)) return line;
  return undefined;
}

async function* linesAfterFirst(file: string): AsyncGenerator<string> {
  let isFirst = true;
  for await (const line of linesOf(file)) {
    if (!isFirst) yield line;
    isFirst = false;
  }
}

/** One line after the other; a line that is longer than lines of shards comes cut, and is none of theirs then. */
async function* linesOf(file: string): AsyncGenerator<string> {
  let begun = Buffer.alloc(0);
  for await (const chunk of createReadStream(file)) {
    begun = Buffer.concat([begun, chunk as Buffer]);
    for (let end = begun.indexOf(0x0a); end >= 0; end = begun.indexOf(0x0a)) {
      yield begun.toString('utf8', 0, end);
      begun = begun.subarray(end + 1);
    }
    if (begun.length > SHARD_LINE_OCTETS_MAX) break;
  }
  if (begun.length > 0) yield begun.toString('utf8', 0, SHARD_LINE_OCTETS_MAX);
}

/** What keeps failures from being written there. */
async function unfit(folder: string, paths: readonly string[]): Promise<string[]> {
  if (paths.length === 0) return [];
  const problems: string[] = [];
  try {
    makeFolder(folder, 'public');
    for (const path of paths) await mustTakeOutput(path, 'found');
  } catch (error) {
    const problem = fileProblem(error, folder);
    if (problem === undefined) throw error;
    problems.push(`--out: ${problem.text}`);
  }
  return problems;
}

interface ShrinkAll {
  readonly base: Topology;
  readonly folder: string;
  readonly recoverMs: number;
  readonly hostile: boolean;
}

async function shrinkAll({ groups }: Merged, { folder, ...options }: ShrinkAll): Promise<Shrunk[]> {
  const progress = progressLine(process.stderr);
  const shrunk: Shrunk[] = [];
  for (const [i, group] of groups.entries()) {
    if (i >= SHRUNK_MAX) {
      shrunk.push({ group, tried: false });
      continue;
    }
    const failure = await shrinkSeed({
      ...options,
      seed: group.seeds[0]!,
      fingerprint: group.fingerprint,
      shrinkRunsMax: SHRINK_RUNS_MAX,
      onShrink: (tries) =>
        progress.update(`failure ${i + 1} of ${groups.length}, making it small: try ${tries}`),
    });
    progress.clear();
    if (failure === undefined) {
      shrunk.push({ group, tried: true });
      continue;
    }
    const file = pathOf(folder, group.fingerprint);
    try {
      await replaceFile(file, fileOf(failure), { readers: 'public' });
      shrunk.push({ group, failure, file, tried: true });
    } catch (error) {
      // All others, and what was found, are told all the same.
      failAtFile(error);
      shrunk.push({ group, failure, tried: true });
    }
  }
  return shrunk;
}

const rangeText = ({ first, last }: SeedRange) => (first === last ? `${first}` : `${first}..${last}`);

function rangesText(ranges: readonly SeedRange[]): string {
  const shown = ranges.slice(0, RANGES_SHOWN_MAX).map(rangeText).join(', ');
  return ranges.length > RANGES_SHOWN_MAX ? `${shown} and ${ranges.length - RANGES_SHOWN_MAX} more` : shown;
}

function outcomeOf(merged: Merged, shrunk: readonly Shrunk[]): object {
  const { shards, runs, failed, untold, whole, ran, missing, twice } = merged;
  return {
    ok: failed === 0 && missing.length === 0,
    shards,
    runs,
    failed,
    untold,
    seeds: rangeText(whole),
    ran: ran.map(rangeText),
    missing: missing.map(rangeText),
    twice: twice.map(rangeText),
    failures: shrunk.map(({ group, failure, file, tried }) => ({
      ...group,
      repeated: tried ? failure !== undefined : undefined,
      reasons: failure?.reasons ?? group.reasons,
      shrinkRuns: failure?.shrinkRuns,
      file,
    })),
  };
}

function printMerged(merged: Merged, shrunk: readonly Shrunk[]): void {
  const colors = colorsFor(process.stdout);
  const say = (text: string) => process.stdout.write(`${printableLines(text)}\n`);
  const { shards, runs, failed, untold, whole, ran, missing, twice } = merged;
  say(`${shards} shards of seeds ${rangeText(whole)}: ${runs} runs (${rangesText(ran)}), ${failed} failed`);
  if (missing.length > 0) say(`missing: ${rangesText(missing)}`);
  if (twice.length > 0) say(`run twice, and counted once: ${rangesText(twice)}`);
  for (const { group, failure, file, tried } of shrunk) {
    const { fingerprint, what, count, seeds } = group;
    const named = `${seeds.join(', ')}${count > seeds.length ? ', ...' : ''}`;
    process.stdout.write(`${colors.red('FAILED')}  ${printable(fingerprint)}  ${count} seeds: ${named}\n`);
    say(`  ${what}`);
    for (const reason of failure?.reasons.slice(0, 1) ?? []) say(`  ${reason}`);
    if (failure !== undefined)
      say(
        `  made small in ${failure.shrinkRuns} runs${file === undefined ? '' : `: psp-gateway topology run ${file}`}`,
      );
    else if (tried)
      say(`  seed ${seeds[0]} does not fail so here: the program or the machine is another one`);
    else say('  not made small: there are more kinds of failures than a merge makes small');
  }
  if (untold > 0) say(`and ${untold} failures of further kinds`);
}
