/** A PipeProgram drawn: as Mermaid, DOT or JSON, with live counters where they are given. SVG is in render-svg.ts. */
import type { Counter, CounterSelector, PipeHal } from '../hal/hal.js';
import type {
  ActionTemplate,
  BasicPipe,
  Domain,
  FieldMatch,
  Forward,
  MatchTemplate,
  PipeProgram,
} from '../hal/program.js';
import { UPLINK_PORT } from '../hal/program.js';

/** Counters of a program: `PIPE/label`, `PIPE/total`, `PIPE/miss`. */
export type ProgramCounters = ReadonlyMap<string, Counter>;

/** Reads every counter that the program has. */
export async function collectCounters(hal: PipeHal, program: PipeProgram): Promise<ProgramCounters> {
  const keys: string[] = [];
  const selectors: CounterSelector[] = [];
  for (const pipe of program.pipes) {
    const name = pipe.name;
    const counted = pipe.type === 'control' || pipe.monitor?.counter === true;
    if (counted) {
      keys.push(`${name}/total`);
      selectors.push({ pipe: name, total: true });
      for (const { label } of pipe.entries ?? []) {
        if (label === undefined) continue;
        keys.push(`${name}/${label}`);
        selectors.push({ pipe: name, label });
      }
    }
    if (pipe.missCounter === true) {
      keys.push(`${name}/miss`);
      selectors.push({ pipe: name, miss: true });
    }
  }
  const counters = await hal.counters(selectors);
  return new Map(keys.map((key, i) => [key, counters[i]!]));
}

export type EdgeKind = 'forward' | 'miss' | 'mirror';

/** One arrow of a drawing. `to` is the name of a pipe or of a terminal such as "uplink". */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: EdgeKind;
  readonly label: string;
}

export interface GraphNode {
  readonly name: string;
  readonly domain: Domain | 'terminal';
  /** Name first, then what the pipe matches and does. */
  readonly lines: readonly string[];
}

export interface ProgramGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

const TERMINALS: Readonly<Record<string, string>> = {
  uplink: 'uplink (wire)',
  vf: 'VF (workload)',
  rss: 'RSS (CPU)',
  drop: 'drop',
  kernel: 'kernel',
};

function targetOf(forward: Forward): string {
  switch (forward.to) {
    case 'pipe':
      return forward.pipe;
    case 'port':
      return forward.port === UPLINK_PORT ? 'uplink' : 'vf';
    default:
      return forward.to;
  }
}

function valueText(match: FieldMatch): string {
  const hex = (value: number | Uint8Array) =>
    typeof value === 'number'
      ? value < 256
        ? String(value)
        : `0x${value.toString(16)}`
      : Buffer.from(value).toString('hex');
  const value = match.value === 'entry' ? 'entry' : hex(match.value);
  return match.mask === undefined ? value : `${value}/${hex(match.mask)}`;
}

/** `outer.udp.dst_port = 0x3e8`, ... without the prefixes that everybody knows. */
function matchText(match: MatchTemplate): string {
  const short = (name: string) =>
    name.replace('parser_meta.', '').replace('tun.', '').replace('meta.pkt_meta', 'pkt_meta');
  const parts = Object.entries(match).map(([name, field]) => `${short(name)} = ${valueText(field!)}`);
  return parts.length === 0 ? 'everything' : parts.join(', ');
}

function actionText(actions: ActionTemplate): string[] {
  const { decrypt, decap, set, encap, encrypt } = actions;
  return [
    ...(decrypt === true ? ['decrypt'] : []),
    ...(decap === undefined ? [] : [`decap ${decap.netType}`]),
    ...Object.entries(set ?? {}).map(([name, field]) => `set ${name} = ${valueText(field!)}`),
    ...(encap === undefined ? [] : [`encap ${encap.netType} over ${encap.outer}${besides(encap)}`]),
    ...(encrypt === undefined ? [] : [`encrypt with key slot ${encrypt.cryptoId}`]),
  ];
}

function besides({ cookie, extensionOctets = 0 }: NonNullable<ActionTemplate['encap']>): string {
  const parts = [
    ...(cookie ? ['cookie'] : []),
    ...(extensionOctets > 0 ? [`${extensionOctets} octets of extension fields`] : []),
  ];
  return parts.length === 0 ? '' : ` with ${parts.join(' and ')}`;
}

function basicLines(pipe: BasicPipe): string[] {
  const doing = (pipe.actions ?? []).flatMap(actionText);
  return [`match ${matchText(pipe.match)}`, ...(doing.length === 0 ? [] : [doing.join(', ')])];
}

