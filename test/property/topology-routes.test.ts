/** Ways through the underlay, against an implementation that knows nothing but what a way is. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LinkPlan, NodePlan } from '../../src/topology/model.js';
import { type Hop, Routes } from '../../src/topology/routes.js';
import { gatewayPlan, linkPlan } from '../support/topologies.js';

type Kind = Exclude<NodePlan['kind'], 'insider' | 'external'>;

const GATEWAY = gatewayPlan(1, 1);
const nodeOf = (kind: Kind, name: string): NodePlan =>
  kind === 'gateway' ? { ...GATEWAY, name } : { kind, name };

const kinds = fc.array(fc.constantFrom<Kind>('gateway', 'router', 'router', 'switch'), {
  minLength: 2,
  maxLength: 9,
});

/** Any graph, with several links between two nodes, and parts that are not connected. */
const graphs = kinds.chain((list) =>
  fc.array(fc.tuple(fc.nat(list.length - 1), fc.nat(list.length - 1)), { maxLength: 16 }).map((pairs) => ({
    nodes: list.map((kind, i) => nodeOf(kind, `${kind[0]}${i}`)),
    links: pairs
      .filter(([a, b]) => a !== b)
      .map(([a, b], i) => linkPlan(`${list[a]![0]}${a}:p${i}`, `${list[b]![0]}${b}:q${i}`)),
  })),
);

interface Graph {
  readonly nodes: readonly NodePlan[];
  readonly links: readonly LinkPlan[];
}

/** Segments of layer 2: sets of links that switches join. */
function segments({ nodes, links }: Graph): Map<LinkPlan, number> {
  const segment = new Map(links.map((link, i) => [link, i]));
  const isSwitch = (name: string) => nodes.some((node) => node.name === name && node.kind === 'switch');
  for (let round = 0; round < links.length; round++)
    for (const a of links)
      for (const b of links) {
        const joined = a.endpoints.some(
          ({ node }) => isSwitch(node) && b.endpoints.some((end) => end.node === node),
        );
        if (joined) segment.set(a, Math.min(segment.get(a)!, segment.get(b)!));
      }
  return segment;
}

/** All single hops of a graph, in the order of the links. */
function hopsOf(graph: Graph): { from: string; port: string; next: string; nextPort: string }[] {
  const segment = segments(graph);
  const isSwitch = new Set(graph.nodes.filter(({ kind }) => kind === 'switch').map(({ name }) => name));
  const ends = graph.links.flatMap((link) =>
    link.endpoints
      .filter(({ node }) => !isSwitch.has(node))
      .map((end) => ({ ...end, on: segment.get(link)! })),
  );
  return ends.flatMap((a) =>
    ends
      .filter((b) => b.on === a.on && b.node !== a.node)
      .map((b) => ({ from: a.node, port: a.port, next: b.node, nextPort: b.port })),
  );
}

/** Lengths of the shortest ways to `destination`, found by trying: gateways on the way forward nothing. */
function distances(graph: Graph, destination: string): Map<string, number> {
  const hops = hopsOf(graph);
  const forwards = (name: string) =>
    name === destination || graph.nodes.some((node) => node.name === name && node.kind === 'router');
  const found = new Map([[destination, 0]]);
  for (let length = 1; length <= graph.nodes.length; length++)
    for (const { from, next } of hops)
      if (forwards(next) && found.get(next) === length - 1 && !found.has(from)) found.set(from, length);
  return found;
}

const text = ({ port, next }: Pick<Hop, 'port' | 'next'>) => `${port} > ${next}`;

test('neighbors are those that a node reaches through switches alone, by each of its ports', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const routes = new Routes(graph.nodes, graph.links);
      const hops = hopsOf(graph);
      for (const { name } of graph.nodes) {
        const given = routes.neighbors(name).map(text);
        expect(new Set(given)).toEqual(new Set(hops.filter(({ from }) => from === name).map(text)));
        expect(new Set(given).size).toBe(given.length);
      }
    }),
    { numRuns: 200 },
  );
});

