/** The counters that the expectations of a topology may name: the numbers of its report, before there is one. */

import { Suggestions } from '../gateway/config/suggestions.js';
import { buildPipeline } from '../gateway/pipeline/pipeline.js';
import { NO_SLOW_PATH_COUNTS } from '../gateway/slow-path/slow-path.js';
import type { GatewayView } from '../gateway/view.js';
import type { PspStatistics } from '../hal/hal.js';
import type { LinkCounters } from '../hal-sim/ports/link.js';
import type { Fates } from '../hal-sim/statistics.js';
import type { NodeLedger } from './ledger.js';
import type { GatewayPlan, Topology } from './model.js';
import type { InsiderCounters } from './nodes/insider.js';
import type { RouterCounters } from './nodes/router.js';
import type { SwitchCounters } from './nodes/switch.js';
import type { OobCounters } from './oob.js';
import type { FlowReport, NodeReport, Report } from './report.js';
import type { Percentiles } from './traffic/flow.js';
import { TRAFFIC } from './traffic/registry.js';
import { valueAt } from './value-at.js';

/** Numbers under their names, in groups. */
export interface CounterTree {
  readonly [name: string]: 0 | CounterTree;
}

/** A name for each number of `T`; the compiler says when one is missing. */
type Zeros<T, Other extends keyof T = never> = Record<Exclude<keyof T, Other>, 0>;

const PERCENTILES: Zeros<Percentiles> = { count: 0, min: 0, p50: 0, p90: 0, p99: 0, max: 0 };
const RPCS: Zeros<NodeLedger['rpcs']> = { asked: 0, answered: 0, failed: 0, received: 0, granted: 0 };
const PSP: Zeros<PspStatistics> = {
  rxPackets: 0,
  rxBytes: 0,
  rxAuthFail: 0,
  rxError: 0,
  rxBad: 0,
  txPackets: 0,
  txBytes: 0,
  txError: 0,
  keyRotations: 0,
  rssDropped: 0,
  portDropped: 0,
};
const FATES: Zeros<Fates> = {
  in: 0,
  copies: 0,
  uplink: 0,
  vf: 0,
  rss: 0,
  rssDropped: 0,
  drop: 0,
  kernel: 0,
  lost: 0,
  portDropped: 0,
};
const SLOW_PATH: Zeros<GatewayView['slowPath']> = { ...NO_SLOW_PATH_COUNTS, overflowed: 0, expired: 0 };
const NODE: Zeros<NodeReport, 'pipes' | 'rpcs' | 'tunnelSetUpMs' | 'psp' | 'fates' | 'slowPath' | 'vacant'> =
  {
    starts: 0,
    sessions: 0,
    keySlotsUsed: 0,
    rotations: 0,
    egressUpdates: 0,
  };
/** What all kinds of traffic have; some have more. */
const FLOW: Zeros<
  FlowReport,
  'type' | 'from' | 'to' | 'latencyMs' | 'transfer' | 'leftOut' | 'unplayable' | 'failed'
> = {
  sent: 0,
  delivered: 0,
  lost: 0,
  duplicates: 0,
  reordered: 0,
};
const LINK: Zeros<LinkCounters> = {
  sent: 0,
  delivered: 0,
  lost: 0,
  duplicated: 0,
  reordered: 0,
  corrupted: 0,
  queueDropped: 0,
  closed: 0,
};
const SWITCH: Zeros<SwitchCounters> = { forwarded: 0, flooded: 0, filtered: 0, tooBig: 0 };
const ROUTER: Zeros<RouterCounters> = { forwarded: 0, ignored: 0, noRoute: 0, hopLimit: 0, tooBig: 0 };
const OOB: Zeros<OobCounters> = { calls: 0, lost: 0, partitioned: 0 };
const INSIDER: Zeros<InsiderCounters> = {
  acts: 0,
  asked: 0,
  granted: 0,
  refused: 0,
  received: 0,
  sent: 0,
  impersonating: 0,
  smuggled: 0,
  frames: 0,
};

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
    flows: {},
  };
  for (const node of nodes) {
    if (node.kind === 'gateway') groups.nodes[node.name] = gatewayTree(node);
    else if (node.kind === 'insider') groups.insiders[node.name] = INSIDER;
    else if (node.kind === 'switch') groups.switches[node.name] = SWITCH;
    else groups.routers[node.name] = { counters: ROUTER, sent: portsOf(node.name, links) };
  }
  for (const { name, endpoints } of links)
    groups.links[name] = Object.fromEntries(endpoints.map(({ node, port }) => [`${node}:${port}`, LINK]));
  for (const { name, type } of scenario.traffic) {
    groups.flows[name] = {
      ...FLOW,
      latencyMs: PERCENTILES,
      ...TRAFFIC[type].counters,
    };
  }
  return { tunnels: 0, ...groups, oob: OOB };
}

type JudgedGroup = keyof Pick<
  Report,
  'tunnels' | 'nodes' | 'insiders' | 'switches' | 'routers' | 'links' | 'flows' | 'oob'
>;

function gatewayTree({ options }: GatewayPlan): CounterTree {
  return {
    ...NODE,
    rpcs: RPCS,
    tunnelSetUpMs: PERCENTILES,
    psp: PSP,
    fates: FATES,
    slowPath: SLOW_PATH,
    vacant: { uplink: 0, vf: 0 },
    // Built for those that are looked into.
    get pipes(): CounterTree {
      const { pipes } = buildPipeline({
        ...options,
        underlayMtuOctets: UNDERLAY_MTU_OCTETS,
        decapMacs: NO_MACS,
      });
      return Object.fromEntries(pipes.map(({ name }) => [name, { packets: 0, misses: 0 } as const]));
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
