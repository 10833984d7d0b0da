/** Compares a run with the expectations of its scenario. */
import type { Expectation } from './model.js';
import type { Report } from './report.js';
import type { Flow } from './traffic/flow.js';

/** One expectation, and whether it was met. */
export interface Verdict {
  readonly text: string;
  readonly ok: boolean;
  /** Observation, for people. */
  readonly seen: string;
}

/** A verdict with the names of the flows by which it is not met. */
export interface Judged extends Verdict {
  readonly failing: readonly string[];
}

/** Observations of a run. */
export interface Shown {
  readonly flows: readonly Flow[];
  readonly report: Pick<Report, 'nodes' | 'insiders' | 'switches' | 'routers' | 'links' | 'flows' | 'oob'>;
  /** When the last event was over, from the start of the run. */
  readonly lastEventMs: number;
  /** Start of the run, on the clock of the flows. */
  readonly startMs: number;
  /** Leftovers, one text each. */
  readonly leaks: readonly string[];
}

export function evaluate(
  expectations: readonly Expectation[],
  { flows, report, lastEventMs, startMs, leaks }: Shown,
): Judged[] {
  const byName = new Map(flows.map((flow) => [flow.plan.name, flow]));
  const select = (names: readonly string[]) => names.map((name) => byName.get(name)!);
  const evaluateOne = (expectation: Expectation): Judged => {
    switch (expectation.type) {
      case 'flow': {
        const lost = select(expectation.flows).map((flow) => [flow, lossOf(flow)] as const);
        const worst = lost.filter(([, count]) => count > expectation.lostAtMost);
        return {
          text:
            expectation.lostAtMost === 0
              ? `all of ${namesText(expectation.flows)} is delivered`
              : `of ${namesText(expectation.flows)} at most ${expectation.lostAtMost} are lost`,
          ok: worst.length === 0,
          seen: worst.length === 0 ? `lost: ${sum(lost)}` : lossText(worst),
          failing: worst.map(([flow]) => nameOf(flow)),
        };
      }
      case 'share': {
        const shares = select(expectation.flows).map((flow) => [flow, shareOf(flow)] as const);
        const worst = shares.filter(([, share]) => share < expectation.deliveredRatioMin);
        const least = Math.min(1, ...shares.map(([, share]) => share));
        return {
          text: `of ${namesText(expectation.flows)} at least ${percent(expectation.deliveredRatioMin)} is delivered`,
          ok: worst.length === 0,
          seen: `least: ${percent(least)}`,
          failing: worst.map(([flow]) => nameOf(flow)),
        };
      }
      case 'recovered': {
        const fromMs = startMs + lastEventMs + expectation.withinMs;
        const late = select(expectation.flows).map((flow) => [flow, flow.lostSince(fromMs)] as const);
        const worst = late.filter(([flow, count]) => count > 0 || flow.transfer?.intact === false);
        return {
          text: `${namesText(expectation.flows)} recovers within ${expectation.withinMs} ms of the last event`,
          ok: worst.length === 0,
          seen: worst.length === 0 ? 'nothing lost after that' : lossText(worst),
          failing: worst.map(([flow]) => nameOf(flow)),
        };
      }
      case 'blocked': {
        const through = select(expectation.flows).filter(({ delivered }) => delivered > 0);
        return {
          text: `nothing of ${namesText(expectation.flows)} arrives`,
          ok: through.length === 0,
          seen: through.length === 0 ? 'nothing' : `${through.map(nameOf).join(', ')} arrived`,
          failing: through.map(nameOf),
        };
      }
      case 'no-leaks':
        return {
          text: 'no gateway holds what its sessions do not need',
          ok: leaks.length === 0,
          seen: leaks.length === 0 ? 'nothing left over' : leaks.join('; '),
          failing: [],
        };
      case 'counter': {
        const value = valueAt(report, expectation.path);
        const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = expectation;
        const range =
          expectation.min === expectation.max
            ? `${expectation.min}`
            : [
                ...(expectation.min === undefined ? [] : [`at least ${expectation.min}`]),
                ...(expectation.max === undefined ? [] : [`at most ${expectation.max}`]),
              ].join(' and ');
        return {
          text: `${expectation.path} is ${range}`,
          ok: typeof value === 'number' && value >= min && value <= max,
          seen: value === undefined ? 'no such counter' : String(value),
          failing: [],
        };
      }
    }
  };
  return expectations.map(evaluateOne);
}

/**
 * A transfer loses what its receiver does not have; that it has something else counts as loss of all. A replay loses what of
 * its capture cannot be sent, too: nobody receives it.
 */
function lossOf(flow: Flow): number {
  if (flow.transfer !== undefined && !flow.transfer.intact) return Math.max(1, flow.sent - flow.delivered);
  return flow.sent - flow.delivered + unplayableOf(flow);
}

const nameOf = ({ plan }: Flow) => plan.name;
const unplayableOf = ({ replay }: Flow) => replay?.unplayable ?? 0;

function shareOf(flow: Flow): number {
  const all = flow.sent + unplayableOf(flow);
  return all === 0 ? 1 : 1 - lossOf(flow) / all;
}

const percent = (ratio: number) => `${Math.round(ratio * 1e6) / 1e4} %`;
const sum = (counts: readonly (readonly [Flow, number])[]) =>
  counts.reduce((all, [, count]) => all + count, 0);

function namesText(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.length} flows`;
}

function lossText(worst: readonly (readonly [Flow, number])[]): string {
  const some = worst.slice(0, 5).map(([flow, count]) => {
    const unplayable = unplayableOf(flow);
    const of = `${flow.plan.name}: ${count} of ${flow.sent + unplayable} lost`;
    return unplayable === 0 ? of : `${of} (${unplayable} of the capture cannot be sent)`;
  });
  return `${some.join(', ')}${worst.length > 5 ? `, and ${worst.length - 5} more flows` : ''}`;
}

/**
 * What stands under a path with dots, such as nodes.h1.psp; undefined: nothing. Names may have dots in them, hence the
 * longest key that fits goes first.
 */
export function valueAt(value: unknown, path: string): unknown {
  if (path === '') return value;
  if (typeof value !== 'object' || value === null) return undefined;
  for (let end = path.length; end > 0; end = path.lastIndexOf('.', end - 1)) {
    const key = path.slice(0, end);
    if (!Object.hasOwn(value, key)) continue;
    const found = valueAt((value as Record<string, unknown>)[key], path.slice(end + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}
