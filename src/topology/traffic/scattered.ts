/** What flood and sweep have in common: datagrams from one workload to many addresses, one after the other. */
import type { IpAddress } from '../../packet/address.js';
import { formatPacketRate, formatTime, type Quantity } from '../file/quantities.js';
import { positivePacketRate, positiveTime } from '../file/schema-values.js';
import type { Place } from '../file/source.js';
import { positivePacketsPerSecond, positiveTimeMs } from '../file/values.js';
import { pace } from '../pace.js';
import type { Flow } from './flow.js';
import type { ArbitraryFlowValues, FromWorkload, Packets, TrafficContext } from './kind.js';
import { buildPayload } from './payload.js';
import { datagram, sourcePortOf } from './workload-packets.js';

export interface ScatteredPlan extends FromWorkload {
  readonly packetsPerSecond: number;
  readonly durationMs: number;
}

type Values = Pick<ScatteredPlan, 'packetsPerSecond' | 'durationMs'>;

const PAYLOAD_OCTETS = 64;

export const SCATTERED = {
  rate: positivePacketRate('packets per second'),
  duration: positiveTime('how long'),
};

export const readScattered = (
  parsed: { readonly rate: Quantity; readonly duration: Quantity },
  place: Place,
): Values => ({
  packetsPerSecond: positivePacketsPerSecond(parsed.rate, place.at('rate')),
  durationMs: positiveTimeMs(parsed.duration, place.at('duration')),
});

export const writeScattered = (plan: Values): { rate: string; duration: string } => ({
  rate: formatPacketRate(plan.packetsPerSecond),
  duration: formatTime(plan.durationMs),
});

/** Sends from the workload's first address to each of those in turn; nothing where there is none. */
export async function scatter(
  flow: Flow,
  { from, packetsPerSecond, durationMs }: ScatteredPlan,
  { clock, workload }: TrafficContext,
  destinationsOf: (source: IpAddress) => readonly IpAddress[],
): Promise<void> {
  const { node, plan } = workload(from);
  const source = plan.addresses[0]!;
  const destinations = destinationsOf(source);
  if (destinations.length === 0) return;
  await pace(clock, packetsPerSecond, durationMs, () => {
    const sequence = flow.send(clock.nowMs());
    const destination = destinations[sequence % destinations.length]!;
    const payload = buildPayload(flow.number, sequence, PAYLOAD_OCTETS);
    node.host.send(datagram(source, destination, sourcePortOf(flow), payload), source, destination);
  });
}

export const scatteredPackets = ({ packetsPerSecond, durationMs }: Values): readonly Packets[] => [
  { count: (packetsPerSecond * durationMs) / 1000, octets: 0 },
];

export const arbitraryScattered = (values: ArbitraryFlowValues): Values & Pick<FromWorkload, 'from'> => ({
  from: values.from(),
  packetsPerSecond: values.positivePerSecond(),
  durationMs: values.positiveMs(),
});
