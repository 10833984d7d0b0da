/** The pipes of a trace as they are now, with their counters: what is drawn. */
import { printable } from '../base/printable.js';
import type { GraphEdge, GraphNode, ProgramGraph } from '../draw/render.js';
import type {
  CountersLine,
  EntryLine,
  PipeLine,
  Target,
  TraceLine,
  TraceObject,
  TraceValue,
} from './lines.js';
import { flat } from './values.js';

/** Pipes that are known at once, and ways out of each. */
export const PIPES_MAX = 4096;
export const WAYS_OUT_MAX = 256;
const LINES_OF_BOX_MAX = 24;
const LINE_CHARACTERS_MAX = 160;

const DOMAINS: Readonly<Record<string, GraphNode['domain']>> = {
  DOCA_FLOW_PIPE_DOMAIN_DEFAULT: 'default',
  DOCA_FLOW_PIPE_DOMAIN_SECURE_INGRESS: 'secure-ingress',
  DOCA_FLOW_PIPE_DOMAIN_EGRESS: 'egress',
  DOCA_FLOW_PIPE_DOMAIN_SECURE_EGRESS: 'secure-egress',
};

interface Pipe {
  readonly name: string;
  readonly domain: GraphNode['domain'];
  readonly lines: readonly string[];
  entries: number;
  /** By kind and target. */
  readonly waysOut: Map<string, { readonly kind: 'forward' | 'miss'; readonly target: Target }>;
  counters?: CountersLine;
}

/** A trace that has more pipes or ways than any that the library writes. */
export class TraceTooLargeError extends Error {
  override readonly name = 'TraceTooLargeError';
}

export class TraceState {
  readonly #pipes = new Map<number, Pipe>();
  /** Those that are destroyed since the last one was made: when a program ends, all of them. */
  readonly #gone = new Map<number, Pipe>();

  /** Throws TraceTooLargeError. */
  add(line: TraceLine): void {
    if (line.type === 'pipe') this.#changed(line);
    else if (line.type === 'entry') this.#entry(line);
    else if (line.type === 'counters') this.#counted(line);
  }

  graph(): ProgramGraph {
    const drawn = this.#pipes.size > 0 ? this.#pipes : this.#gone;
    const nodes = [...drawn].map(([number, pipe]) => nodeOf(number, pipe));
    const edges = [...drawn].flatMap(([number, pipe]) => edgesOf(number, pipe));
    const known = new Set(nodes.map(({ name }) => name));
    const others = new Map<string, GraphNode>();
    for (const { target } of [...drawn.values()].flatMap((pipe) => waysOutOf(pipe))) {
      const name = idOf(target);
      if (known.has(name)) continue;
      const text = target.to === 'port' ? `port ${target.port ?? '?'}` : (target.name ?? target.to);
      others.set(name, { name, domain: 'terminal', lines: [shortened(text)] });
    }
    return { nodes: [...nodes, ...others.values()], edges };
  }

  #changed({ pipe: number, name, change, settings, forwards }: PipeLine): void {
    if (change === 'destroyed') {
      const pipe = this.#pipes.get(number);
      if (pipe !== undefined) this.#gone.set(number, pipe);
      this.#pipes.delete(number);
    } else if (change === 'made') {
      if (this.#pipes.size >= PIPES_MAX)
        throw new TraceTooLargeError(`has more than ${PIPES_MAX} pipes at once`);
      this.#gone.clear();
      const pipe: Pipe = {
        name,
        domain: DOMAINS[String(settings?.domain)] ?? 'default',
        lines: boxLines(settings ?? {}),
        entries: 0,
        waysOut: new Map(),
      };
      this.#pipes.set(number, pipe);
      addWay(pipe, 'forward', forwards?.fwd);
      addWay(pipe, 'miss', forwards?.fwd_miss);
    } else {
      const pipe = this.#pipes.get(number);
      if (pipe === undefined) return;
      for (const [key, { kind }] of pipe.waysOut) if (kind === 'miss') pipe.waysOut.delete(key);
      addWay(pipe, 'miss', forwards?.fwd_miss);
    }
  }

  #entry({ pipe: number, change, arguments: given }: EntryLine): void {
    const pipe = this.#pipes.get(number);
    if (pipe === undefined) return;
    if (change === 'added') pipe.entries++;
    if (change === 'removed') pipe.entries = Math.max(0, pipe.entries - 1);
    addWay(pipe, 'forward', given?.fwd);
  }

  #counted(line: CountersLine): void {
    const pipe = this.#pipes.get(line.pipe) ?? this.#gone.get(line.pipe);
    if (pipe === undefined) return;
    if (line.next.length > WAYS_OUT_MAX)
      throw new TraceTooLargeError(`a pipe has more than ${WAYS_OUT_MAX} ways out`);
    pipe.counters = line;
  }
}

// ---- Forwards of the program ----

