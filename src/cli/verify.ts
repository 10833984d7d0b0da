/** `psp-gateway verify`: what a device does, found from outside with the simulator as the judge, and written as a report. */
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../base/clock.js';
import { printable, printableLines } from '../base/printable.js';
import { InputFileError, readTextFile } from '../files/read-file.js';
import { replaceFile } from '../files/replace-file.js';
import { HalError } from '../hal/errors.js';
import { PacketPortError } from '../hal-sim/ports/packet-socket.js';
import { QUESTIONS } from '../verify/catalogue.js';
import { GROUPS, type Question } from '../verify/property.js';
import {
  compare,
  countsOf,
  REPORT_FORMAT,
  REPORT_VERSION,
  type Report,
  type Result,
  reportProblem,
  type State,
} from '../verify/report.js';
import { reportHtml } from '../verify/report-html.js';
import { verify } from '../verify/run.js';
import { failAtFile } from './failure.js';
import { FlagProblems } from './flag-problems.js';
import { colorsFor, complain, EXIT_FAILED, EXIT_USAGE, printJson, progressLine, table } from './output.js';
import { outputProblem } from './replaceable.js';
import { type DeviceFlags, deviceProblems, openDevice } from './verify-device.js';
import { machineRows } from './verify-machine.js';
import { VERSION } from './version.js';

const OUTPUT_DEFAULT = 'verify';
const SETTLE_MS_DEFAULT = 150;
const CASES_MAX = 10_000_000;
const SEED_MAX = 2 ** 32 - 1;
const BASELINE_OCTETS_MAX = 64 << 20;

const NOTES = `Frames are put in and taken out where they would be in life: at --uplink, the interface of this machine that is cabled to the device's
uplink, and at --vf, the interface of its VF. Nothing else may use the two, and the kernel must not speak on them. The simulator is the
peer of every session, and says what had to come out. Of a property that does not hold the report has the smallest case that was found,
and its capture; of what the device does not do, its own words; what only a device decides is measured, and nothing is expected of it.
The device is opened and closed for each case, and is left as it was.

Exit status: 0 every property that was asked holds, 1 one does not, or the device cannot be had, 2 wrong usage.

Examples:
  psp-gateway verify --hal=sim --quick
  psp-gateway verify --hal=doca --pci-addr=03:00.0 --repr='[0]' --uplink=eth2 --vf=enp3s0f0v0 --quick
  psp-gateway verify --hal=doca --pci-addr=03:00.0 --repr='[0]' --uplink=eth2 --vf=enp3s0f0v0 --cases=5000 --seed=7
  psp-gateway verify --hal=sim --quick --baseline verify.json --output second`;

interface Flags extends DeviceFlags {
  readonly quick?: true;
  readonly cases?: number;
  readonly seed: number;
  readonly case?: number;
  readonly only?: string[];
  readonly list?: true;
  readonly baseline?: string;
  readonly output: string;
  readonly json?: true;
}

const count = (low: number, high: number) => (text: string) => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < low || value > high)
    throw new InvalidArgumentError(`expected a number from ${low} to ${high}.`);
  return value;
};

function coreMask(text: string): string {
  if (!/^(0x)?[\da-f]{1,32}$/i.test(text) || /^(0x)?0+$/i.test(text))
    throw new InvalidArgumentError('expected cores as a mask in hex, such as 0x3.');
  return text;
}

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description('find out what a device does: properties, limits, and what only hardware decides')
    .addOption(new Option('--hal <hal>', 'what is verified').choices(['doca', 'sim']).default('doca'))
    .option('--pci-addr <address>', "the PF's PCI address, 03:00.0")
    .option('--repr <representor>', 'its representor: a PCI address, [0], or a name such as pf0vf0')
    .option('--uplink <interface>', "this machine's interface at the other end of the uplink's cable")
    .option('--vf <interface>', "the VF's interface, or what the software DOCA has in its place")
    .option('--core-mask <mask>', "cores for the device's threads, as for a gateway", coreMask, '0x1')
    .option('--quick', 'a few cases of each property, in minutes')
    .option('--cases <number>', 'so many cases of each property, for hours', count(1, CASES_MAX))
    .option('--seed <number>', 'what cases are drawn from', count(0, SEED_MAX), 1)
    .option('--only <name...>', 'these questions alone')
    .option('--case <number>', 'this case alone, as a report names it', count(0, CASES_MAX))
    .option(
      '--settle <ms>',
      'how long nothing comes before all has come',
      count(1, 60_000),
      SETTLE_MS_DEFAULT,
    )
    .option('--baseline <file>', "compare with an earlier report, or another device's (JSON)")
    .option('-O, --output <name>', 'writes NAME.json and NAME.html', OUTPUT_DEFAULT)
    .option('--list', 'the questions, by name; nothing is asked')
    .option('--json', 'the report on standard output too, and nothing else')
    .addHelpText('after', `\n${NOTES}`);
  const wrong = new FlagProblems(command);
  return command.action((flags: Flags) => run(flags, wrong));
}

