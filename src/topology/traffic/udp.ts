import type { Static } from 'typebox';
import { PAYLOAD_OCTETS_MAX } from '../file/limits.js';
import { formatPacketRate, formatTime } from '../file/quantities.js';
import { integer, optional, positivePacketRate, positiveTime } from '../file/schema-values.js';
import { positivePacketsPerSecond, positiveTimeMs } from '../file/values.js';
import { pace } from '../pace.js';
import { type BetweenWorkloads, betweenSchema, type TrafficKind } from './kind.js';
import { buildPayload, PAYLOAD_OCTETS_MIN } from './payload.js';
import { payloadSize, readPayloadSize } from './payload-size.js';
import { shorterByHalf } from './shorter.js';
import { datagram, FLOW_PORT, sourcePortOf } from './workload-packets.js';

/** One-way datagrams at an even pace. */
export interface UdpPlan extends BetweenWorkloads {
  readonly type: 'udp';
  readonly packetsPerSecond: number;
  /** Length of the UDP payload, PAYLOAD_OCTETS_MIN to PAYLOAD_OCTETS_MAX. */
  readonly sizeOctets: number;
  readonly durationMs: number;
  /** They are for; absent: 5201. */
  readonly port?: number;
}

const SIZE_OCTETS = 1000;

const schema = betweenSchema('udp', 'one-way datagrams at an even pace', {
  rate: positivePacketRate('packets per second'),
  size: optional(payloadSize('octets of payload', SIZE_OCTETS)),
  duration: positiveTime('how long'),
  port: optional(integer('destination port', 1, 65_535, FLOW_PORT)),
});

export const udp: TrafficKind<UdpPlan, Static<typeof schema>> = {
  schema,
  example: {
    type: 'udp',
    from: ['v1'],
    to: ['w1', 'w2', 'w3'],
    family: 6,
    start: '5ms',
    spread: '5ms',
    sample: 2,
    rate: '7/s',
    size: 70,
    duration: '7s',
    port: 67,
  },
  read: (parsed, place) => ({
    type: 'udp',
    packetsPerSecond: positivePacketsPerSecond(parsed.rate, place.at('rate')),
    sizeOctets: readPayloadSize(parsed.size, SIZE_OCTETS, place.at('size')),
    durationMs: positiveTimeMs(parsed.duration, place.at('duration')),
    ...(parsed.port === undefined ? {} : { port: parsed.port }),
  }),
  write: ({ packetsPerSecond, sizeOctets: octets, durationMs, port }) => ({
    rate: formatPacketRate(packetsPerSecond),
    size: octets,
    duration: formatTime(durationMs),
    ...(port === undefined ? {} : { port }),
  }),
  async start(flow, plan, { clock, workload, addresses }) {
    const [source, destination] = addresses(plan);
    const { host } = workload(plan.from).node;
    await pace(clock, plan.packetsPerSecond, plan.durationMs, () => {
      const sequence = flow.send(clock.nowMs());
      const payload = buildPayload(flow.number, sequence, plan.sizeOctets);
      const packet = datagram(source, destination, sourcePortOf(flow), payload, plan.port);
      host.send(packet, source, destination);
    });
  },
  durationMs: ({ durationMs }) => durationMs,
  packets: ({ packetsPerSecond, durationMs, sizeOctets: octets }) => [
    { count: (packetsPerSecond * durationMs) / 1000, octets },
  ],
  shorter: shorterByHalf,
  search: {
    flow: {
      turns: [1],
      draw: (rng, ends) => ({
        ...ends,
        type: 'udp',
        packetsPerSecond: 10 + rng.below(90),
        sizeOctets: 32 + rng.below(1000),
        durationMs: 1000 + rng.below(5000),
      }),
    },
  },
  arbitrary({ between, integer: number, positiveMs, positivePerSecond }) {
    const ends = between();
    return ends === undefined
      ? undefined
      : {
          ...ends,
          type: 'udp',
          packetsPerSecond: positivePerSecond(),
          sizeOctets: number(PAYLOAD_OCTETS_MIN, PAYLOAD_OCTETS_MAX),
          durationMs: positiveMs(),
        };
  },
};
