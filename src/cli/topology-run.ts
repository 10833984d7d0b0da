/** `psp-gateway topology run`: runs a topology file and says whether it went as its scenario expects. */
import { constants } from 'node:os';
import { join, relative } from 'node:path';
import type { Command } from 'commander';
import { escapedInJson, printable } from '../base/printable.js';
import { renderMermaid } from '../draw/render.js';
import { renderSvg } from '../draw/render-svg.js';
import { TopologyFileError } from '../topology/file/read.js';
import { boxesOf, topologyMermaid, topologySvg } from '../topology/graph.js';
import {
  externalsOf,
  type GatewayPlan,
  gatewaysOf,
  type LinkPlan,
  type Topology,
} from '../topology/model.js';
import { type RealTimeOptions, runInRealTime } from '../topology/real-time/run.js';
import type { Report } from '../topology/report.js';
import { dropsOfAll } from '../topology/report-drops.js';
import { reportMarkdown } from '../topology/report-markdown.js';
import type { Progress, RunResult } from '../topology/run.js';
import type { Replay } from '../topology/traffic/replay-frames.js';
import { runVirtually } from '../topology/virtual-run.js';
import { meetExternals } from './externals.js';
import { FlagProblems } from './flag-problems.js';
import { CAPTURED_GATEWAYS_MAX, isCaptured, tellOfLargeCaptures } from './large-captures.js';
import { reexecWithLargerHeap } from './large-heap.js';
import { THIS_MACHINE } from './machine.js';
import { colorsFor, complain, EXIT_FAILED, printJson, progressLine, table } from './output.js';
import { DEPLOY_FOLDER, mustTakeRun, OutputFolder } from './output-folder.js';
import { KEYS_FILE, RunKeys } from './run-keys.js';
import { snapLengthOption } from './snap-length.js';
import { rightTopology, type TopologyRequest, tryTopology } from './topology-check.js';
import {
  addDeployFlags,
  type DeployFlags,
  deployConflicts,
  deployFolder,
  deploymentOf,
  isEngine,
  writeDeployment,
} from './topology-deploy.js';
import { parseSeed, sabotage, withTopology } from './topology-file.js';
import { ownInterfaces, whereText } from './topology-hosts.js';
import {
  addPlaceFlags,
  certificateHost,
  ownSubnet,
  type PlaceFlags,
  placesOf,
  tlsFrom,
} from './topology-places.js';

/** Pipe programs with counters are drawn for so many gateways. */
const DRAWN_GATEWAYS_MAX = 16;
const DRAWN_BOXES_MAX = 60;
const FLOWS_SHOWN_MAX = 30;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

const HELP = `
The same file and seed give the same captures, report and log, to the byte.

--deploy runs nothing here: it writes manifests for Kubernetes, or a file for containerlab, with a container for each
gateway and one for the run, and says what of the topology they leave out.

Exit status: 0 all expectations met and nothing violated, 1 not, 2 wrong usage or a wrong file.

Examples:
  psp-gateway topology run examples/two-hosts.yaml
  psp-gateway topology run examples/lossy-oob.yaml --seed 7 -o /tmp/run --write-keys
  psp-gateway topology run examples/two-hosts.yaml --deploy kubernetes --image registry.example/psp-gateway:1`;

interface Flags extends PlaceFlags, DeployFlags {
  readonly seed?: number;
  readonly captures?: boolean;
  readonly snaplen: number;
  readonly writeKeys?: boolean;
  readonly json?: boolean;
  readonly realTime?: boolean;
  readonly processes?: boolean;
}

