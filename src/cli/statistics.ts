/** `--stat-print` and `--perf-print`: counters and rates of a running gateway, one block per second. */
import type { Gateway } from '../gateway/gateway.js';
import { delegateHal } from '../hal/delegate.js';
import type { PipeHal } from '../hal/hal.js';
import { table } from './output.js';

/** Counters under the words that Linux's PSP uses, then those of the gateway. */
export async function statisticsText(hal: PipeHal, gateway: Gateway): Promise<string> {
  const psp = await hal.statistics();
  const { sessions, slowPath, spisRetiring, keySlotsUsed } = gateway.view();
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

/** How fast keys are made and entries are inserted; counted by wrapping the device. */
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
