/** The JSON schema of a scenario: traffic, events, expectations. */
import { GATEWAY_PORTS, INSIDER_ACTS } from '../model.js';
import { EVENTS_MAX, EXPECTATIONS_MAX, FLOWS_MAX, NODES_MAX, PINGS_MAX, WORKLOADS_MAX } from './limits.js';
import {
  address,
  affirmed,
  FLOW_PATTERN,
  IMPAIRMENTS,
  integer,
  link,
  list,
  map,
  name,
  names,
  OOB,
  object,
  packetRate,
  ratio,
  type Schema,
  size,
  text,
  time,
} from './schema-values.js';

const COMMON: Readonly<Record<string, Schema>> = {
  from: names('workload, list of workloads, or "*"', WORKLOADS_MAX),
  start: time('from the start of the run', '0s'),
  spread: time('flows of a list or "*" start evenly over this time', '0s'),
  sample: integer('of a list or "*": so many flows, picked by the seed', 1, FLOWS_MAX),
};
const BETWEEN: Readonly<Record<string, Schema>> = {
  ...COMMON,
  to: names('workload, list of workloads, or "*"', WORKLOADS_MAX),
  family: { enum: [4, 6], description: 'of IP; absent: 4 where both workloads can, otherwise 6' },
};

const traffic = (
  type: string,
  description: string,
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[],
): Schema =>
  object(description, { type: { const: type, description }, ...properties }, ['type', ...required]);

const TRAFFIC: Schema = {
  type: 'object',
  discriminator: { propertyName: 'type' },
  oneOf: [
    traffic(
      'ping',
      'echo requests, and their answers',
      {
        ...BETWEEN,
        count: integer('requests', 1, PINGS_MAX, 10),
        interval: time('between requests', '100ms'),
        size: size('octets of data, 24 to 8952', 56),
        timeout: time('an answer that comes later is lost', '1s'),
      },
      ['from', 'to'],
    ),
    traffic(
      'udp',
      'one-way datagrams at an even pace',
      {
        ...BETWEEN,
        rate: packetRate('packets per second'),
        size: size('octets of payload, 24 to 8952', 1000),
        duration: time('how long'),
        port: integer('destination port', 1, 65_535, 5201),
      },
      ['from', 'to', 'rate', 'duration'],
    ),
    traffic(
      'transfer',
      'so many octets, acknowledged and repeated as TCP does, and compared at the end',
      { ...BETWEEN, size: size('octets, 1 to 10GB') },
      ['from', 'to', 'size'],
    ),
    traffic(
      'replay',
      "what the workload's addresses sent in a capture, put in at its port at the capture's own times",
      { ...COMMON, file: text("pcap or pcapng, relative to the topology's file") },
      ['from', 'file'],
    ),
    traffic(
      'flood',
      'datagrams to addresses that no peer owns',
      { ...COMMON, rate: packetRate('packets per second'), duration: time('how long') },
      ['from', 'rate', 'duration'],
    ),
    traffic(
      'sweep',
      "datagrams to all addresses that peers own, of the family of the workload's first, one after the other",
      { ...COMMON, rate: packetRate('packets per second'), duration: time('how long') },
      ['from', 'rate', 'duration'],
    ),
  ],
};

/** An event: `at`, the key that names it, and what belongs to it. */
const event = (
  key: string,
  value: Schema,
  properties: Readonly<Record<string, Schema>> = {},
  required: readonly string[] = [],
): Schema => ({
  ...object(
    String(value.description),
    { at: time('from the start of the run'), [key]: value, ...properties },
    ['at', key, ...required],
  ),
  title: key,
});

const EVERY: Readonly<Record<string, Schema>> = {
  every: time('between the nodes of a list or "*": one after the other'),
};
const DOWN: Readonly<Record<string, Schema>> = { ...EVERY, down: time('until it is back', '1s') };
const nodes = (description: string) => names(`${description}: a gateway, a list of them, or "*"`, NODES_MAX);

const ACT: Schema = { enum: [...INSIDER_ACTS], description: 'an act; docs/topology.md says what it is' };

