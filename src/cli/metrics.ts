/** `--metrics`: what is loaded and started for it, and what the process tells of itself. */
import { systemClock } from '../base/clock.js';
import type { RunOptions } from '../gateway/config/read-options.js';
import type { GatewayMetrics } from '../metrics/gateway-metrics.js';
import type { CaptureCounts, ProgramSample } from '../metrics/metric.js';
import type { ProgramLogger } from './log.js';
import { VERSION } from './version.js';

/**
 * The metrics of the gateway that is about to be made; undefined: nobody wants any, and nothing has been loaded.
 * @param captures those of the admin service, which comes later; undefined where there is none
 */
export async function metricsFor(
  { metrics, metricsPerPeer }: RunOptions,
  logger: ProgramLogger,
  captures: () => CaptureCounts | undefined,
): Promise<GatewayMetrics | undefined> {
  if (metrics === undefined) return undefined;
  const { GatewayMetrics } = await import('../metrics/gateway-metrics.js');
  return new GatewayMetrics({
    clock: systemClock,
    program: () => sampleProgram(logger, captures()),
    perPeer: metricsPerPeer,
  });
}

function sampleProgram({ lostLines }: ProgramLogger, captures: CaptureCounts | undefined): ProgramSample {
  const { user, system } = process.cpuUsage();
  return {
    version: VERSION,
    startedAtS: performance.timeOrigin / 1000,
    cpuS: (user + system) / 1_000_000,
    residentOctets: process.memoryUsage.rss(),
    loopIterations: loopIterations(),
    logLinesLost: lostLines,
    captures,
  };
}

/** Node counts them from 20.18 and 22.8 on; its types for 20 do not know. */
function loopIterations(): number | undefined {
  const { uvMetricsInfo } = performance.nodeTiming as { uvMetricsInfo?: { loopCount: number } };
  return uvMetricsInfo?.loopCount;
}
