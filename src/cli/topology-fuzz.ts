/** `psp-gateway topology fuzz`: searches for failures under random faults, and makes what it finds small. */
import { extname } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { printableLines } from '../base/printable.js';
import { replaceFile } from '../files/replace-file.js';
import { lstatIfThere } from '../files/stat.js';
import { type Failure, fuzz } from '../topology/fuzz/fuzz.js';
import type { SeedRange } from '../topology/fuzz/shard.js';
import { failAtFile } from './failure.js';
import { FlagProblems } from './flag-problems.js';
import { colorsFor, EXIT_FAILED, printJson, progressLine } from './output.js';
import { outputProblem } from './replaceable.js';
import { loadBeside, parseSeed, sabotage, withTopology } from './topology-file.js';
import { fileOf, SHRINK_RUNS_MAX } from './topology-found.js';
import { mergeShards } from './topology-fuzz-merge.js';
import { type Part, parsePart, parseSeeds, searchShard } from './topology-fuzz-shard.js';

const RUNS_DEFAULT = 100;
const RECOVER_MS_DEFAULT = 30_000;
const OUTPUT_DEFAULT = 'failure.yaml';

const HELP = `
Each run draws a scenario from its seed: some seconds of loss, replays, corruption, attacks, partitions, crashes,
restarts, rotations, slow devices and clock jumps, with traffic; then calm. At all times: nothing in clear, nothing
unauthenticated, no key or IV twice, nothing delivered twice by the gateways, every packet accounted for. In the calm
everything flows again in time, and nothing is left over. The first failure ends the search; it is made small and
written as a topology file that repeats it. The file's own scenario is not run.

Many processes or machines search by shards: each runs exactly its seeds, whatever it finds, and writes a line about
each. --merge joins them: it says which seeds ran, which are missing or were run twice, and makes one failure of each
kind small, told apart by what broke and not by seeds, times and addresses.

Exit status: 0 nothing was found (of a merge: and no seed is missing), 1 otherwise, 2 wrong usage or a wrong file.

Examples:
  psp-gateway topology fuzz examples/two-hosts.yaml --runs 500
  psp-gateway topology fuzz examples/two-hosts.yaml --runs 1 --seed 4711
  psp-gateway topology fuzz examples/two-hosts.yaml --seeds 1..1000 --part 0/2 --out shards
  psp-gateway topology fuzz examples/two-hosts.yaml --seeds 1..1000 --part 1/2 --out shards
  psp-gateway topology fuzz examples/two-hosts.yaml --merge shards`;

interface Flags {
  readonly runs: number;
  readonly seed: number;
  readonly seeds?: SeedRange;
  readonly part?: Part;
  readonly merge?: string;
  readonly out?: string;
  readonly recover: number;
  readonly output?: string;
  readonly hostile?: boolean;
  readonly json?: boolean;
}

/** Flags that belong to one of the three ways to search, and what the others do instead. */
const CONFLICTS: readonly (readonly [way: 'seeds' | 'merge', flag: keyof Flags, reason: string])[] = [
  ['seeds', 'runs', '--seeds names all seeds; leave --runs out'],
  ['seeds', 'seed', '--seeds names all seeds; leave --seed out'],
  ['seeds', 'output', '--output: a shard makes nothing small; --merge does, and --out says where shards go'],
  ['seeds', 'merge', '--merge: joins what --seeds has run; leave one of them out'],
  ['merge', 'runs', '--merge runs no seeds; leave --runs out'],
  ['merge', 'seed', '--merge runs no seeds; leave --seed out'],
  ['merge', 'recover', '--merge: the shards say --recover themselves; leave it out'],
  ['merge', 'hostile', '--merge: the shards say --hostile themselves; leave it out'],
  ['merge', 'output', '--output: a merge may find many failures; --out says which folder they go to'],
];

export function setUpFuzz(command: Command): void {
  command
    .option('--runs <number>', 'runs, one seed after the other', parseCount, RUNS_DEFAULT)
    .option('--seed <number>', 'of the first run', parseSeed, 1)
    .option(
      '--recover <ms>',
      'time in which everything flows again after the faults',
      parseCount,
      RECOVER_MS_DEFAULT,
    )
    .option('--hostile', 'draw insiders, dead peers, small tables and crash loops too')
    .option(
      '-o, --output <file>',
      `where a failing topology goes (default: ${OUTPUT_DEFAULT}, or with a number when that is there)`,
    )
    .option(
      '--seeds <range>',
      'a shard: seeds FIRST..LAST, each with a line about it, whatever is found',
      parseSeeds,
    )
    .option('--part <part>', 'INDEX/COUNT: of --seeds only this part, from 0, of so many', parsePart)
    .option('--merge <folder>', 'joins the failures of the shards in a folder, and makes one of each small')
    .option(
      '--out <folder>',
      'where the file of a shard goes, or what a merge has made small (default: that of --merge)',
    )
    .option(
      '--json',
      'the outcome on standard output, as JSON, and nothing else; of a shard a line for each seed',
    )
    .addHelpText('after', HELP);
  const wrong = new FlagProblems(command);
  command.action((file: string, flags: Flags) =>
    withTopology(() => searchSomehow(file, flags, wrong, command)),
  );
}

