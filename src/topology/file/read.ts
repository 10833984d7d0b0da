/** Reads a topology's YAML file, and its scenario's, into a Topology. Everything that is wrong is told at once. */
import { dirname, isAbsolute, join } from 'node:path';
import type { FileReader } from '../../gateway/config/problems.js';
import { underlayMtuProblem } from '../../gateway/pipeline/mtu.js';
import { CounterProblems, counterTree } from '../counters.js';
import type { NodePlan, Topology } from '../model.js';
import { newAddressBooks } from './addresses.js';
import { isContainerlabFile, readContainerlab } from './containerlab.js';
import { type ExpandedNode, expandTopology } from './expanded.js';
import { checkEnds } from './externals.js';
import { FlagReader } from './gateway-flags.js';
import { GatewayReader, type KnownWorkload } from './gateways.js';
import { LINKS_MAX, NODES_MAX, OUTSIDE_MAX, WORKLOADS_MAX } from './limits.js';
import { resolveLinks, segmentsOf } from './links.js';
import { Names } from './names.js';
import { OutsideReader, type OutsideSource } from './outside.js';
import type { ParsedFile, ParsedScenario, ParsedTopology } from './parsed.js';
import { readScenario } from './scenario.js';
import { SCENARIO_SCHEMA, TOPOLOGY_SCHEMA } from './schema.js';
import { itemsOf, ShapeChecker } from './shape.js';
import { FileProblems, openSource, type Place, type Source } from './source.js';
import { countGenerators, flowSymbols, type Symbols, symbolsOf } from './symbols.js';
import type { ReplaySource } from './traffic.js';
import { oobValues } from './values.js';

export { TopologyFileError } from './source.js';

/** Replacements for values of the file. */
export interface ReadTopologyOptions {
  /** A scenario file, instead of the one that the topology has or names. */
  readonly scenarioPath?: string;
  /** Instead of the file's seed. */
  readonly seed?: number;
  /** It is to run in virtual time: what cannot be there is a problem. */
  readonly inVirtualTime?: boolean;
}

const TOPOLOGY_SHAPE = new ShapeChecker(TOPOLOGY_SCHEMA);
const SCENARIO_SHAPE = new ShapeChecker(SCENARIO_SCHEMA);
const SEED = 1;
/** Where a counter's path has a name that the file gives to a node, a link or a flow, behind the group. */
const DEPTH_OF_NAMES = 1;
const OOB = { delayMs: 0.5, jitterMs: 0, lossRatio: 0 } as const;

/**
 * Reads a topology; the paths in it are relative to its file. The same files give the same Topology. Throws
 * TopologyFileError with everything that is wrong, each as `file:line: reason`.
 */
export function readTopology(
  path: string,
  readFile: FileReader,
  options: ReadTopologyOptions = {},
): Topology {
  const { topology, problems } = readTopologyFiles(path, readFile, options);
  problems.throwIfAny();
  return topology!;
}

export interface TopologyRead {
  /** Undefined, or incomplete, where there are problems. */
  readonly topology: Topology | undefined;
  /** Captures that it names, which are not read here. */
  readonly replays: readonly ReplaySource[];
  /** Interfaces of this machine that it names, which are not looked at here. */
  readonly outside: readonly OutsideSource[];
  /** More may be noted, as by who reads the captures. */
  readonly problems: FileProblems;
}

/** Likewise, with what is wrong instead of an error. */
export function readTopologyFiles(
  path: string,
  readFile: FileReader,
  options: ReadTopologyOptions = {},
): TopologyRead {
  const problems = new FileProblems();
  const { topology, replays, outside } = new TopologyReader(path, readFile, options, problems).read() ?? {};
  if (options.inVirtualTime === true) problems.refuseVirtualTime();
  return { topology, replays: replays ?? [], outside: outside ?? [], problems };
}

interface FoundScenario {
  readonly parsed: ParsedScenario;
  readonly place: Place;
  readonly flows: ReadonlySet<string>;
}

class TopologyReader {
  constructor(
    private readonly path: string,
    private readonly readFile: FileReader,
    private readonly options: ReadTopologyOptions,
    private readonly problems: FileProblems,
  ) {}

