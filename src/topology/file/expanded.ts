/** Nodes and links of the file, and those that its generators make, in one form and with their places. */

import { LINKS_MAX, NODES_MAX, WORKLOADS_MAX } from './limits.js';
import type {
  ParsedFullMesh,
  ParsedLeafSpine,
  ParsedLinkValues,
  ParsedNode,
  ParsedTopology,
} from './parsed.js';
import type { Flags as ParsedFlags } from './schema-values.js';
import { itemsOf } from './shape.js';
import type { Place } from './source.js';

/** Values and where they stand; what comes later wins. */
export type Layers<T> = readonly { readonly value: T; readonly place: Place }[];

export interface ExpandedNode {
  readonly name: string;
  readonly parsed: ParsedNode;
  readonly place: Place;
  /** Flags of gateways. */
  readonly flags: Layers<ParsedFlags>;
  /** Workloads to make when the file has none. */
  readonly generatedWorkloads: number;
  /** Makes all its tunnels at start-up, from its first address. */
  readonly staticTunnels: boolean;
}

/** What a node is, with its article: "a router", "an insider". */
export function kindText({ parsed: { kind } }: ExpandedNode): string {
  return `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`;
}

export interface ExpandedLink {
  readonly endpoints: readonly [string, string];
  readonly endpointPlaces: readonly [Place, Place];
  readonly values: Layers<ParsedLinkValues>;
  readonly place: Place;
}

export interface ExpandedTopology {
  readonly nodes: readonly ExpandedNode[];
  readonly links: readonly ExpandedLink[];
  /** A generator could not do its work, which was said. */
  readonly incomplete: boolean;
}

function layer<T>(value: T | undefined, place: Place): Layers<T> {
  return value === undefined ? [] : [{ value, place }];
}

export function expandTopology(parsed: ParsedTopology, place: Place): ExpandedTopology {
  const flags = [
    ...layer(parsed.defaults?.flags, place.at('defaults', 'flags')),
    ...layer(parsed.kinds?.gateway?.flags, place.at('kinds', 'gateway', 'flags')),
  ];
  const linkValues = layer(parsed.kinds?.link, place.at('kinds', 'link'));
  const nodes = Object.entries(parsed.nodes ?? {}).map(([name, node]): ExpandedNode => {
    const at = place.at('nodes', name);
    const own = node.kind === 'gateway' ? layer(node.flags, at.at('flags')) : [];
    return {
      name,
      parsed: node,
      place: at,
      flags: [...flags, ...own],
      generatedWorkloads: 1,
      staticTunnels: false,
    };
  });
  const links = itemsOf(parsed.links).map(([i, link]): ExpandedLink => {
    const at = place.at('links', i);
    return {
      endpoints: link.endpoints,
      endpointPlaces: [at.at('endpoints', 0), at.at('endpoints', 1)],
      values: [...linkValues, { value: link, place: at }],
      place: at,
    };
  });
  const generated = generate(parsed, place, flags, linkValues);
  const names = new Set(nodes.map(({ name }) => name));
  for (const { name, place: at } of generated.nodes) {
    if (names.has(name)) at.problem(`makes a node ${name}, and "nodes" has one; rename that one`);
  }
  return {
    nodes: [...nodes, ...generated.nodes.filter(({ name }) => !names.has(name))],
    links: [...links, ...generated.links],
    incomplete: generated.incomplete,
  };
}

const NOTHING: ExpandedTopology = { nodes: [], links: [], incomplete: false };
const FAILED: ExpandedTopology = { ...NOTHING, incomplete: true };

