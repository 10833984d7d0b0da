/** `psp-gateway topology run`: runs a topology file and says whether it went as its scenario expects. */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { ConfigError } from '../gateway/config/problems.js';
import { renderMermaid } from '../hal/render.js';
import { renderSvg } from '../hal/render-svg.js';
import { readTopology, TopologyFileError } from '../topology/file/read.js';
import type { GatewayPlan, Topology } from '../topology/model.js';
import type { Report } from '../topology/report.js';
import { reportMarkdown } from '../topology/report-markdown.js';
import type { Progress, RunResult } from '../topology/run.js';
import { runVirtually } from '../topology/virtual-run.js';
import { colorsFor, EXIT_FAILED, EXIT_USAGE, progressLine, table } from './output.js';
import { OutputFolder, OutputFolderError } from './output-folder.js';
import { readReplays } from './replays.js';
import { KEYS_FILE, RunKeys } from './run-keys.js';

/** Above it a run is captured only when asked for. */
const CAPTURED_GATEWAYS_MAX = 50;
/** Pipe programs with counters are drawn for so many gateways. */
const DRAWN_GATEWAYS_MAX = 16;
const FLOWS_SHOWN_MAX = 30;

interface Flags {
  readonly seed?: number;
  readonly output?: string;
  readonly captures?: boolean;
  readonly writeKeys?: boolean;
  readonly json?: boolean;
}

export function topologyRunCommand(): Command {
  return new Command('run')
    .description('run a topology: gateways, links, traffic and faults, in virtual time')
    .argument('<file>', 'the topology, YAML')
    .argument('[scenario]', 'a scenario file, instead of the one in the topology')
    .option('--seed <number>', "decides every random choice, instead of the file's", parseSeed)
    .option('-o, --output <folder>', 'where captures, report, log and drawings go (default: out/NAME)')
    .option('--captures', `write captures even with more than ${CAPTURED_GATEWAYS_MAX} gateways`)
    .option('--no-captures', 'write no captures')
    .option(
      '--write-keys',
      'write keys.jsonl, with which `psp-gateway pcap decrypt --keys` opens the captures',
    )
    .option('--json', 'the report on standard output, as JSON, and nothing else')
    .addHelpText(
      'after',
      `
The same file and seed give the same captures, report and log, to the byte.

Exit status: 0 all expectations met and nothing violated, 1 not, 2 the file or the usage is wrong.

Examples:
  psp-gateway topology run examples/two-hosts.yaml
  psp-gateway topology run examples/lossy-oob.yaml --seed 7 -o /tmp/run --write-keys`,
    )
    .action((file: string, scenario: string | undefined, flags: Flags) => run(file, scenario, flags));
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed > 0xffff_ffff)
    throw new InvalidArgumentError('expected a number from 0 to 4294967295.');
  return seed;
}

async function run(file: string, scenarioPath: string | undefined, flags: Flags): Promise<void> {
  try {
    const topology = readTopology(file, (path) => readFileSync(path, 'utf8'), {
      ...(scenarioPath === undefined ? {} : { scenarioPath }),
      ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    });
    const report = await runAndWrite(topology, file, flags);
    if (flags.json === true) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    if (!report.ok) process.exitCode = EXIT_FAILED;
  } catch (error) {
    if (
      !(
        error instanceof TopologyFileError ||
        error instanceof ConfigError ||
        error instanceof OutputFolderError
      )
    )
      throw error;
    for (const line of error.message.split('\n')) process.stderr.write(`${line}\n`);
    process.exitCode = EXIT_USAGE;
  }
}

async function runAndWrite(topology: Topology, file: string, flags: Flags): Promise<Report> {
  const replays = await readReplays(topology, file);
  const gateways = topology.nodes.filter((node): node is GatewayPlan => node.kind === 'gateway');
  const captures = flags.captures ?? gateways.length <= CAPTURED_GATEWAYS_MAX;
  const folder = new OutputFolder(flags.output ?? join('out', topology.name), [KEYS_FILE]);
  const keys = flags.writeKeys === true ? new RunKeys(folder) : undefined;
  const line = progressLine(process.stderr);
  const startedMs = performance.now();
  try {
    const result = await runVirtually(topology, {
      sink: folder,
      captures,
      replays,
      onProgress: (progress) => line.update(progressText(progress)),
      ...(keys === undefined ? {} : { onKeys: (node, batch) => keys.add(node, batch) }),
    });
    line.clear();
    const files = await writeResult(folder, result, gateways);
    if (flags.json !== true) {
      print(result.report, (performance.now() - startedMs) / 1000);
      printFiles(folder, files, captures, gateways.length, flags);
    }
    return result.report;
  } finally {
    line.clear();
    folder.discard();
  }
}

