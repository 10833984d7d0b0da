/** Expectations of the scenario, about flows that are there. */
import type { Expectation, TrafficPlan } from '../model.js';
import type { ExpectationForm, NamesForm } from './form.js';
import type { Names } from './names.js';
import { itemsOf } from './shape.js';
import type { Place } from './source.js';
import { ratio, timeMs } from './values.js';

/** Flows under the name of the traffic that they come from, and under their own. */
export type FlowNames = Names<readonly TrafficPlan[]>;

export interface ExpectationNames {
  readonly flows: FlowNames;
  readonly allFlows: readonly TrafficPlan[];
  readonly nodes: Names<unknown>;
}

export function readExpectations(
  forms: readonly ExpectationForm[] | undefined,
  place: Place,
  names: ExpectationNames,
): Expectation[] {
  return itemsOf(forms).flatMap(([i, form]): Expectation[] => {
    const at = place.at(i);
    if (form.counter !== undefined) return [counter(form, form.counter, at, names)];
    const flows = flowsOf(form.flow!, at.at('flow'), names);
    if (form.lost !== undefined) return [{ type: 'flow', flows, lostAtMost: form.lost }];
    if (form.delivered !== undefined) {
      return [{ type: 'share', flows, deliveredRatioMin: ratio(form.delivered, at.at('delivered')) }];
    }
    const within = form['recovered-within'];
    if (within !== undefined) {
      return [{ type: 'recovered', flows, withinMs: timeMs(within, at.at('recovered-within')) }];
    }
    return [{ type: 'blocked', flows }];
  });
}

function flowsOf(written: NamesForm, place: Place, { flows, allFlows }: ExpectationNames): string[] {
  if (written === '*') {
    return allFlows.map(({ name }) => name);
  }
  const named = typeof written === 'string' ? [written] : written;
  const seen = new Set<string>();
  for (const [i, name] of itemsOf(named)) {
    for (const flow of flows.find(name, typeof written === 'string' ? place : place.at(i)) ?? []) {
      seen.add(flow.name);
    }
  }
  return [...seen];
}

function counter(
  form: ExpectationForm,
  path: string,
  place: Place,
  { nodes }: ExpectationNames,
): Expectation {
  const { min, max } = form;
  if (min === undefined && max === undefined) place.problem('expects nothing; write min, max or both');
  if (min !== undefined && max !== undefined && min > max)
    place.problem(`min ${min} is more than max ${max}`);
  const [group, node] = path.split('.');
  if (group === 'nodes' && node !== undefined) nodes.find(node, place.at('counter'));
  return {
    type: 'counter',
    path,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  };
}
