/**
 * What all drawings of a program show: boxes of pipes with rows, the places outside of the pipeline, and the ways
 * between them. The formats (render.ts, render-svg.ts) only differ in how they write it.
 */
import type { ProgramCounters } from './counters.js';
import {
  describeActions,
  describeCondition,
  describeForward,
  describeMatch,
  describePort,
} from './describe.js';
import type { Counter } from './hal.js';
import {
  type BasicPipe,
  type Domain,
  type Forward,
  type Pipe,
  type PipeProgram,
  UPLINK_PORT,
  VF_PORT,
} from './program.js';

/** One way out of a pipe: an entry, all dynamic entries together, or the miss. */
export interface ExitRow {
  readonly kind: 'entry' | 'miss';
  /** The entry's label; 'entries' for those that come later. */
  readonly label: string;
  /** What the entry looks for and does, where that is its own. */
  readonly details: readonly string[];
  /** Where packets go, for exits that have no edge (drop, and forwards that entries give). */
  readonly endsIn?: string;
  readonly counter?: Counter;
}

export interface PipeNode {
  readonly id: string;
  readonly pipe: Pipe;
  /** Match of a basic pipe. */
  readonly match: readonly string[];
  /** Actions of a basic pipe. */
  readonly actions: readonly string[];
  readonly exits: readonly ExitRow[];
}

/** A place outside: a port, the CPU, the kernel. `source`: packets come from there. */
export interface PlaceNode {
  readonly id: string;
  readonly text: string;
  readonly source: boolean;
}

export interface GraphEdge {
  readonly kind: 'forward' | 'miss' | 'mirror';
  readonly from: string;
  /** Position in the exits of the pipe `from`; absent for places. */
  readonly exit?: number;
  readonly to: string;
}

/** Pipes of one domain that stand together. A domain that packets come back to has one group for each time. */
export interface PipeGroup {
  readonly id: string;
  readonly domain: Domain;
  readonly nodes: readonly PipeNode[];
}

export interface ProgramGraph {
  readonly groups: readonly PipeGroup[];
  readonly places: readonly PlaceNode[];
  readonly edges: readonly GraphEdge[];
}

const SOURCE_UPLINK: PlaceNode = { id: 'from_uplink', text: describePort(UPLINK_PORT), source: true };
const SOURCE_VF: PlaceNode = { id: 'from_vf', text: describePort(VF_PORT), source: true };
const SOURCE_CPU: PlaceNode = { id: 'from_cpu', text: 'CPU', source: true };

/** The place that a forward leads to; undefined for pipes and drop. */
function placeOf(forward: Forward): PlaceNode | undefined {
  switch (forward.to) {
    case 'port':
      return { id: `to_port_${forward.port}`, text: describePort(forward.port), source: false };
    case 'rss':
      return { id: 'to_rss', text: 'RSS to CPU', source: false };
    case 'kernel':
      return { id: 'to_kernel', text: 'kernel', source: false };
    default:
      return undefined;
  }
}