function addWay(pipe: Pipe, kind: 'forward' | 'miss', forward: TraceValue | undefined): void {
  const target = targetOf(forward);
  if (target === undefined) return;
  if (pipe.waysOut.size >= WAYS_OUT_MAX)
    throw new TraceTooLargeError(`a pipe has more than ${WAYS_OUT_MAX} ways out`);
  pipe.waysOut.set(keyOf(kind, target), { kind, target });
}

/** Where a doca_flow_fwd leads; undefined where it leaves that open. */
function targetOf(forward: TraceValue | undefined): Target | undefined {
  if (!isObject(forward)) return undefined;
  switch (forward.type) {
    case 'DOCA_FLOW_FWD_PORT':
      return { to: 'port', port: typeof forward.port_id === 'number' ? forward.port_id : 0 };
    case 'DOCA_FLOW_FWD_PIPE':
      return pipeTarget(forward.next_pipe);
    case 'DOCA_FLOW_FWD_ORDERED_LIST_PIPE':
      return pipeTarget(forward['ordered_list_pipe.pipe']);
    case 'DOCA_FLOW_FWD_HASH_PIPE':
      return pipeTarget(forward['hash_pipe.pipe']);
    case 'DOCA_FLOW_FWD_RSS':
      return { to: 'rss' };
    case 'DOCA_FLOW_FWD_DROP':
      return { to: 'drop' };
    case 'DOCA_FLOW_FWD_TARGET':
      return { to: 'kernel' };
    default:
      return undefined;
  }
}

function pipeTarget(pipe: TraceValue | undefined): Target | undefined {
  if (!isObject(pipe) || typeof pipe.pipe !== 'number') return undefined;
  return { to: 'pipe', pipe: pipe.pipe, name: String(pipe.name ?? '') };
}

const isObject = (value: TraceValue | undefined): value is TraceObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

// ---- Boxes and arrows ----

const idOf = ({ to, pipe, port }: Target) =>
  to === 'pipe' ? `pipe${pipe ?? ''}` : to === 'port' ? `port${port ?? ''}` : to;
const keyOf = (kind: string, target: Target) => `${kind} ${idOf(target)}`;

/** Those that the program has said, and those that packets went. */
function waysOutOf(pipe: Pipe): { readonly kind: 'forward' | 'miss'; readonly target: Target }[] {
  const all = new Map(pipe.waysOut);
  for (const { next, miss } of pipe.counters?.next ?? []) {
    const kind = miss ? 'miss' : 'forward';
    all.set(keyOf(kind, next), { kind, target: next });
  }
  return [...all.values()];
}

function edgesOf(number: number, pipe: Pipe): GraphEdge[] {
  const packets = new Map<string, number>();
  for (const { next, miss, packets: count } of pipe.counters?.next ?? []) {
    const key = keyOf(miss ? 'miss' : 'forward', next);
    packets.set(key, (packets.get(key) ?? 0) + count);
  }
  return waysOutOf(pipe).map(({ kind, target }) => {
    const count = packets.get(keyOf(kind, target));
    const counted = count === undefined ? [] : [`${count} packets`];
    const label = [...(kind === 'miss' ? ['miss'] : []), ...counted].join(': ');
    return { from: `pipe${number}`, to: idOf(target), kind, label };
  });
}

function nodeOf(number: number, { name, domain, lines, entries }: Pipe): GraphNode {
  const count = entries === 0 ? [] : [`${entries} ${entries === 1 ? 'entry' : 'entries'}`];
  return { name: `pipe${number}`, domain, lines: [shortened(name), ...lines, ...count] };
}

/** What a pipe is, matches and does. */
function boxLines(settings: TraceObject): string[] {
  const type = String(settings.type ?? 'DOCA_FLOW_PIPE_BASIC').replace('DOCA_FLOW_PIPE_', '');
  const masks = new Map(flat(settings.match_mask));
  const matched = [...flat(settings.match)].map(([path, value]) => {
    const mask = masks.get(path);
    return mask === undefined ? `${path} = ${inBox(value)}` : `${path} = ${inBox(value)}/${mask}`;
  });
  // Where there is one template of actions, it needs no number.
  const given =
    Array.isArray(settings.actions) && settings.actions.length === 1 ? settings.actions[0] : settings.actions;
  const actions = [...flat(given)].map(([path, value]) => `${path} = ${inBox(value)}`);
  return [
    `${type}${settings.is_root === true ? ', root' : ''}`,
    ...(matched.length === 0 ? [] : [`match ${matched.join(', ')}`]),
    ...(actions.length === 0 ? [] : [`actions ${actions.join(', ')}`]),
  ]
    .map(shortened)
    .slice(0, LINES_OF_BOX_MAX);
}

/** What each entry says by itself, in the words of the gateway's own drawings; enumerations without what all of them begin with. */
const inBox = (value: string) => (value === 'all ones' ? 'entry' : value.replace(/^DOCA_FLOW_/, ''));

function shortened(text: string): string {
  const one = printable(text);
  return one.length > LINE_CHARACTERS_MAX ? `${one.slice(0, LINE_CHARACTERS_MAX)}...` : one;
}
