import type { Static } from 'typebox';
import { annotated, number, object, optional, text, withAnyOf } from '../file/schema-values.js';
import { valueAt } from '../value-at.js';
import type { ExpectationKind } from './kind.js';

/** A number of the report, by its path, such as `nodes.h1.psp.rxAuthFail`. */
export interface CounterExpectation {
  readonly type: 'counter';
  readonly path: string;
  readonly min?: number;
  readonly max?: number;
}

const BOUNDS = { min: optional(number('at least')), max: optional(number('at most')) };
const schema = withAnyOf(
  annotated(
    object('a number of the report is in a range', {
      counter: text('its path in the report, such as nodes.h1.psp.rxAuthFail'),
      ...BOUNDS,
    }),
    { title: 'counter' },
  ),
  Object.keys(BOUNDS),
  'expects nothing',
  { orAll: 'both' },
);

export const counter: ExpectationKind<CounterExpectation, Static<typeof schema>> = {
  key: 'counter',
  schema,
  example: { counter: 'nodes.h1.starts', min: 1, max: 2 },
  // Whether there is such a counter is seen when the topology is there: read.ts.
  read({ counter: path, min, max }, { place, names }) {
    if (min !== undefined && max !== undefined && min > max)
      place.problem(`min ${min} is more than max ${max}`);
    const [group, name] = path.split('.');
    if (group === 'nodes' && name !== undefined) names.nodes.find(name, place.at('counter'));
    if (group === 'flows' && name !== undefined) names.flows.find(name, place.at('counter'));
    return { type: 'counter', path, ...range(min, max) };
  },
  write: ({ path, min, max }) => ({ counter: path, ...range(min, max) }),
  evaluate({ path, min, max }, { report }) {
    const value = valueAt(report, path);
    const wanted =
      min === max
        ? `${min}`
        : [
            ...(min === undefined ? [] : [`at least ${min}`]),
            ...(max === undefined ? [] : [`at most ${max}`]),
          ].join(' and ');
    return {
      text: `${path} is ${wanted}`,
      ok:
        typeof value === 'number' &&
        value >= (min ?? Number.NEGATIVE_INFINITY) &&
        value <= (max ?? Number.POSITIVE_INFINITY),
      seen: value === undefined ? 'no such counter' : String(value),
      failing: [],
    };
  },
  arbitrary(values) {
    const [min, max] = [values.number(), values.number()].sort((a, b) => a - b);
    return { type: 'counter', path: values.path(), ...range(values.chance() ? min : undefined, max) };
  },
};

const range = (min: number | undefined, max: number | undefined) => ({
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
});
