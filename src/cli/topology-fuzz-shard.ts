/** `psp-gateway topology fuzz --seeds A..B`: a shard of a search, with a line about each of its seeds. */
import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { systemClock } from '../base/clock.js';
import { escapedInJson, printableLines } from '../base/printable.js';
import { fileProblem } from '../files/file-problem.js';
import { makeFolder, mustTakeFiles, removeEmptyFolders } from '../files/folders.js';
import { FileReplacement } from '../files/replace-file.js';
import { statIfThere } from '../files/stat.js';
import { partOf, runShard, type SeedLine, type SeedRange, seedsIn } from '../topology/fuzz/shard.js';
import { failAtFile } from './failure.js';
import type { FlagProblems } from './flag-problems.js';
import { colorsFor, EXIT_FAILED, progressLine } from './output.js';
import { outputProblem } from './replaceable.js';
import { digestingReader, loadBeside, sabotage, sabotageName } from './topology-file.js';
import { VERSION } from './version.js';

const SEED_MAX = 0xffff_ffff;
/** Seeds of one search. */
const SEEDS_MAX = 10_000_000;
export const PARTS_MAX = 10_000;

/** Which of how many parts, from 0. */
export interface Part {
  readonly index: number;
  readonly parts: number;
}

export interface ShardFlags {
  readonly seeds: SeedRange;
  readonly part?: Part;
  readonly recover: number;
  readonly hostile?: boolean;
  readonly json?: boolean;
  readonly out?: string;
}

/** A range of seeds as commander's parser of an option. */
export function parseSeeds(text: string): SeedRange {
  const [, a, b] = /^(\d{1,10})\.\.(\d{1,10})$/.exec(text) ?? [];
  const [first, last] = [Number(a), Number(b)];
  if (a === undefined || first > last || last > SEED_MAX)
    throw new InvalidArgumentError('expected FIRST..LAST, from 0 to 4294967295, such as 1..1000.');
  if (seedsIn({ first, last }) > SEEDS_MAX)
    throw new InvalidArgumentError(`expected at most ${SEEDS_MAX} seeds.`);
  return { first, last };
}

/** Likewise. */
export function parsePart(text: string): Part {
  const [, i, n] = /^(\d{1,5})\/(\d{1,5})$/.exec(text) ?? [];
  const [index, parts] = [Number(i), Number(n)];
  if (i === undefined || parts > PARTS_MAX || index >= parts)
    throw new InvalidArgumentError(
      `expected INDEX/COUNT, the index from 0 and the count up to ${PARTS_MAX}, such as 0/8.`,
    );
  return { index, parts };
}

export async function searchShard(
  file: string,
  flags: ShardFlags,
  wrong: FlagProblems,
  conflicts: readonly string[],
): Promise<void> {
  const { seeds: of, part, out } = flags;
  const isWrong = wrong.has('--seeds') || wrong.has('--part');
  const fits = part === undefined || isWrong || part.parts <= seedsIn(of);
  const seeds = part === undefined || isWrong || !fits ? of : partOf(of, part.index, part.parts);
  const path = out === undefined ? undefined : join(out, `shard-${seeds.first}-${seeds.last}.jsonl`);
  const reader = digestingReader();
  const more = [
    ...conflicts,
    fits ? undefined : `--part: ${seedsIn(of)} seeds have no ${part.parts} parts`,
    out === undefined || path === undefined ? undefined : await shardProblem(out, path),
  ];
  const base = loadBeside(wrong, file, more, { inVirtualTime: true }, reader.readFile);
  const defect = sabotage();
  const made = out === undefined ? [] : makeFolder(out, 'public');
  const target = path === undefined ? undefined : await FileReplacement.open(path, { readers: 'public' });
  const progress = progressLine(process.stderr);
  try {
    let done = 0;
    const { runs, failed, tookMs } = await runShard({
      base,
      seeds,
      of,
      identity: {
        version: VERSION,
        file: reader.digest(),
        recoverMs: flags.recover,
        hostile: flags.hostile === true,
        sabotage: sabotageName(),
      },
      ...defect,
      clock: systemClock,
      onLine: async (line) => {
        const text = `${escapedInJson(JSON.stringify(line))}\n`;
        await target?.write(Buffer.from(text));
        if ('seed' in line) progress.update(`${++done} of ${seedsIn(seeds)} runs, seed ${line.seed}`);
        if (flags.json === true) await print(text);
        else if ('seed' in line && line.verdict === 'failed') {
          progress.clear();
          await print(failureText(line));
        }
      },
    });
    progress.clear();
    await target?.finish();
    const rate = runs / (tookMs / 1000 || 1);
    if (flags.json !== true)
      await print(
        `seeds ${seeds.first} to ${seeds.last}: ${runs} runs, ${failed} failed, ${(tookMs / 1000).toFixed(1)} s, ${rate.toFixed(1)} seeds/s\n`,
      );
    if (failed > 0) process.exitCode = EXIT_FAILED;
  } catch (error) {
    await target?.discard();
    removeEmptyFolders(made);
    failAtFile(error);
  }
}

/** What keeps a shard from going there: of its folder where that is missing, of the file in it otherwise. */
async function shardProblem(folder: string, path: string): Promise<string | undefined> {
  if (statIfThere(folder)?.isDirectory() === true) return await outputProblem(path, 'shard', '--out');
  try {
    mustTakeFiles(folder);
    return undefined;
  } catch (error) {
    const problem = fileProblem(error, folder);
    if (problem === undefined) throw error;
    return `--out: ${problem.text}`;
  }
}

/** Waits until it is written: a reader that is slow has the search wait, and nothing gathers. */
const print = (text: string) => new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));

function failureText({ seed, fingerprint, what, options }: SeedLine): string {
  const { red } = colorsFor(process.stdout);
  const drawn = printableLines(`seed ${seed}, drawn: ${options.join('; ')}`);
  return `${red('FAILED')}  ${fingerprint}  ${drawn}\n  ${printableLines(what ?? '')}\n`;
}
