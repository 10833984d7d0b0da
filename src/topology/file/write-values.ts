/** Values of a topology as a file has them, for what writes files. */
import type { Impairments } from '../../hal-sim/ports/link.js';
import type { OobPlan } from '../model.js';
import { formatBitRate, formatRatio, formatTime } from './quantities.js';
import type { Names, ParsedImpairments, ParsedOob } from './schema-values.js';

export function writeImpairments(values: Partial<Impairments>): ParsedImpairments {
  const { delayMs, jitterMs, lossRatio, duplicateRatio, reorderRatio, corruptRatio, rateBitsPerSecond } =
    values;
  return {
    ...(delayMs === undefined ? {} : { delay: formatTime(delayMs) }),
    ...(jitterMs === undefined ? {} : { jitter: formatTime(jitterMs) }),
    ...(lossRatio === undefined ? {} : { loss: formatRatio(lossRatio) }),
    ...(duplicateRatio === undefined ? {} : { duplicate: formatRatio(duplicateRatio) }),
    ...(reorderRatio === undefined ? {} : { reorder: formatRatio(reorderRatio) }),
    ...(corruptRatio === undefined ? {} : { corrupt: formatRatio(corruptRatio) }),
    ...(rateBitsPerSecond === undefined ? {} : { rate: formatBitRate(rateBitsPerSecond) }),
  };
}

export function writeOob({ delayMs, jitterMs, lossRatio }: Partial<OobPlan>): ParsedOob {
  return {
    ...(delayMs === undefined ? {} : { delay: formatTime(delayMs) }),
    ...(jitterMs === undefined ? {} : { jitter: formatTime(jitterMs) }),
    ...(lossRatio === undefined ? {} : { loss: formatRatio(lossRatio) }),
  };
}

/** One name as it is, several as a list. */
export function writeNames(names: readonly string[]): Names {
  return names.length === 1 ? names[0]! : names;
}
