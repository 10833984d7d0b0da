/** Draws events as their kinds say (src/topology/events). */
import { EVENT_TYPES, EVENTS, type EventPlan } from '../events/registry.js';
import type { Rng } from './rng.js';
import type { Scene } from './scene.js';
import { inTurns } from './turns.js';

const SEARCHES = EVENT_TYPES.map((type) => EVENTS[type].search);
const BACKGROUND = inTurns(SEARCHES.map(({ background }) => background));
const FAULTS = inTurns(SEARCHES.map(({ fault }) => fault));
const HOSTILE = inTurns(SEARCHES.map(({ hostile }) => hostile));

/** What lasts as long as the faults do. */
export function drawBackground(rng: Rng, scene: Scene): EventPlan[] {
  return BACKGROUND.flatMap((draw) => draw(rng, scene));
}

/** One fault at a time of its own, with what ends it where the end of all faults does not. */
export function drawFault(rng: Rng, scene: Scene): EventPlan[] {
  const atMs = rng.below(scene.faultsMs);
  const node = rng.pick(scene.gateways);
  return FAULTS[rng.below(FAULTS.length)]!(rng, { ...scene, atMs, node });
}

/** What insiders do, and what happens again and again. */
export function drawHostileEvents(rng: Rng, scene: Scene): EventPlan[] {
  return HOSTILE.flatMap((draw) => draw(rng, scene));
}
