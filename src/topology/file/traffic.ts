/** Traffic of the scenario as flows: lists and "*" become a flow per ordered pair of workloads. */
import { fnv1aText } from '../../base/fnv1a.js';
import { seededRandom, uniform } from '../../base/random.js';
import type { IpFamily } from '../../packet/address.js';
import type { WorkloadPlan } from '../model.js';
import { type ParsedTraffic, TRAFFIC, type TrafficPlan } from '../traffic/registry.js';
import type { KnownWorkload } from './gateways.js';
import { whyNotFrom, whyNotTo } from './hosts.js';
import { FLOWS_MAX, PAIRS_MAX } from './limits.js';
import type { Names } from './names.js';
import type { Names as ParsedNames } from './schema-values.js';
import { itemsOf } from './shape.js';
import type { Place } from './source.js';
import { timeMs } from './values.js';

const FAMILIES: readonly IpFamily[] = [4, 6];

type BetweenTraffic = Extract<ParsedTraffic, { to: ParsedNames }>;
type FromTraffic = Exclude<ParsedTraffic, BetweenTraffic>;

/** The workloads that a field names. */
interface Named {
  readonly workloads: readonly KnownWorkload[];
  /** A list or "*". */
  readonly several: boolean;
  /** "*" */
  readonly all: boolean;
  /** Some were named that are not there, which was said. */
  readonly incomplete: boolean;
}

/** A capture that flows send, wherever else the file is wrong. */
export interface ReplaySource {
  /** The path as written. */
  readonly file: string;
  readonly place: Place;
  /** None where their workloads are wrong. */
  readonly flows: readonly { readonly name: string; readonly from: WorkloadPlan }[];
}

export class TrafficReader {
  readonly replays: ReplaySource[] = [];
  #flows = 0;
  #pairs = 0;

  constructor(
    private readonly workloads: Names<KnownWorkload>,
    private readonly seed: number,
  ) {}

  /** The flows of one entry of `traffic`; none with the problem noted. */
  read(name: string, parsed: ParsedTraffic, place: Place): TrafficPlan[] {
    const plans = 'to' in parsed ? this.#between(name, parsed, place) : this.#from(name, parsed, place);
    const before = this.#flows;
    this.#flows += plans.length;
    if (before <= FLOWS_MAX && this.#flows > FLOWS_MAX) {
      place.problem(`more than ${FLOWS_MAX} flows in all; give "sample", or name fewer workloads`);
    }
    return plans;
  }

  #between(name: string, parsed: BetweenTraffic, place: Place): TrafficPlan[] {
    const values = TRAFFIC[parsed.type].read(parsed, place);
    const from = this.#named(parsed.from, place.at('from'), whyNotFrom);
    const to = this.#named(parsed.to, place.at('to'), (plan) => whyNotTo(plan, parsed.type));
    const several = from.several || to.several;
    const indexes = several
      ? this.#pairsThatCanTalk(from, to, parsed, place)
      : onlyPair(from.workloads[0], to.workloads[0], parsed, place);
    const picked = this.#sampled(name, indexes, parsed, place, several);
    const starts = startsOf(parsed, place, picked.length, several);
    return picked.map((index, i) => {
      const [a, b] = pairAt(index, from, to);
      return {
        name: several ? `${name}/${a.plan.name}>${b.plan.name}` : name,
        from: a.plan.name,
        to: b.plan.name,
        family: familyBetween(a, b, parsed.family)!,
        startMs: starts(i),
        ...values,
      } as TrafficPlan;
    });
  }

  #from(name: string, parsed: FromTraffic, place: Place): TrafficPlan[] {
    const values = TRAFFIC[parsed.type].read(parsed, place);
    const { workloads, several } = this.#named(parsed.from, place.at('from'), whyNotFrom);
    const indexes = workloads.map((_, i) => i);
    const picked = this.#sampled(name, indexes, parsed, place, several);
    const starts = startsOf(parsed, place, picked.length, several);
    const flows = picked.map((index) => {
      const from = workloads[index]!.plan;
      return { name: several ? `${name}/${from.name}` : name, from };
    });
    if (parsed.type === 'replay') this.replays.push({ file: parsed.file, place: place.at('file'), flows });
    return flows.map((flow, i) => {
      return { name: flow.name, from: flow.from.name, startMs: starts(i), ...values } as TrafficPlan;
    });
  }

  /** @param whyNot why a workload cannot be there: a problem where it is named, and with "*" it is left out */
  #named(names: ParsedNames, place: Place, whyNot: (plan: WorkloadPlan) => string | undefined): Named {
    const possible = (workload: KnownWorkload, at: Place): KnownWorkload[] => {
      const why = whyNot(workload.plan);
      if (why === undefined) return [workload];
      at.problem(why);
      return [];
    };
    if (names === '*') {
      const workloads = [...this.workloads.all.values()].filter(({ plan }) => whyNot(plan) === undefined);
      const incomplete = this.workloads.missesSome;
      if (workloads.length === 0 && !incomplete) place.problem('there are no workloads');
      return { workloads, several: true, all: true, incomplete: incomplete || workloads.length === 0 };
    }
    if (typeof names === 'string') {
      const workload = this.workloads.find(names, place);
      const workloads = workload === undefined ? [] : possible(workload, place);
      return { workloads, several: false, all: false, incomplete: workloads.length === 0 };
    }
    const seen = new Set<string>();
    const workloads = itemsOf(names).flatMap(([i, name]) => {
      if (seen.has(name)) place.at(i).problem(`${name} is in the list twice`);
      seen.add(name);
      const workload = this.workloads.find(name, place.at(i));
      return workload === undefined ? [] : possible(workload, place.at(i));
    });
    return { workloads, several: true, all: false, incomplete: workloads.length < names.length };
  }

  /**
   * All ordered pairs, as pairAt takes them. Those that cannot talk are left out, with a problem when both sides
   * were named.
   */
  #pairsThatCanTalk(from: Named, to: Named, parsed: BetweenTraffic, place: Place): number[] {
    this.#pairs += from.workloads.length * to.workloads.length;
    if (this.#pairs > PAIRS_MAX) {
      place.problem(`more than ${PAIRS_MAX} pairs of workloads in all; name fewer workloads`);
      return [];
    }
    const indexes: number[] = [];
    for (const [i, a] of from.workloads.entries()) {
      for (const [j, b] of to.workloads.entries()) {
        if (familyBetween(a, b, parsed.family) !== undefined) indexes.push(i * to.workloads.length + j);
        else if (!from.all && !to.all && a.gateway !== b.gateway) place.problem(whyNot(a, b, parsed.family));
      }
    }
    if (indexes.length === 0 && !from.incomplete && !to.incomplete) {
      place.problem('makes no flow: no two of these workloads can talk through a tunnel');
    }
    return indexes;
  }

  /** So many of the indexes as `sample` says, in their order. */
  #sampled(
    name: string,
    indexes: readonly number[],
    parsed: ParsedTraffic,
    place: Place,
    several: boolean,
  ): readonly number[] {
    const { sample } = parsed;
    if (sample === undefined) return indexes;
    if (!several) place.at('sample').problem('is for lists and "*"; this is one flow');
    if (sample >= indexes.length) return indexes;
    // A seed of its own for each entry, so that one does not change when another is added.
    const random = seededRandom((this.seed ^ fnv1aText(name)) >>> 0);
    const pool = [...indexes];
    for (let i = 0; i < sample; i++) {
      const j = i + Math.floor(uniform(random, pool.length - i));
      [pool[i], pool[j]] = [pool[j]!, pool[i]!];
    }
    return pool.slice(0, sample).sort((a, b) => a - b);
  }
}

