/** What there is to know of one kind of traffic. Each kind has a file in this folder, and registry.ts lists them all. */
import type { Static, TObject, TProperties, TSchema } from 'typebox';
import type { Clock } from '../../base/clock.js';
import type { IpAddress, IpFamily } from '../../packet/address.js';
import type { CounterTree } from '../counters.js';
import { FLOWS_MAX, WORKLOADS_MAX } from '../file/limits.js';
import { choice, constant, integer, names, object, optional, time } from '../file/schema-values.js';
import type { Place } from '../file/source.js';
import type { Rng } from '../fuzz/rng.js';
import type { Scene } from '../fuzz/scene.js';
import type { Turn } from '../fuzz/turns.js';
import type { WorkloadPlan } from '../model.js';
import type { GatewayNode } from '../nodes/gateway-node.js';
import type { Arrivals } from './arrivals.js';
import type { Flow } from './flow.js';
import type { Replay } from './replay-frames.js';

/** What all flows have. */
export interface FromWorkload {
  readonly type: string;
  /** Unique name of the flow. Traffic between many workloads becomes a flow for each pair, `name/from>to`. */
  readonly name: string;
  readonly startMs: number;
  /** A workload. */
  readonly from: string;
}

/** A flow from one workload to another. */
export interface BetweenWorkloads extends FromWorkload {
  readonly to: string;
  readonly family: IpFamily;
}

/** What a file says of all flows; the reader makes `name`, `startMs`, `from`, `to` and `family` of it. */
type CommonKey = 'type' | 'from' | 'to' | 'family' | 'start' | 'spread' | 'sample';
type CommonMember = 'name' | 'startMs' | 'from' | 'to' | 'family';

/** Packets of a flow that are alike. */
export interface Packets {
  readonly count: number;
  /** Octets of payload of each of them. */
  readonly octets: number;
}

/** `Plan` is a flow of the scenario, `Parsed` what stands in a file. */
export interface TrafficKind<Plan extends FromWorkload, Parsed> {
  /** Of the entry in a file: an object with `type`, what all traffic has, and what belongs to this kind. */
  readonly schema: TSchema;
  /** Traffic with all its keys, for editors and tests. It names the workloads v1, w1, w2 and w3. */
  readonly example: Parsed;
  /** What of the flows of an entry is the kind's own; what is wrong with it is noted. */
  read(parsed: Parsed, place: Place): Omit<Plan, CommonMember>;
  /** The same as a file has it. */
  write(flow: Plan): Omit<Parsed, CommonKey>;
  /** Sends the flow's packets. Resolves when it has ended. */
  start(flow: Flow, plan: Plan, context: TrafficContext): Promise<void>;
  /** How long it sends, ms; 0 where that is not known. */
  durationMs(plan: Plan): number;
  /** Its packets, for an estimate of how large captures become. */
  packets(plan: Plan, replay: Replay | undefined): readonly Packets[];
  /** Whether its packets end at the sender's own gateway. */
  readonly endsAtGateway?: true;
  /** Counters that reports have of its flows beyond those of all flows. */
  readonly counters?: CounterTree;
  /** A flow with less in it, for a search that makes a failure small. Absent or undefined: there is none. */
  shorter?(plan: Plan): Plan | undefined;
  /** How a search draws it. Empty: no search does. */
  readonly search: TrafficSearch<Plan>;
  /** Any flow of this kind, of all that can be written, for tests of files. Undefined: the topology has none. */
  arbitrary(values: ArbitraryFlowValues): Omit<Plan, 'name' | 'startMs'> | undefined;
}

/** When a kind is drawn. */
export interface TrafficSearch<Plan> {
  /** One of these is picked for each flow while faults last; `ends` are two workloads that can talk. */
  readonly flow?: Turn<(rng: Rng, ends: BetweenEnds) => Plan>;
  /** In hostile worlds; each draws whether it does. */
  readonly hostile?: Turn<(rng: Rng, scene: Scene) => Plan[]>;
}

/** A flow before its kind is known. */
export type BetweenEnds = Omit<BetweenWorkloads, 'type'>;

/** What flows work on. */
export interface TrafficContext {
  readonly clock: Clock;
  /** Gateway and plan of a workload. */
  workload(name: string): { readonly node: GatewayNode; readonly plan: WorkloadPlan };
  /** The frames of replay flows, by flow. */
  readonly replays: ReadonlyMap<string, Replay>;
  /** Source and destination of the packets of a flow. */
  addresses(plan: BetweenWorkloads): readonly [IpAddress, IpAddress];
  /** Where flows say what they expect to arrive. */
  readonly arrivals: Arrivals;
}

/** Values out of the whole range of what files may say. */
export interface ArbitraryFlowValues {
  /** A workload. */
  from(): string;
  /** Two workloads that can talk; undefined: no two can. */
  between(): Pick<BetweenWorkloads, 'from' | 'to' | 'family'> | undefined;
  integer(min: number, max: number): number;
  ms(): number;
  positiveMs(): number;
  positivePerSecond(): number;
  text(): string;
}

const FROM = {
  from: names('workload, list of workloads, or "*"', WORKLOADS_MAX),
  start: optional(time('from the start of the run', '0s')),
  spread: optional(time('flows of a list or "*" start evenly over this time', '0s')),
  sample: optional(integer('of a list or "*": so many flows, picked by the seed', 1, FLOWS_MAX)),
};
const BETWEEN = {
  ...FROM,
  to: names('workload, list of workloads, or "*"', WORKLOADS_MAX),
  family: optional(choice('of IP; absent: 4 where both workloads can, otherwise 6', [4, 6] as const)),
};

/** What a file says of all traffic between workloads, and of all other traffic. */
export type ParsedBetween = Static<TObject<typeof BETWEEN>>;
export type ParsedFrom = Static<TObject<typeof FROM>>;

/** Schema of traffic from one workload to another. */
export const betweenSchema = <T extends string, P extends TProperties>(
  type: T,
  description: string,
  properties: P,
): TObject<{ type: ReturnType<typeof constant<T>> } & typeof BETWEEN & P> =>
  object(description, { type: constant(type, description), ...BETWEEN, ...properties });

/** Schema of traffic from a workload that chooses its destinations by itself. */
export const fromSchema = <T extends string, P extends TProperties>(
  type: T,
  description: string,
  properties: P,
): TObject<{ type: ReturnType<typeof constant<T>> } & typeof FROM & P> =>
  object(description, { type: constant(type, description), ...FROM, ...properties });
