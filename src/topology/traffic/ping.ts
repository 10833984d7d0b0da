import type { Static } from 'typebox';
import { PAYLOAD_OCTETS_MAX, PINGS_MAX } from '../file/limits.js';
import { formatTime } from '../file/quantities.js';
import { integer, optional, positiveTime, time } from '../file/schema-values.js';
import { positiveTimeMs, timeMs } from '../file/values.js';
import { type BetweenWorkloads, betweenSchema, type TrafficKind } from './kind.js';
import { buildPayload, PAYLOAD_OCTETS_MIN } from './payload.js';
import { payloadSize, readPayloadSize } from './payload-size.js';

/** Echo requests, and their answers. */
export interface PingPlan extends BetweenWorkloads {
  readonly type: 'ping';
  readonly count: number;
  readonly intervalMs: number;
  readonly sizeOctets: number;
  readonly timeoutMs: number;
}

const DEFAULTS = { count: 10, intervalMs: 100, sizeOctets: 56, timeoutMs: 1000 } as const;

const schema = betweenSchema('ping', 'echo requests, and their answers', {
  count: optional(integer('requests', 1, PINGS_MAX, DEFAULTS.count)),
  interval: optional(time('between requests', '100ms')),
  size: optional(payloadSize('octets of data', DEFAULTS.sizeOctets)),
  timeout: optional(positiveTime('an answer that comes later is lost', '1s')),
});

export const ping: TrafficKind<PingPlan, Static<typeof schema>> = {
  schema,
  example: {
    type: 'ping',
    from: ['v1'],
    to: ['w1', 'w2', 'w3'],
    family: 6,
    start: '5ms',
    spread: '5ms',
    sample: 2,
    count: 3,
    interval: '7ms',
    size: 60,
    timeout: '7ms',
  },
  read: (parsed, place) => ({
    type: 'ping',
    count: parsed.count ?? DEFAULTS.count,
    intervalMs:
      parsed.interval === undefined ? DEFAULTS.intervalMs : timeMs(parsed.interval, place.at('interval')),
    sizeOctets: readPayloadSize(parsed.size, DEFAULTS.sizeOctets, place.at('size')),
    timeoutMs:
      parsed.timeout === undefined ? DEFAULTS.timeoutMs : positiveTimeMs(parsed.timeout, place.at('timeout')),
  }),
  write: ({ count, intervalMs, sizeOctets: octets, timeoutMs }) => ({
    count,
    interval: formatTime(intervalMs),
    size: octets,
    timeout: formatTime(timeoutMs),
  }),
  async start(flow, plan, { clock, workload, addresses }) {
    const [source, destination] = addresses(plan);
    await workload(plan.from).node.host.ping(destination, {
      ...plan,
      source,
      dataOf: (sequence) => buildPayload(flow.number, sequence - 1, plan.sizeOctets),
      onSent: () => flow.send(clock.nowMs()),
      onReply: (sequence) => flow.arrive(sequence - 1, clock.nowMs()),
    });
  },
  durationMs: ({ count, intervalMs }) => count * intervalMs,
  packets: ({ count, sizeOctets: octets }) => [{ count: 2 * count, octets }],
  shorter: (plan) => (plan.count > 1 ? { ...plan, count: Math.floor(plan.count / 2) } : undefined),
  search: {
    flow: {
      turns: [3],
      draw: (rng, ends) => ({
        ...ends,
        type: 'ping',
        count: 5 + rng.below(30),
        intervalMs: 100,
        sizeOctets: 56,
        timeoutMs: 2000,
      }),
    },
  },
  arbitrary({ between, integer: number, ms, positiveMs }) {
    const ends = between();
    return ends === undefined
      ? undefined
      : {
          ...ends,
          type: 'ping',
          count: number(1, PINGS_MAX),
          intervalMs: ms(),
          timeoutMs: positiveMs(),
          sizeOctets: number(PAYLOAD_OCTETS_MIN, PAYLOAD_OCTETS_MAX),
        };
  },
};
