/** What there is to know of one kind of expectation. Each kind has a file in this folder, and registry.ts lists them all. */
import type { Static, TObject, TProperties, TSchema } from 'typebox';
import { FLOWS_MAX } from '../file/limits.js';
import type { Names } from '../file/names.js';
import {
  annotated,
  FLOW_PATTERN,
  names,
  object,
  type Names as ParsedNames,
  type SchemaOf,
} from '../file/schema-values.js';
import { itemsOf } from '../file/shape.js';
import type { Place } from '../file/source.js';
import { writeNames } from '../file/write-values.js';
import type { Report } from '../report.js';
import type { Flow } from '../traffic/flow.js';

/** An expectation, which decides the exit status together with the invariants. */
export interface ExpectationBase {
  readonly type: string;
}

/** `Plan` is the expectation in a scenario, `Parsed` what stands in a file. */
export interface ExpectationKind<Plan extends ExpectationBase, Parsed> {
  /** The key that tells it from others in a file. */
  readonly key: string;
  /** Of the expectation in a file: an object with that key, and what belongs to it. */
  readonly schema: TSchema;
  /** An expectation with all its keys, for editors and tests. It names the traffic "ping" and "one", and the gateway h1. */
  readonly example: Parsed;
  /** The expectation of a file's entry; what is wrong with it is noted. */
  read(parsed: Parsed, reading: ExpectationReading): Plan;
  /** The entry that reads back to the expectation. */
  write(expectation: Plan, allFlows: readonly string[]): Parsed;
  evaluate(expectation: Plan, evidence: Evidence): Judged;
  /** Any expectation of this kind, of all that can be written, for tests of files. Undefined: the topology has none. */
  arbitrary(values: ArbitraryExpectationValues): Plan | undefined;
}

/** One expectation, and whether it was met. */
export interface Verdict {
  readonly text: string;
  readonly ok: boolean;
  /** Observation, for people. */
  readonly seen: string;
}

/** A verdict with the names of the flows by which it is not met. */
export interface Judged extends Verdict {
  readonly failing: readonly string[];
}

/** Observations of a run. */
export interface Shown {
  readonly flows: readonly Flow[];
  readonly report: Pick<Report, 'nodes' | 'insiders' | 'switches' | 'routers' | 'links' | 'flows' | 'oob'>;
  /** When the last event was over, from the start of the run. */
  readonly lastEventMs: number;
  /** Start of the run, on the clock of the flows. */
  readonly startMs: number;
  /** Leftovers, one text each. */
  readonly leaks: readonly string[];
}

/** The same, with the flows by their names. */
export interface Evidence extends Shown {
  flow(name: string): Flow;
}

/** Flows under the name of the traffic that they come from, and under their own. */
export type FlowNames = Names<readonly string[]>;

/** Names that expectations may use. */
export interface ExpectationNames {
  readonly flows: FlowNames;
  readonly allFlows: readonly string[];
  readonly nodes: Names<unknown>;
}

/** An entry of a file that is being read as an expectation. */
export interface ExpectationReading {
  readonly place: Place;
  readonly names: ExpectationNames;
}

/** Values out of the whole range of what files may say. */
export interface ArbitraryExpectationValues {
  /** Some of the flows, one or more; undefined: there is none. */
  flows(): readonly string[] | undefined;
  /** The path of a counter that the topology has. */
  path(): string;
  number(): number;
  count(): number;
  ratio(): number;
  ms(): number;
  chance(): boolean;
}

const FLOW = { flow: names('traffic, list of traffic, or "*"', FLOWS_MAX, FLOW_PATTERN) };

/** Schema of an expectation of flows: `flow`, and the key that says what is expected of them. */
export function flowSchema<K extends string, V extends TSchema>(
  key: K,
  value: V,
): SchemaOf<Static<TObject<typeof FLOW & { [_ in K]: V }>>> {
  const { description } = value as { description?: string };
  const schema = object(String(description), { ...FLOW, [key]: value } as TProperties);
  return annotated(schema, { title: key }) as never;
}

/** The flows that an expectation names. Those of one name share their list: there may be many of both. */
export function readFlows(
  written: ParsedNames,
  { place, names: known }: ExpectationReading,
): readonly string[] {
  const at = place.at('flow');
  const { flows, allFlows } = known;
  if (written === '*') {
    if (allFlows.length === 0 && !flows.missesSome) at.problem('there is no traffic');
    return allFlows;
  }
  if (typeof written === 'string') return flows.find(written, at) ?? [];
  return [...new Set(itemsOf(written).flatMap(([i, name]) => flows.find(name, at.at(i)) ?? []))];
}

/** The same as a file has them. */
export function writeFlows(flows: readonly string[], allFlows: readonly string[]): ParsedNames {
  const all = flows.length === allFlows.length && flows.every((name, i) => name === allFlows[i]);
  return all ? '*' : writeNames(flows);
}
