/**
 * A pipe program as text: Mermaid, Graphviz DOT, JSON. The picture is in render-svg.ts. The same program and
 * counters give the same text.
 */
import { describeCounter, type ProgramCounters } from './counters.js';
import { hexOctets } from './describe.js';
import type { PipeProgram } from './program.js';
import {
  type ExitRow,
  type GraphEdge,
  type PipeNode,
  type ProgramGraph,
  programGraph,
} from './render-graph.js';

/** Edges with the same ends and kind, drawn as one. */
interface JoinedEdge {
  readonly kind: GraphEdge['kind'];
  readonly from: string;
  readonly to: string;
  readonly labels: string[];
}

function joinEdges(graph: ProgramGraph): JoinedEdge[] {
  const exits = new Map(graph.groups.flatMap(({ nodes }) => nodes.map((node) => [node.id, node.exits])));
  const joined = new Map<string, JoinedEdge>();
  for (const { kind, from, to, exit } of graph.edges) {
    const key = `${from} ${kind} ${to}`;
    const edge = joined.get(key) ?? { kind, from, to, labels: [] };
    joined.set(key, edge);
    const row = exit === undefined ? undefined : exits.get(from)?.[exit];
    if (row !== undefined) edge.labels.push(edgeLabel(row, kind));
  }
  return [...joined.values()];
}

function edgeLabel({ label, counter }: ExitRow, kind: GraphEdge['kind']): string {
  const name = kind === 'mirror' ? `copy of ${label}` : label;
  return counter === undefined || kind === 'mirror' ? name : `${name}: ${describeCounter(counter)}`;
}

/** The lines of a pipe's box. */
function boxLines({ pipe, match, actions, exits }: PipeNode): string[] {
  const lines = [pipe.name];
  if (pipe.description !== undefined) lines.push(pipe.description);
  lines.push(...match, ...actions.map((action) => `▸ ${action}`));
  for (const { label, endsIn, counter } of exits) {
    if (endsIn === undefined) continue;
    lines.push(`${label} → ${endsIn}${counter === undefined ? '' : `: ${describeCounter(counter)}`}`);
  }
  return lines;
}

const MERMAID_ARROWS: Readonly<Record<GraphEdge['kind'], string>> = {
  forward: '-->',
  miss: '-.->',
  mirror: '==>',
};

/** Mermaid's entities: everything that could end a quoted text or be taken for markup. */
function mermaidText(lines: readonly string[]): string {
  return lines
    .map((line) => line.replace(/[&<>"#;|`]/g, (character) => `#${character.charCodeAt(0)};`))
    .join('<br>');
}

/** A flowchart: forwards are solid, misses dashed, copies of mirrors thick. */
export function renderMermaid(program: PipeProgram, counters?: ProgramCounters): string {
  const graph = programGraph(program, counters);
  const lines = ['flowchart LR'];
  const place = (source: boolean) => {
    for (const { id, text } of graph.places.filter((one) => one.source === source)) {
      lines.push(`  ${id}(["${mermaidText([text])}"])`);
    }
  };
  place(true);
  for (const group of graph.groups) {
    lines.push(`  subgraph ${group.id}["${group.domain}"]`);
    for (const node of group.nodes) lines.push(`    ${node.id}["${mermaidText(boxLines(node))}"]`);
    lines.push('  end');
  }
  place(false);
  for (const { kind, from, to, labels } of joinEdges(graph)) {
    const label = labels.length === 0 ? '' : `|"${mermaidText(labels)}"|`;
    lines.push(`  ${from} ${MERMAID_ARROWS[kind]}${label} ${to}`);
  }
  return `${lines.join('\n')}\n`;
}

const DOT_STYLES: Readonly<Record<GraphEdge['kind'], string>> = {
  forward: 'solid',
  miss: 'dashed',
  mirror: 'dotted',
};

/** A quoted DOT string; `\l` ends a line and aligns it to the left. */
function dotText(lines: readonly string[], lineEnd = '\\l'): string {
  return `"${lines.map((line) => line.replace(/[\\"]/g, '\\$&') + lineEnd).join('')}"`;
}

/** A Graphviz digraph, one cluster per group of a domain. */
export function renderDot(program: PipeProgram, counters?: ProgramCounters): string {
  const graph = programGraph(program, counters);
  const lines = [
    `digraph ${dotText([program.name], '')} {`,
    '  rankdir=LR;',
    '  node [shape=box, fontname="monospace", fontsize=10];',
    '  edge [fontname="monospace", fontsize=9];',
  ];
  for (const { id, text } of graph.places)
    lines.push(`  "${id}" [label=${dotText([text], '')}, shape=oval];`);
  for (const group of graph.groups) {
    lines.push(`  subgraph "cluster_${group.id}" {`, `    label=${dotText([group.domain], '')};`);
    for (const node of group.nodes)
      lines.push(`    ${dotText([node.id], '')} [label=${dotText(boxLines(node))}];`);
    lines.push('  }');
  }
  for (const { kind, from, to, labels } of joinEdges(graph)) {
    const label = labels.length === 0 ? '' : `, label=${dotText(labels)}`;
    lines.push(`  ${dotText([from], '')} -> ${dotText([to], '')} [style=${DOT_STYLES[kind]}${label}];`);
  }
  lines.push('}');
  return `${lines.join('\n')}\n`;
}

/** The program itself, with its counters: octets as hex, counts as decimal text. */
export function renderJson(program: PipeProgram, counters?: ProgramCounters): string {
  const value = counters === undefined ? program : { ...program, counters };
  const text = JSON.stringify(
    value,
    (_key, one: unknown) =>
      one instanceof Uint8Array ? hexOctets(one) : typeof one === 'bigint' ? String(one) : one,
    2,
  );
  return `${text}\n`;
}
