/** The JSON schema of a scenario: traffic, events, expectations. */
import type { Static, TProperties, TSchema } from 'typebox';
import { EVENT_TYPES, EVENTS, type EventForm } from '../events/registry.js';
import { EVENTS_MAX, EXPECTATIONS_MAX, FLOWS_MAX, PINGS_MAX, WORKLOADS_MAX } from './limits.js';
import type { Quantity } from './quantities.js';
import {
  affirmed,
  annotated,
  choice,
  constant,
  FLOW_PATTERN,
  integer,
  list,
  map,
  type Names,
  names,
  number,
  object,
  oneOf,
  optional,
  packetRate,
  ratio,
  schemaOf,
  size,
  text,
  time,
} from './schema-values.js';

const COMMON = {
  from: names('workload, list of workloads, or "*"', WORKLOADS_MAX),
  start: optional(time('from the start of the run', '0s')),
  spread: optional(time('flows of a list or "*" start evenly over this time', '0s')),
  sample: optional(integer('of a list or "*": so many flows, picked by the seed', 1, FLOWS_MAX)),
};
const BETWEEN = {
  ...COMMON,
  to: names('workload, list of workloads, or "*"', WORKLOADS_MAX),
  family: optional(choice('of IP; absent: 4 where both workloads can, otherwise 6', [4, 6] as const)),
};

const traffic = <T extends string, P extends TProperties>(type: T, description: string, properties: P) =>
  object(description, { type: constant(type, description), ...properties });

const TRAFFIC = oneOf(
  { type: 'object', discriminator: { propertyName: 'type' } },
  traffic('ping', 'echo requests, and their answers', {
    ...BETWEEN,
    count: optional(integer('requests', 1, PINGS_MAX, 10)),
    interval: optional(time('between requests', '100ms')),
    size: optional(size('octets of data, 24 to 8952', 56)),
    timeout: optional(time('an answer that comes later is lost', '1s')),
  }),
  traffic('udp', 'one-way datagrams at an even pace', {
    ...BETWEEN,
    rate: packetRate('packets per second'),
    size: optional(size('octets of payload, 24 to 8952', 1000)),
    duration: time('how long'),
    port: optional(integer('destination port', 1, 65_535, 5201)),
  }),
  traffic('transfer', 'so many octets, acknowledged and repeated as TCP does, and compared at the end', {
    ...BETWEEN,
    size: size('octets, 1 to 10GB'),
  }),
  traffic(
    'replay',
    "what the workload's addresses sent in a capture, put in at its port at the capture's own times",
    { ...COMMON, file: text("pcap or pcapng, relative to the topology's file") },
  ),
  traffic('flood', 'datagrams to addresses that no peer owns', {
    ...COMMON,
    rate: packetRate('packets per second'),
    duration: time('how long'),
  }),
  traffic(
    'sweep',
    "datagrams to all addresses that peers own, of the family of the workload's first, one after the other",
    { ...COMMON, rate: packetRate('packets per second'), duration: time('how long') },
  ),
);
export type TrafficForm = Static<typeof TRAFFIC>;

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
  traffic: optional(map('by name', TRAFFIC, FLOW_PATTERN, FLOWS_MAX)),
  events: optional(list('in any order', EVENT, EVENTS_MAX)),
  expect: optional(list('what decides the exit status', EXPECTATION, EXPECTATIONS_MAX)),
});