export function setUpRun(command: Command): void {
  const inRealTime = addPlaceFlags(
    command
      .option('--real-time', "on the machine's clock, with gRPC over mutual TLS on loopback addresses")
      .option('--processes', 'likewise, with each gateway in a process of its own and links over UDP'),
  );
  const further = inRealTime
    .option('--seed <number>', "decides every random choice, instead of the file's", parseSeed)
    .option(
      '-o, --output <folder>',
      'where captures, report, log and drawings go (default: out/NAME, with --deploy out/NAME-ENGINE)',
    )
    .option('--captures', `write captures even with more than ${CAPTURED_GATEWAYS_MAX} gateways`)
    .option('--no-captures', 'write no captures')
    .addOption(snapLengthOption())
    .option(
      '--write-keys',
      'write keys.jsonl, with which `psp-gateway pcap decrypt --keys` opens the captures',
    )
    .option('--json', 'the report on standard output, as JSON, and nothing else');
  addDeployFlags(further).addHelpText('after', HELP);
  const wrong = new FlagProblems(command);
  command.action((file: string, scenario: string | undefined, flags: Flags) =>
    withTopology(() => run(file, scenario, flags, wrong, deployConflicts(flags, command))),
  );
}

async function run(
  file: string,
  scenarioPath: string | undefined,
  flags: Flags,
  wrong: FlagProblems,
  conflicts: readonly string[],
): Promise<void> {
  if (isEngine(flags.deploy))
    return await deploy(file, scenarioPath, { ...flags, deploy: flags.deploy }, wrong, conflicts);
  const request: TopologyRequest = {
    ...flags,
    wrong,
    file,
    scenarioPath,
    inRealTime: flags.realTime === true || flags.processes === true,
    more: [
      () => throwIfAny([...conflicts, ...flagConflicts(scenarioPath, flags)]),
      () => sabotage(),
      () => flags.output === undefined || mustTakeRun(flags.output),
    ],
  };
  const loaded = tryTopology(request);
  // The other process reads captures, which may come through a pipe, and says what is wrong.
  if (loaded.topology !== undefined && (await reexecWithLargerHeap(gatewaysOf(loaded.topology).length)))
    return;
  // Whoever makes the machine's cables may make them after the start.
  if (flags.where.size > 0) await ownInterfaces(hostInterfaces(loaded.topology?.links ?? []));
  const { topology, replays } = await rightTopology(request, loaded);
  const report = await runAndWrite(topology, replays, file, flags);
  if (flags.json === true) printJson(report);
  if (!report.ok) process.exitCode = EXIT_FAILED;
}

const hostInterfaces = (links: readonly LinkPlan[]) =>
  links.flatMap(({ outside, endpoints }) => (outside?.kind === 'host' ? [endpoints[outside.end].port] : []));

async function deploy(
  file: string,
  scenarioPath: string | undefined,
  flags: Flags & Required<Pick<Flags, 'deploy'>>,
  wrong: FlagProblems,
  conflicts: readonly string[],
): Promise<void> {
  const request: TopologyRequest = {
    wrong,
    file,
    scenarioPath,
    seed: flags.seed,
    where: new Map(),
    subnet: flags.subnet,
    inRealTime: true,
    deployed: true,
  };
  const loaded = tryTopology(request);
  const made = loaded.topology === undefined ? undefined : deploymentOf(loaded.topology, flags);
  const { topology } = await rightTopology(
    {
      ...request,
      more: [
        () => throwIfAny([...conflicts, ...(made?.problems ?? [])]),
        () => flags.output === undefined || mustTakeRun(flags.output, DEPLOY_FOLDER),
      ],
    },
    loaded,
  );
  writeDeployment(deployFolder(topology.name, flags), made!.deployment);
}

function flagConflicts(scenarioPath: string | undefined, flags: Flags): string[] {
  const { where, core, processes, writeKeys } = flags;
  const problems: string[] = [];
  if (where.size > 0 && writeKeys === true)
    problems.push('--write-keys: keys of gateways on other machines stay there; leave it out, or --where');
  if (processes === true && scenarioPath !== undefined)
    problems.push('--processes: name the scenario in the topology file, which every gateway reads');
  if (where.size > 0 && processes !== true)
    problems.push('--where: gateways on other machines need --processes');
  if (core !== undefined && processes !== true && flags.realTime !== true)
    problems.push('--core: is for gateways in other processes; give --processes');
  return problems;
}

function throwIfAny(problems: readonly string[]): void {
  if (problems.length > 0) throw new TopologyFileError(problems);
}

