/**
 * Ways through the underlay: for every node, the neighbors that lie on a shortest way to each gateway. Links that
 * are cut do not count. Switches cost nothing; every other hop costs one, as for a routing protocol in its calm.
 */
import type { EndpointPlan, LinkPlan, NodePlan } from './model.js';

/** One way on: out of `port` of the node, to the port `nextPort` of the node `next`, which is none of the switches. */
export interface Hop {
  readonly port: string;
  readonly next: string;
  readonly nextPort: string;
}

interface Edge {
  readonly port: string;
  readonly to: string;
  readonly toPort: string;
}

export class Routes {
  readonly #kinds: ReadonlyMap<string, NodePlan['kind']>;
  /** Neighbors on layer 3: through any number of switches. */
  readonly #hops = new Map<string, Hop[]>();

  constructor(nodes: readonly NodePlan[], links: readonly LinkPlan[]) {
    this.#kinds = new Map(nodes.map(({ name, kind }) => [name, kind]));
    const behind = new Map(nodes.flatMap((node) => (node.kind === 'external' ? [[node.at, node.name]] : [])));
    const named = (end: EndpointPlan): EndpointPlan => {
      const node = behind.get(`${end.node}:${end.port}`);
      return node === undefined ? end : { node, port: end.port };
    };
    const edges = new Map<string, Edge[]>(nodes.map(({ name }) => [name, []]));
    for (const { endpoints } of links) {
      const [a, b] = endpoints.map(named) as [EndpointPlan, EndpointPlan];
      // Nothing is known of what is outside.
      if (!edges.has(a.node) || !edges.has(b.node)) continue;
      edges.get(a.node)!.push({ port: a.port, to: b.node, toPort: b.port });
      edges.get(b.node)!.push({ port: b.port, to: a.node, toPort: a.port });
    }
    for (const { name, kind } of nodes) {
      if (kind !== 'switch') this.#hops.set(name, this.#neighbors(name, edges));
    }
  }

  /** The node's neighbors on layer 3. */
  neighbors(node: string): readonly Hop[] {
    return this.#hops.get(node) ?? [];
  }

  /**
   * Hops to routers and gateways from every node, towards `destination`: equal shortest ways, in the order of the
   * file. Gateways and insiders forward nothing, so they are only ever the first or the last of a way.
   */
  towards(destination: string): ReadonlyMap<string, readonly Hop[]> {
    const distance = new Map<string, number>([[destination, 0]]);
    const queue = [destination];
    for (let at = 0; at < queue.length; at++) {
      const node = queue[at]!;
      const kind = this.#kinds.get(node);
      if (node !== destination && (kind === 'gateway' || kind === 'insider' || kind === 'external')) continue;
      for (const { next } of this.neighbors(node)) {
        if (distance.has(next)) continue;
        distance.set(next, distance.get(node)! + 1);
        queue.push(next);
      }
    }
    const ways = new Map<string, readonly Hop[]>();
    for (const [node, hops] of this.#hops) {
      const own = distance.get(node);
      if (own === undefined || node === destination) continue;
      const closer = hops.filter(
        ({ next }) =>
          distance.get(next) === own - 1 && (next === destination || this.#kinds.get(next) === 'router'),
      );
      ways.set(node, closer);
    }
    return ways;
  }

  #neighbors(node: string, edges: ReadonlyMap<string, readonly Edge[]>): Hop[] {
    const hops: Hop[] = [];
    for (const { port, to, toPort } of edges.get(node)!) {
      const seen = new Set([node]);
      const queue: { node: string; port: string }[] = [{ node: to, port: toPort }];
      for (const at of queue) {
        if (seen.has(at.node)) continue;
        seen.add(at.node);
        if (this.#kinds.get(at.node) === 'switch') {
          for (const edge of edges.get(at.node)!) queue.push({ node: edge.to, port: edge.toPort });
        } else hops.push({ port, next: at.node, nextPort: at.port });
      }
    }
    return hops;
  }
}
