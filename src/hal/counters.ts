/** All counters of a program at once, by pipe and label, and their text. */
import type { Counter, CounterSelector, PipeHal } from './hal.js';
import type { Pipe, PipeProgram } from './program.js';

export interface PipeCounters {
  /** All entries together, removed ones included; absent when the pipe does not count. */
  readonly total?: Counter;
  /** Absent when the pipe has no miss counter. */
  readonly miss?: Counter;
  /** By label: the static entries that count. */
  readonly entries: Readonly<Record<string, Counter>>;
}

/** By name of the pipe. */
export type ProgramCounters = Readonly<Record<string, PipeCounters>>;

/** Labels of the static entries that count. */
function countedLabels(pipe: Pipe): string[] {
  const labels: string[] = [];
  if (pipe.type === 'control') {
    for (const { label, monitor } of pipe.entries ?? []) {
      if (label !== undefined && monitor?.counter === true) labels.push(label);
    }
  } else if (pipe.monitor?.counter === true) {
    for (const { label } of pipe.entries ?? []) if (label !== undefined) labels.push(label);
  }
  return labels;
}

/** Reads every counter that the program asks for, in one query. `program` is the one that `hal` has built. */
export async function collectCounters(
  hal: Pick<PipeHal, 'counters'>,
  program: PipeProgram,
): Promise<ProgramCounters> {
  const selectors: CounterSelector[] = [];
  for (const pipe of program.pipes) {
    const labels = countedLabels(pipe);
    if (pipeCounts(pipe)) selectors.push({ pipe: pipe.name, total: true });
    if (pipe.missCounter === true) selectors.push({ pipe: pipe.name, miss: true });
    for (const label of labels) selectors.push({ pipe: pipe.name, label });
  }
  const read = (await hal.counters(selectors)).values();
  const counters: Record<string, PipeCounters> = {};
  for (const pipe of program.pipes) {
    const total = pipeCounts(pipe) ? { total: read.next().value! } : {};
    const miss = pipe.missCounter === true ? { miss: read.next().value! } : {};
    const entries = Object.fromEntries(countedLabels(pipe).map((label) => [label, read.next().value!]));
    counters[pipe.name] = { ...total, ...miss, entries };
  }
  return counters;
}

function pipeCounts(pipe: Pipe): boolean {
  return pipe.type === 'basic' ? pipe.monitor?.counter === true : countedLabels(pipe).length > 0;
}

const DECIMAL_STEP = 1000n;
const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

/** Three to four digits and a decimal prefix: 999, 1.23k, 45.6M. */
export function shortCount(count: bigint): string {
  let prefix = 0;
  let unit = 1n;
  while (count / unit >= DECIMAL_STEP && prefix < PREFIXES.length - 1) {
    unit *= DECIMAL_STEP;
    prefix++;
  }
  if (prefix === 0) return String(count);
  const hundredths = (count * 100n) / unit;
  const value = Number(hundredths) / 100;
  return `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : Math.floor(value)}${PREFIXES[prefix]}`;
}

/** `12 packets, 3.4kB` */
export function describeCounter({ packets, octets }: Counter): string {
  return `${shortCount(packets)} pkt, ${shortCount(octets)}B`;
}
