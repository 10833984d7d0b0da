/** The report of a verification: a value that is written as JSON and as a page, and compared with an earlier one. */
import type { Group, Measured } from './property.js';

export const REPORT_FORMAT = 'psp-gateway verify';
export const REPORT_VERSION = 1;

/** Something that the device does not do, in its own words. */
export interface Refusal {
  readonly words: string;
  /** The first case of which it said so. */
  readonly case: string;
  readonly cases: number;
}

interface Asked {
  readonly name: string;
  readonly group: Group;
  readonly title: string;
  readonly seconds: number;
}

/** What became of a question. */
export type Result = Asked &
  (
    | {
        readonly state: 'passed';
        readonly cases: number;
        /** Of them, those that failed first, and held when they were run again with more time. */
        readonly again?: number;
        /** Cases that the device refused. */
        readonly refused?: readonly Refusal[];
      }
    | {
        readonly state: 'failed';
        /** So many were run until one failed. */
        readonly cases: number;
        /** The number of the one that failed first. */
        readonly case: number;
        readonly reason: string;
        readonly smallest: string;
        /** How often the smallest case failed when it was run again. */
        readonly repeats: string;
        /** Frames in the capture. */
        readonly frames: number;
        /** pcapng, base64. */
        readonly capture: string;
      }
    | { readonly state: 'not-possible'; readonly refused: readonly Refusal[] }
    | { readonly state: 'measured'; readonly rows: readonly Measured[] }
  );

export type State = Result['state'];

export interface Report {
  readonly format: typeof REPORT_FORMAT;
  readonly version: typeof REPORT_VERSION;
  /** What was asked for. */
  readonly run: {
    readonly program: string;
    readonly at: string;
    readonly seconds: number;
    readonly seed: number;
    readonly depth: string;
    /** What does it again, without what is the machine's. */
    readonly command: string;
    /** It was stopped before all had been asked. */
    readonly stopped: boolean;
  };
  /** Names and values, for people. */
  readonly machine: readonly Measured[];
  readonly device: readonly Measured[];
  readonly counts: Readonly<Record<State, number>>;
  readonly results: readonly Result[];
  readonly comparison?: Comparison;
}

export interface Comparison {
  /** The other report's device, and when it was made. */
  readonly baseline: string;
  readonly differences: readonly Difference[];
}

export interface Difference {
  readonly name: string;
  readonly what: string;
  readonly before: string;
  readonly now: string;
}

export function countsOf(results: readonly Result[]): Record<State, number> {
  const counts: Record<State, number> = { passed: 0, failed: 0, 'not-possible': 0, measured: 0 };
  for (const { state } of results) counts[state]++;
  return counts;
}

/** What is wrong with a value that should be a report; undefined: nothing that a comparison would stumble over. */
export function reportProblem(value: unknown): string | undefined {
  const one = value as Partial<Report> | null;
  if (typeof one !== 'object' || one === null || one.format !== REPORT_FORMAT)
    return `is no report of psp-gateway verify: it has no "format": "${REPORT_FORMAT}"`;
  if (one.version !== REPORT_VERSION) return `is a report of version ${one.version}, not ${REPORT_VERSION}`;
  if (!Array.isArray(one.results) || !one.results.every(isResult) || !isRows(one.device))
    return 'is a report that lacks results or the device';
  return undefined;
}

const isText = (value: unknown): value is string => typeof value === 'string';

function isRows(value: unknown): value is Measured[] {
  return Array.isArray(value) && value.every((row) => isText(row?.what) && isText(row?.value));
}

function isResult(value: unknown): value is Result {
  const one = value as Partial<Record<string, unknown>> | null;
  if (typeof one !== 'object' || one === null || !isText(one.name) || !isText(one.title)) return false;
  if (one.state === 'measured') return isRows(one.rows);
  return one.state === 'passed' || one.state === 'failed' || one.state === 'not-possible';
}

/** What is different in a report from an earlier one, or from another device's. */
export function compare(now: Pick<Report, 'results' | 'device'>, before: Report): Comparison {
  const former = new Map(before.results.map((result) => [result.name, result]));
  const differences: Difference[] = [];
  for (const result of now.results) {
    const other = former.get(result.name);
    former.delete(result.name);
    if (other === undefined) {
      differences.push({ name: result.name, what: result.title, before: 'not asked', now: result.state });
      continue;
    }
    if (other.state !== result.state)
      differences.push({
        name: result.name,
        what: result.title,
        before: stateText(other),
        now: stateText(result),
      });
    else if (result.state === 'measured' && other.state === 'measured')
      differences.push(...rowDifferences(result.name, other.rows, result.rows));
  }
  for (const other of former.values())
    differences.push({ name: other.name, what: other.title, before: other.state, now: 'not asked' });
  const differentDevice = rowDifferences('device', before.device, now.device);
  return {
    baseline: `${before.device[0]?.value ?? 'a device'}, ${before.run?.at ?? 'at some time'}`,
    differences: [...differentDevice, ...differences],
  };
}

function stateText(result: Result): string {
  if (result.state === 'failed') return `failed: ${result.reason}`;
  if (result.state === 'not-possible')
    return `not possible: ${result.refused[0]?.words ?? 'no reason given'}`;
  return result.state;
}

function rowDifferences(name: string, before: readonly Measured[], now: readonly Measured[]): Difference[] {
  const steady = (rows: readonly Measured[]) => rows.filter(({ varies }) => varies !== true);
  const former = new Map(steady(before).map(({ what, value }) => [what, value]));
  const rows = steady(now).flatMap(({ what, value }): Difference[] => {
    const other = former.get(what);
    former.delete(what);
    return other === value ? [] : [{ name, what, before: other ?? 'not told', now: value }];
  });
  for (const [what, value] of former) rows.push({ name, what, before: value, now: 'not told' });
  return rows;
}
