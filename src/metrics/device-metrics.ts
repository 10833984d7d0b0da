/** Metrics of packets and of the device: the PSP specification's counters, pipes, and what was dropped. */
import type { Counter, PortState } from '../hal/hal.js';
import type { LabelledValue, Metric, Scrape, Value } from './metric.js';

type Psp = NonNullable<Scrape['device']>['psp'];
type Pipe = NonNullable<Scrape['device']>['pipes'][number];

const psp = (name: string, key: keyof Psp, help: string): Metric => ({
  name: `psp_gateway_${name}_total`,
  kind: 'counter',
  help,
  read: ({ device }) => device?.psp[key],
});

/** Two metrics of one kind of counter: its packets and its octets. */
const counted = (
  name: string,
  labels: readonly string[],
  what: string,
  read: (pipe: Pipe) => readonly (readonly [Counter | undefined, ...labels: string[]])[],
): Metric[] =>
  (['packets', 'bytes'] as const).map((unit) => ({
    name: `psp_gateway_${name}_${unit}_total`,
    kind: 'counter',
    help: unit === 'packets' ? `Packets that ${what}.` : `Octets of whole frames, without FCS, that ${what}.`,
    labels,
    read: ({ device }) =>
      (device?.pipes ?? []).flatMap((pipe) =>
        read(pipe).map(
          ([counter, ...rest]): LabelledValue => [
            unit === 'packets' ? counter?.packets : counter?.octets,
            pipe.pipe,
            ...rest,
          ],
        ),
      ),
  }));

/** 1: carries packets; undefined: nothing would tell. */
const PORT_UP: Readonly<Record<PortState, Value>> = {
  present: 1,
  gone: 0,
  'waited-for': 0,
  unwatched: undefined,
};

export const DEVICE_METRICS: readonly Metric[] = [
  {
    name: 'psp_gateway_device_up',
    kind: 'gauge',
    help: 'Whether the device has told its counters for this scrape.',
    read: ({ device }) => (device === undefined ? 0 : 1),
  },
  {
    name: 'psp_gateway_port_up',
    kind: 'gauge',
    help: 'Whether a port, or what the kernel has behind it, can carry packets; absent where nothing would tell.',
    labels: ['port'],
    read: ({ gateway }) => gateway.ports.map(({ name, state }) => [PORT_UP[state], name]),
  },
  psp('rx_packets', 'rxPackets', 'PSP packets received that have been authenticated.'),
  psp('rx_bytes', 'rxBytes', 'Octets of these from the first one after the IV to the end of the payload.'),
  psp('rx_auth_fail', 'rxAuthFail', 'PSP packets received whose ICV did not match.'),
  psp('rx_error', 'rxError', 'PSP packets received whose length or framing was wrong.'),
  psp(
    'rx_bad',
    'rxBad',
    'PSP packets received of a reserved version, or under an SPI of no valid master key.',
  ),
  psp('tx_packets', 'txPackets', 'PSP packets sent.'),
  psp('tx_bytes', 'txBytes', 'Octets of these from the first one after the IV to the end of the payload.'),
  psp('tx_error', 'txError', 'Packets that could not be encrypted, and were dropped.'),
  psp('key_rotations', 'keyRotations', "Rotations of the device's master key."),
  psp('port_dropped_packets', 'portDropped', 'Frames that a port could not carry, and were dropped.'),
  psp(
    'rss_dropped_packets',
    'rssDropped',
    'Packets for the CPU that it did not fetch in time, and were dropped.',
  ),
  psp(
    'kernel_dropped_packets',
    'kernelDropped',
    'Frames that the uplink has left to the kernel behind it, and that were dropped because there is none.',
  ),
  ...counted('pipe_hit', ['pipe'], 'have matched an entry of the pipe', ({ hits }) => [[hits]]),
  ...counted('pipe_miss', ['pipe'], 'have matched no entry of the pipe', ({ misses }) => [[misses]]),
  ...counted('entry', ['pipe', 'entry'], 'have matched an entry that the pipe always has', ({ entries }) =>
    entries.map(({ label, hits }) => [hits, label]),
  ),
  {
    name: 'psp_gateway_dropped_packets_total',
    kind: 'counter',
    help: 'Packets that did not get through, by what they lacked: `in` those of peers, `out` those of the workload.',
    labels: ['direction', 'reason'],
    read: ({ gateway, device }) => [
      ...droppedIn(device),
      ...droppedOut(gateway, device),
      ...droppedOfSegment(gateway),
    ],
  },
];

function droppedIn(device: Scrape['device']): LabelledValue[] {
  const { icvFail, badTrailer, notAllowed, withoutWords } = device?.notLetIn ?? {};
  return [
    [icvFail?.packets, 'in', 'icv-fail'],
    [badTrailer?.packets, 'in', 'bad-trailer'],
    [notAllowed?.packets, 'in', 'not-allowed'],
    [withoutWords?.packets, 'in', 'without-words'],
    [device?.psp.kernelDropped, 'in', 'no-kernel'],
  ];
}

function droppedOut({ slowPath }: Scrape['gateway'], device: Scrape['device']): LabelledValue[] {
  const root = device?.pipes.find(({ pipe }) => pipe === 'ROOT');
  const other = root?.entries.find(({ label }) => label === 'vf-other');
  return [
    [other?.hits.packets, 'out', 'no-ip-packet'],
    [slowPath.noPeer, 'out', 'no-peer'],
    [slowPath.noSession, 'out', 'no-session'],
    [slowPath.unusable, 'out', 'unusable'],
    [slowPath.looping, 'out', 'looping'],
    [slowPath.abandoned, 'out', 'session-removed'],
    [slowPath.overflowed, 'out', 'queue-full'],
    [slowPath.expired, 'out', 'waited-too-long'],
    [slowPath.tooBigDropped, 'out', 'too-big'],
    [slowPath.fragmentsDropped, 'out', 'fragment'],
    [device?.psp.txError, 'out', 'encryption'],
  ];
}

function droppedOfSegment({ segment }: Scrape['gateway']): LabelledValue[] {
  if (segment === undefined) return [];
  return (['in', 'out'] as const).flatMap((direction) =>
    Object.entries(segment.dropped[direction]).map(
      ([reason, count]): LabelledValue => [count, direction, `segment-${reason}`],
    ),
  );
}
