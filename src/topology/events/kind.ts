/** What there is to know of one kind of event. Each kind has a file in this folder, and registry.ts lists them all. */
import type { Static, TObject, TProperties, TSchema } from 'typebox';
import type { Clock } from '../../base/clock.js';
import type { Impairments } from '../../hal-sim/ports/link.js';
import type { IpAddress, IpFamily } from '../../packet/address.js';
import type { Attacker } from '../attacker.js';
import type { EventReading } from '../file/events.js';
import { annotated, object, type SchemaOf, time } from '../file/schema-values.js';
import type { Rng } from '../fuzz/rng.js';
import type { FaultScene, Scene } from '../fuzz/scene.js';
import type { Turn } from '../fuzz/turns.js';
import type { GatewayPlan, InsiderPlan, OobPlan, WorkloadPlan } from '../model.js';
import type { Network } from '../network.js';
import type { GatewayNode } from '../nodes/gateway-node.js';
import type { EventPlan } from './registry.js';

/** What all events have. */
export interface At {
  /** Time from the start of the run, ms. */
  readonly atMs: number;
}

/** An event in a scenario, with every name resolved. */
export interface EventBase extends At {
  readonly type: string;
}

/** `Plan` is the event in a scenario, `Parsed` what stands in a file. */
export interface EventKind<Plan extends EventBase, Parsed> {
  /** The key that named it once, which files may still have. Absent: it was never called otherwise. */
  readonly formerName?: string;
  /** Of the event in a file: an object with `at`, the key that names the event, and what belongs to it. */
  readonly schema: TSchema;
  /** An event with all its keys, for editors and tests. It names h1, h2, h1:p0, the insider m and the workload v2. */
  readonly example: Parsed;
  /** The events that a file's entry makes; none where something is wrong with it, which is noted. */
  read(parsed: Parsed, reading: EventReading): readonly Plan[];
  /** The entry that reads back to the event. */
  write(event: Plan): Omit<Parsed, 'at'>;
  /** Makes it happen. Resolves when all that it takes is over; rejects where it fails. */
  happen(event: Plan, context: EventContext): void | Promise<void>;
  /** What of the topology has to be there for it. */
  needs(event: Plan): { readonly nodes?: readonly string[]; readonly links?: readonly string[] };
  /** Events that do less harm, for a search that makes a failure small. Absent: it happens or does not. */
  weaker?(event: Plan): Iterable<Plan>;
  /** How a search draws it. Empty: no search does. */
  readonly search: EventSearch;
  /** Whether it ends faults: a search that makes a failure small keeps it. */
  readonly endsFaults?: true;
  /** Any event of this kind, of all that can be written, for tests of files. Undefined: the topology has none. */
  arbitrary(values: ArbitraryValues): Omit<Plan, 'atMs'> | undefined;
}

/** When a kind is drawn. */
export interface EventSearch {
  /** From the start of the faults to their end; each draws whether it does. */
  readonly background?: Turn<(rng: Rng, scene: Scene) => EventPlan[]>;
  /** One of these is picked for each of several faults. */
  readonly fault?: Turn<(rng: Rng, scene: FaultScene) => EventPlan[]>;
  /** In hostile worlds; each draws whether it does. */
  readonly hostile?: Turn<(rng: Rng, scene: Scene) => EventPlan[]>;
}

/** What events work on. */
export interface EventContext {
  readonly network: Network;
  readonly clock: Clock;
  gateway(name: string): GatewayNode;
  /** The attacker at a link, who remembers what was sent there since the first attack. */
  attackerAt(link: string): Attacker;
  /** To be called with a gateway that is about to be closed; nothing waits for its promise. */
  readonly onStop: (node: GatewayNode) => Promise<void>;
}

/** Values out of the whole range of what files may say. */
export interface ArbitraryValues {
  readonly gateways: readonly GatewayPlan[];
  readonly insiders: readonly InsiderPlan[];
  readonly workloads: readonly Pick<WorkloadPlan, 'name'>[];
  pick<T>(items: readonly T[]): T;
  /** So many of the items or more, in any order. */
  some<T>(items: readonly T[], atLeast?: number): T[];
  link(): string;
  ms(): number;
  positiveMs(): number;
  ratio(): number;
  positivePerSecond(): number;
  someImpairments(): Partial<Impairments>;
  oob(): OobPlan;
  /** An underlay address that no node has; undefined: they are used up. */
  freshIp(family: IpFamily): IpAddress | undefined;
}

/** Schema of an event: `at`, the key that names it, and what belongs to it. */
export function eventSchema<
  K extends string,
  V extends TSchema,
  P extends TProperties = Record<never, TSchema>,
>(
  key: K,
  value: V,
  properties?: P,
): SchemaOf<Static<TObject<{ at: ReturnType<typeof time> } & { [_ in K]: V } & P>>> {
  const { description } = value as { description?: string };
  const schema = object(String(description), {
    at: time('from the start of the run'),
    [key]: value,
    ...properties,
  });
  return annotated(schema, { title: key }) as never;
}