/** Nodes and edges of a program; edges carry packet counts when there are counters. */
export function programGraph(program: PipeProgram, counters?: ProgramCounters): ProgramGraph {
  const mirrors = new Map((program.mirrors ?? []).map((mirror) => [mirror.name, mirror]));
  const edges: GraphEdge[] = [];
  const count = (key: string) => {
    const counter = counters?.get(key);
    return counter === undefined ? '' : `${counter.packets} packets`;
  };
  const join = (...parts: string[]) => parts.filter((part) => part !== '').join(': ');
  for (const pipe of program.pipes) {
    const add = (forward: Forward, kind: EdgeKind, label: string) =>
      edges.push({ from: pipe.name, to: targetOf(forward), kind, label });
    const copies = (mirror: string | undefined) => {
      for (const target of mirrors.get(mirror ?? '')?.targets ?? []) add(target, 'mirror', 'copy');
    };
    if (pipe.type === 'control') {
      for (const [i, entry] of (pipe.entries ?? []).entries()) {
        const label = entry.label ?? `entry ${i}`;
        add(entry.forward, 'forward', join(label, count(`${pipe.name}/${label}`)));
        copies(entry.monitor?.mirror);
      }
    } else {
      if (pipe.forward !== 'entry') add(pipe.forward, 'forward', count(`${pipe.name}/total`));
      else {
        for (const entry of pipe.entries ?? []) {
          const label = entry.label ?? '';
          add(entry.forward!, 'forward', join(label, count(`${pipe.name}/${label}`)));
        }
      }
      copies(pipe.monitor?.mirror);
    }
    if (Object.keys(pipe.type === 'basic' ? pipe.match : { control: true }).length > 0) {
      add(pipe.miss, 'miss', join('miss', count(`${pipe.name}/miss`)));
    }
  }
  const pipeNodes = program.pipes.map(
    (pipe): GraphNode => ({
      name: pipe.name,
      domain: pipe.domain,
      lines: [
        pipe.name,
        ...(pipe.description === undefined ? [] : [pipe.description]),
        ...(pipe.type === 'basic' ? basicLines(pipe) : []),
      ],
    }),
  );
  const terminals = Object.keys(TERMINALS).filter((name) => edges.some(({ to }) => to === name));
  return {
    nodes: [
      ...pipeNodes,
      ...terminals.map((name) => ({ name, domain: 'terminal', lines: [TERMINALS[name]!] }) as const),
    ],
    edges: mergeParallel(edges),
  };
}

/** Several entries of one pipe that go the same way are one arrow with several lines. */
function mergeParallel(edges: readonly GraphEdge[]): GraphEdge[] {
  const merged = new Map<string, GraphEdge>();
  for (const edge of edges) {
    const key = `${edge.from} ${edge.to} ${edge.kind}`;
    const known = merged.get(key);
    if (known === undefined) merged.set(key, edge);
    else if (edge.label !== known.label)
      merged.set(key, { ...known, label: `${known.label}\n${edge.label}` });
  }
  return [...merged.values()];
}

export const DOMAINS: readonly Domain[] = ['default', 'secure-ingress', 'egress', 'secure-egress'];

/** Mermaid's flowchart. */
export const renderMermaid = (program: PipeProgram, counters?: ProgramCounters): string =>
  mermaidOf(programGraph(program, counters));

/** The same of any graph; names are of letters and digits. */
export function mermaidOf({ nodes, edges }: ProgramGraph): string {
  const marks = { '"': '#quot;', '<': '#lt;', '>': '#gt;' };
  const text = (value: string) =>
    value.replaceAll(/["<>]/g, (mark) => marks[mark as keyof typeof marks]).replaceAll('\n', '<br/>');
  const terminals = new Set(nodes.filter(({ domain }) => domain === 'terminal').map(({ name }) => name));
  const lines = ['flowchart LR'];
  for (const domain of DOMAINS) {
    const members = nodes.filter((node) => node.domain === domain);
    if (members.length === 0) continue;
    lines.push(`  subgraph ${domain}`);
    for (const { name, lines: content } of members) lines.push(`    ${name}["${text(content.join('\n'))}"]`);
    lines.push('  end');
  }
  for (const { name, lines: content } of nodes.filter((node) => node.domain === 'terminal')) {
    lines.push(`  ${name}_(["${text(content[0]!)}"])`);
  }
  const id = (name: string) => (terminals.has(name) ? `${name}_` : name);
  for (const { from, to, kind, label } of edges) {
    const arrow = kind === 'forward' ? '-->' : '-.->';
    lines.push(`  ${id(from)} ${arrow}${label === '' ? '' : `|"${text(label)}"|`} ${id(to)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Graphviz's DOT. */
export const renderDot = (program: PipeProgram, counters?: ProgramCounters): string =>
  dotOf(program.name, programGraph(program, counters));

/** The same of any graph. */
export function dotOf(title: string, { nodes, edges }: ProgramGraph): string {
  const quote = (value: string) =>
    `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
  const lines = [`digraph ${quote(title)} {`, '  rankdir=LR;', '  node [shape=box, fontname="sans-serif"];'];
  for (const domain of DOMAINS) {
    const members = nodes.filter((node) => node.domain === domain);
    if (members.length === 0) continue;
    lines.push(`  subgraph ${quote(`cluster_${domain}`)} {`, `    label=${quote(domain)};`);
    for (const { name, lines: content } of members)
      lines.push(`    ${quote(name)} [label=${quote(content.join('\n'))}];`);
    lines.push('  }');
  }
  for (const { name, lines: content } of nodes.filter((node) => node.domain === 'terminal')) {
    lines.push(`  ${quote(name)} [shape=oval, label=${quote(content[0]!)}];`);
  }
  const styles: Readonly<Record<EdgeKind, string>> = { forward: 'solid', miss: 'dashed', mirror: 'dotted' };
  for (const { from, to, kind, label } of edges) {
    lines.push(`  ${quote(from)} -> ${quote(to)} [style=${styles[kind]}, label=${quote(label)}];`);
  }
  return `${lines.join('\n')}\n}\n`;
}

/** The program itself as JSON; octets in hex, counters beside it. */
export function renderJson(program: PipeProgram, counters?: ProgramCounters): string {
  const counted = Object.fromEntries(
    [...(counters ?? [])].map(([key, { packets, octets }]) => [
      key,
      { packets: String(packets), octets: String(octets) },
    ]),
  );
  const value = counters === undefined ? program : { ...program, counters: counted };
  return `${JSON.stringify(value, (_, field: unknown) => (field instanceof Uint8Array ? Buffer.from(field).toString('hex') : field), 2)}\n`;
}