async function runAndWrite(
  topology: Topology,
  replays: ReadonlyMap<string, Replay>,
  file: string,
  flags: Flags,
): Promise<Report> {
  const gateways = gatewaysOf(topology);
  const captures = flags.captures ?? isCaptured(topology);
  if (captures) tellOfLargeCaptures(topology, replays, flags.snaplen);
  const folder = new OutputFolder(
    flags.output ?? join('out', topology.name),
    flags.writeKeys === true ? 'private' : 'public',
  );
  const keys = flags.writeKeys === true ? new RunKeys(folder) : undefined;
  const line = progressLine(process.stderr);
  const onSignal = (signal: NodeJS.Signals) => {
    line.clear();
    folder.discard();
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of SIGNALS) process.once(signal, onSignal);
  const startedMs = performance.now();
  try {
    const common = {
      sink: folder,
      captures,
      snapOctets: flags.snaplen,
      replays,
      ...sabotage(),
      ...(keys === undefined ? {} : { onKeys: (...args: Parameters<RunKeys['add']>) => keys.add(...args) }),
      onProgress: (progress: Progress) => line.update(progressText(progress)),
    };
    const result =
      flags.realTime === true || flags.processes === true
        ? await runInRealTime(topology, { ...common, ...(await realTime(topology, file, flags)) })
        : await runVirtually(topology, common);
    line.clear();
    const files = await writeResult(folder, topology, result, gateways);
    if (flags.json !== true) {
      print(result.report, (performance.now() - startedMs) / 1000);
      printFiles(folder, files, captures, gateways.length, flags);
    }
    return result.report;
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    line.clear();
    folder.discard();
  }
}

/** The places of the gateways, and how their processes start. */
async function realTime(
  topology: Topology,
  file: string,
  flags: Flags,
): Promise<
  Pick<
    RealTimeOptions,
    'places' | 'processes' | 'allInProcesses' | 'elsewhere' | 'onWait' | 'tlsOf' | 'machine'
  >
> {
  const { where, core } = flags;
  const externals = externalsOf(topology);
  // Somebody else has been told the addresses: they are the same in each run.
  const subnet = where.size > 0 || externals.length > 0 ? flags.subnet : ownSubnet();
  const places = await placesOf(topology, { ...flags, subnet }, () => 'core');
  const certificates =
    externals.length === 0 ? flags.certificates : await meetExternals(topology, places, flags);
  const args = [
    ...['--subnet', String(subnet)],
    ...[...where].flatMap((place) => ['--where', whereText(place)]),
    ...(core === undefined ? [] : ['--core', core]),
  ];
  return {
    places,
    elsewhere: new Set(where.keys()),
    onWait: (gateway) => complain(`psp-gateway: ${gateway} takes no connections yet; waiting for it`),
    ...(certificates === undefined
      ? {}
      : { tlsOf: (gateway) => tlsFrom(certificates, certificateHost(topology, flags, gateway)!) }),
    allInProcesses: flags.processes === true,
    processes: {
      program: process.argv[1]!,
      argsOf: (gateway) => ['topology', 'node', file, gateway, ...args],
    },
    machine: THIS_MACHINE,
  };
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
  topology: Topology,
  { report, programs }: RunResult,
  gateways: readonly GatewayPlan[],
): Promise<[name: string, what: string][]> {
  const files: [name: string, what: string, content: string][] = [
    ['report.md', 'flows, gateways, links, drops', reportMarkdown(report)],
    ['report.json', 'the same for programs, whole', `${escapedInJson(JSON.stringify(report, null, 2))}\n`],
  ];
  files.push(['topology.mmd', 'the topology as Mermaid', topologyMermaid(topology)]);
  if (boxesOf(topology) <= DRAWN_BOXES_MAX)
    files.push(['topology.svg', 'the topology drawn', await topologySvg(topology)]);
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
    `${colors.bold(printable(report.name))}: ${report.gateways} gateways, ${report.tunnels} tunnels, ${(report.durationMs / 1000).toFixed(1)} s in ${seconds.toFixed(1)} s, seed ${report.seed}`,
  );
  printFlows(report, say);
  printOutside(report, say);
  say();
  printDrops(report, say);
  // Failures come first, as in the table.
  const met = report.expectations.filter(({ ok }) => ok);
  const unmet = report.expectations.filter(({ ok }) => !ok);
  for (const { text, seen } of unmet)
    say(`${colors.red('FAILED')}  ${printable(text)}  ${colors.dim(printable(seen))}`);
  for (const { kind, atMs, node, text } of report.violations)
    say(`${colors.red('VIOLATED')}  ${kind} at ${atMs.toFixed(3)} ms, ${node}: ${printable(text)}`);
  if (report.violationCount > report.violations.length)
    say(`and ${report.violationCount - report.violations.length} more violations`);
  for (const error of report.errors) say(`${colors.red('ERROR')}  ${printable(error)}`);
  for (const text of report.notChecked ?? []) say(`not checked: ${printable(text)}`);
  for (const { text, seen } of met)
    say(`${colors.green('ok')}  ${printable(text)}  ${colors.dim(printable(seen))}`);
  if (report.violationCount === 0)
    say(
      `${colors.green('ok')}  nothing in clear, nothing unauthenticated, nothing twice, every packet accounted for`,
    );
}

