/** What searches know when they draw events and traffic. */
import type { GatewayPlan, InsiderPlan, Topology } from '../model.js';

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

/** A share, for people. */
export const percent = (ratio = 0): string => `${Math.round(ratio * 100)} %`;
