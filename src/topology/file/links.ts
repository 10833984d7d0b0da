/** Links between ports: each port in one link, one link per gateway, no loop of switches. */
import { NO_IMPAIRMENTS } from '../../hal-sim/ports/link.js';
import { type EndpointPlan, type LinkPlan, OUTSIDE_KINDS, type OutsidePlan } from '../model.js';
import type { ExpandedLink, ExpandedNode } from './expanded.js';
import type { Names } from './names.js';
import type { OutsideReader } from './outside.js';
import type { Place } from './source.js';
import { impairments } from './values.js';

const MTU_OCTETS_DEFAULT = 1500;
const GATEWAY_PORT = 'p0';

/**
 * @param byName gets the links' names by either endpoint, and by both in either order
 * @param outside gets the ends that are interfaces of this machine
 */
export function resolveLinks(
  expanded: readonly ExpandedLink[],
  nodes: Names<ExpandedNode>,
  byName: Names<string>,
  outside: OutsideReader,
): LinkPlan[] {
  const used = new Map<string, Place>();
  const switches = new Groups();
  const plans: LinkPlan[] = [];
  for (const draft of expanded) {
    const ends = draft.endpoints.map((text, i) => {
      const place = draft.endpointPlaces[i]!;
      const end = isOutside(text) ? outside.endpoint(text, place) : endpointOf(text, nodes, place);
      if (end === undefined) return undefined;
      const other = used.get(text);
      if (other !== undefined) {
        draft.endpointPlaces[i]!.problem(`${text} has a link already (${other.where})`);
        return undefined;
      }
      used.set(text, draft.place);
      return end;
    });
    const [a, b] = ends;
    if (a === undefined || b === undefined) continue;
    if (draft.endpoints.every(isOutside)) {
      draft.place.problem('both ends are interfaces of this machine; one end of a link is at a node');
      continue;
    }
    if (a.node === b.node) {
      draft.place.problem(`both ends are at ${a.node}; a link is between two nodes`);
      continue;
    }
    const areSwitches = [a, b].every(({ node }) => nodes.get(node)?.parsed.kind === 'switch');
    if (areSwitches && !switches.join(a.node, b.node)) {
      draft.place.problem(
        'makes a loop of switches, in which frames go round for ever; make one of them a router',
      );
    }
    const plan = linkPlan(draft, [a, b], outside.plan(draft));
    plans.push(plan);
    const [from, to] = draft.endpoints;
    for (const name of [from, to, `${from} ${to}`, `${to} ${from}`]) byName.add(name, plan.name);
  }
  return plans;
}

/** Names the segment that a node is on: what is connected without a router. */
export function segmentsOf(links: readonly LinkPlan[], nodes: Names<ExpandedNode>): (node: string) => string {
  const segments = new Groups();
  for (const { endpoints, outside } of links) {
    // Several interfaces are not one segment, and what is behind them is not known.
    if (outside !== undefined) continue;
    const [a, b] = endpoints.map(({ node }) => node) as [string, string];
    if ([a, b].every((name) => nodes.get(name)?.parsed.kind !== 'router')) segments.join(a, b);
  }
  return (node) => segments.root(node);
}

const isOutside = (endpoint: string) => OUTSIDE_KINDS.some((kind) => endpoint.startsWith(`${kind}:`));

function linkPlan(
  draft: ExpandedLink,
  endpoints: readonly [EndpointPlan, EndpointPlan],
  outside: OutsidePlan | undefined,
): LinkPlan {
  let mtuOctets = MTU_OCTETS_DEFAULT;
  let values = NO_IMPAIRMENTS;
  for (const { value, place } of draft.values) {
    mtuOctets = value.mtu ?? mtuOctets;
    values = { ...values, ...impairments(value, place) };
  }
  return {
    name: draft.endpoints.join(' '),
    endpoints,
    mtuOctets,
    impairments: values,
    ...(outside === undefined ? {} : { outside }),
  };
}

function endpointOf(text: string, nodes: Names<ExpandedNode>, place: Place): EndpointPlan | undefined {
  const [name, port] = text.split(':') as [string, string];
  const node = nodes.find(name, place);
  if (node === undefined) return undefined;
  const { kind } = node.parsed;
  if (kind === 'external') {
    place.problem(`${name} is outside; write the end that it is behind, host:INTERFACE or tap:INTERFACE`);
    return undefined;
  }
  if ((kind === 'gateway' || kind === 'insider') && port !== GATEWAY_PORT) {
    place.problem(`the ${kind} ${name} has one port, p0; write ${name}:p0`);
    return undefined;
  }
  return { node: name, port };
}

/** Which nodes are connected. */
class Groups {
  readonly #parents = new Map<string, string>();

  root(name: string): string {
    let root = name;
    for (let up = this.#parents.get(root); up !== undefined; up = this.#parents.get(root)) root = up;
    return root;
  }

  /** False when they were connected already. */
  join(a: string, b: string): boolean {
    const [rootA, rootB] = [this.root(a), this.root(b)];
    if (rootA === rootB) return false;
    this.#parents.set(rootA, rootB);
    return true;
  }
}
