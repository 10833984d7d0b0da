import type { Static } from 'typebox';
import { TRANSFER_OCTETS_MAX } from '../file/limits.js';
import { size } from '../file/schema-values.js';
import { sizeOctets } from '../file/values.js';
import type { Flow } from './flow.js';
import { type BetweenWorkloads, betweenSchema, type TrafficKind } from './kind.js';
import { Transfer } from './tcp-transfer.js';
import { FLOW_PORT, sourcePortOf, tcpPacket } from './workload-packets.js';

/** So many octets, acknowledged and repeated as TCP does, and compared by SHA-256 at the end. */
export interface TransferPlan extends BetweenWorkloads {
  readonly type: 'transfer';
  readonly sizeOctets: number;
}

/** Fits every underlay that a topology may have. */
const SEGMENT_OCTETS = 1_120;
/** What the estimate of captures takes for a segment's data. */
const SEGMENT_OCTETS_ABOUT = 1200;
/** A search makes failures no smaller than by transfers of this size. */
const SMALL_OCTETS = 1000;
const COUNTERS: Record<Exclude<keyof NonNullable<Flow['transfer']>, 'intact'>, 0> = {
  octets: 0,
  retransmissions: 0,
};

const schema = betweenSchema(
  'transfer',
  'so many octets, acknowledged and repeated as TCP does, and compared at the end',
  { size: size('octets, 1 to 10GB', 1, TRANSFER_OCTETS_MAX) },
);

export const transfer: TrafficKind<TransferPlan, Static<typeof schema>> = {
  schema,
  example: {
    type: 'transfer',
    from: ['v1'],
    to: ['w1', 'w2', 'w3'],
    family: 6,
    start: '5ms',
    spread: '5ms',
    sample: 2,
    size: 700,
  },
  read: (parsed, place) => ({
    type: 'transfer',
    sizeOctets: sizeOctets(parsed.size, place.at('size'), 1, TRANSFER_OCTETS_MAX),
  }),
  write: ({ sizeOctets: octets }) => ({ size: octets }),
  start(flow, plan, { clock, workload, addresses, arrivals }) {
    const [from, to] = addresses(plan);
    const ports = { from: sourcePortOf(flow), to: FLOW_PORT };
    const fromHost = workload(plan.from).node.host;
    const toHost = workload(plan.to).node.host;
    const sent = new Transfer({
      clock,
      flow,
      sizeOctets: plan.sizeOctets,
      segmentOctets: SEGMENT_OCTETS,
      ports,
      sendData: (segment) => fromHost.send(tcpPacket(from, to, segment), from, to),
      sendAck: (segment) => toHost.send(tcpPacket(to, from, segment), to, from),
    });
    arrivals.expectTransfer(from, to, ports.from, sent);
    return sent.run();
  },
  durationMs: () => 0,
  packets({ sizeOctets: octets }) {
    const segments = Math.ceil(octets / SEGMENT_OCTETS_ABOUT);
    return [
      { count: segments, octets: SEGMENT_OCTETS_ABOUT },
      { count: segments, octets: 0 },
    ];
  },
  counters: { transfer: COUNTERS },
  shorter: (plan) =>
    plan.sizeOctets > SMALL_OCTETS ? { ...plan, sizeOctets: Math.floor(plan.sizeOctets / 2) } : undefined,
  search: {
    flow: {
      turns: [0],
      draw: (rng, ends) => ({ ...ends, type: 'transfer', sizeOctets: 1000 + rng.below(100_000) }),
    },
  },
  arbitrary({ between, integer }) {
    const ends = between();
    return ends === undefined
      ? undefined
      : { ...ends, type: 'transfer', sizeOctets: integer(1, TRANSFER_OCTETS_MAX) };
  },
};