const EVENT: Schema = {
  type: 'object',
  oneOf: [
    event('rotate', nodes('rotates its master key and re-keys'), EVERY),
    event('restart', nodes('stops in order and starts anew'), DOWN),
    event('crash', nodes('loses everything and starts anew'), DOWN),
    event('cut', link('the link carries nothing')),
    event('mend', link('the link carries again')),
    event('impair', link('the link has these impairments from now on; others stay'), IMPAIRMENTS),
    event(
      'partition',
      list(
        'RPCs between these groups of gateways are lost; those in no group reach all',
        list('gateways', name('a gateway'), NODES_MAX, 1),
        NODES_MAX,
        2,
      ),
    ),
    event('heal', affirmed('the partition is over')),
    event('calm', affirmed('links, OOB network, entries and workloads are as the file has them again')),
    event('oob', object('the OOB network has these values from now on; others stay', OOB)),
    event('add-workload', name('the workload comes')),
    event('remove-workload', name('the workload goes')),
    event('readdress', name("the gateway's underlay address changes"), { ip: address('the new address') }, [
      'ip',
    ]),
    event(
      'attack',
      link('somebody on the link sends again, changes and makes up frames'),
      {
        for: time('how long'),
        replay: ratio('share of the frames that are sent a second time', '0%'),
        forge: ratio('share of the frames that are sent a second time with one bit changed', '0%'),
        spoof: packetRate('frames per second under made-up SPIs and keys', 0),
      },
      ['for'],
    ),
    event(
      'insider',
      name('the insider acts for a time'),
      {
        for: time('how long'),
        rate: packetRate('acts per second', 10),
        does: {
          ...list('what it does, each act one of these; absent: everything', ACT, INSIDER_ACTS.length, 1),
          uniqueItems: true,
        },
      },
      ['for'],
    ),
    event('clock-jump', name("the gateway's clocks go ahead"), { by: time('so far') }, ['by']),
    event(
      'lose-port',
      name('a port of the gateway goes, and comes back'),
      { port: { enum: [...GATEWAY_PORTS], description: 'which one' }, for: time('how long') },
      ['port', 'for'],
    ),
    event(
      'slow-entries',
      name("the gateway's table entries take long from now on"),
      { delay: time('so long') },
      ['delay'],
    ),
  ],
};

const FLOW: Readonly<Record<string, Schema>> = {
  flow: names('traffic, list of traffic, or "*"', FLOWS_MAX, FLOW_PATTERN),
};
const expectation = (key: string, value: Schema): Schema => ({
  ...object(String(value.description), { ...FLOW, [key]: value }, ['flow', key]),
  title: key,
});

const number = (description: string): Schema => ({ type: 'number', description });

const EXPECTATION: Schema = {
  type: 'object',
  oneOf: [
    expectation('lost', integer('packets of each flow that may be lost', 0, Number.MAX_SAFE_INTEGER)),
    expectation('delivered', ratio("share of each flow's packets that must arrive")),
    expectation('recovered-within', time('what is sent later than this after the last event is delivered')),
    expectation('blocked', affirmed('nothing arrives')),
    {
      ...object(
        'a number of the report is in a range',
        {
          counter: text('its path in the report, such as nodes.h1.psp.rxAuthFail'),
          min: number('at least'),
          max: number('at most'),
        },
        ['counter'],
      ),
      title: 'counter',
    },
    {
      ...object(
        'at the end nothing is left over',
        {
          'no-leaks': affirmed(
            'at the end no gateway holds key slots, retired SPIs or packets that its sessions do not need',
          ),
        },
        ['no-leaks'],
      ),
      title: 'no-leaks',
    },
  ],
};

export const scenario = (): Schema =>
  object('traffic, events and expectations', {
    duration: time(
      'when the run ends, 7 days at most; absent: when all traffic has ended and nothing is on its way',
    ),
    traffic: map('by name', TRAFFIC, FLOW_PATTERN, FLOWS_MAX),
    events: list('in any order', EVENT, EVENTS_MAX),
    expect: list('what decides the exit status', EXPECTATION, EXPECTATIONS_MAX),
  });
