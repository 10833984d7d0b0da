/** Every metric of a gateway. Adding one is adding a row in the file of its subject. */
import { DEVICE_METRICS } from './device-metrics.js';
import type { Metric } from './metric.js';
import { SERVICE_METRICS } from './service-metrics.js';
import { SESSION_METRICS } from './session-metrics.js';

export const METRICS: readonly Metric[] = [...DEVICE_METRICS, ...SESSION_METRICS, ...SERVICE_METRICS];
