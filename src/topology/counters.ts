/** The counters that the expectations of a topology may name: the numbers of its report, before there is one. */

import { Suggestions } from '../gateway/config/suggestions.js';
import { buildPipeline } from '../gateway/pipeline/pipeline.js';
import {
  COUNTED_BY_INCARNATIONS,
  type CounterGroup,
  FLOW,
  INSIDER,
  LINK,
  NODE,
  OOB,
  OUTSIDE,
  PERCENTILES,
  PIPE,
  ROUTER,
  RPCS,
  SWITCH,
  VACANT,
} from './counter-groups.js';
import { type GatewayPlan, outsideName, type Topology } from './model.js';
import type { Report } from './report.js';
import { TRAFFIC } from './traffic/registry.js';
import { valueAt } from './value-at.js';

/** Numbers under their names, in groups. */
export interface CounterTree {
  readonly [name: string]: 0 | CounterTree;
}

const zeros = (group: CounterGroup): CounterTree =>
  Object.fromEntries(Object.keys(group).map((name) => [name, 0]));

/** These values do not change which pipes there are. */
const UNDERLAY_MTU_OCTETS = 1500;
const NO_MACS = new Uint8Array(12);
const PATH_CHARACTERS_MAX = 1000;
const NAMES_SHOWN_MAX = 30;

/** All counters of the topology's report. Some have no value in a run where nothing was measured: percentiles. */
export function counterTree({ nodes, links, scenario }: Topology): CounterTree {
  const groups: Record<Exclude<JudgedGroup, 'tunnels' | 'oob'>, Record<string, CounterTree>> = {
    nodes: {},
    insiders: {},
    switches: {},
    routers: {},
    links: {},
    outside: {},
    flows: {},
  };
  for (const node of nodes) {
    if (node.kind === 'gateway') groups.nodes[node.name] = gatewayTree(node);
    else if (node.kind === 'insider') groups.insiders[node.name] = zeros(INSIDER);
    else if (node.kind === 'switch') groups.switches[node.name] = zeros(SWITCH);
    else if (node.kind === 'router')
      groups.routers[node.name] = { counters: zeros(ROUTER), sent: portsOf(node.name, links) };
  }
  for (const { name, endpoints, outside } of links) {
    groups.links[name] = Object.fromEntries(
      endpoints.map(({ node, port }) => [`${node}:${port}`, zeros(LINK)]),
    );
    if (outside !== undefined) groups.outside[outsideName({ endpoints, outside })] = zeros(OUTSIDE);
  }
  for (const { name, type } of scenario.traffic) {
    groups.flows[name] = {
      ...zeros(FLOW),
      latencyMs: zeros(PERCENTILES),
      ...TRAFFIC[type].counters,
    };
  }
  return { tunnels: 0, ...groups, oob: zeros(OOB) };
}

type JudgedGroup = keyof Pick<
  Report,
  'tunnels' | 'nodes' | 'insiders' | 'switches' | 'routers' | 'links' | 'outside' | 'flows' | 'oob'
>;

function gatewayTree({ options }: GatewayPlan): CounterTree {
  return {
    ...zeros(NODE),
    rpcs: zeros(RPCS),
    tunnelSetUpMs: zeros(PERCENTILES),
    ...Object.fromEntries(
      Object.entries(COUNTED_BY_INCARNATIONS).map(([name, group]) => [name, zeros(group)]),
    ),
    vacant: zeros(VACANT),
    // Built for those that are looked into.
    get pipes(): CounterTree {
      const { pipes } = buildPipeline({
        ...options,
        underlayMtuOctets: UNDERLAY_MTU_OCTETS,
        decapMacs: NO_MACS,
      });
      return Object.fromEntries(pipes.map(({ name }) => [name, zeros(PIPE)]));
    },
  };
}

function portsOf(router: string, links: Topology['links']): CounterTree {
  const ports = links.flatMap(({ endpoints }) => endpoints.filter(({ node }) => node === router));
  return Object.fromEntries(ports.map(({ port }) => [port, 0] as const));
}

/** Paths of all counters, as expectations name them. */
export function* counterPaths(tree: CounterTree, before = ''): Generator<string> {
  for (const [name, value] of Object.entries(tree)) {
    const path = `${before}${name}`;
    if (value === 0) yield path;
    else yield* counterPaths(value, `${path}.`);
  }
}

/** Finds the problems of paths of counters. */
export class CounterProblems {
  readonly #suggestions = new Suggestions();

  constructor(private readonly tree: CounterTree) {}

  /** Why the path is none of a counter, and how much of it is right; undefined: it is one. */
  of(path: string): { readonly reason: string; readonly depth: number } | undefined {
    if (path.length > PATH_CHARACTERS_MAX)
      return { reason: `is longer than ${PATH_CHARACTERS_MAX} characters`, depth: 0 };
    const found = valueAt(this.tree, path);
    if (found === 0) return undefined;
    let depth = 0;
    let group: CounterTree = this.tree;
    let right = '';
    for (let rest = path; rest !== ''; depth++) {
      const name = longestName(group, rest);
      const inner = name === undefined ? undefined : group[name];
      if (inner === undefined || inner === 0) break;
      group = inner;
      right += `${name}.`;
      rest = rest.slice(name!.length + 1);
    }
    const wrong = path.slice(right.length);
    const near = wrong === '' ? undefined : this.#suggestions.near(wrong, Object.keys(group));
    const names = Object.keys(group).slice(0, NAMES_SHOWN_MAX).join(', ');
    const what = found === undefined ? `there is no counter "${path}"` : `"${path}" has counters in it`;
    const instead = near === undefined ? `expected one of ${names}` : `did you mean "${right}${near}"?`;
    return { reason: `${what}; ${instead}`, depth };
  }
}

/** Names may have dots in them. */
function longestName(group: CounterTree, path: string): string | undefined {
  for (let end = path.length; end > 0; end = path.lastIndexOf('.', end - 1)) {
    if (Object.hasOwn(group, path.slice(0, end))) return path.slice(0, end);
  }
  return undefined;
}