function pairAt(index: number, from: Named, to: Named): [KnownWorkload, KnownWorkload] {
  const width = to.workloads.length;
  return [from.workloads[Math.floor(index / width)]!, to.workloads[index % width]!];
}

/** The one pair that there is, if it can talk. */
function onlyPair(
  from: KnownWorkload | undefined,
  to: KnownWorkload | undefined,
  parsed: BetweenTraffic,
  place: Place,
): number[] {
  if (from === undefined || to === undefined) return [];
  if (familyBetween(from, to, parsed.family) !== undefined) return [0];
  place.problem(whyNot(from, to, parsed.family));
  return [];
}

/** The family in which they can talk through a tunnel: the one that is wanted, or the first. */
function familyBetween(
  from: KnownWorkload,
  to: KnownWorkload,
  wanted: IpFamily | undefined,
): IpFamily | undefined {
  if (from.gateway === to.gateway || from.segment !== to.segment) return undefined;
  return FAMILIES.find(
    (family) =>
      (wanted ?? family) === family && from.families.includes(family) && to.families.includes(family),
  );
}

function whyNot(from: KnownWorkload, to: KnownWorkload, wanted: IpFamily | undefined): string {
  const [a, b] = [from.plan.name, to.plan.name];
  if (from === to) return `${a} cannot send to itself`;
  if (from.gateway === to.gateway) {
    return `${a} and ${b} are both behind ${from.gateway}; traffic between them takes no tunnel`;
  }
  if (from.segment !== to.segment) {
    const [out, other] = from.segment === undefined ? [to, from] : [from, to];
    return other.segment === undefined
      ? `${out.gateway} is in transport mode, and ${other.gateway} is not`
      : `${a} and ${b} are not on one segment, which transport mode needs: no router passes address resolution on`;
  }
  const missing = wanted === undefined ? 'no IP family in common' : `not both an IPv${wanted} address`;
  return `${a} and ${b} have ${missing}`;
}

/** When flow i of so many starts. */
function startsOf(
  parsed: ParsedTraffic,
  place: Place,
  flows: number,
  several: boolean,
): (i: number) => number {
  const startMs = parsed.start === undefined ? 0 : timeMs(parsed.start, place.at('start'));
  const spreadMs = parsed.spread === undefined ? 0 : timeMs(parsed.spread, place.at('spread'));
  if (parsed.spread !== undefined && !several) {
    place.at('spread').problem('is for lists and "*"; this is one flow');
  }
  return (i) => startMs + (spreadMs * i) / flows;
}
