/** The table of all metrics, for docs/operations.md. */
import { LOOP_LAG, RPC_DURATION } from './histograms.js';
import { METRICS } from './metrics.js';

export function metricTable(): string {
  const histograms = [RPC_DURATION, LOOP_LAG].map((one) => ({
    ...one,
    kind: 'histogram',
    perPeer: undefined,
  }));
  const rows = [...METRICS, ...histograms].map(({ name, kind, labels = [], help, perPeer }) => {
    const text = perPeer ? `${help} With \`--metrics-per-peer\`.` : help;
    return `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${text} |`;
  });
  return ['| metric | kind | labels | meaning |', '|---|---|---|---|', ...rows].join('\n');
}
