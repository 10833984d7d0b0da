/**
 * A Topology drawn: nodes with their workloads, links with their impairments, as Mermaid, DOT or SVG. Many gateways
 * that are alike, but for names and addresses, are one box.
 */
import { drawSvg } from '../hal/svg.js';
import type { Impairments } from '../hal-sim/ports/link.js';
import { ipFamily } from '../packet/address.js';
import { formatBitRate, formatRatio, formatTime } from './file/quantities.js';
import {
  type GatewayPlan,
  gatewaysOf,
  type LinkPlan,
  type NodePlan,
  type Topology,
  underlayAddresses,
} from './model.js';

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

/** More gateways that are alike are drawn as one. */
export const ALIKE_DRAWN_MAX = 12;

export interface GraphOptions {
  /** Draws every gateway. */
  readonly all?: boolean;
}

function graphOf(
  topology: Topology,
  { all = false }: GraphOptions,
): { nodes: GraphNode[]; edges: GraphEdge[] } {
  const kinds = new Map(topology.nodes.map(({ name, kind }) => [name, kind]));
  const edges = topology.links.map((link) => {
    const [a, b] = link.endpoints.map(({ node }) => node);
    // Files name what is outside first; a gateway is outside in any case.
    const [from, to] = kinds.get(b!) === 'gateway' ? [a!, b!] : [b!, a!];
    return { from, to, label: labelOf(link) };
  });
  const groups = all ? [] : alike(topology, edges).filter(({ length }) => length > ALIKE_DRAWN_MAX);
  const groupOf = new Map(groups.flatMap((group) => group.map(({ name }) => [name, group])));
  /** The first of a group stands for it. */
  const isDrawn = (name: string) => (groupOf.get(name)?.at(0)?.name ?? name) === name;
  return {
    nodes: topology.nodes
      .filter(({ name }) => isDrawn(name))
      .map((node) => {
        const group = groupOf.get(node.name);
        return {
          name: node.name,
          kind: node.kind,
          lines: group === undefined ? linesOf(node) : linesOfGroup(group),
        };
      }),
    edges: edges
      .filter(({ to }) => isDrawn(to))
      .map((edge) => {
        const links = groupOf.get(edge.to)?.length;
        return links === undefined
          ? edge
          : { from: edge.from, to: edge.to, label: join([`${links} links`, edge.label]) };
      }),
  };
}

/** Gateways by what they have in common: the neighbor, the link, how many workloads of which families. */
function alike(topology: Topology, edges: readonly GraphEdge[]): GatewayPlan[][] {
  const edgeOf = new Map(edges.map((edge) => [edge.to, edge]));
  const groups = new Map<string, GatewayPlan[]>();
  for (const gateway of gatewaysOf(topology)) {
    const edge = edgeOf.get(gateway.name);
    if (edge === undefined) continue;
    const traits = JSON.stringify([
      edge.from,
      edge.label,
      underlayAddresses(gateway.underlay).map(ipFamily),
      gateway.workloads.map(({ addresses, present }) => [present, addresses.map(ipFamily)]),
    ]);
    const group = groups.get(traits);
    if (group === undefined) groups.set(traits, [gateway]);
    else group.push(gateway);
  }
  return [...groups.values()];
}

function linesOfGroup(group: readonly GatewayPlan[]): string[] {
  const workloads = group.flatMap((gateway) => gateway.workloads);
  const names = group.map(({ name }) => name);
  return [
    `${names[0]}, ${names[1]}, ... ${names.at(-1)}`,
    `${group.length} gateways`,
    fromTo(group.flatMap(({ underlay }) => underlayAddresses(underlay))),
    ...(workloads.length === 0
      ? []
      : [`${workloads.length} workloads`, fromTo(workloads.flatMap(({ addresses }) => addresses))]),
  ];
}

const fromTo = (addresses: readonly string[]) => `${addresses[0]} ... ${addresses.at(-1)}`;

const join = (texts: readonly string[]) => texts.filter((text) => text !== '').join(', ');

function linesOf(node: NodePlan): string[] {
  if (node.kind !== 'gateway') return [node.name, node.kind];
  const { name, workloads } = node;
  const shown = workloads.slice(0, WORKLOADS_SHOWN).map(({ name: workload, addresses, present }) => {
    return `${workload}${present ? '' : ' (absent at first)'}: ${addresses.join(', ')}`;
  });
  const more = workloads.length - shown.length;
  return [
    name,
    `gateway ${underlayAddresses(node.underlay).join(', ')}`,
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
  return join([...texts, mtuOctets === MTU_OCTETS_USUAL ? '' : `MTU ${mtuOctets}`]);
}

/** How many boxes a drawing has. */
export function boxesOf(topology: Topology): number {
  return graphOf(topology, {}).nodes.length;
}

/** Mermaid's flowchart. */
export function topologyMermaid(topology: Topology, options: GraphOptions = {}): string {
  const { nodes, edges } = graphOf(topology, options);
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
export function topologyDot(topology: Topology, options: GraphOptions = {}): string {
  const { nodes, edges } = graphOf(topology, options);
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
export function topologySvg(topology: Topology, options: GraphOptions = {}): Promise<string> {
  const { nodes, edges } = graphOf(topology, options);
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