function printFlows(report: Report, say: (text?: string) => void): void {
  const flows = Object.entries(report.flows);
  if (flows.length === 0) return;
  const rows = flows
    .slice(0, FLOWS_SHOWN_MAX)
    .map(([name, { type, sent, delivered, lost, latencyMs, failed }]) => [
      printable(name),
      type,
      sent,
      delivered,
      lost,
      latencyMs?.p50.toFixed(3) ?? '',
      latencyMs?.p99.toFixed(3) ?? '',
      failed === true ? 'failed' : '',
    ]);
  say();
  say(table([['flow', 'type', 'sent', 'delivered', 'lost', 'p50 ms', 'p99 ms', ''], ...rows]));
  if (flows.length > FLOWS_SHOWN_MAX) {
    const failed = flows.slice(FLOWS_SHOWN_MAX).filter(([, flow]) => flow.failed === true).length;
    say(
      `and ${flows.length - FLOWS_SHOWN_MAX} more flows${failed === 0 ? '' : `, ${failed} of which failed`}, in the report`,
    );
  }
}

/** Prints what went through interfaces of this machine, and what they dropped. */
function printOutside({ outside = {} }: Report, say: (text?: string) => void): void {
  const rows = Object.entries(outside).map(([name, counts]) => [
    printable(name),
    counts.received!,
    counts.sent!,
    counts.kernelDropped! + counts.tooBig! + counts.notUnderstood!,
    counts.queueFull! + counts.sendErrors!,
    counts.interruptions!,
  ]);
  if (rows.length === 0) return;
  say();
  say(table([['interface', 'received', 'sent', 'dropped in', 'dropped out', 'interruptions'], ...rows]));
}

/** Prints where packets of flows were lost, as the gateways report it. */
function printDrops(report: Report, say: (text?: string) => void): void {
  const drops = dropsOfAll(report);
  if (drops.length === 0 || Object.values(report.flows).every(({ lost }) => lost === 0)) return;
  say(table([['dropped by gateways', 'packets'], ...drops]));
  say();
}

function printFiles(
  folder: OutputFolder,
  files: readonly (readonly [string, string])[],
  captures: boolean,
  gateways: number,
  flags: Flags,
): void {
  const colors = colorsFor(process.stdout);
  const at = printable(relative('.', folder.path)) || '.';
  const rows = [
    ...files.filter(([name]) => !name.startsWith('pipes-')),
    ...(files.some(([name]) => name.startsWith('pipes-'))
      ? ([['pipes-*.svg', 'pipe programs with their counters']] as const)
      : []),
    ['run.log', 'what gateways and scenario said'] as const,
    ['sequence.svg', 'the slow path as it happened; sequence.mmd: as Mermaid'] as const,
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
