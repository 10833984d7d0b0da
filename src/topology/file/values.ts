/** Quantities of the file as numbers in the model's units, each within its bounds. */
import type { Impairments } from '../../hal-sim/ports/link.js';
import { BITS_PER_SECOND_MAX, PACKETS_PER_SECOND_MAX, TIME_MAX_MS } from './limits.js';
import {
  parseBitsPerSecond,
  parsePacketsPerSecond,
  parseRatio,
  parseSizeOctets,
  parseTimeMs,
  type Quantity,
} from './quantities.js';
import type { ParsedImpairments, ParsedOob } from './schema-values.js';
import type { Place } from './source.js';

export function timeMs(value: Quantity, place: Place): number {
  const ms = parseTimeMs(value);
  if (!(ms <= TIME_MAX_MS)) place.problem(`${value} is more than 7d`);
  return ms;
}

/** A time that has to pass. */
export function positiveTimeMs(value: Quantity, place: Place): number {
  const ms = timeMs(value, place);
  if (ms === 0) place.problem('0 is no time; write more');
  return ms;
}

export function ratio(value: Quantity, place: Place): number {
  const share = parseRatio(value);
  if (!(share <= 1)) place.problem(`${value} is more than 100%`);
  return share;
}

export function packetsPerSecond(value: Quantity, place: Place): number {
  const rate = parsePacketsPerSecond(value);
  if (!(rate <= PACKETS_PER_SECOND_MAX)) place.problem(`${value} is more than ${PACKETS_PER_SECOND_MAX}/s`);
  return rate;
}

export function positivePacketsPerSecond(value: Quantity, place: Place): number {
  const rate = packetsPerSecond(value, place);
  if (rate === 0) place.problem('0 packets per second are none; write more');
  return rate;
}

export function sizeOctets(value: Quantity, place: Place, lowest: number, highest: number): number {
  const octets = parseSizeOctets(value);
  if (!(octets >= lowest && octets <= highest)) {
    place.problem(`${value} is not from ${lowest} to ${highest} octets`);
  }
  return octets;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The impairments that are given. */
export function impairments(parsed: ParsedImpairments, place: Place): Partial<Impairments> {
  const read: Partial<Mutable<Impairments>> = {};
  if (parsed.delay !== undefined) read.delayMs = timeMs(parsed.delay, place.at('delay'));
  if (parsed.jitter !== undefined) read.jitterMs = timeMs(parsed.jitter, place.at('jitter'));
  if (parsed.loss !== undefined) read.lossRatio = ratio(parsed.loss, place.at('loss'));
  if (parsed.duplicate !== undefined) read.duplicateRatio = ratio(parsed.duplicate, place.at('duplicate'));
  if (parsed.reorder !== undefined) read.reorderRatio = ratio(parsed.reorder, place.at('reorder'));
  if (parsed.corrupt !== undefined) read.corruptRatio = ratio(parsed.corrupt, place.at('corrupt'));
  if (parsed.rate !== undefined) {
    read.rateBitsPerSecond = parseBitsPerSecond(parsed.rate);
    if (!(read.rateBitsPerSecond <= BITS_PER_SECOND_MAX)) {
      place.at('rate').problem(`${parsed.rate} is more than 1000Gbps`);
    }
  }
  return read;
}

export interface OobValues {
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly lossRatio: number;
}

/** The values that are given. */
export function oobValues(parsed: ParsedOob, place: Place): Partial<OobValues> {
  return {
    ...(parsed.delay === undefined ? {} : { delayMs: timeMs(parsed.delay, place.at('delay')) }),
    ...(parsed.jitter === undefined ? {} : { jitterMs: timeMs(parsed.jitter, place.at('jitter')) }),
    ...(parsed.loss === undefined ? {} : { lossRatio: ratio(parsed.loss, place.at('loss')) }),
  };
}
