/** Draws traffic as its kinds say (src/topology/traffic). */
import type { BetweenEnds } from '../traffic/kind.js';
import { TRAFFIC, TRAFFIC_TYPES, type TrafficPlan } from '../traffic/registry.js';
import type { Rng } from './rng.js';
import type { Scene } from './scene.js';
import { inTurns } from './turns.js';

const SEARCHES = TRAFFIC_TYPES.map((type) => TRAFFIC[type].search);
const FLOWS = inTurns(SEARCHES.map(({ flow }) => flow));
const HOSTILE = inTurns(SEARCHES.map(({ hostile }) => hostile));

/** A flow of some kind between two workloads that can talk, or from the first of them. */
export function drawFlowBetween(rng: Rng, ends: BetweenEnds): TrafficPlan {
  return FLOWS[rng.below(FLOWS.length)]!(rng, ends);
}

/** What workloads send in hostile worlds besides. */
export function drawHostileTraffic(rng: Rng, scene: Scene): TrafficPlan[] {
  return HOSTILE.flatMap((draw) => draw(rng, scene));
}