function progressText({ atMs, phase, gateways, staticUp, flows, flowsEnded }: Progress): string {
  const parts = [`${(atMs / 1000).toFixed(1)} s of the run, ${phase}`];
  if (staticUp > 0) parts.push(`all tunnels of ${staticUp} of ${gateways} gateways`);
  if (flows > 0) parts.push(`${flowsEnded} of ${flows} flows ended`);
  return parts.join(', ');
}

/** Names and meanings of the files that are not captures. */
async function writeResult(
  folder: OutputFolder,
  { report, programs }: RunResult,
  gateways: readonly GatewayPlan[],
): Promise<[name: string, what: string][]> {
  const files: [name: string, what: string, content: string][] = [
    ['report.md', 'flows, gateways, links, drops', reportMarkdown(report)],
    ['report.json', 'the same for programs, whole', `${JSON.stringify(report, null, 2)}\n`],
  ];
  if (gateways.length <= DRAWN_GATEWAYS_MAX) {
    for (const [name, { program, counters }] of programs) {
      files.push([
        `pipes-${name}.mmd`,
        `pipes of ${name} with their counters`,
        renderMermaid(program, counters),
      ]);
      files.push([`pipes-${name}.svg`, `the same drawn`, await renderSvg(program, counters)]);
    }
  }
  for (const [name, , content] of files) folder.write(name, new TextEncoder().encode(content));
  folder.finish();
  return files.map(([name, what]) => [name, what]);
}

function print(report: Report, seconds: number): void {
  const colors = colorsFor(process.stdout);
  const say = (text = '') => process.stdout.write(`${text}\n`);
  say(
    `${colors.bold(report.name)}: ${report.gateways} gateways, ${report.tunnels} tunnels, ${(report.durationMs / 1000).toFixed(1)} s in ${seconds.toFixed(1)} s, seed ${report.seed}`,
  );
  const flows = Object.entries(report.flows);
  if (flows.length > 0) {
    say();
    say(
      table([
        ['flow', 'type', 'sent', 'delivered', 'lost', 'p50 ms', 'p99 ms'],
        ...flows
          .slice(0, FLOWS_SHOWN_MAX)
          .map(([name, { type, sent, delivered, lost, latencyMs }]) => [
            name,
            type,
            sent,
            delivered,
            lost,
            latencyMs?.p50.toFixed(3) ?? '',
            latencyMs?.p99.toFixed(3) ?? '',
          ]),
      ]),
    );
    if (flows.length > FLOWS_SHOWN_MAX)
      say(`and ${flows.length - FLOWS_SHOWN_MAX} more flows, in the report`);
  }
  say();
  for (const { ok, text, seen } of report.expectations)
    say(`${ok ? colors.green('ok') : colors.red('FAILED')}  ${text}  ${colors.dim(seen)}`);
  for (const { kind, atMs, node, text } of report.violations)
    say(`${colors.red('VIOLATED')}  ${kind} at ${atMs.toFixed(3)} ms, ${node}: ${text}`);
  if (report.violationCount > report.violations.length)
    say(`and ${report.violationCount - report.violations.length} more violations`);
  for (const error of report.errors) say(`${colors.red('ERROR')}  ${error}`);
  if (report.violationCount === 0)
    say(
      `${colors.green('ok')}  nothing in clear, nothing unauthenticated, nothing twice, every packet accounted for`,
    );
}

function printFiles(
  folder: OutputFolder,
  files: readonly (readonly [string, string])[],
  captures: boolean,
  gateways: number,
  flags: Flags,
): void {
  const colors = colorsFor(process.stdout);
  const at = relative('.', folder.path) || '.';
  const rows = [
    ...files.filter(([name]) => !name.startsWith('pipes-')),
    ...(files.some(([name]) => name.startsWith('pipes-'))
      ? ([['pipes-*.svg', 'pipe programs with their counters']] as const)
      : []),
    ['run.log', 'what gateways and scenario said'] as const,
    ['sequence.mmd', 'the slow path as it happened, a Mermaid sequence diagram'] as const,
    ...(captures ? ([['*.pcapng', 'every link and every VF']] as const) : []),
    ...(flags.writeKeys === true
      ? ([[KEYS_FILE, 'keys of all tunnels: keep them to yourself']] as const)
      : []),
  ];
  process.stdout.write(`\n${at}:\n`);
  process.stdout.write(`${table(rows.map(([name, what]) => [`  ${name}`, colors.dim(what)]))}\n`);
  if (!captures && flags.captures === undefined)
    process.stdout.write(`${gateways} gateways: captures only with --captures\n`);
}
