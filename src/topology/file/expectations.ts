/** Expectations of the scenario, about flows that are there. */
import type { Expectation } from '../model.js';
import type { Names } from './names.js';
import type { ExpectationForm } from './schema-scenario.js';
import type { Names as NamesForm } from './schema-values.js';
import { itemsOf } from './shape.js';
import type { Place } from './source.js';
import { ratio, timeMs } from './values.js';

/** Flows under the name of the traffic that they come from, and under their own. */
export type FlowNames = Names<readonly string[]>;

export interface ExpectationNames {
  readonly flows: FlowNames;
  readonly allFlows: readonly string[];
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
    if (form['no-leaks'] !== undefined) return [{ type: 'no-leaks' }];
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

/** Flows of one name share their list: there may be many of both. */
function flowsOf(written: NamesForm, place: Place, { flows, allFlows }: ExpectationNames): readonly string[] {
  if (written === '*') {
    if (allFlows.length === 0 && !flows.missesSome) place.problem('there is no traffic');
    return allFlows;
  }
  if (typeof written === 'string') return flows.find(written, place) ?? [];
  return [...new Set(itemsOf(written).flatMap(([i, name]) => flows.find(name, place.at(i)) ?? []))];
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
