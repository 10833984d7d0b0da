/** The JSON schema of a scenario: traffic, events, expectations. */
import type { TSchema } from 'typebox';
import { EVENT_TYPES, EVENTS, type EventForm } from '../events/registry.js';
import { TRAFFIC, TRAFFIC_TYPES, type TrafficForm } from '../traffic/registry.js';
import { EVENTS_MAX, EXPECTATIONS_MAX, FLOWS_MAX } from './limits.js';
import type { Quantity } from './quantities.js';
import {
  affirmed,
  annotated,
  FLOW_PATTERN,
  integer,
  list,
  map,
  type Names,
  names,
  number,
  object,
  optional,
  ratio,
  schemaOf,
  text,
  time,
} from './schema-values.js';

const TRAFFIC_ENTRY = schemaOf<TrafficForm>({
  type: 'object',
  discriminator: { propertyName: 'type' },
  oneOf: TRAFFIC_TYPES.map((type) => TRAFFIC[type].schema),
});

const EVENT = schemaOf<EventForm>({
  type: 'object',
  oneOf: EVENT_TYPES.map((type) => EVENTS[type].schema),
});

const FLOW = {
  flow: names('traffic, list of traffic, or "*"', FLOWS_MAX, FLOW_PATTERN),
};
const expectation = <K extends string, V extends TSchema>(key: K, value: V) =>
  annotated(
    object(String((value as { description?: string }).description), {
      ...FLOW,
      [key]: value,
    }),
    { title: key },
  );

const EXPECTATION = schemaOf<ExpectationForm>({
  type: 'object',
  oneOf: [
    expectation('lost', integer('packets of each flow that may be lost', 0, Number.MAX_SAFE_INTEGER)),
    expectation('delivered', ratio("share of each flow's packets that must arrive")),
    expectation('recovered-within', time('what is sent later than this after the last event is delivered')),
    expectation('blocked', affirmed('nothing arrives')),
    annotated(
      object('a number of the report is in a range', {
        counter: text('its path in the report, such as nodes.h1.psp.rxAuthFail'),
        min: optional(number('at least')),
        max: optional(number('at most')),
      }),
      { title: 'counter' },
    ),
    annotated(
      object('at the end nothing is left over', {
        'no-leaks': affirmed(
          'at the end no gateway holds key slots, retired SPIs or packets that its sessions do not need',
        ),
      }),
      { title: 'no-leaks' },
    ),
  ],
});

export interface ExpectationForm {
  readonly flow?: Names;
  readonly lost?: number;
  readonly delivered?: Quantity;
  readonly 'recovered-within'?: Quantity;
  readonly blocked?: true;
  readonly 'no-leaks'?: true;
  readonly counter?: string;
  readonly min?: number;
  readonly max?: number;
}

export const SCENARIO = object('traffic, events and expectations', {
  duration: optional(
    time('when the run ends, 7 days at most; absent: when all traffic has ended and nothing is on its way'),
  ),
  traffic: optional(map('by name', TRAFFIC_ENTRY, FLOW_PATTERN, FLOWS_MAX)),
  events: optional(list('in any order', EVENT, EVENTS_MAX)),
  expect: optional(list('what decides the exit status', EXPECTATION, EXPECTATIONS_MAX)),
});
