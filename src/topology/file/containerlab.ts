/**
 * Containerlab's files (NAME.clab.yml), read as far as they go: names, kinds and links. What containers are made of is left out, and
 * said. https://containerlab.dev/manual/topo-def-file/
 */

import { keepIndexes } from './shape.js';
import type { Source } from './source.js';

const FILE_NAME = /\.clab\.ya?ml$/;
/** Says what a node is, where its kind does not: `labels: {psp-kind: gateway}`. */
const KIND_LABEL = 'psp-kind';
/** Of the container of a run (deploy/containerlab.ts). */
const DEPLOYED = 'run';
const LABELLED = ['gateway', 'switch', 'router'] as const;
/** Of a link, under `vars`: its impairments, as links of topologies have them. */
const LINK_VARS = 'psp-link';
/** Kinds that are no containers with ports of their own. */
const SWITCHES: readonly string[] = ['bridge', 'ovs-bridge'];
const HOSTS: readonly string[] = ['linux', 'ext-container'];
/** Names of nodes, keys and links that a line names. */
const NAMED_MAX = 10;
const MTU_MAX_OCTETS = 9216;

type Kind = (typeof LABELLED)[number];
type Values = Readonly<Record<string, unknown>>;

export const isContainerlabFile = (path: string): boolean => FILE_NAME.test(path);

/** Puts what a topology's file would say in the place of what this one says. False: it is none of containerlab's. */
export function readContainerlab(source: Source): boolean {
  const file = mapOf(source.value);
  const topology = mapOf(file?.topology);
  const nodes = mapOf(topology?.nodes);
  if (file === undefined || topology === undefined || nodes === undefined) {
    source.root.problem('a containerlab file has nodes under "topology", by name');
    return false;
  }
  new ContainerlabReader(source, file, topology, nodes).read();
  return true;
}

const mapOf = (value: unknown): Values | undefined =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Values) : undefined;

/** A link, with its index in the file. */
interface Link {
  readonly index: number;
  readonly ends: readonly [End, End];
  readonly values: Values;
}

interface End {
  readonly node: string;
  readonly port: string;
}

class ContainerlabReader {
  /** By what was left out, where. */
  readonly #leftOut = new Map<string, Set<string>>();

  constructor(
    private readonly source: Source,
    private readonly file: Values,
    private readonly topology: Values,
    private readonly nodes: Values,
  ) {}

  read(): void {
    const links = this.#links();
    const counts = new Map<string, number>();
    for (const { node } of links.flatMap(({ ends }) => ends)) counts.set(node, (counts.get(node) ?? 0) + 1);
    const kinds = new Map<string, Kind>();
    for (const [name, given] of Object.entries(this.nodes)) {
      const kind = this.#kindOf(name, mapOf(given) ?? {}, counts.get(name) ?? 0);
      if (kind !== undefined) kinds.set(name, kind);
    }
    const known = links.filter(({ index, ends }) => {
      const gone = ends.find(({ node }) => !kinds.has(node) && Object.hasOwn(this.nodes, node));
      if (gone !== undefined) this.#leave(`links of nodes that are left out`, String(index));
      return gone === undefined;
    });
    const list = known.map(({ ends, values }) => ({
      endpoints: ends.map(({ node, port }) => `${node}:${kinds.get(node) === 'gateway' ? 'p0' : port}`),
      ...values,
    }));
    keepIndexes(
      list,
      known.map(({ index }) => index),
    );
    for (const key of Object.keys(this.file))
      if (!['name', 'topology'].includes(key)) this.#leave('of the file', key);
    for (const key of Object.keys(this.topology))
      if (!['nodes', 'links', 'kinds', 'defaults', 'groups'].includes(key))
        this.#leave('of the topology', key);
    this.source.become({
      ...(typeof this.file.name === 'string' ? { name: this.file.name.replaceAll('.', '-') } : {}),
      topology: {
        nodes: Object.fromEntries([...kinds].map(([name, kind]) => [name, { kind }])),
        links: list,
      },
    });
    for (const kind of LABELLED) {
      const of = [...kinds].filter(([, one]) => one === kind).map(([name]) => name);
      if (of.length > 0) this.source.remark(`read as ${kind}: ${namedText(of)}`);
    }
    for (const [where, what] of this.#leftOut)
      this.source.remark(`left out ${where}: ${namedText([...what])}`);
  }

  #leave(where: string, what: string): void {
    const found = this.#leftOut.get(where) ?? new Set();
    this.#leftOut.set(where, found.add(what));
  }