/** Draws what can be drawn: references that do not resolve have no edge. */
export function programGraph(program: PipeProgram, counters?: ProgramCounters): ProgramGraph {
  const places = new Map<string, PlaceNode>();
  const edges: GraphEdge[] = [];
  const names = new Set(program.pipes.map((pipe) => pipe.name));
  const mirrors = new Map((program.mirrors ?? []).map((mirror) => [mirror.name, mirror]));

  const enter = (place: PlaceNode, pipe: Pipe) => {
    places.set(place.id, place);
    edges.push({ kind: 'forward', from: place.id, to: pipe.name });
  };
  for (const pipe of program.pipes) {
    if (pipe.isRoot !== true) continue;
    if (pipe.domain === 'default') {
      enter(SOURCE_UPLINK, pipe);
      enter(SOURCE_VF, pipe);
    } else enter(SOURCE_CPU, pipe);
  }

  const nodes = program.pipes.map((pipe): PipeNode => {
    const exits: ExitRow[] = [];
    const leave = (kind: GraphEdge['kind'], forward: Forward) => {
      const place = placeOf(forward);
      if (place !== undefined) places.set(place.id, place);
      const to = forward.to === 'pipe' ? forward.pipe : place?.id;
      if (to === undefined || (forward.to === 'pipe' && !names.has(to))) return;
      edges.push({ kind, from: pipe.name, exit: exits.length, to });
    };
    const exit = (row: Omit<ExitRow, 'endsIn'>, forward: Forward | 'entry', mirror?: string) => {
      for (const target of mirrors.get(mirror ?? '')?.targets ?? []) leave('mirror', target);
      if (forward !== 'entry') leave(row.kind === 'miss' ? 'miss' : 'forward', forward);
      const endsIn =
        forward === 'entry'
          ? { endsIn: 'per entry' }
          : forward.to === 'drop'
            ? { endsIn: describeForward(forward) }
            : {};
      exits.push({ ...row, ...endsIn });
    };
    const counted = counters?.[pipe.name];
    if (pipe.type === 'control') {
      for (const entry of pipe.entries ?? []) {
        const label = entry.label ?? `entry of priority ${entry.priority}`;
        const details = [
          ...describeMatch(entry.match),
          ...(entry.condition === undefined ? [] : [describeCondition(entry.condition)]),
          ...describeActions(entry.actions ?? {}).map((action) => `▸ ${action}`),
        ];
        exit(
          { kind: 'entry', label, details, ...withCounter(counted?.entries[label]) },
          entry.forward,
          entry.monitor?.mirror,
        );
      }
    } else {
      basicExits(pipe, counters, (row, forward) => exit(row, forward, pipe.monitor?.mirror));
    }
    exit({ kind: 'miss', label: 'miss', details: [], ...withCounter(counted?.miss) }, pipe.miss);
    return {
      id: pipe.name,
      pipe,
      match: pipe.type === 'basic' ? describeMatch(pipe.match) : [],
      actions: pipe.type === 'basic' ? (pipe.actions ?? []).flatMap(describeActions) : [],
      exits,
    };
  });
  return { groups: groupNodes(nodes, edges), places: [...places.values()], edges };
}

const withCounter = (counter: Counter | undefined) => (counter === undefined ? {} : { counter });

/**
 * Static entries have a row each where they differ: in what they match, or in where they lead. Otherwise one row
 * stands for all entries.
 */
function basicExits(
  pipe: BasicPipe,
  counters: ProgramCounters | undefined,
  exit: (row: Omit<ExitRow, 'endsIn'>, forward: Forward | 'entry') => void,
): void {
  const counted = counters?.[pipe.name];
  const entries = pipe.entries ?? [];
  const keyed = Object.values(pipe.match).some((match) => match.value === 'entry');
  if (entries.length === 0 || !keyed) {
    const row = { kind: 'entry', label: keyed ? 'entries' : 'match', details: [] } as const;
    exit({ ...row, ...withCounter(counted?.total) }, pipe.forward);
    return;
  }
  for (const [i, entry] of entries.entries()) {
    const match = Object.fromEntries(
      Object.entries(entry.match ?? {}).map(([field, value]) => [field, { value }]),
    );
    const label = entry.label ?? `entry ${i}`;
    const row = { kind: 'entry', label, details: describeMatch(match) } as const;
    const forward = pipe.forward === 'entry' ? (entry.forward ?? 'entry') : pipe.forward;
    exit({ ...row, ...withCounter(counted?.entries[label]) }, forward);
  }
}

/** Groups by domain and by how often packets have changed the domain on their longest way from a root. */
function groupNodes(nodes: readonly PipeNode[], edges: readonly GraphEdge[]): PipeGroup[] {
  const changes = new Map<string, number>(nodes.map((node) => [node.id, 0]));
  const domains = new Map(nodes.map((node) => [node.id, node.pipe.domain]));
  // Longest paths settle within as many rounds as there are pipes; programs with a cycle stop there too.
  for (let round = 0; round < nodes.length; round++) {
    for (const { from, to } of edges) {
      const before = changes.get(from);
      if (before === undefined || !changes.has(to)) continue;
      const after = before + (domains.get(from) === domains.get(to) ? 0 : 1);
      if (after > changes.get(to)!) changes.set(to, after);
    }
  }
  const groups = new Map<string, PipeNode[]>();
  for (const node of nodes) {
    const id = `${node.pipe.domain}_${changes.get(node.id)}`.replaceAll('-', '_');
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [node]);
    else group.push(node);
  }
  return [...groups].map(([id, members]) => ({ id, domain: members[0]!.pipe.domain, nodes: members }));
}