async function run(flags: Flags, wrong: FlagProblems): Promise<void> {
  if (flags.list === true && wrong.list.length === 0) {
    const rows = QUESTIONS.map(({ name, group, title }) => [name, GROUPS[group], title]);
    process.stdout.write(`${table(rows)}\n`);
    return;
  }
  const problems = [...wrong.list, ...(await unfit(flags))];
  let baseline: Report | undefined;
  if (flags.baseline !== undefined) {
    try {
      baseline = readBaseline(flags.baseline);
    } catch (error) {
      if (problems.length === 0) return failAtFile(error, flags.baseline);
      problems.push(`--baseline: ${(error as Error).message}`);
    }
  }
  if (problems.length > 0) {
    for (const problem of problems) complain(problem);
    process.exitCode = EXIT_USAGE;
    return;
  }
  try {
    await verifyAndReport(flags, baseline);
  } catch (error) {
    if (!(error instanceof HalError) && !(error instanceof PacketPortError)) throw error;
    complain(
      `psp-gateway: verify: ${error instanceof HalError ? error.message : `the interfaces: ${error.message}`}`,
    );
    process.exitCode = EXIT_FAILED;
  }
}

const replacesBaseline = ({ baseline, output }: Flags) =>
  baseline !== undefined && resolve(baseline) === resolve(`${output}.json`);

async function unfit(flags: Flags): Promise<string[]> {
  const unknown = (flags.only ?? []).filter((name) => !QUESTIONS.some((one) => one.name === name));
  const outputs = await Promise.all(
    ['json', 'html'].map((ending) => outputProblem(`${flags.output}.${ending}`, 'report')),
  );
  return [
    ...deviceProblems(flags),
    ...unknown.map((name) => `--only: there is no question "${name}"; see psp-gateway verify --list`),
    ...(flags.quick === true && flags.cases !== undefined ? ['--quick: does not go with --cases'] : []),
    ...(flags.case !== undefined && flags.only?.length !== 1 ? ['--case: needs one name with --only'] : []),
    ...outputs.filter((problem) => problem !== undefined),
    ...(replacesBaseline(flags) ? ['--output: would replace the report of --baseline; name another'] : []),
  ];
}

/** Throws InputFileError, or what the file system throws. */
function readBaseline(path: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(readTextFile(path, BASELINE_OCTETS_MAX));
  } catch (error) {
    if (error instanceof SyntaxError) throw new InputFileError(path, 'is no JSON');
    throw error;
  }
  const problem = reportProblem(value);
  if (problem !== undefined) throw new InputFileError(path, problem);
  return value as Report;
}

async function verifyAndReport(flags: Flags, baseline: Report | undefined): Promise<void> {
  const opened = openDevice(flags);
  const { device, rows } = opened;
  const line = progressLine(process.stderr);
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  const at = new Date();
  const startedMs = performance.now();
  const isQuiet = flags.json === true;
  let results: Result[];
  try {
    // A device that cannot be had at all is no result.
    await (await device.open()).hal.close();
    results = await verify({
      device,
      clock: systemClock,
      questions: questionsOf(flags),
      seed: flags.seed,
      isQuick: flags.quick === true,
      ...(flags.cases === undefined ? {} : { cases: flags.cases }),
      ...(flags.case === undefined ? {} : { onlyCase: flags.case }),
      signal: stop.signal,
      onProgress: ({ question, done, of, share }) =>
        line.update(`${Math.floor(share * 100)} %  ${question}, case ${done + 1} of ${of}`),
      onResult: (result) => {
        line.clear();
        if (!isQuiet) process.stdout.write(`${printable(lineOf(result))}\n`);
      },
    });
  } finally {
    line.clear();
    await opened.close();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
  }
  const counts = countsOf(results);
  const about = { results, device: rows() };
  const report: Report = {
    format: REPORT_FORMAT,
    version: REPORT_VERSION,
    run: {
      program: `psp-gateway ${VERSION}`,
      at: at.toISOString(),
      seconds: Math.round((performance.now() - startedMs) / 100) / 10,
      seed: flags.seed,
      depth: depthOf(flags),
      command: commandOf(flags),
      stopped: stop.signal.aborted,
    },
    machine: machineRows(),
    device: about.device,
    counts,
    results,
    ...(baseline === undefined ? {} : { comparison: compare(about, baseline) }),
  };
  await writeReport(flags.output, report);
  if (isQuiet) printJson(report);
  else printSummary(report, flags.output);
  if (counts.failed > 0 || stop.signal.aborted) process.exitCode = EXIT_FAILED;
}

