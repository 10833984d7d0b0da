/** The JSON schema of a scenario: traffic, events, expectations. */
import type { TSchema } from 'typebox';
import { EVENT_TYPES, EVENTS, type EventType, FORMER_NAMES, type ParsedEvent } from '../events/registry.js';
import { EXPECTATION_TYPES, EXPECTATIONS, type ParsedExpectation } from '../expectations/registry.js';
import { type ParsedTraffic, TRAFFIC, TRAFFIC_TYPES } from '../traffic/registry.js';
import { EVENTS_MAX, EXPECTATIONS_MAX, FLOWS_MAX } from './limits.js';
import {
  annotated,
  FLOW_PATTERN,
  list,
  map,
  object,
  optional,
  positiveTime,
  type Schema,
  schemaOf,
} from './schema-values.js';

/** The example is for editors. */
const withExample = ({ schema, example }: { readonly schema: TSchema; readonly example: unknown }) =>
  annotated(schema, { examples: [example] });

const TRAFFIC_ENTRY = schemaOf<ParsedTraffic>({
  type: 'object',
  discriminator: { propertyName: 'type' },
  oneOf: TRAFFIC_TYPES.map((type) => withExample(TRAFFIC[type])),
});

/** An event under the name that it had once. */
function formerSchema(former: string, type: EventType): Schema {
  const { title: _, properties, required, ...rest } = EVENTS[type].schema as Schema;
  const rename = (key: string) => (key === type ? former : key);
  return {
    ...rest,
    title: former,
    description: `the former name of ${type}`,
    deprecated: true,
    properties: Object.fromEntries(
      Object.entries(properties as object).map(([key, value]) => [rename(key), value]),
    ),
    required: (required as readonly string[]).map(rename),
  };
}

const EVENT = schemaOf<ParsedEvent>({
  type: 'object',
  oneOf: [
    ...EVENT_TYPES.map((type) => withExample(EVENTS[type])),
    ...[...FORMER_NAMES].map(([former, type]) => formerSchema(former, type)),
  ],
});

const EXPECTATION = schemaOf<ParsedExpectation>({
  type: 'object',
  oneOf: EXPECTATION_TYPES.map((type) => withExample(EXPECTATIONS[type])),
});

export const SCENARIO = object('traffic, events and expectations', {
  duration: optional(
    positiveTime(
      'when the run ends, 7 days at most; absent: when all traffic has ended and nothing is on its way',
    ),
  ),
  traffic: optional(map('by name', TRAFFIC_ENTRY, FLOW_PATTERN, FLOWS_MAX)),
  events: optional(list('in any order', EVENT, EVENTS_MAX)),
  expect: optional(list('what decides the exit status', EXPECTATION, EXPECTATIONS_MAX)),
});
