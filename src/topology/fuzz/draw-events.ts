/** Draws events as their kinds say (src/topology/events), each in its turn: what seeds draw depends on the order. */
import type { EventSearch, FaultScene, Scene, Turn } from '../events/drawing.js';
import { EVENT_TYPES, EVENTS, type EventPlan } from '../events/registry.js';
import type { Rng } from './rng.js';

type Draw<S> = (rng: Rng, scene: S) => EventPlan[];

/** The draws of all kinds, by turn. */
function inTurns<S>(turnOf: (search: EventSearch) => Turn<S> | undefined): readonly Draw<S>[] {
  const draws: Draw<S>[] = [];
  for (const type of EVENT_TYPES) {
    const turn = turnOf(EVENTS[type].search);
    for (const number of turn?.turns ?? []) {
      if (draws[number] !== undefined) throw new Error(`two kinds of events have the turn ${number}`);
      draws[number] = (rng, scene) => turn!.draw(rng, scene);
    }
  }
  for (let number = 0; number < draws.length; number++)
    if (draws[number] === undefined) throw new Error(`no kind of event has the turn ${number}`);
  return draws;
}

const BACKGROUND = inTurns<Scene>(({ background }) => background);
const FAULTS = inTurns<FaultScene>(({ fault }) => fault);
const HOSTILE = inTurns<Scene>(({ hostile }) => hostile);

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
export function drawHostile(rng: Rng, scene: Scene): EventPlan[] {
  return HOSTILE.flatMap((draw) => draw(rng, scene));
}
