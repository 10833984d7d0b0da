/** `psp-gateway topology validate`: reads a topology and says what it makes. */
import type { Command } from 'commander';
import { ipFamily } from '../packet/address.js';
import { TopologyFileError } from '../topology/file/read.js';
import type { GatewayPlan, Topology } from '../topology/model.js';
import { EXIT_FAILED, table } from './output.js';
import { loadTopology } from './topology-file.js';

const HELP = `
Prints what the file makes, or everything that is wrong with it, each as file:line: reason.

Example:
  psp-gateway topology validate examples/two-hosts.yaml

Exit status: 0 the file is right, 1 it is not, 2 wrong usage.`;

export function addValidate(topology: Command): void {
  topology
    .command('validate')
    .description('check a topology file and say what it makes')
    .argument('<file>', 'topology, YAML')
    .argument('[scenario]', 'scenario, YAML, instead of the one of the topology')
    .option('--json', 'print the result, or the problems, as JSON')
    .addHelpText('after', HELP)
    .action((file: string, scenario: string | undefined, flags: { json?: boolean }) => {
      validate(file, scenario, flags.json === true);
    });
}

function validate(file: string, scenarioPath: string | undefined, json: boolean): void {
  const print = (value: object) => process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  try {
    const topology = loadTopology(file, scenarioPath === undefined ? {} : { scenarioPath });
    const summary = summarize(topology);
    if (json) print({ valid: true, ...summary });
    else process.stdout.write(`${summaryTable(summary)}\n`);
  } catch (error) {
    if (!(error instanceof TopologyFileError)) throw error;
    if (json) print({ valid: false, problems: error.problems });
    else for (const problem of error.problems) console.error(problem);
    process.exitCode = EXIT_FAILED;
  }
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
    staticTunnels: gateways.reduce((sum, gateway) => sum + staticTunnels(gateway), 0),
    flows: scenario.traffic.length,
    events: scenario.events.length,
    expectations: scenario.expectations.length,
  };
}

/** Tunnels that a gateway makes at start-up. */
function staticTunnels({ options }: GatewayPlan): number {
  const { staticTunnels: local, peers } = options;
  if (local === undefined) return 0;
  const family = ipFamily(local);
  return peers
    .map(
      ({ pairs, virtualIps }) => pairs?.length ?? virtualIps.filter((ip) => ipFamily(ip) === family).length,
    )
    .reduce((sum, count) => sum + count, 0);
}

function summaryTable(summary: Summary): string {
  const { name, seed, staticTunnels: tunnels, ...counts } = summary;
  return table([
    ['topology', name],
    ['seed', seed],
    ...Object.entries(counts).slice(0, 5),
    ['tunnels at start-up', tunnels],
    ...Object.entries(counts).slice(5),
  ]);
}
