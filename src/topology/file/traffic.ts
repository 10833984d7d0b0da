/** Traffic of the scenario as flows: lists and "*" become a flow per ordered pair of workloads. */
import { seededRandom } from '../../hal/random.js';
import type { IpFamily } from '../../packet/address.js';
import type { TrafficPlan } from '../model.js';
import type { NamesForm, TrafficForm } from './form.js';
import type { KnownWorkload } from './gateways.js';
import {
  FLOWS_MAX,
  PAIRS_MAX,
  PAYLOAD_OCTETS_MAX,
  TRANSFER_OCTETS_MAX,
  UDP_PAYLOAD_OCTETS_MIN,
} from './limits.js';
import type { Names } from './names.js';
import { itemsOf } from './shape.js';
import type { Place } from './source.js';
import { positivePacketsPerSecond, positiveTimeMs, sizeOctets, timeMs } from './values.js';

const PING = { count: 10, intervalMs: 100, sizeOctets: 56, timeoutMs: 1000 } as const;
const UDP_SIZE_OCTETS = 1000;

type BetweenForm = Extract<TrafficForm, { to: NamesForm }>;
type FromForm = Exclude<TrafficForm, BetweenForm>;

/** Workloads that a field names, and whether each was asked for by its name. */
interface Named {
  readonly workloads: readonly KnownWorkload[];
  /** A list or "*". */
  readonly several: boolean;
  readonly all: boolean;
  /** Some were named that are not there, which was said. */
  readonly incomplete: boolean;
}

interface Pair {
  readonly from: KnownWorkload;
  readonly to: KnownWorkload;
  readonly family: IpFamily;
}

export class TrafficReader {
  #flows = 0;

  constructor(
    private readonly workloads: Names<KnownWorkload>,
    private readonly seed: number,
  ) {}

  /** The flows of one entry of `traffic`; none with the problem noted. */
  read(name: string, form: TrafficForm, place: Place): TrafficPlan[] {
    const plans = 'to' in form ? this.#between(name, form, place) : this.#from(name, form, place);
    this.#flows += plans.length;
    if (this.#flows > FLOWS_MAX && this.#flows - plans.length <= FLOWS_MAX) {
      place.problem(`more than ${FLOWS_MAX} flows in all; give "sample", or name fewer workloads`);
    }
    return plans;
  }

  #between(name: string, form: BetweenForm, place: Place): TrafficPlan[] {
    const values = betweenValues(form, place);
    const from = this.#named(form.from, place.at('from'));
    const to = this.#named(form.to, place.at('to'));
    if (from === undefined || to === undefined) return [];
    const several = from.several || to.several;
    const pairs = several
      ? this.#pairs(from, to, form, place)
      : this.#onePair(from.workloads[0]!, to.workloads[0]!, form, place);
    if (several && pairs.length === 0 && !from.incomplete && !to.incomplete) {
      place.problem('makes no flow: no two of these workloads can talk through a tunnel');
    }
    const picked = this.#sampled(name, pairs, form, place, several);
    const starts = startsOf(form, place, picked.length);
    return picked.map((pair, i) => ({
      ...values,
      name: several ? `${name}/${pair.from.plan.name}>${pair.to.plan.name}` : name,
      from: pair.from.plan.name,
      to: pair.to.plan.name,
      family: pair.family,
      startMs: starts(i),
    }));
  }

  #from(name: string, form: FromForm, place: Place): TrafficPlan[] {
    const values = fromValues(form, place);
    const named = this.#named(form.from, place.at('from'));
    if (named === undefined) return [];
    const picked = this.#sampled(name, named.workloads, form, place, named.several);
    const starts = startsOf(form, place, picked.length);
    return picked.map(({ plan }, i) => ({
      ...values,
      name: named.several ? `${name}/${plan.name}` : name,
      from: plan.name,
      startMs: starts(i),
    }));
  }

  #named(names: NamesForm, place: Place): Named | undefined {
    if (names === '*') {
      const workloads = [...this.workloads.all.values()];
      return { workloads, several: true, all: true, incomplete: false };
    }
    if (typeof names === 'string') {
      const workload = this.workloads.find(names, place);
      return workload && { workloads: [workload], several: false, all: false, incomplete: false };
    }
    const seen = new Set<string>();
    const workloads = itemsOf(names).flatMap(([i, name]) => {
      if (seen.has(name)) place.at(i).problem(`${name} is in the list twice`);
      seen.add(name);
      return this.workloads.find(name, place.at(i)) ?? [];
    });
    return { workloads, several: true, all: false, incomplete: workloads.length < names.length };
  }

  #onePair(from: KnownWorkload, to: KnownWorkload, form: BetweenForm, place: Place): Pair[] {
    const result = pairOf(from, to, form.family);
    if ('family' in result) return [result];
    place.at('to').problem(result.reason);
    return [];
  }

  /** All ordered pairs. Those that cannot talk are left out, unless both sides were named. */
  #pairs(from: Named, to: Named, form: BetweenForm, place: Place): Pair[] {
    const looked = from.workloads.length * to.workloads.length;
    if (looked > PAIRS_MAX) {
      place.problem(`these are ${looked} pairs, ${PAIRS_MAX} are allowed at most; name fewer workloads`);
      return [];
    }
    const pairs: Pair[] = [];
    for (const a of from.workloads) {
      for (const b of to.workloads) {
        if (a === b) continue;
        const result = pairOf(a, b, form.family);
        if ('family' in result) pairs.push(result);
        else if (!from.all && !to.all && a.gateway !== b.gateway) place.problem(result.reason);
      }
    }
    return pairs;
  }

  #sampled<T>(
    name: string,
    all: readonly T[],
    form: TrafficForm,
    place: Place,
    several: boolean,
  ): readonly T[] {
    const { sample } = form;
    if (sample === undefined) return all;
    if (!several) place.at('sample').problem('is for lists and "*"; here is one flow');
    if (sample >= all.length) return all;
    // A seed of its own for each entry, so that one does not change when another is added.
    const random = seededRandom((this.seed ^ hash(name)) >>> 0);
    const indexes = all.map((_, i) => i);
    for (let i = 0; i < sample; i++) {
      const j = i + Math.floor((random.uint32() / 0x1_0000_0000) * (all.length - i));
      [indexes[i], indexes[j]] = [indexes[j]!, indexes[i]!];
    }
    return indexes
      .slice(0, sample)
      .sort((a, b) => a - b)
      .map((i) => all[i]!);
  }
}

