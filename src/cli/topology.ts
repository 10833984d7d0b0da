/** `psp-gateway topology`: networks of gateways from a file. A module for each sub-command, which is loaded when it is called. */
import { Command } from 'commander';

interface SubCommand {
  readonly summary: string;
  readonly takes: readonly (readonly [argument: string, meaning: string])[];
  /** What gives the command its flags and its action. */
  readonly load: () => Promise<(command: Command) => void>;
}

const FILE = ['<file>', "topology, YAML; NAME.clab.yml: containerlab's"] as const;
const SCENARIO = ['[scenario]', 'scenario, YAML, instead of the one of the topology'] as const;

const SUB_COMMANDS: Readonly<Record<string, SubCommand>> = {
  run: {
    summary: 'run a topology: gateways, links, traffic and faults, in virtual time or real time',
    takes: [FILE, SCENARIO],
    load: async () => (await import('./topology-run.js')).setUpRun,
  },
  fuzz: {
    summary: 'search for failures: random scenarios with random faults, from seeds',
    takes: [FILE],
    load: async () => (await import('./topology-fuzz.js')).setUpFuzz,
  },
  node: {
    summary: 'one gateway of a topology, for a run in real time elsewhere',
    takes: [FILE, ['<name>', 'the gateway']],
    load: async () => (await import('./topology-node.js')).setUpNode,
  },
  validate: {
    summary: 'check a topology file and say what it makes',
    takes: [FILE, SCENARIO],
    load: async () => (await import('./topology-validate.js')).setUpValidate,
  },
  graph: {
    summary: 'draw a topology: nodes, workloads, links and their impairments',
    takes: [FILE],
    load: async () => (await import('./topology-graph.js')).setUpGraph,
  },
  counters: {
    summary: 'list the counters that expectations may name',
    takes: [FILE, SCENARIO],
    load: async () => (await import('./topology-counters.js')).setUpCounters,
  },
};

/** The command for these arguments: whole is the sub-command that they name, of the others there is what help lists. */
export async function topologyCommand(argv: readonly string[]): Promise<Command> {
  const command = new Command('topology').description('networks of gateways, from a file (docs/topology.md)');
  // Commander's own knows of flags only where they are loaded.
  command.configureHelp({ subcommandTerm: (one) => `${one.name()} ${one.usage()}` });
  const named = argv.find((argument) => Object.hasOwn(SUB_COMMANDS, argument));
  for (const [name, { summary, takes, load }] of Object.entries(SUB_COMMANDS)) {
    const one = command.command(name).description(summary);
    for (const [argument, meaning] of takes) one.argument(argument, meaning);
    if (name === named) (await load())(one);
  }
  return command;
}
