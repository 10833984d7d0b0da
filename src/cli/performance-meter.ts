/** `--perf-print`: rates of key generation and entry insertion, counted by wrapping the device. */
import { delegateHal } from '../hal/delegate.js';
import type { PipeHal } from '../hal/hal.js';

/** What was done of a kind since the last look, and the time in which the device did it. */
export interface Rate {
  readonly what: 'key-gen' | 'insertion';
  readonly count: number;
  readonly durationMs: number;
}

export interface PerformanceMeter {
  readonly hal: PipeHal;
  /** The rates since the last call, without those of which nothing was done. */
  take(): Rate[];
}

const UNITS = { 'key-gen': 'keys', insertion: 'entry operations' } as const;

/** Wraps a device so that what --perf-print wants to know is measured. */
export function meterPerformance(hal: PipeHal, wanted: Rate['what'] | 'all'): PerformanceMeter {
  const rates = new Map<Rate['what'], { count: number; durationMs: number }>();
  const measured = async <T>(what: Rate['what'], count: number, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    try {
      return await work();
    } finally {
      const rate = rates.get(what) ?? { count: 0, durationMs: 0 };
      rate.count += count;
      rate.durationMs += performance.now() - start;
      rates.set(what, rate);
    }
  };
  const wrapped = delegateHal(hal, {
    apply: (operations) => measured('insertion', operations.length, () => hal.apply(operations)),
    generateKeys: (keyOctets, count, algorithm) =>
      measured('key-gen', count, () => hal.generateKeys(keyOctets, count, algorithm)),
  });
  return {
    hal: wrapped,
    take() {
      const taken: Rate[] = [];
      for (const what of ['key-gen', 'insertion'] as const) {
        const rate = rates.get(what);
        if (rate !== undefined && (wanted === 'all' || wanted === what)) taken.push({ what, ...rate });
      }
      rates.clear();
      return taken;
    },
  };
}

/** Number of operations in a second of the device's time. */
const perSecond = ({ count, durationMs }: Rate) => Math.round((count * 1000) / durationMs);

/** A line per rate, for people. */
export function ratesText(rates: readonly Rate[]): string {
  return rates
    .map(
      (rate) =>
        `${rate.what}: ${rate.count} ${UNITS[rate.what]} in ${rate.durationMs.toFixed(1)} ms, ${perSecond(rate)} per second`,
    )
    .join('\n');
}

/** The same for programs: by kind. */
export function ratesObject(rates: readonly Rate[]): object {
  return Object.fromEntries(
    rates.map((rate) => [
      rate.what,
      { count: rate.count, durationMs: rate.durationMs, perSecond: perSecond(rate) },
    ]),
  );
}
