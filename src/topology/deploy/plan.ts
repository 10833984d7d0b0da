/**
 * A topology for an engine that runs its gateways on many machines: each of them by `topology node`, and everything between them
 * (links, switches, routers, workloads, scenario, expectations) by one `topology run`. What that run cannot reach is left out, and said.
 */
import { stringify } from 'yaml';
import { flagNamed } from '../../gateway/config/flags.js';
import type { EventPlan } from '../events/registry.js';
import type { Expectation } from '../expectations/registry.js';
import { topologyToYaml } from '../file/write.js';
import type { SeedRange } from '../fuzz/shard.js';
import { type GatewayPlan, gatewaysOf, insidersOf, type Topology } from '../model.js';

export interface DeployOptions {
  /** The image of all containers, with psp-gateway in its PATH. */
  readonly image: string;
  /** Of the search, where the engine has one. */
  readonly seeds: SeedRange;
  readonly parts: number;
}

/** The files of a deployment, by their names. */
export interface Deployment {
  readonly files: ReadonlyMap<string, string>;
  /** What the topology says and the deployment does not do. */
  readonly leftOut: readonly string[];
}

export interface DeployPlan {
  readonly gateways: readonly GatewayPlan[];
  /** The topology's file, as all containers have it. */
  readonly text: string;
  readonly leftOut: readonly string[];
}

/** Engines read YAML 1.1, where `no`, `on` and `y` are truth values: such names are quoted. */
export const engineYaml = (value: object) => stringify(value, { lineWidth: 0, version: '1.1' });

export const TOPOLOGY_FILE = 'topology.yaml';
export const WHERE_FILE = 'where.txt';
/** What to do with the files, and what was left out. */
export const GUIDE_FILE = 'DEPLOY.md';
/** Where containers find the files, and their certificates. */
export const TOPOLOGY_FOLDER = '/topology';
export const CERTIFICATES_FOLDER = '/certificates';

/** Insiders have a reason of their own. */
const EXPRESSED: ReadonlySet<string> = new Set(['gateway', 'switch', 'router', 'insider']);
/** Events that happen in a gateway's own process, which the run does not reach. */
const IN_GATEWAYS: ReadonlySet<EventPlan['type']> = new Set([
  'rotate',
  'restart',
  'crash',
  'readdress',
  'clock-jump',
  'slow-entries',
  'oob',
  'partition',
  'heal',
]);
/** Flows that a line names. */
const NAMED_MAX = 10;
/** Counters that gateways keep to themselves. */
const COUNTED_IN_GATEWAYS = /^(?:nodes\.|tunnels$|oob\.)/;

/** What an engine can do of a topology. What it cannot do at all is noted as problems. */
export function planOf(topology: Topology, problems: string[]): DeployPlan {
  const gateways = gatewaysOf(topology);
  if (gateways.length === 0) problems.push(`${topology.name} has no gateways: there is nothing to deploy`);
  for (const { name } of insidersOf(topology))
    problems.push(
      `${name}: an insider would be in the run, which has no certificate of the others' authority; leave it out`,
    );
  for (const { name, kind } of topology.nodes) {
    if (!EXPRESSED.has(kind))
      problems.push(`${name}: of kind ${kind}: containers do not reach it; leave it out`);
  }
  for (const { name, flags, doca } of gateways) {
    if (doca !== undefined)
      problems.push(`${name}: the run cables a device of DOCA itself, on its own machine; write hal: sim`);
    for (const flag of Object.keys(flags)) {
      if (flagNamed(flag)?.placeholder === 'FILE')
        problems.push(
          `${name}: --${flag} names a file, which containers do not have; write what it says in the topology`,
        );
    }
  }
  const leftOut: string[] = [];
  const { events, expectations } = topology.scenario;
  const traffic = topology.scenario.traffic.filter(({ type }) => type !== 'replay');
  const replays = new Set(
    topology.scenario.traffic.filter((one) => !traffic.includes(one)).map(({ name }) => name),
  );
  if (replays.size > 0)
    leftOut.push(
      `${countText(replays.size, 'flow')} of captures that are replayed, which containers do not have: ${[...replays].slice(0, NAMED_MAX).join(', ')}`,
    );
  const kept = events.filter(({ type }) => !IN_GATEWAYS.has(type));
  for (const type of new Set(events.filter((event) => !kept.includes(event)).map((event) => event.type)))
    leftOut.push(
      `${countText(events.filter((event) => event.type === type).length, `event ${type}`)}: the run does not reach gateways in other containers`,
    );
  const asked = expectations.filter(
    (one) => one.type !== 'no-leaks' && !(one.type === 'counter' && COUNTED_IN_GATEWAYS.test(one.path)),
  );
  const ofFlows = asked.flatMap((one): Expectation[] => {
    if (!('flows' in one)) return [one];
    const flows = one.flows.filter((flow) => !replays.has(flow));
    return flows.length === 0 ? [] : [{ ...one, flows }];
  });
  const unasked = expectations.length - asked.length;
  if (unasked > 0)
    leftOut.push(
      `${countText(unasked, 'expectation')} of counters and leftovers of gateways: the run does not see into other containers`,
    );
  leftOut.push(
    'the invariants key-reuse and impersonated, as with --processes: keys stay in the gateways',
    'captures: the run could write them into its own container only',
  );
  const scenario = { ...topology.scenario, traffic, events: kept, expectations: ofFlows };
  return { gateways, text: topologyToYaml({ ...topology, scenario }), leftOut };
}

const countText = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

/** The command of a gateway's container. */
export const nodeCommand = (name: string, core: string): string[] => [
  ...['psp-gateway', 'topology', 'node', `${TOPOLOGY_FOLDER}/${TOPOLOGY_FILE}`, name],
  ...[
    '--where-file',
    `${TOPOLOGY_FOLDER}/${WHERE_FILE}`,
    '--core',
    core,
    '--certificates',
    CERTIFICATES_FOLDER,
  ],
];

/** The command of the run's container: its report is its standard output. */
export const runCommand = (core: string): string[] => [
  ...['psp-gateway', 'topology', 'run', `${TOPOLOGY_FOLDER}/${TOPOLOGY_FILE}`, '--processes'],
  ...['--where-file', `${TOPOLOGY_FOLDER}/${WHERE_FILE}`, '--core', core],
  ...['--no-captures', '--json', '--output', '/tmp/run'],
];

export function whereLines(places: readonly (readonly [name: string, place: string])[]): string {
  return `# NAME=HOST, or NAME=HOST,GATEWAY,RUN with the two ends of a cable: topology run and node, --where-file\n${places
    .map(([name, place]) => `${name}=${place}\n`)
    .join('')}`;
}

/** The guide's end, which is the same for all engines. */
export const leftOutText = (leftOut: readonly string[]): string =>
  `## Left out\n\n${leftOut.map((one) => `- ${one}\n`).join('')}`;