  /** Undefined, or incomplete, with problems noted. */
  read(): Pick<TopologyRead, 'topology' | 'replays' | 'outside'> | undefined {
    const source = openSource(this.path, this.readFile, this.problems);
    if (source?.value === undefined) return undefined;
    if (isContainerlabFile(this.path) && !readContainerlab(source)) return undefined;
    const symbols = symbolsOf(source.value);
    if (!TOPOLOGY_SHAPE.check(source)) return undefined;
    const parsed = source.value as ParsedFile;
    if (parsed.topology === undefined) return undefined;
    const seed = this.options.seed ?? parsed.seed ?? SEED;
    const { nodes, links, outside, names } = this.#network(
      parsed.topology,
      source.root.at('topology'),
      symbols,
    );
    const found = this.#scenarioOf(parsed, source, symbols);
    const { scenario, replays } = readScenario(
      found.parsed,
      found.place,
      { ...names, flowSymbols: found.flows },
      seed,
    );
    const topology: Topology = {
      name: parsed.name,
      seed,
      ...this.#epochOf(parsed, source),
      nodes,
      links,
      oob: { ...OOB, ...oobValues(parsed.oob ?? {}, source.root.at('oob')) },
      scenario,
    };
    this.#checkCounters(topology, found);
    return { topology, replays, outside };
  }

  #epochOf({ epoch }: ParsedFile, { root }: Source): Pick<Topology, 'epochMs'> {
    if (epoch === undefined) return {};
    const epochMs = Date.parse(epoch);
    if (Number.isNaN(epochMs)) root.at('epoch').problem(`there is no time ${epoch}`);
    return { epochMs };
  }

  /** The counters of a node whose definition is wrong are not known. */
  #checkCounters(topology: Topology, { parsed, place }: FoundScenario): void {
    if (parsed.expect?.some((one) => 'counter' in one) !== true) return;
    const isWhole = this.problems.isEmpty;
    const problems = new CounterProblems(counterTree(topology));
    for (const [i, expectation] of itemsOf(parsed.expect)) {
      const wrong = 'counter' in expectation ? problems.of(expectation.counter) : undefined;
      if (wrong === undefined || (!isWhole && wrong.depth === DEPTH_OF_NAMES)) continue;
      place.at('expect', i, 'counter').problem(wrong.reason);
    }
  }

  /** Nodes and links, and the names that the scenario may use. */
  #network(parsed: ParsedTopology, place: Place, symbols: Symbols) {
    const expanded = expandTopology(parsed, place);
    // When a generator is wrong, nobody knows what it would have made; nor what a misspelt "nodes" or "links" has.
    const unknown =
      expanded.incomplete ||
      symbols.generators > countGenerators(parsed) ||
      (parsed.nodes === undefined && place.lostKey);
    const unknownLinks = unknown || (parsed.links === undefined && place.lostKey);
    const nodes = new Names<ExpandedNode>('node', symbols.nodes, unknown);
    for (const node of expanded.nodes) nodes.add(node.name, node);
    const links = new Names<string>('link', symbols.ports, unknownLinks);
    const outside = new OutsideReader(nodes);
    const linkPlans = resolveLinks(expanded.links, nodes, links, outside);
    for (const { name, parsed: node, place: at } of expanded.nodes) {
      const isEnd = node.kind === 'gateway' || node.kind === 'insider';
      if (isEnd && !links.isDeclared(`${name}:p0`)) {
        at.problem(`the ${node.kind} has no link; write one with the endpoint ${name}:p0`);
      }
    }
    const workloads = new Names<KnownWorkload>('workload', symbols.workloads, unknown);
    const flagReader = new FlagReader((path, octetsMax) => this.readFile(this.#fromFile(path), octetsMax));
    const { gateways, insiders, externals } = new GatewayReader(
      newAddressBooks(),
      workloads,
      flagReader,
      segmentsOf(linkPlans, nodes),
      (path) => this.#fromFile(path),
    ).read(expanded.nodes);
    checkEnds(expanded.nodes, externals, linkPlans);
    const mtuOctets = new Map(
      linkPlans.flatMap((link) => link.endpoints.map(({ node }) => [node, link.mtuOctets])),
    );
    for (const { name, place: at } of expanded.nodes) {
      const options = gateways.get(name)?.options;
      const underlayMtuOctets = mtuOctets.get(name);
      // Flags that are wrong leave no options, or not all of them.
      if (options?.innerFamilies === undefined || underlayMtuOctets === undefined) continue;
      const tooSmall = underlayMtuProblem({ ...options, underlayMtuOctets });
      if (tooSmall !== undefined) at.problem(`its link: ${tooSmall}`);
    }
    if (expanded.nodes.length === 0 && !unknown && symbols.nodes.size === 0) place.problem('has no nodes');
    if (expanded.nodes.length > NODES_MAX) place.problem(`has more than ${NODES_MAX} nodes`);
    if (expanded.links.length > LINKS_MAX) place.problem(`has more than ${LINKS_MAX} links`);
    if (outside.sources.length > OUTSIDE_MAX)
      place.problem(`has more than ${OUTSIDE_MAX} interfaces of this machine`);
    if (workloads.all.size > WORKLOADS_MAX) place.problem(`has more than ${WORKLOADS_MAX} workloads`);
    return {
      nodes: expanded.nodes.map(
        ({ name, parsed: { kind } }): NodePlan =>
          kind === 'gateway'
            ? gateways.get(name)!
            : kind === 'insider'
              ? insiders.get(name)!
              : kind === 'external'
                ? externals.get(name)!
                : { kind, name },
      ),
      links: linkPlans,
      outside: outside.sources,
      names: { gateways, insiders, nodes, links, workloads },
    };
  }

  /** A path in the topology's file, as the reader of files has to be asked for it. */
  #fromFile(path: string): string {
    return isAbsolute(path) ? path : join(dirname(this.path), path);
  }

  /** The scenario, from wherever it is; empty when there is none, or none that can be read. */
  #scenarioOf(parsed: ParsedFile, source: Source, symbols: Symbols): FoundScenario {
    const place = source.root.at('scenario');
    const { scenarioPath } = this.options;
    if (scenarioPath === undefined && typeof parsed.scenario !== 'string') {
      return { parsed: parsed.scenario ?? {}, place, flows: symbols.flows };
    }
    const other =
      scenarioPath === undefined
        ? openSource(this.#fromFile(parsed.scenario as string), this.readFile, this.problems, place)
        : openSource(scenarioPath, this.readFile, this.problems);
    const nothing: FoundScenario = { parsed: {}, place, flows: new Set() };
    if (other?.value === undefined) return nothing;
    const flows = flowSymbols(other.value);
    if (!SCENARIO_SHAPE.check(other)) return nothing;
    return { parsed: other.value as ParsedScenario, place: other.root, flows };
  }
}
