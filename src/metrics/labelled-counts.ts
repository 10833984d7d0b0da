/** Counts by a few labels, each of which has few values. */
import type { LabelledValue } from './metric.js';

export class LabelledCounts {
  readonly #counts = new Map<string, { count: number; readonly labels: readonly string[] }>();

  /** @param known combinations of labels that are there from the start, at 0: a rise from nothing is none to Prometheus */
  constructor(known: readonly (readonly string[])[] = []) {
    for (const labels of known) this.add(labels, 0);
  }

  add(labels: readonly string[], count = 1): void {
    const key = labels.join('\n');
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { count, labels });
    else known.count += count;
  }

  values(): LabelledValue[] {
    return [...this.#counts.values()].map(({ count, labels }) => [count, ...labels]);
  }
}
