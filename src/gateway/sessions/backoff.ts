/** Waiting times between attempts: exponential, with full jitter, capped. */
import { type Random, uniform } from '../../base/random.js';

/** @param failures attempts that have failed in a row, from 1 on */
export function backoffMs(failures: number, minMs: number, maxMs: number, random: Random): number {
  const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(failures - 1, 30));
  // Never below half of it, so that a peer that fails at once is not asked again at once.
  return ceiling / 2 + uniform(random, ceiling / 2);
}
