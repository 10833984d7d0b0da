/** `psp-gateway topology validate`: reads a topology and says what it makes. */
import type { Command } from 'commander';
import { printable } from '../base/printable.js';
import { countStatic } from '../gateway/directory.js';
import type { Topology } from '../topology/model.js';
import { FlagProblems } from './flag-problems.js';
import { isCaptured, tellOfLargeCaptures } from './large-captures.js';
import { complain, EXIT_FAILED, EXIT_USAGE, printJson, table } from './output.js';
import { checkTopology } from './topology-check.js';
import { addPlaceFlags, type PlaceFlags } from './topology-places.js';

const HELP = `
Prints what the file makes, or everything that is wrong with it, each as file:line: reason: captures of replays and
paths of counters too. Warns of captures that a run of it would make large, and of names that are old and still
read. Also looked at, when they are given, are the flags that a run with gateways on other machines takes.

Example:
  psp-gateway topology validate examples/two-hosts.yaml

Exit status: 0 all is right, 1 the topology is not, 2 wrong usage: a FILE that cannot be read, or only flags are wrong.`;

interface Flags extends PlaceFlags {
  readonly json?: boolean;
}

export function setUpValidate(command: Command): void {
  addPlaceFlags(command.option('--json', 'print the result, or the problems, as JSON')).addHelpText(
    'after',
    HELP,
  );
  const wrong = new FlagProblems(command);
  command.action((file: string, scenario: string | undefined, flags: Flags) =>
    validate(file, scenario, flags, wrong),
  );
}

async function validate(
  file: string,
  scenarioPath: string | undefined,
  flags: Flags,
  wrong: FlagProblems,
): Promise<void> {
  const { topology, replays, fileProblems, warnings, isWrongPath, flagProblems } = await checkTopology({
    ...flags,
    file,
    scenarioPath,
    wrong,
  });
  const problems = [...fileProblems, ...flagProblems];
  for (const warning of warnings) complain(`psp-gateway: warning: ${warning}`);
  if (topology !== undefined && problems.length === 0) {
    if (isCaptured(topology)) tellOfLargeCaptures(topology, replays);
    const summary = summarize(topology);
    if (flags.json === true) printJson({ valid: true, ...summary });
    else process.stdout.write(`${summaryTable(summary)}\n`);
    return;
  }
  if (flags.json === true) printJson({ valid: false, problems });
  else for (const problem of problems) complain(problem);
  process.exitCode = fileProblems.length > 0 && !isWrongPath ? EXIT_FAILED : EXIT_USAGE;
}

interface Summary {
  readonly name: string;
  readonly seed: number;
  readonly gateways: number;
  readonly switches: number;
  readonly routers: number;
  readonly links: number;
  readonly workloads: number;
  readonly staticTunnels: number;
  readonly flows: number;
  readonly events: number;
  readonly expectations: number;
}

function summarize({ name, seed, nodes, links, scenario }: Topology): Summary {
  const gateways = nodes.filter((node) => node.kind === 'gateway');
  const count = (kind: string) => nodes.filter((node) => node.kind === kind).length;
  return {
    name,
    seed,
    gateways: gateways.length,
    switches: count('switch'),
    routers: count('router'),
    links: links.length,
    workloads: gateways.reduce((sum, { workloads }) => sum + workloads.length, 0),
    staticTunnels: gateways.reduce(
      (sum, { options }) => sum + countStatic(options, options.localVirtualIps),
      0,
    ),
    flows: scenario.traffic.length,
    events: scenario.events.length,
    expectations: scenario.expectations.length,
  };
}

function summaryTable(summary: Summary): string {
  const { name, seed, staticTunnels: tunnels, ...counts } = summary;
  return table([
    ['topology', printable(name)],
    ['seed', seed],
    ...Object.entries(counts).slice(0, 5),
    ['tunnels at start-up', tunnels],
    ...Object.entries(counts).slice(5),
  ]);
}
