/** Flows that last a time, made shorter. */
const DURATION_MIN_MS = 200;

/** Half as long; undefined where that is too short to show anything. */
export function shorterByHalf<T extends { readonly durationMs: number }>(plan: T): T | undefined {
  return plan.durationMs > DURATION_MIN_MS
    ? { ...plan, durationMs: Math.floor(plan.durationMs / 2) }
    : undefined;
}
