/** Something at an even pace. */
import { type Clock, sleep } from '../base/clock.js';

/** Calls `each` so often, the first time at once; resolves with the last call, which may be earlier than `durationMs`. */
export async function pace(
  clock: Clock,
  perSecond: number,
  durationMs: number,
  each: () => void,
): Promise<void> {
  const startMs = clock.nowMs();
  const count = Math.floor((durationMs * perSecond) / 1000);
  for (let i = 0; i < count; i++) {
    // From the start, so that roundings do not add up.
    await sleep(clock, startMs + (i * 1000) / perSecond - clock.nowMs());
    each();
  }
}
