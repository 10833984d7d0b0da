/** Rates from two looks at counters, and tables of pipes with them. */
import type { PipesResponse, Traffic } from './admin-api.js';
import type { Block, Row } from './tables.js';

/** Per second. */
export interface Rate {
  readonly packets: number;
  readonly octets: number;
}

/** undefined: not counted, or not looked at before. A counter that is less than it was has begun anew in between. */
export function rateOf(
  before: Traffic | undefined,
  now: Traffic | undefined,
  passedMs: number,
): Rate | undefined {
  if (before === undefined || now === undefined || !(passedMs > 0)) return undefined;
  const isNew = now.packets < before.packets || now.octets < before.octets;
  const perSecond = (one: bigint, other: bigint) => (Number(isNew ? one : one - other) * 1000) / passedMs;
  return {
    packets: perSecond(now.packets, before.packets),
    octets: perSecond(now.octets, before.octets),
  };
}

/** What is not known. */
const UNKNOWN = '-';

/** A number of a rate in at most five characters, such as 0.5, 12, 34.5k. */
export function perSecondText(value: number | undefined): string {
  if (value === undefined) return UNKNOWN;
  const units = ['', 'k', 'M', 'G', 'T'];
  let unit = 0;
  let left = value;
  while (left >= 999.5 && unit < units.length - 1) {
    left /= 1000;
    unit++;
  }
  const digits = (unit === 0 && Number.isInteger(left)) || left >= 99.95 ? 0 : 1;
  return `${left.toFixed(digits)}${units[unit]}`;
}

const count = (traffic: Traffic | undefined, what: keyof Rate) => traffic?.[what] ?? UNKNOWN;

/** One counter with its rates: of a pipe, or of an entry that it always has. */
export interface CountedRow {
  readonly name: string;
  readonly hits: Traffic | undefined;
  readonly misses: Traffic | undefined;
  readonly hitRate: Rate | undefined;
  readonly missRate: Rate | undefined;
  readonly entries: readonly CountedRow[];
}

/** Pipes with rates since the look before, which may not be there. */
export function countedPipes(
  now: PipesResponse,
  before: PipesResponse | undefined,
  passedMs: number,
): CountedRow[] {
  const formerPipes = new Map(before?.pipes.map((one) => [one.pipe, one]));
  return now.pipes.map(({ pipe: name, hits, misses, entries }) => {
    const former = formerPipes.get(name);
    const formerEntries = new Map(former?.entries.map((one) => [one.label, one.hits]));
    return {
      name,
      hits,
      misses,
      hitRate: rateOf(former?.hits, hits, passedMs),
      missRate: rateOf(former?.misses, misses, passedMs),
      entries: entries.map((entry) => ({
        name: entry.label,
        hits: entry.hits,
        misses: undefined,
        hitRate: rateOf(formerEntries.get(entry.label), entry.hits, passedMs),
        missRate: undefined,
        entries: [],
      })),
    };
  });
}

export function pipesBlocks(pipes: readonly CountedRow[]): Block[] {
  const row = (name: string, { hits, misses, hitRate, missRate }: CountedRow): Row => [
    name,
    count(hits, 'packets'),
    count(hits, 'octets'),
    perSecondText(hitRate?.packets),
    perSecondText(hitRate?.octets),
    count(misses, 'packets'),
    perSecondText(missRate?.packets),
  ];
  return [
    [
      ['PIPE', 'hits', 'octets', 'hits/s', 'octets/s', 'misses', 'misses/s'],
      ...pipes.flatMap((pipe) => [
        row(pipe.name, pipe),
        ...pipe.entries.map((entry) => row(`  ${entry.name}`, entry)),
      ]),
    ],
  ];
}
