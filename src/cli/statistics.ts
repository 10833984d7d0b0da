/** `--stat-print` and `--perf-print`: counters and rates of a running gateway, one block per second. */
import type { Gateway } from '../gateway/gateway.js';
import { buildPipeline } from '../gateway/pipeline/pipeline.js';
import type { SessionCounters } from '../gateway/sessions/session-counters.js';
import type { GatewayView } from '../gateway/view.js';
import { delegateHal } from '../hal/delegate.js';
import type { Counter, CounterSelector, PipeHal, PspStatistics } from '../hal/hal.js';
import type { Pipe } from '../hal/program.js';
import { table } from './output.js';

/** Sessions whose counters are printed; of the others it is said how many there are. */
export const STATISTICS_SESSIONS_MAX = 20;

/**
 * Counters under the words that Linux's PSP uses, then those of the gateway and whether its ports are there, of what was not let
 * in, of the pipes with the entries that they always have, and of sessions.
 */
export async function statisticsText(hal: PipeHal, gateway: Gateway): Promise<string> {
  const view = gateway.view();
  return [
    gatewayTable(await hal.statistics(), view),
    ...view.ports.map(({ name, state }) => `port ${name}: ${state}`),
    '',
    await syndromesText(hal),
    '',
    await pipesTable(hal, buildPipeline(gateway.pipelineOptions).pipes),
    '',
    sessionsTable(await gateway.sessionCounters(STATISTICS_SESSIONS_MAX), view),
  ].join('\n');
}

function gatewayTable(psp: PspStatistics, view: GatewayView): string {
  const { sessions, slowPath, spisRetiring, keySlotsUsed } = view;
  const known = (value: bigint | null) => (value === null ? '-' : String(value));
  const established = sessions.filter(({ state }) => state === 'established').length;
  return table([
    ['rx-packets', known(psp.rxPackets), 'tx-packets', known(psp.txPackets), 'sessions', sessions.length],
    ['rx-bytes', known(psp.rxBytes), 'tx-bytes', known(psp.txBytes), 'established', established],
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
  ]);
}

async function syndromesText(hal: PipeHal): Promise<string> {
  const [icvFail, badTrailer, notAllowed] = await hal.counters([
    { pipe: 'SYNDROME_STATS', label: 'icv-fail' },
    { pipe: 'SYNDROME_STATS', label: 'bad-trailer' },
    { pipe: 'SYNDROME_STATS', miss: true },
  ]);
  return table([
    ['SYNDROME', 'packets', 'octets'],
    row('0 but not let in', notAllowed!),
    row('1 icv-fail', icvFail!),
    row('2 bad-trailer', badTrailer!),
  ]);
}

const row = (name: string, { packets, octets }: Counter) => [name, packets, octets];

/** A line per pipe, and under it one for each of its static entries where it has several. */
async function pipesTable(hal: PipeHal, pipes: readonly Pipe[]): Promise<string> {
  const rows: { readonly name: string; readonly hits: CounterSelector; readonly misses?: CounterSelector }[] =
    [];
  for (const { name: pipe, entries = [], missCounter } of pipes) {
    const misses = missCounter === true ? { misses: { pipe, miss: true } as const } : {};
    rows.push({ name: pipe, hits: { pipe, total: true }, ...misses });
    if (entries.length < 2) continue;
    for (const { label } of entries) rows.push({ name: `  ${label}`, hits: { pipe, label: label! } });
  }
  const counters = await hal.counters(
    rows.flatMap(({ hits, misses }) => (misses === undefined ? [hits] : [hits, misses])),
  );
  let at = 0;
  return table([
    ['PIPE', 'packets', 'octets', 'misses'],
    ...rows.map(({ name, misses }) => [
      ...row(name, counters[at++]!),
      misses === undefined ? '' : counters[at++]!.packets,
    ]),
  ]);
}

function sessionsTable(known: readonly SessionCounters[], { sessions }: GatewayView): string {
  const left = sessions.length - known.length;
  const cells = (counter: Counter | undefined) =>
    counter === undefined ? ['-', '-'] : [counter.packets, counter.octets];
  const rows = known.map((one) => [
    `${one.localVip} - ${one.remoteVip}`,
    ...cells(one.out),
    ...cells(one.in),
    one.peer,
  ]);
  const text = table([['SESSION', 'out', 'octets', 'in', 'octets', 'peer'], ...rows]);
  return left > 0 ? `${text}\nand ${left} more sessions, used less lately` : text;
}

/** Rates of key generation and entry insertion, counted by wrapping the device. */
export interface PerformanceMeter {
  readonly hal: PipeHal;
  /** The rates since the last call, or undefined when nothing was done. */
  take(): string | undefined;
}

interface Rate {
  count: number;
  seconds: number;
}

/** Wraps a device so that what --perf-print wants to know is measured. */
export function meterPerformance(hal: PipeHal, what: 'key-gen' | 'insertion' | 'all'): PerformanceMeter {
  const keys: Rate = { count: 0, seconds: 0 };
  const entries: Rate = { count: 0, seconds: 0 };
  const measured = async <T>(rate: Rate, count: number, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    try {
      return await work();
    } finally {
      rate.count += count;
      rate.seconds += (performance.now() - start) / 1000;
    }
  };
  const wrapped = delegateHal(hal, {
    apply: (operations) => measured(entries, operations.length, () => hal.apply(operations)),
    generateKeys: (keyOctets, count) => measured(keys, count, () => hal.generateKeys(keyOctets, count)),
  });
  const line = (name: string, unit: string, rate: Rate) => {
    if (rate.count === 0) return undefined;
    const text = `${name}: ${rate.count} ${unit} in ${(rate.seconds * 1000).toFixed(1)} ms, ${Math.round(rate.count / rate.seconds)} per second`;
    rate.count = 0;
    rate.seconds = 0;
    return text;
  };
  return {
    hal: wrapped,
    take() {
      const lines = [
        what === 'insertion' ? undefined : line('key-gen', 'keys', keys),
        what === 'key-gen' ? undefined : line('insertion', 'entry operations', entries),
      ].filter((text) => text !== undefined);
      return lines.length === 0 ? undefined : lines.join('\n');
    },
  };
}