function generate(
  parsed: ParsedTopology,
  place: Place,
  flags: Layers<ParsedFlags>,
  linkValues: Layers<ParsedLinkValues>,
): ExpandedTopology {
  const mesh = parsed['full-mesh'];
  const fabric = parsed['leaf-spine'];
  if (mesh !== undefined && fabric !== undefined) {
    place.at('leaf-spine').problem('does not go together with full-mesh; write one of them');
    return FAILED;
  }
  if (mesh !== undefined) {
    const full = typeof mesh === 'number' ? { gateways: mesh } : mesh;
    return new Generator(place.at('full-mesh'), full, flags, linkValues).fullMesh(full);
  }
  if (fabric !== undefined) {
    return new Generator(place.at('leaf-spine'), fabric, flags, linkValues).leafSpine(fabric);
  }
  return NOTHING;
}

class Generator {
  readonly #nodes: ExpandedNode[] = [];
  readonly #links: ExpandedLink[] = [];
  readonly #flags: Layers<ParsedFlags>;
  readonly #linkValues: Layers<ParsedLinkValues>;

  constructor(
    private readonly place: Place,
    private readonly parsed: ParsedFullMesh | ParsedLeafSpine,
    flags: Layers<ParsedFlags>,
    linkValues: Layers<ParsedLinkValues>,
  ) {
    this.#flags = [...flags, ...layer(parsed.flags, place.at('flags'))];
    this.#linkValues = [...linkValues, ...layer(parsed.link, place.at('link'))];
  }

  fullMesh({ gateways, static: staticTunnels = true }: ParsedFullMesh): ExpandedTopology {
    if (!this.#fits(gateways + 1, gateways, gateways)) return FAILED;
    for (let i = 1; i <= gateways; i++) this.#gateway(`h${i}`, staticTunnels);
    this.#node('switch1', { kind: 'switch' });
    for (let i = 1; i <= gateways; i++) this.#link(`h${i}:p0`, `switch1:eth${i}`);
    return { nodes: this.#nodes, links: this.#links, incomplete: false };
  }

  /** Leaf l's port eth1 goes to spine1 and so on; gateways are at the ports after those. */
  leafSpine({ leaves, spines, hosts }: ParsedLeafSpine): ExpandedTopology {
    if (!this.#fits(leaves + spines + hosts, leaves * spines + hosts, hosts)) return FAILED;
    for (let i = 1; i <= hosts; i++) this.#gateway(`h${i}`, false);
    for (let i = 1; i <= leaves; i++) this.#node(`leaf${i}`, { kind: 'router' });
    for (let i = 1; i <= spines; i++) this.#node(`spine${i}`, { kind: 'router' });
    for (let i = 0; i < hosts; i++) {
      this.#link(`h${i + 1}:p0`, `leaf${(i % leaves) + 1}:eth${spines + Math.floor(i / leaves) + 1}`);
    }
    for (let l = 1; l <= leaves; l++) {
      for (let s = 1; s <= spines; s++) this.#link(`leaf${l}:eth${s}`, `spine${s}:eth${l}`);
    }
    return { nodes: this.#nodes, links: this.#links, incomplete: false };
  }

  #fits(nodes: number, links: number, gateways: number): boolean {
    const workloads = gateways * (this.parsed.workloads ?? 1);
    const made = [
      [nodes, 'nodes', NODES_MAX],
      [links, 'links', LINKS_MAX],
      [workloads, 'workloads', WORKLOADS_MAX],
    ] as const;
    for (const [count, what, max] of made) {
      if (count > max) this.place.problem(`makes ${count} ${what}; ${max} are allowed at most`);
    }
    return made.every(([count, , max]) => count <= max);
  }

  #gateway(name: string, staticTunnels: boolean): void {
    this.#node(name, { kind: 'gateway' }, staticTunnels);
  }

  #node(name: string, parsed: ParsedNode, staticTunnels = false): void {
    this.#nodes.push({
      name,
      parsed,
      place: this.place,
      flags: parsed.kind === 'gateway' ? this.#flags : [],
      generatedWorkloads: this.parsed.workloads ?? 1,
      staticTunnels,
    });
  }

  #link(from: string, to: string): void {
    this.#links.push({
      endpoints: [from, to],
      endpointPlaces: [this.place, this.place],
      values: this.#linkValues,
      place: this.place,
    });
  }
}
