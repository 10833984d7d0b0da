/** `--stat-print`: counters of a running gateway, as a block for people or an object for programs. */
import type { Gateway } from '../gateway/gateway.js';
import type { DeviceCounters } from '../gateway/pipeline/device-counters.js';
import type { SessionCounters } from '../gateway/sessions/session-counters.js';
import type { GatewayView } from '../gateway/view.js';
import type { Counter } from '../hal/hal.js';
import { table } from './output.js';

/** Sessions whose counters are read; of the others it is said how many there are. */
export const STATISTICS_SESSIONS_MAX = 20;

export interface Statistics extends DeviceCounters {
  readonly view: GatewayView;
  /** Of the sessions that were used last, the last one first. */
  readonly sessions: readonly SessionCounters[];
}

/** Reads the counters of a gateway and of its device. Rejects with HalError. */
export async function readStatistics(gateway: Gateway): Promise<Statistics> {
  const view = gateway.view();
  return {
    ...(await gateway.deviceCounters()),
    view,
    sessions: await gateway.sessionCounters(STATISTICS_SESSIONS_MAX),
  };
}

/**
 * Counters under the words that Linux's PSP uses, then those of the gateway and whether its ports are there, of what was not let
 * in, of the pipes with the entries that they always have, and of sessions.
 */
export function statisticsText(statistics: Statistics): string {
  const { view, notLetIn } = statistics;
  return [
    gatewayTable(statistics),
    ...view.ports.map(({ name, state }) => `port ${name}: ${state}`),
    '',
    table([
      ['SYNDROME', 'packets', 'octets'],
      row('0 but not let in', notLetIn.notAllowed),
      row('0 but without words', notLetIn.withoutWords),
      row('1 icv-fail', notLetIn.icvFail),
      row('2 bad-trailer', notLetIn.badTrailer),
    ]),
    '',
    pipesTable(statistics),
    '',
    sessionsTable(statistics),
  ].join('\n');
}

/**
 * The same for programs: an object whose keys do not change, with `null` for what the device does not count. Counts are
 * numbers, exact up to 2^53.
 */
export function statisticsObject({ psp, view, notLetIn, pipes, sessions }: Statistics): object {
  const { slowPath, spisRetiring, keySlotsUsed } = view;
  return plainCounts({
    psp,
    gateway: {
      sessions: view.sessions.length,
      established: establishedOf(view),
      keySlotsUsed,
      spisRetiring,
      misses: slowPath.misses,
      noPeer: slowPath.noPeer,
      resubmitted: slowPath.resubmitted,
    },
    ports: view.ports,
    syndromes: notLetIn,
    pipes: pipes.map(({ misses = null, ...pipe }) => ({ ...pipe, misses })),
    sessions: sessions.map(({ in: received = null, out = null, ...session }) => ({
      ...session,
      in: received,
      out,
    })),
    sessionsLeftOut: view.sessions.length - sessions.length,
  }) as object;
}

/** With numbers for bigints, which JSON does not have. */
function plainCounts(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plainCounts);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plainCounts(one)]));
}

const establishedOf = ({ sessions }: GatewayView) =>
  sessions.filter(({ state }) => state === 'established').length;

function gatewayTable({ psp, view }: Statistics): string {
  const { sessions, slowPath, spisRetiring, keySlotsUsed } = view;
  const known = (value: bigint | null) => (value === null ? '-' : String(value));
  return table([
    ['rx-packets', known(psp.rxPackets), 'tx-packets', known(psp.txPackets), 'sessions', sessions.length],
    ['rx-bytes', known(psp.rxBytes), 'tx-bytes', known(psp.txBytes), 'established', establishedOf(view)],
    ['rx-auth-fail', known(psp.rxAuthFail), 'tx-error', known(psp.txError), 'key-slots', keySlotsUsed],
    ['rx-error', known(psp.rxError), 'port-dropped', known(psp.portDropped), 'spis-retiring', spisRetiring],
    ['rx-bad', known(psp.rxBad), 'rss-dropped', known(psp.rssDropped), 'misses', slowPath.misses],
    [
      'key-rotations',
      known(psp.keyRotations),
      'no-peer',
      slowPath.noPeer,
      'resubmitted',
      slowPath.resubmitted,
    ],
    ['kernel-dropped', known(psp.kernelDropped)],
  ]);
}

const row = (name: string, { packets, octets }: Counter) => [name, packets, octets];

/** A line per pipe, and under it one for each of its static entries where it has several. */
function pipesTable({ pipes }: Statistics): string {
  return table([
    ['PIPE', 'packets', 'octets', 'misses'],
    ...pipes.flatMap(({ pipe, hits, misses, entries }) => [
      [...row(pipe, hits), misses === undefined ? '' : misses.packets],
      ...entries.map(({ label, hits: ofEntry }) => [...row(`  ${label}`, ofEntry), '']),
    ]),
  ]);
}

function sessionsTable({ sessions, view }: Statistics): string {
  const left = view.sessions.length - sessions.length;
  const cells = (counter: Counter | undefined) =>
    counter === undefined ? ['-', '-'] : [counter.packets, counter.octets];
  const rows = sessions.map((one) => [
    `${one.localVip} - ${one.remoteVip}`,
    ...cells(one.out),
    ...cells(one.in),
    one.peer,
  ]);
  const text = table([['SESSION', 'out', 'octets', 'in', 'octets', 'peer'], ...rows]);
  return left > 0 ? `${text}\nand ${left} more sessions, used less lately` : text;
}
