/**
 * A Topology drawn: nodes with their workloads, links with their ports and impairments, as Mermaid, DOT or SVG. Many gateways
 * that are alike, but for names and addresses, are one box; where that is not enough, all nodes of a rank are.
 */
import { drawSvg } from '../draw/svg.js';
import type { Impairments } from '../hal-sim/ports/link.js';
import { formatBitRate, formatRatio, formatTime } from './file/quantities.js';
import { alikeAtOneNeighbor, type DrawnLine, type LinkEnds, linesBetween, ranksOf } from './graph-groups.js';
import {
  type EndpointPlan,
  type LinkPlan,
  type NodePlan,
  type OutsideKind,
  outsideName,
  type Topology,
  underlayAddresses,
} from './model.js';

type NodeKind = NodePlan['kind'];
type DrawnKind = NodeKind | OutsideKind;

interface GraphNode {
  readonly name: string;
  readonly kind: DrawnKind;
  /** Its name first. */
  readonly lines: readonly string[];
}

const COLORS: Readonly<Record<DrawnKind, string>> = {
  gateway: '#4c78a8',
  insider: '#b03a48',
  external: '#7a5195',
  switch: '#3a9a6b',
  router: '#b8860b',
  host: '#6b6b6b',
  tap: '#6b6b6b',
};
const WORKLOADS_SHOWN = 6;
const MTU_OCTETS_USUAL = 1500;

/** More gateways that are alike are drawn as one. */
export const ALIKE_DRAWN_MAX = 12;
/** In a drawing with more boxes or lines than this, the nodes of a rank are drawn as one. */
const BOXES_APART_MAX = 24;
const LINES_APART_MAX = 32;

/** How a topology is drawn. */
export interface GraphOptions {
  /** Draws every node and every link. */
  readonly all?: boolean;
}

interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly lines: readonly DrawnLine[];
}

function graphOf(topology: Topology, { all = false }: GraphOptions): Graph {
  const links = linksOf(topology);
  const drawn = (groups: readonly NodePlan[][]) => drawnIn(topology, links, groups);
  if (all) return drawn([]);
  const some = drawn(alikeAtOneNeighbor(topology, links).filter(({ length }) => length > ALIKE_DRAWN_MAX));
  if (some.nodes.length <= BOXES_APART_MAX && some.lines.length <= LINES_APART_MAX) return some;
  return drawn(ranksOf(topology, links).filter(({ length }) => length > 1));
}

const isEnd = (kind: NodeKind | undefined) => kind === 'gateway' || kind === 'insider';

function linksOf(topology: Topology): LinkEnds[] {
  const kinds = new Map(topology.nodes.map(({ name, kind }) => [name, kind]));
  return topology.links.map((link) => {
    const { outside } = link;
    const [a, b] = link.endpoints.map((end, i) =>
      i === outside?.end ? { node: outsideName({ ...link, outside }), port: '' } : end,
    ) as [EndpointPlan, EndpointPlan];
    // Files name what is outside first; a gateway or insider is outside in any case, and an interface more so.
    const isLast = outside === undefined ? isEnd(kinds.get(b.node)) : outside.end === 1;
    const [from, to] = isLast ? [a, b] : [b, a];
    return { from: from.node, fromPort: from.port, to: to.node, toPort: to.port, label: labelOf(link) };
  });
}

/** The first of a group stands for it. */
function drawnIn(topology: Topology, links: readonly LinkEnds[], groups: readonly NodePlan[][]): Graph {
  const groupOf = new Map(groups.flatMap((group) => group.map(({ name }) => [name, group] as const)));
  const { lines, within } = linesBetween(links, groupOf);
  const nodes = topology.nodes.flatMap((node): GraphNode[] => {
    const { name, kind } = node;
    const group = groupOf.get(name);
    if (group === undefined) return [{ name, kind, lines: linesOf(node) }];
    return group[0] === node ? [{ name, kind, lines: linesOfGroup(group, within.get(name)) }] : [];
  });
  const outside = topology.links.flatMap(({ endpoints, outside }): GraphNode[] => {
    if (outside === undefined) return [];
    const name = outsideName({ endpoints, outside });
    return [{ name, kind: outside.kind, lines: [name, OUTSIDE_TEXTS[outside.kind]] }];
  });
  return { nodes: [...nodes, ...outside], lines };
}

const OUTSIDE_TEXTS: Readonly<Record<OutsideKind, string>> = {
  host: 'interface of this machine',
  tap: 'TAP interface',
};

function linesOfGroup(group: readonly NodePlan[], linksWithin: number | undefined): string[] {
  const names = group.map(({ name }) => name);
  const gateways = group.filter((node) => node.kind === 'gateway');
  const workloads = gateways.flatMap((gateway) => gateway.workloads);
  return [
    names.length <= 3 ? names.join(', ') : `${names[0]}, ${names[1]}, ... ${names.at(-1)}`,
    `${group.length} ${KIND_PLURALS[group[0]!.kind]}`,
    ...(gateways.length === 0
      ? []
      : [fromTo(gateways.flatMap(({ underlay }) => underlayAddresses(underlay)))]),
    ...(workloads.length === 0
      ? []
      : [`${workloads.length} workloads`, fromTo(workloads.flatMap(({ addresses }) => addresses))]),
    ...(linksWithin === undefined ? [] : [`${linksWithin} links between them`]),
  ];
}

