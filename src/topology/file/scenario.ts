/** The scenario: its traffic as flows, its events by time, its expectations about them. */
import type { Scenario } from '../model.js';
import { type EventNames, readEvents } from './events.js';
import { readExpectations } from './expectations.js';
import { Names } from './names.js';
import type { ParsedScenario } from './parsed.js';
import type { Place } from './source.js';
import { type ReplaySource, TrafficReader } from './traffic.js';
import { positiveTimeMs } from './values.js';

export interface ScenarioNames extends EventNames {
  readonly flowSymbols: ReadonlySet<string>;
}

export function readScenario(
  parsed: ParsedScenario,
  place: Place,
  names: ScenarioNames,
  seed: number,
): { readonly scenario: Scenario; readonly replays: readonly ReplaySource[] } {
  // Nobody knows what a misspelt "traffic" has.
  const unknown = parsed.traffic === undefined && place.lostKey;
  const flows = new Names<readonly string[]>('traffic', names.flowSymbols, unknown);
  const durationMs =
    parsed.duration === undefined ? undefined : positiveTimeMs(parsed.duration, place.at('duration'));
  const endMs = durationMs ?? Number.POSITIVE_INFINITY;
  const trafficReader = new TrafficReader(names.workloads, seed);
  const traffic = Object.entries(parsed.traffic ?? {}).flatMap(([name, entry]) => {
    const at = place.at('traffic', name);
    const plans = trafficReader.read(name, entry, at);
    if (plans.some(({ startMs }) => startMs >= endMs))
      at.problem('would start after the run, whose duration is given');
    for (const plan of plans) {
      if (flows.get(plan.name) !== undefined) at.problem(`there is a flow ${plan.name} already`);
      flows.add(plan.name, [plan.name]);
    }
    if (plans.length > 0) {
      flows.add(
        name,
        plans.map((plan) => plan.name),
      );
    }
    return plans;
  });
  const scenario: Scenario = {
    ...(durationMs === undefined ? {} : { durationMs }),
    traffic,
    events: readEvents(parsed.events, place.at('events'), names, endMs),
    expectations: readExpectations(parsed.expect, place.at('expect'), {
      flows,
      allFlows: traffic.map(({ name }) => name),
      nodes: names.nodes,
    }),
  };
  return { scenario, replays: trafficReader.replays };
}
