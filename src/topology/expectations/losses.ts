/** What of flows was lost, counted and in words. */
import type { Flow } from '../traffic/flow.js';

/**
 * A transfer loses what its receiver does not have; that it has something else counts as loss of all. A replay loses what of
 * its capture cannot be sent, too: nobody receives it.
 */
export function lossOf(flow: Flow): number {
  if (flow.transfer !== undefined && !flow.transfer.intact) return Math.max(1, flow.sent - flow.delivered);
  return flow.sent - flow.delivered + unplayableOf(flow);
}

export function shareOf(flow: Flow): number {
  const all = flow.sent + unplayableOf(flow);
  return all === 0 ? 1 : 1 - lossOf(flow) / all;
}

export const nameOf = ({ plan }: Flow): string => plan.name;

const unplayableOf = ({ replay }: Flow) => replay?.unplayable ?? 0;

export const percent = (ratio: number): string => `${Math.round(ratio * 1e6) / 1e4} %`;

export const sum = (counts: readonly (readonly [Flow, number])[]): number =>
  counts.reduce((all, [, count]) => all + count, 0);

export function namesText(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.length} flows`;
}

export function lossText(worst: readonly (readonly [Flow, number])[]): string {
  const some = worst.slice(0, 5).map(([flow, count]) => {
    const unplayable = unplayableOf(flow);
    const of = `${flow.plan.name}: ${count} of ${flow.sent + unplayable} lost`;
    return unplayable === 0 ? of : `${of} (${unplayable} of the capture cannot be sent)`;
  });
  return `${some.join(', ')}${worst.length > 5 ? `, and ${worst.length - 5} more flows` : ''}`;
}