const KIND_PLURALS: Readonly<Record<NodeKind, string>> = {
  gateway: 'gateways',
  insider: 'insiders',
  external: 'gateways of others',
  switch: 'switches',
  router: 'routers',
};

const fromTo = (addresses: readonly string[]) => `${addresses[0]} ... ${addresses.at(-1)}`;

const join = (texts: readonly string[]) => texts.filter((text) => text !== '').join(', ');

function linesOf(node: NodePlan): string[] {
  if (node.kind === 'insider')
    return [node.name, `insider ${underlayAddresses(node.underlay).join(', ')}`, node.addresses.join(', ')];
  if (node.kind === 'external')
    return [
      node.name,
      `gateway of others ${underlayAddresses(node.underlay).join(', ')}`,
      `behind ${node.at}`,
      ...node.workloads.slice(0, WORKLOADS_SHOWN).map((one) => `${one.name}: ${one.addresses.join(', ')}`),
    ];
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

/** What deviates from the defaults. */
function labelOf({ impairments, mtuOctets }: LinkPlan): string {
  const texts = (Object.keys(IMPAIRMENT_TEXTS) as (keyof Impairments)[])
    .filter((key) => impairments[key] > 0)
    .map((key) => IMPAIRMENT_TEXTS[key](impairments[key]));
  return join([...texts, mtuOctets === MTU_OCTETS_USUAL ? '' : `MTU ${mtuOctets}`]);
}

/** Number of boxes of a drawing. */
export function boxesOf(topology: Topology): number {
  return graphOf(topology, {}).nodes.length;
}

/** Mermaid's flowchart. */
export function topologyMermaid(topology: Topology, options: GraphOptions = {}): string {
  const { nodes, lines: links } = graphOf(topology, options);
  const text = (lines: readonly string[]) => lines.join('<br/>').replaceAll('"', '#quot;');
  // Node names may be words of Mermaid's, such as "end".
  const id = (name: string) => (name.includes(':') ? `o_${Buffer.from(name).toString('hex')}` : `n_${name}`);
  const shapes: Readonly<Record<DrawnKind, readonly [string, string]>> = {
    gateway: ['[', ']'],
    insider: ['{{', '}}'],
    external: ['[', ']'],
    switch: ['[[', ']]'],
    router: ['([', '])'],
    host: ['[/', '/]'],
    tap: ['[/', '/]'],
  };
  const lines = nodes.map(({ name, kind, lines: content }) => {
    const [open, close] = shapes[kind];
    return `  ${id(name)}${open}"${text(content)}"${close}`;
  });
  for (const { from, to, ports, label } of links) {
    lines.push(
      `  ${id(from)} ---|"${join([ports.filter((port) => port !== '').join(' - '), label])}"| ${id(to)}`,
    );
  }
  return `flowchart TD\n${lines.join('\n')}\n`;
}

/** Graphviz's DOT. */
export function topologyDot(topology: Topology, options: GraphOptions = {}): string {
  const { nodes, lines: links } = graphOf(topology, options);
  const quote = (value: string) => `"${value.replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
  const shapes: Readonly<Record<DrawnKind, string>> = {
    gateway: 'box',
    insider: 'octagon',
    external: 'box',
    switch: 'box3d',
    router: 'oval',
    host: 'cds',
    tap: 'cds',
  };
  const lines = nodes.map(
    ({ name, kind, lines: content }) =>
      `  ${quote(name)} [shape=${shapes[kind]}, label=${quote(content.join('\n'))}];`,
  );
  for (const { from, to, ports, label } of links) {
    const ends = `taillabel=${quote(ports[0])}, headlabel=${quote(ports[1])}`;
    lines.push(`  ${quote(from)} -- ${quote(to)} [${ends}${label === '' ? '' : `, label=${quote(label)}`}];`);
  }
  return `graph ${quote(topology.name)} {\n  graph [nodesep=0.8, ranksep=1];\n  node [fontname="sans-serif"];\n  edge [fontname="sans-serif", fontsize=10];\n${lines.join('\n')}\n}\n`;
}

/** The drawing as an SVG document. */
export function topologySvg(topology: Topology, options: GraphOptions = {}): Promise<string> {
  const { nodes, lines: links } = graphOf(topology, options);
  return drawSvg({
    boxes: nodes.map(({ name, kind, lines }) => ({
      name,
      lines,
      color: COLORS[kind],
      round: kind === 'router',
    })),
    lines: links.map(({ from, to, ports, label }) => ({ from, to, ends: ports, label, dash: '' })),
    direction: 'DOWN',
    arrows: false,
    keepOrder: true,
    legend: {
      swatches: Object.entries(COLORS).filter(([kind]) => nodes.some((node) => node.kind === kind)),
      text: topology.name,
    },
  });
}