function pairOf(
  from: KnownWorkload,
  to: KnownWorkload,
  family: IpFamily | undefined,
): Pair | { readonly reason: string } {
  const [a, b] = [from.plan.name, to.plan.name];
  if (from === to) return { reason: `${a} cannot send to itself` };
  if (from.gateway === to.gateway) {
    return { reason: `${a} and ${b} are both behind ${from.gateway}; traffic between them needs no tunnel` };
  }
  const common = from.families.filter((one) => to.families.includes(one)).sort();
  const chosen = family === undefined ? common[0] : common.find((one) => one === family);
  if (chosen !== undefined) return { from, to, family: chosen };
  const which = family === undefined ? 'IP family in common' : `IPv${family} address each`;
  return { reason: `${a} and ${b} have no ${which}` };
}

/** When flow i of so many starts. */
function startsOf(form: TrafficForm, place: Place, flows: number): (i: number) => number {
  const startMs = form.start === undefined ? 0 : timeMs(form.start, place.at('start'));
  const spreadMs = form.spread === undefined ? 0 : timeMs(form.spread, place.at('spread'));
  return (i) => startMs + (spreadMs * i) / flows;
}

function betweenValues(form: BetweenForm, place: Place) {
  switch (form.type) {
    case 'ping':
      return {
        type: form.type,
        count: form.count ?? PING.count,
        intervalMs:
          form.interval === undefined ? PING.intervalMs : timeMs(form.interval, place.at('interval')),
        sizeOctets:
          form.size === undefined
            ? PING.sizeOctets
            : sizeOctets(form.size, place.at('size'), 0, PAYLOAD_OCTETS_MAX),
        timeoutMs:
          form.timeout === undefined ? PING.timeoutMs : positiveTimeMs(form.timeout, place.at('timeout')),
      };
    case 'udp':
      return {
        type: form.type,
        packetsPerSecond: positivePacketsPerSecond(form.rate, place.at('rate')),
        sizeOctets:
          form.size === undefined
            ? UDP_SIZE_OCTETS
            : sizeOctets(form.size, place.at('size'), UDP_PAYLOAD_OCTETS_MIN, PAYLOAD_OCTETS_MAX),
        durationMs: positiveTimeMs(form.duration, place.at('duration')),
      };
    case 'transfer':
      return {
        type: form.type,
        sizeOctets: sizeOctets(form.size, place.at('size'), 1, TRANSFER_OCTETS_MAX),
      };
  }
}

function fromValues(form: FromForm, place: Place) {
  if (form.type === 'replay') return { type: form.type, file: form.file };
  return {
    type: form.type,
    packetsPerSecond: positivePacketsPerSecond(form.rate, place.at('rate')),
    durationMs: positiveTimeMs(form.duration, place.at('duration')),
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
