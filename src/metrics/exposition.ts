/** Metrics as text: Prometheus' own format, and OpenMetrics for those who ask for it. */
import { Counter, Gauge, type Histogram, Registry } from 'prom-client';
import type { LabelledValue, Metric, Scrape, Value } from './metric.js';
import { METRICS } from './metrics.js';

export type Format = 'prometheus' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  prometheus: Registry.PROMETHEUS_CONTENT_TYPE,
  openmetrics: Registry.OPENMETRICS_CONTENT_TYPE,
};

/** Weights of a header that are looked at; RFC 9110, section 12.5.1. */
const ACCEPTED_MAX = 16;

/** The format that an Accept header likes best; Prometheus' own where it does not say. */
export function formatFor(accept: string | undefined): Format {
  const weights: Record<Format, number> = { prometheus: 0, openmetrics: 0 };
  for (const range of (accept ?? '').split(',', ACCEPTED_MAX)) {
    const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    const weight = q === undefined ? 1 : Number(q.slice(2));
    const format = type === 'application/openmetrics-text' ? 'openmetrics' : 'prometheus';
    if (weight > weights[format]) weights[format] = weight;
  }
  return weights.openmetrics > weights.prometheus ? 'openmetrics' : 'prometheus';
}

/**
 * The text of one scrape. A registry is made for each: prom-client renames its counters when it writes OpenMetrics, and what is not
 * known any more must not be there.
 */
export function expose(
  scrape: Scrape,
  histograms: readonly Histogram<string>[],
  format: Format,
): Promise<string> {
  const registry = new Registry();
  registry.setContentType(CONTENT_TYPES[format] as typeof Registry.PROMETHEUS_CONTENT_TYPE);
  for (const metric of METRICS) if (!metric.perPeer || scrape.perPeer) register(registry, metric, scrape);
  for (const histogram of histograms) registry.registerMetric(histogram);
  return registry.metrics();
}

function register(registry: Registry, metric: Metric, scrape: Scrape): void {
  const { name, help, kind, labels: labelNames = [] } = metric;
  const instrument =
    kind === 'counter'
      ? new Counter({ name, help, labelNames, registers: [registry] })
      : new Gauge({ name, help, labelNames, registers: [registry] });
  const read = metric.read(scrape);
  const rows: readonly LabelledValue[] = Array.isArray(read) ? read : [[read as Value]];
  // Without labels prom-client begins with a 0, which would be a value that nobody knows.
  if (labelNames.length === 0) instrument.remove();
  for (const [value, ...labels] of rows) {
    const number = Number(value ?? Number.NaN);
    if (Number.isNaN(number) || (kind === 'counter' && number < 0)) continue;
    instrument.inc(Object.fromEntries(labelNames.map((label, i) => [label, labels[i]!])), number);
  }
}
