import type { Static } from 'typebox';
import { type IpAddress, type IpFamily, ipFamily } from '../../packet/address.js';
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

/** Datagrams to addresses that no peer owns. */
export interface FloodPlan extends ScatteredPlan {
  readonly type: 'flood';
}

/** Nobody's: RFC 2544 and RFC 5180 keep these for benchmarks. */
const NOBODYS = { 4: '198.18.0.', 6: '2001:2::' } as const;
const DESTINATIONS = 250;

const schema = fromSchema('flood', 'datagrams to addresses that no peer owns', SCATTERED);

export const flood: TrafficKind<FloodPlan, Static<typeof schema>> = {
  schema,
  example: {
    type: 'flood',
    from: ['v1', 'w1', 'w2'],
    start: '5ms',
    spread: '5ms',
    sample: 2,
    rate: 5,
    duration: '1s',
  },
  read: (parsed, place) => ({ type: 'flood', ...readScattered(parsed, place) }),
  write: writeScattered,
  start: (flow, plan, context) => scatter(flow, plan, context, (source) => nobodys(ipFamily(source))),
  durationMs: ({ durationMs }) => durationMs,
  packets: scatteredPackets,
  endsAtGateway: true,
  shorter: shorterByHalf,
  search: {
    flow: {
      turns: [2],
      draw: (_, { name, startMs, from }) => ({
        name,
        startMs,
        from,
        type: 'flood',
        packetsPerSecond: 20,
        durationMs: 1000,
      }),
    },
  },
  arbitrary: (values) => ({ type: 'flood', ...arbitraryScattered(values) }),
};

function nobodys(family: IpFamily): IpAddress[] {
  return Array.from({ length: DESTINATIONS }, (_, i) => `${NOBODYS[family]}${i + 1}` as IpAddress);
}
