/** What `--stat-print` and `--perf-print` print every second: a block for people, a line of JSON for programs. */

import { escapedInJson } from '../base/printable.js';
import type { Gateway } from '../gateway/gateway.js';
import { HalError } from '../hal/errors.js';
import { outputFailed } from './failure.js';
import { LineWriter, writeSomeTo } from './line-writer.js';
import type { LogFormat } from './log.js';
import { type PerformanceMeter, ratesObject, ratesText } from './performance-meter.js';
import { readStatistics, statisticsObject, statisticsText } from './statistics.js';

const PRINT_INTERVAL_MS = 1000;

export interface PrintingOptions {
  readonly gateway: Gateway;
  /** --stat-print */
  readonly statistics: boolean;
  /** --perf-print */
  readonly meter: PerformanceMeter | undefined;
  readonly format: LogFormat;
  /** Told of blocks that nobody has read, as soon as they are lost. */
  readonly onLost: (blocks: number) => void;
}

/** Prints to standard output from now on, until the function that it gives is called. */
export function startPrinting(options: PrintingOptions): () => void {
  if (!options.statistics && options.meter === undefined) return () => {};
  const out = new LineWriter({
    write: writeSomeTo(process.stdout),
    lostLine: (blocks) =>
      options.format === 'json'
        ? jsonLine({ lost: blocks })
        : `${blocks} blocks were not read, and are lost\n\n`,
    onLost: options.onLost,
    onError: outputFailed,
  });
  const timer = setInterval(() => {
    blocks(options).then((printed) => {
      for (const block of printed) out.write(block);
    }, ignoreAfterStop);
  }, PRINT_INTERVAL_MS);
  return () => {
    clearInterval(timer);
    out.close();
  };
}

async function blocks({ gateway, statistics, meter, format }: PrintingOptions): Promise<string[]> {
  const counted = statistics ? await readStatistics(gateway) : undefined;
  const rates = meter?.take() ?? [];
  const isJson = format === 'json';
  const printed: string[] = [];
  if (counted !== undefined) {
    printed.push(
      isJson ? jsonLine({ statistics: statisticsObject(counted) }) : `${statisticsText(counted)}\n\n`,
    );
  }
  if (rates.length > 0) {
    printed.push(isJson ? jsonLine({ performance: ratesObject(rates) }) : `${ratesText(rates)}\n\n`);
  }
  return printed;
}

/** One line, with the time in it as in the log's lines. */
const jsonLine = (object: object) =>
  `${escapedInJson(JSON.stringify({ time: new Date().toISOString(), ...object }))}\n`;

/** What was being read when the gateway stopped is not printed any more. */
function ignoreAfterStop(error: unknown): void {
  if (!(error instanceof HalError && error.code === 'SHUTDOWN')) throw error;
}