  /** What a node is here; undefined: nothing. */
  #kindOf(name: string, node: Values, links: number): Kind | undefined {
    const groups = mapOf(this.topology.groups);
    const levels = [
      node,
      ...(typeof node.group === 'string' ? [mapOf(groups?.[node.group]) ?? {}] : []),
      mapOf(this.topology.defaults) ?? {},
    ];
    const kind = String(levels.find((level) => level.kind !== undefined)?.kind ?? '');
    const ofKind = mapOf(mapOf(this.topology.kinds)?.[kind]) ?? {};
    const labels = [...levels.slice(0, -1), ofKind, levels.at(-1)!].map((level) => mapOf(level.labels) ?? {});
    const label = labels.find((one) => one[KIND_LABEL] !== undefined)?.[KIND_LABEL];
    for (const level of [...levels, ofKind])
      for (const key of Object.keys(level)) {
        if (key === 'labels') {
          for (const other of Object.keys(mapOf(level.labels) ?? {}))
            if (other !== KIND_LABEL) this.#leave('of nodes', `label ${other}`);
        } else if (key !== 'kind' && key !== 'group') this.#leave('of nodes', key);
      }
    const place = this.source.root.at('topology', 'nodes', name);
    if (label !== undefined) {
      const found = LABELLED.find((one) => one === label);
      if (label === DEPLOYED)
        place.problem('this file was written by topology run --deploy; read the topology.yaml beside it');
      else if (found === undefined) place.problem(`the label ${KIND_LABEL} is one of ${LABELLED.join(', ')}`);
      // Something, so that its links are not wrong too.
      return found ?? 'router';
    }
    if (links === 0) {
      this.#leave('as it has no links', name);
      return undefined;
    }
    if (SWITCHES.includes(kind)) return 'switch';
    if (kind === 'host') {
      this.#leave('of kind host', name);
      return undefined;
    }
    // A gateway has one link; what has more forwards between them.
    return HOSTS.includes(kind) && links === 1 ? 'gateway' : 'router';
  }

  #links(): Link[] {
    const given = this.topology.links;
    if (given !== undefined && given !== null && !Array.isArray(given))
      this.source.root.at('topology', 'links').problem('write a list of links');
    return (Array.isArray(given) ? given : []).flatMap((link: unknown, index) => {
      const ends = this.#endsOf(mapOf(link) ?? {}, index);
      return ends === undefined ? [] : [{ index, ends, values: this.#valuesOf(mapOf(link)!) }];
    });
  }

  /** Undefined: such a link there is not here. */
  #endsOf(link: Values, index: number): [End, End] | undefined {
    const place = this.source.root.at('topology', 'links', index);
    const { type } = link;
    const own = endOf(link.endpoint);
    if (type === 'host' && own !== undefined && typeof link['host-interface'] === 'string')
      return [own, { node: 'host', port: link['host-interface'] }];
    if (type !== undefined && !['veth', 'veth-stitch'].includes(String(type))) {
      this.#leave('of the links', `type ${String(type)} (${own?.node ?? index})`);
      return undefined;
    }
    const ends = Array.isArray(link.endpoints) ? link.endpoints.map(endOf) : [];
    const [one, other] = ends;
    if (ends.length !== 2 || one === undefined || other === undefined) {
      place.problem('a link has two endpoints, NODE:INTERFACE or a map with node and interface');
      return undefined;
    }
    const elsewhere = [one, other].find(({ node }) =>
      ['mgmt-net', 'macvlan', 'dummy', 'vxlan'].includes(node),
    );
    if (elsewhere !== undefined) {
      this.#leave('of the links', `endpoint ${elsewhere.node}:${elsewhere.port}`);
      return undefined;
    }
    return [one, other];
  }

  #valuesOf(link: Values): Values {
    const { mtu, vars, ...others } = link;
    for (const key of Object.keys(others))
      if (!['type', 'endpoints', 'endpoint', 'host-interface'].includes(key)) this.#leave('of links', key);
    const { [LINK_VARS]: own, ...rest } = mapOf(vars) ?? {};
    for (const key of Object.keys(rest)) this.#leave('of links', `vars ${key}`);
    const { endpoints: _, ...impairments } = mapOf(own) ?? {};
    const isTooLarge = typeof mtu === 'number' && mtu > MTU_MAX_OCTETS;
    if (isTooLarge) this.#leave('of links', `mtu above ${MTU_MAX_OCTETS}`);
    return { ...(mtu === undefined ? {} : { mtu: isTooLarge ? MTU_MAX_OCTETS : mtu }), ...impairments };
  }
}

/** Of both formats of links. Characters that ports' names do not have become hyphens, and they begin with a letter. */
function endOf(end: unknown): End | undefined {
  const map = mapOf(end);
  const [node, port] = map !== undefined ? [map.node, map.interface] : splitAtColon(end);
  if (typeof node !== 'string' || typeof port !== 'string' || node === '' || port === '') return undefined;
  const plain = port.replaceAll(/[^A-Za-z0-9_-]+/g, '-').replace(/^(?![A-Za-z])/, 'p');
  return { node, port: node === 'host' ? port : plain };
}

function splitAtColon(end: unknown): [unknown, unknown] {
  if (typeof end !== 'string') return [undefined, undefined];
  const at = end.indexOf(':');
  return at < 0 ? [undefined, undefined] : [end.slice(0, at), end.slice(at + 1)];
}

function namedText(names: readonly string[]): string {
  const shown = names.slice(0, NAMED_MAX).join(', ');
  return names.length > NAMED_MAX ? `${shown} and ${names.length - NAMED_MAX} more` : shown;
}
