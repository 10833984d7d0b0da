/** How searches draw events: what a draw may look at, and when its turn is. */
import type { Rng } from '../fuzz/rng.js';
import type { GatewayPlan, InsiderPlan, Topology } from '../model.js';
import type { EventPlan } from './registry.js';

/** What is known when events are drawn. */
export interface Scene {
  readonly base: Topology;
  readonly gateways: readonly GatewayPlan[];
  /** Insiders that the search has drawn. */
  readonly insiders: readonly InsiderPlan[];
  /** How long faults last, from the start of the run. */
  readonly faultsMs: number;
  /** Says what was drawn, for people. */
  readonly say: (text: string) => void;
}

/** Of one fault of several, each at a time of its own. */
export interface FaultScene extends Scene {
  readonly atMs: number;
  /** The gateway that it may be about. */
  readonly node: GatewayPlan;
}

/** A draw, and its places among others; what seeds draw depends on them. */
export interface Turn<S> {
  /** Numbers from 0 without gaps over all kinds. A new draw takes the next one, and then every seed draws something else. */
  readonly turns: readonly number[];
  draw(rng: Rng, scene: S): EventPlan[];
}

/** When a kind is drawn. */
export interface EventSearch {
  /** From the start of the faults to their end; each draws whether it does. */
  readonly background?: Turn<Scene>;
  /** One of these is picked for each of several faults. */
  readonly fault?: Turn<FaultScene>;
  /** In hostile worlds; each draws whether it does. */
  readonly hostile?: Turn<Scene>;
}

export const percent = (ratio = 0): string => `${Math.round(ratio * 100)} %`;
