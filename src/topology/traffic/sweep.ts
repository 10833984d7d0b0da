import type { Static } from 'typebox';
import { ipFamily } from '../../packet/address.js';
import { fromSchema, type TrafficKind } from './kind.js';
import {
  arbitraryScattered,
  readScattered,
  SCATTERED,
  type ScatteredPlan,
  scatter,
  scatteredPackets,
  writeScattered,
} from './scattered.js';
import { shorterByHalf } from './shorter.js';

/** Datagrams to all addresses that the peers of the workload's gateway own, one after the other. */
export interface SweepPlan extends ScatteredPlan {
  readonly type: 'sweep';
}

/** Share of the searches in hostile worlds in which a workload sweeps. */
const SWEEP_RATIO = 0.4;
const PER_SECOND_MAX = 200;

const schema = fromSchema(
  'sweep',
  "datagrams to all addresses that peers own, of the family of the workload's first, one after the other",
  SCATTERED,
);

export const sweep: TrafficKind<SweepPlan, Static<typeof schema>> = {
  schema,
  example: {
    type: 'sweep',
    from: ['v1', 'w1', 'w2'],
    start: '5ms',
    spread: '5ms',
    sample: 2,
    rate: 5,
    duration: '1s',
  },
  read: (parsed, place) => ({ type: 'sweep', ...readScattered(parsed, place) }),
  write: writeScattered,
  start: (flow, plan, context) =>
    scatter(flow, plan, context, (source) =>
      context
        .workload(plan.from)
        .node.plan.options.peers.flatMap(({ virtualIps }) => virtualIps)
        .filter((address) => ipFamily(address) === ipFamily(source)),
    ),
  durationMs: ({ durationMs }) => durationMs,
  packets: scatteredPackets,
  endsAtGateway: true,
  shorter: shorterByHalf,
  search: {
    // One workload goes through the whole directory.
    hostile: {
      turns: [0],
      draw(rng, { gateways, faultsMs, say }) {
        if (!rng.chance(SWEEP_RATIO)) return [];
        const present = gateways.flatMap(({ workloads }) => workloads.filter((one) => one.present));
        if (present.length === 0) return [];
        const from = rng.pick(present).name;
        const packetsPerSecond = 1 + rng.below(PER_SECOND_MAX);
        const startMs = rng.below(Math.ceil(faultsMs / 2));
        say(`${from} sweeps over all addresses at ${packetsPerSecond}/s from ${startMs} ms`);
        const durationMs = faultsMs - startMs;
        return [{ type: 'sweep', name: 'sweep', from, startMs, packetsPerSecond, durationMs }];
      },
    },
  },
  arbitrary: (values) => ({ type: 'sweep', ...arbitraryScattered(values) }),
};
