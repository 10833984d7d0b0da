/** `psp-gateway topology fuzz`: searches for failures under random faults, and makes what it finds small. */
import { extname } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { printableLines } from '../base/printable.js';
import { replaceFile } from '../files/replace-file.js';
import { lstatIfThere } from '../files/stat.js';
import { topologyToYaml } from '../topology/file/write.js';
import { type Failure, fuzz } from '../topology/fuzz/fuzz.js';
import { failAtFile } from './failure.js';
import { FlagProblems } from './flag-problems.js';
import { colorsFor, EXIT_FAILED, printJson, progressLine } from './output.js';
import { FOUND_HEADING, outputProblem } from './replaceable.js';
import { loadBeside, parseSeed, sabotage, withTopology } from './topology-file.js';

const RUNS_DEFAULT = 100;
const RECOVER_MS_DEFAULT = 30_000;
const SHRINK_RUNS_MAX = 300;
const OUTPUT_DEFAULT = 'failure.yaml';

const HELP = `
Each run draws a scenario from its seed: some seconds of loss, replays, corruption, attacks, partitions, crashes,
restarts, rotations, slow devices and clock jumps, with traffic; then calm. At all times: nothing in clear, nothing
unauthenticated, no key or IV twice, nothing delivered twice by the gateways, every packet accounted for. In the calm
everything flows again in time, and nothing is left over. The first failure ends the search; it is made small and
written as a topology file that repeats it. The file's own scenario is not run.

Exit status: 0 nothing was found, 1 a failure was found, 2 wrong usage or a wrong file.

Examples:
  psp-gateway topology fuzz examples/two-hosts.yaml --runs 500
  psp-gateway topology fuzz examples/two-hosts.yaml --runs 1 --seed 4711`;

interface Flags {
  readonly runs: number;
  readonly seed: number;
  readonly recover: number;
  readonly output?: string;
  readonly hostile?: boolean;
  readonly json?: boolean;
}

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
    .option('--json', 'the outcome on standard output, as JSON, and nothing else')
    .addHelpText('after', HELP);
  const wrong = new FlagProblems(command);
  command.action((file: string, flags: Flags) => withTopology(() => search(file, flags, wrong)));
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 10_000_000)
    throw new InvalidArgumentError('expected a number from 1 to 10000000.');
  return count;
}

async function search(file: string, flags: Flags, wrong: FlagProblems): Promise<void> {
  const output = flags.output ?? freeName(OUTPUT_DEFAULT);
  const base = loadBeside(wrong, file, [await outputProblem(output, 'found')]);
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

function fileOf({ seed, reasons, small }: Failure): string {
  const head = [`${FOUND_HEADING}${seed}, made small.`, ...reasons.map((reason) => `# ${reason}`)];
  return `${head.join('\n')}\n${topologyToYaml(small)}`;
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
