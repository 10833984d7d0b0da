/** What a metric is: one row of a table that the exposition, the documentation and the tests all go by. */
import type { DeviceCounters } from '../gateway/pipeline/device-counters.js';
import type { GatewaySummary } from '../gateway/view.js';
import type { EventCounts } from './event-counts.js';

/** What the program around the gateway knows. Seconds and octets. */
export interface ProgramSample {
  readonly version: string;
  /** Unix time. */
  readonly startedAtS: number;
  readonly cpuS: number;
  readonly residentOctets: number;
  /** Turns of the event loop; undefined: this release of Node does not count them. */
  readonly loopIterations: number | undefined;
  /** Lines of the log that could not be written. */
  readonly logLinesLost: number;
  /** undefined: there is no admin service. */
  readonly captures: CaptureCounts | undefined;
}

/** Captures of packets that commands have asked for. */
export interface CaptureCounts {
  readonly captures: bigint;
  readonly capturesRefused: bigint;
  readonly capturePacketsLeftOut: bigint;
}

/** All that one scrape reads. */
export interface Scrape {
  readonly gateway: GatewaySummary;
  /** undefined: the device has no pipeline yet, has failed, or does not answer in time. */
  readonly device: DeviceCounters | undefined;
  readonly events: EventCounts;
  readonly program: ProgramSample;
  /** Connections that the metrics' own server had no place for. */
  readonly connectionsRefused: number;
  /** --metrics-per-peer */
  readonly perPeer: boolean;
}

/** A value; undefined or null: not known, and not exposed. */
export type Value = number | bigint | null | undefined;

/** One value for each combination of labels, whose values stand in the order of the metric's names for them. */
export type LabelledValue = readonly [value: Value, ...labels: string[]];

export interface Metric {
  /** As Prometheus wants names: base units, `_total` at the end of counters. */
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  /** For people, one line. */
  readonly help: string;
  /** Names of its labels; absent: none. */
  readonly labels?: readonly string[];
  /** With --metrics-per-peer only. */
  readonly perPeer?: true;
  readonly read: (scrape: Scrape) => Value | readonly LabelledValue[];
}

/** One row for each key of an object, with the key as its label. */
export function byKey(values: Readonly<Record<string, Value>>): LabelledValue[] {
  return Object.entries(values).map(([key, value]) => [value, key]);
}

/** Milliseconds of wall time as Prometheus' Unix time. */
export const unixS = (ms: number | undefined): number | undefined =>
  ms === undefined ? undefined : ms / 1000;
