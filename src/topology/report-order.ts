/** Puts failures before successes: reports are long, and readers see their beginning. */
import type { Judged, Verdict } from './expectations/kind.js';
import type { FlowReport } from './report.js';

/** Unmet expectations first; the order within each group is kept. */
export function unmetFirst(verdicts: readonly Verdict[]): Verdict[] {
  return byRank(verdicts, ({ ok }) => (ok ? 1 : 0));
}

/**
 * Flows that do not meet an expectation, marked as `failed`, then those that lost something, then all others; each kind in
 * the order of the file.
 */
export function flowsInOrder(
  flows: readonly (readonly [name: string, flow: FlowReport])[],
  judged: readonly Judged[],
): Record<string, FlowReport> {
  const failing = new Set(judged.flatMap((verdict) => verdict.failing));
  const marked = flows.map(([name, flow]): [string, FlowReport] => [
    name,
    failing.has(name) ? { ...flow, failed: true } : flow,
  ]);
  return Object.fromEntries(byRank(marked, ([, flow]) => rankOf(flow)));
}

function rankOf({ failed, lost, transfer }: FlowReport): number {
  if (failed === true) return 0;
  return lost > 0 || transfer?.intact === false ? 1 : 2;
}

/** Array.prototype.sort is stable. */
const byRank = <T>(items: readonly T[], rank: (item: T) => number): T[] =>
  [...items].sort((a, b) => rank(a) - rank(b));