test('leads every node by all of its shortest ways, and by no other, to every gateway', () => {
  let equal = 0;
  fc.assert(
    fc.property(graphs, (graph) => {
      const routes = new Routes(graph.nodes, graph.links);
      const hops = hopsOf(graph);
      for (const { name: destination, kind } of graph.nodes) {
        if (kind !== 'gateway') continue;
        const lengths = distances(graph, destination);
        const ways = routes.towards(destination);
        for (const { name, kind: own } of graph.nodes) {
          const expected = hops.filter(
            ({ from, next }) =>
              from === name &&
              name !== destination &&
              (next === destination || graph.nodes.find((node) => node.name === next)!.kind === 'router') &&
              lengths.get(next) === lengths.get(name)! - 1,
          );
          const given = ways.get(name) ?? [];
          const texts = given.map(text);
          expect(new Set(texts)).toEqual(new Set(expected.map(text)));
          expect(new Set(texts).size).toBe(texts.length);
          for (const { port, nextPort } of given)
            expect(expected.some((hop) => hop.port === port && hop.nextPort === nextPort)).toBe(true);
          if (own === 'switch' || expected.length === 0) expect(ways.has(name)).toBe(false);
          if (given.length > 1) equal++;
          const order = given.map(({ port }) =>
            graph.links.findIndex(({ endpoints }) => endpoints.some((end) => end.port === port)),
          );
          expect(order).toEqual([...order].sort((a, b) => a - b));
        }
      }
    }),
    { numRuns: 400 },
  );
  // The property saw what it is about.
  expect(equal).toBeGreaterThan(100);
});

describe('by hand', () => {
  const r = (name: string) => nodeOf('router', name);
  const ways = (nodes: readonly NodePlan[], links: readonly LinkPlan[]) =>
    Object.fromEntries(
      [...new Routes(nodes, links).towards('h2')].map(([name, hops]) => [name, hops.map(text)]),
    );
  const ENDS = [nodeOf('gateway', 'h1'), nodeOf('gateway', 'h2')];
  const LEFT = linkPlan('h1:p0', 'r1:a');
  const RIGHT = linkPlan('r4:a', 'h2:p0');
  const UP = [linkPlan('r1:b', 'r2:a'), linkPlan('r2:b', 'r4:b')];
  const DOWN = [linkPlan('r1:c', 'r3:a'), linkPlan('r3:b', 'r4:c')];
  const ROUTERS = ['r1', 'r2', 'r3', 'r4'].map(r);

  test('of a diamond both sides are used; of what is left of it after a cut, one', () => {
    const nodes = [...ENDS, ...ROUTERS];
    const whole = ways(nodes, [LEFT, ...UP, ...DOWN, RIGHT]);
    expect(whole).toEqual({
      h1: ['p0 > r1'],
      r1: ['b > r2', 'c > r3'],
      r2: ['b > r4'],
      r3: ['b > r4'],
      r4: ['a > h2'],
    });
    const cut = ways(nodes, [LEFT, UP[0]!, ...DOWN, RIGHT]);
    expect(cut.r1).toEqual(['c > r3']);
    expect(cut.r2).toEqual(['a > r1']);
    expect(ways(nodes, [LEFT, UP[0]!, DOWN[0]!, RIGHT])).toEqual({ r4: ['a > h2'] });
  });

  test('a gateway in between is no way', () => {
    const middle = nodeOf('gateway', 'h3');
    const links = [LEFT, linkPlan('r1:b', 'h3:p0'), linkPlan('h3:p1', 'r4:b'), RIGHT];
    expect(ways([...ENDS, middle, ...ROUTERS], links)).toEqual({ h3: ['p1 > r4'], r4: ['a > h2'] });
  });

  test('switches cost nothing and are no hop', () => {
    const nodes = [...ENDS, nodeOf('switch', 's1'), nodeOf('switch', 's2'), r('r1')];
    const links = [
      linkPlan('h1:p0', 's1:a'),
      linkPlan('s1:b', 's2:a'),
      linkPlan('s2:b', 'h2:p0'),
      linkPlan('r1:a', 's1:c'),
    ];
    expect(ways(nodes, links)).toEqual({ h1: ['p0 > h2'], r1: ['a > h2'] });
    const [hop] = new Routes(nodes, links).towards('h2').get('h1')!;
    expect(hop).toEqual({ port: 'p0', next: 'h2', nextPort: 'p0' });
  });
});
