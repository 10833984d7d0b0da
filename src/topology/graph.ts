/** A Topology drawn: nodes with their workloads, links with their impairments, as Mermaid, DOT or SVG. */
import { drawSvg } from '../hal/svg.js';
import type { Impairments } from '../hal-sim/ports/link.js';
import { formatBitRate, formatRatio, formatTime } from './file/quantities.js';
import type { LinkPlan, NodePlan, Topology } from './model.js';

type NodeKind = NodePlan['kind'];

interface GraphNode {
  readonly name: string;
  readonly kind: NodeKind;
  /** Its name first. */
  readonly lines: readonly string[];
}

/** Drawn from the middle of the network outwards: from what forwards to what is behind it. */
interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

const COLORS: Readonly<Record<NodeKind, string>> = {
  gateway: '#4c78a8',
  switch: '#3a9a6b',
  router: '#b8860b',
};
const WORKLOADS_SHOWN = 6;
const MTU_OCTETS_USUAL = 1500;

function graphOf(topology: Topology): { nodes: GraphNode[]; edges: GraphEdge[] } {
  const kinds = new Map(topology.nodes.map(({ name, kind }) => [name, kind]));
  return {
    nodes: topology.nodes.map((node) => ({ name: node.name, kind: node.kind, lines: linesOf(node) })),
    edges: topology.links.map((link) => {
      const [a, b] = link.endpoints.map(({ node }) => node);
      // Files name what is outside first; a gateway is outside in any case.
      const [from, to] = kinds.get(b!) === 'gateway' ? [a!, b!] : [b!, a!];
      return { from, to, label: labelOf(link) };
    }),
  };
}

function linesOf(node: NodePlan): string[] {
  if (node.kind !== 'gateway') return [node.name, node.kind];
  const { name, underlay, workloads } = node;
  const shown = workloads.slice(0, WORKLOADS_SHOWN).map(({ name: workload, addresses, present }) => {
    return `${workload}${present ? '' : ' (absent at first)'}: ${addresses.join(', ')}`;
  });
  const more = workloads.length - shown.length;
  return [
    name,
    `gateway ${[underlay.ipv4, underlay.ipv6].filter((ip) => ip !== undefined).join(', ')}`,
    ...shown,
    ...(more > 0 ? [`and ${more} more workloads`] : []),
  ];
}

const IMPAIRMENT_TEXTS: {
  readonly [K in keyof Impairments]: (value: number) => string;
} = {
  delayMs: (ms) => formatTime(ms),
  jitterMs: (ms) => `jitter ${formatTime(ms)}`,
  lossRatio: (ratio) => `loss ${formatRatio(ratio)}`,
  duplicateRatio: (ratio) => `duplicate ${formatRatio(ratio)}`,
  reorderRatio: (ratio) => `reorder ${formatRatio(ratio)}`,
  corruptRatio: (ratio) => `corrupt ${formatRatio(ratio)}`,
  rateBitsPerSecond: (rate) => formatBitRate(rate),
};

/** What is not as usual. */
function labelOf({ impairments, mtuOctets }: LinkPlan): string {
  const texts = (Object.keys(IMPAIRMENT_TEXTS) as (keyof Impairments)[])
    .filter((key) => impairments[key] > 0)
    .map((key) => IMPAIRMENT_TEXTS[key](impairments[key]));
  return [...texts, ...(mtuOctets === MTU_OCTETS_USUAL ? [] : [`MTU ${mtuOctets}`])].join(', ');
}

/** Mermaid's flowchart. */
export function topologyMermaid(topology: Topology): string {
  const { nodes, edges } = graphOf(topology);
  const text = (lines: readonly string[]) => lines.join('<br/>').replaceAll('"', '#quot;');
  // Node names may be words of Mermaid's, such as "end".
  const id = (name: string) => `n_${name}`;
  const shapes: Readonly<Record<NodeKind, readonly [string, string]>> = {
    gateway: ['[', ']'],
    switch: ['[[', ']]'],
    router: ['([', '])'],
  };
  const lines = nodes.map(({ name, kind, lines: content }) => {
    const [open, close] = shapes[kind];
    return `  ${id(name)}${open}"${text(content)}"${close}`;
  });
  for (const { from, to, label } of edges) {
    lines.push(`  ${id(from)} ---${label === '' ? '' : `|"${label}"|`} ${id(to)}`);
  }
  return `flowchart TD\n${lines.join('\n')}\n`;
}

/** Graphviz's DOT. */
export function topologyDot(topology: Topology): string {
  const { nodes, edges } = graphOf(topology);
  const quote = (value: string) => `"${value.replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
  const shapes: Readonly<Record<NodeKind, string>> = { gateway: 'box', switch: 'box3d', router: 'oval' };
  const lines = nodes.map(
    ({ name, kind, lines: content }) =>
      `  ${quote(name)} [shape=${shapes[kind]}, label=${quote(content.join('\n'))}];`,
  );
  for (const { from, to, label } of edges) {
    lines.push(`  ${quote(from)} -- ${quote(to)}${label === '' ? '' : ` [label=${quote(label)}]`};`);
  }
  return `graph ${quote(topology.name)} {\n  node [fontname="sans-serif"];\n${lines.join('\n')}\n}\n`;
}

/** The drawing as an SVG document. */
export function topologySvg(topology: Topology): Promise<string> {
  const { nodes, edges } = graphOf(topology);
  return drawSvg({
    boxes: nodes.map(({ name, kind, lines }) => ({
      name,
      lines,
      color: COLORS[kind],
      round: kind === 'router',
    })),
    lines: edges.map((edge) => ({ ...edge, dash: '' })),
    direction: 'DOWN',
    arrows: false,
    keepOrder: true,
    legend: { swatches: Object.entries(COLORS), text: topology.name },
  });
}
