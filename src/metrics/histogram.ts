/** prom-client's histogram of one of ours; it is in no registry of its own. */
import { Histogram } from 'prom-client';
import type { HistogramMetric } from './histograms.js';

export function newHistogram({ name, help, labels, bucketsS }: HistogramMetric): Histogram<string> {
  return new Histogram({ name, help, labelNames: labels, buckets: [...bucketsS], registers: [] });
}