function questionsOf({ only }: Flags): readonly Question[] {
  return only === undefined ? QUESTIONS : QUESTIONS.filter(({ name }) => only.includes(name));
}

function depthOf({ quick, cases, case: one }: Flags): string {
  if (one !== undefined) return `case ${one} alone`;
  if (cases !== undefined) return `${cases} cases of each property`;
  return quick === true ? 'quick' : 'as usual';
}

/** Without what is another machine's: addresses and interfaces. */
function commandOf({ hal, quick, cases, seed, only, case: one }: Flags): string {
  return [
    `psp-gateway verify --hal=${hal}`,
    ...(quick === true ? ['--quick'] : []),
    ...(cases === undefined ? [] : [`--cases=${cases}`]),
    `--seed=${seed}`,
    ...(one === undefined ? [] : [`--case=${one}`]),
    ...(only === undefined ? [] : ['--only', ...only]),
  ].join(' ');
}

const MARKS: Readonly<Record<State, string>> = {
  passed: 'passed',
  failed: 'FAILED',
  'not-possible': 'not possible',
  measured: 'measured',
};
const MARK_WIDTH = Math.max(...Object.values(MARKS).map(({ length }) => length));

function lineOf(result: Result): string {
  const head = `${MARKS[result.state].padEnd(MARK_WIDTH)}  ${result.name}`;
  if (result.state === 'failed') return `${head}: ${result.reason}`;
  if (result.state === 'not-possible') return `${head}: ${result.refused[0]?.words ?? ''}`;
  if (result.state === 'measured') {
    const [first, ...more] = result.rows;
    if (first === undefined) return head;
    return `${head}: ${first.what}: ${first.value}${more.length === 0 ? '' : `; and ${more.length} more`}`;
  }
  const { cases, again = 0 } = result;
  const late = again === 0 ? '' : `, ${again} of them only when run again with more time`;
  return `${head}: ${cases} ${cases === 1 ? 'case' : 'cases'}${late}`;
}

function printSummary({ counts, results, comparison, run }: Report, output: string): void {
  const colors = colorsFor(process.stdout);
  const say = (text: string) => process.stdout.write(`${printableLines(text)}\n`);
  for (const result of results) {
    if (result.state !== 'failed') continue;
    process.stdout.write(`\n${colors.red(result.name)}\n`);
    say(`  ${result.reason}`);
    say(`  smallest case: ${result.smallest}`);
    say(
      `  fails ${result.repeats} times; again: --only ${result.name} --seed ${run.seed} --case ${result.case}`,
    );
  }
  if (comparison !== undefined) {
    say(`\ncompared with ${comparison.baseline}: ${comparison.differences.length} differences`);
    for (const { name, what, before, now } of comparison.differences)
      say(`  ${name}, ${what}: there ${before}, here ${now}`);
  }
  const parts = (Object.keys(MARKS) as State[]).map(
    (state) => `${counts[state]} ${MARKS[state].toLowerCase()}`,
  );
  say(`\n${parts.join(', ')} in ${run.seconds} s${run.stopped ? '; stopped before all was asked' : ''}`);
  say(`report: ${output}.html, ${output}.json`);
}

async function writeReport(output: string, report: Report): Promise<void> {
  await replaceFile(`${output}.json`, `${JSON.stringify(report, null, 2)}\n`, { readers: 'public' });
  await replaceFile(`${output}.html`, reportHtml(report), { readers: 'public' });
}
