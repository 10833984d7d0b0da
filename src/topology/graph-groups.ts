/** Which nodes of a topology may be drawn as one box, and what then becomes of the lines between them. */
import { ipFamily } from '../packet/address.js';
import { type GatewayPlan, gatewaysOf, type NodePlan, type Topology, underlayAddresses } from './model.js';

/** Drawn from the middle of the network outwards: from what forwards to what is behind it. */
export interface LinkEnds {
  readonly from: string;
  readonly fromPort: string;
  readonly to: string;
  readonly toPort: string;
  /** What deviates from the defaults. */
  readonly label: string;
}

/** A line of a drawing: a link, or all links of the same kind between two boxes. */
export interface DrawnLine {
  readonly from: string;
  /** Port names at both ends; of a group, the first and the last. */
  readonly ports: readonly [from: string, to: string];
  readonly to: string;
  readonly label: string;
}

/** Gateways by what they have in common: the neighbor, the link, how many workloads of which families. */
export function alikeAtOneNeighbor(topology: Topology, links: readonly LinkEnds[]): GatewayPlan[][] {
  const linkOf = new Map(links.map((link) => [link.to, link]));
  return groupedBy(gatewaysOf(topology), (gateway) => {
    const link = linkOf.get(gateway.name);
    return link === undefined ? gateway.name : JSON.stringify([link.from, link.label, traitsOf(gateway)]);
  });
}

/**
 * Nodes of one rank, wherever they are: alike themselves, with as many links of each kind to nodes of each other rank. That
 * is found by colour refinement: nodes begin with a colour for what they are, and are told apart by their neighbors' colours
 * until nothing more is.
 */
export function ranksOf(topology: Topology, links: readonly LinkEnds[]): NodePlan[][] {
  const neighbors = new Map<string, { readonly name: string; readonly label: string }[]>(
    topology.nodes.map(({ name }) => [name, []]),
  );
  for (const { from, to, label } of links) {
    // What is outside is of no rank, and makes its neighbor unlike others.
    neighbors.get(from)?.push({ name: to, label });
    neighbors.get(to)?.push({ name: from, label });
  }
  let ranks = groupedBy(topology.nodes, (node) => JSON.stringify(traitsOf(node)));
  for (;;) {
    const rankOf = new Map(ranks.flatMap((rank, i) => rank.map(({ name }) => [name, i] as const)));
    const finer = groupedBy(topology.nodes, ({ name }) => {
      const around = neighbors.get(name)!.map((one) => `${rankOf.get(one.name) ?? one.name} ${one.label}`);
      return JSON.stringify([rankOf.get(name), around.sort()]);
    });
    if (finer.length === ranks.length) return ranks;
    ranks = finer;
  }
}

/** Nodes with equal traits are alike, apart from where they are. An insider is unlike all others. */
function traitsOf(node: NodePlan): unknown {
  if (node.kind === 'insider' || node.kind === 'external') return node.name;
  if (node.kind !== 'gateway') return node.kind;
  return [
    underlayAddresses(node.underlay).map(ipFamily),
    node.workloads.map(({ addresses, present }) => [present, addresses.map(ipFamily)]),
  ];
}

function groupedBy<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

/**
 * The lines between boxes, and how many links each box has within it. `groupOf` says of a node which ones are drawn with it; the
 * first of them stands for all.
 */
export function linesBetween(
  links: readonly LinkEnds[],
  groupOf: ReadonlyMap<string, readonly NodePlan[]>,
): { lines: DrawnLine[]; within: ReadonlyMap<string, number> } {
  const boxOf = (name: string) => groupOf.get(name)?.[0]?.name ?? name;
  const sizeOf = (name: string) => groupOf.get(name)?.length ?? 1;
  const within = new Map<string, number>();
  const bundles = groupedBy(
    links.map((link, i) => ({ link, i })),
    ({ link: { from, to, label }, i }) => {
      const isPart = groupOf.has(from) || groupOf.has(to);
      return isPart ? JSON.stringify([boxOf(from), boxOf(to), label]) : String(i);
    },
  );
  const lines = bundles.flatMap((bundle): DrawnLine[] => {
    const all = bundle.map(({ link }) => link);
    const { from, to, label } = all[0]!;
    const box = boxOf(from);
    if (groupOf.has(from) && box === boxOf(to)) {
      within.set(box, (within.get(box) ?? 0) + all.length);
      return [];
    }
    const ports = [portsText(all.map((l) => l.fromPort)), portsText(all.map((l) => l.toPort))] as const;
    const isBundle = groupOf.has(from) || groupOf.has(to);
    const count = isBundle ? [bundleText(all.length, sizeOf(from), sizeOf(to))] : [];
    return [{ from: box, to: boxOf(to), ports, label: [...count, label].filter((t) => t !== '').join(', ') }];
  });
  return { lines, within };
}

function bundleText(links: number, from: number, to: number): string {
  if (from === 1 || to === 1) return `${links} links`;
  if (links === from * to) return `${links} links, each to each`;
  return links === to && links % from === 0 ? `${links} links, ${links / from} at each` : `${links} links`;
}

function portsText(ports: readonly string[]): string {
  const names = [...new Set(ports)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return names.length <= 2 ? names.join(', ') : `${names[0]} ... ${names.at(-1)}`;
}