async function searchSomehow(
  file: string,
  flags: Flags,
  wrong: FlagProblems,
  command: Command,
): Promise<void> {
  const { seeds, merge, ...rest } = flags;
  const isGiven = (flag: keyof Flags) => command.getOptionValueSource(flag) === 'cli';
  const conflicts = CONFLICTS.filter(([way, flag]) => isGiven(way) && isGiven(flag)).map(
    ([, , reason]) => reason,
  );
  if (isGiven('part') && !isGiven('seeds') && !wrong.has('--seeds'))
    conflicts.push('--part: is of --seeds; name those of the whole search');
  if (isGiven('out') && !isGiven('seeds') && !isGiven('merge') && !wrong.has('--seeds'))
    conflicts.push('--out: is for shards and merges; --output says where a failing topology goes');
  if (seeds !== undefined) return await searchShard(file, { seeds, ...rest }, wrong, conflicts);
  if (merge !== undefined) return await mergeShards(file, { merge, ...rest }, wrong, conflicts);
  return await search(file, flags, wrong, conflicts);
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 10_000_000)
    throw new InvalidArgumentError('expected a number from 1 to 10000000.');
  return count;
}

async function search(
  file: string,
  flags: Flags,
  wrong: FlagProblems,
  conflicts: readonly string[],
): Promise<void> {
  const output = flags.output ?? freeName(OUTPUT_DEFAULT);
  const base = loadBeside(wrong, file, [...conflicts, await outputProblem(output, 'found')], {
    inVirtualTime: true,
  });
  const line = progressLine(process.stderr);
  const startedMs = performance.now();
  const { runs, packets, failure } = await fuzz({
    base,
    runs: flags.runs,
    seed: flags.seed,
    recoverMs: flags.recover,
    shrinkRunsMax: SHRINK_RUNS_MAX,
    ...sabotage(),
    ...(flags.hostile === true ? { hostile: true } : {}),
    onRun: (done, seed) => line.update(`${done} of ${flags.runs} runs, seed ${seed}`),
    onShrink: (tries) => line.update(`a failure; making it small: try ${tries}`),
  });
  line.clear();
  const seconds = (performance.now() - startedMs) / 1000;
  if (failure !== undefined) {
    try {
      await replaceFile(output, fileOf(failure), { readers: 'public', replace: flags.output !== undefined });
    } catch (error) {
      // It is printed all the same: what was found is not lost.
      failAtFile(error);
    }
    process.exitCode = EXIT_FAILED;
  }
  if (flags.json === true) {
    const { seed, options, reasons } = failure ?? {};
    const outcome = { ok: failure === undefined, runs, packets, seed, options, reasons };
    printJson(failure ? { ...outcome, file: output } : outcome);
  } else if (failure === undefined) {
    const last = (flags.seed + runs - 1) >>> 0;
    process.stdout.write(
      `nothing found: ${runs} runs, seeds ${flags.seed} to ${last}, ${packets} packets, ${seconds.toFixed(1)} s\n`,
    );
  } else printFailure(failure, output, file);
}

function printFailure(failure: Failure, output: string, file: string): void {
  const colors = colorsFor(process.stdout);
  const say = (text: string) => process.stdout.write(`${printableLines(text)}\n`);
  process.stdout.write(`${colors.red('FAILED')}  `);
  say(`seed ${failure.seed}, drawn: ${failure.options.join('; ')}`);
  for (const reason of failure.reasons) say(`  ${reason}`);
  const { scenario, nodes } = failure.small;
  say(
    `made small in ${failure.shrinkRuns} runs: ${nodes.length} nodes, ${scenario.events.length} events, ${scenario.traffic.length} flows`,
  );
  say(`\n${fileOf(failure)}`);
  say(`repeat the small one:  psp-gateway topology run ${output}`);
  say(`repeat the drawn one:  psp-gateway topology fuzz ${file} --runs 1 --seed ${failure.seed}`);
}

/** failure.yaml, failure-2.yaml, ...: what is there may be the finding of another search, or somebody's own. */
function freeName(name: string): string {
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${stem}-${number}${extension}`;
    if (lstatIfThere(candidate) === undefined) return candidate;
  }
}
