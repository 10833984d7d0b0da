/** How much of something that is only counted from the start was lost of late: for the diagnosis. */
import type { Clock } from '../../base/clock.js';
import { TROUBLE_MS } from './recent-troubles.js';

export class RecentLosses {
  #count = 0;
  /** The count before the losses that go on, and when the last look found more of them. */
  #before = 0;
  #atMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly clock: Pick<Clock, 'nowMs'>) {}

  /** @param count all since the start. How many of them belong to losses that have gone on until a minute ago. */
  of(count: number): number {
    const nowMs = this.clock.nowMs();
    if (nowMs - this.#atMs >= TROUBLE_MS) this.#before = this.#count;
    if (count > this.#count) this.#atMs = nowMs;
    this.#count = count;
    return nowMs - this.#atMs < TROUBLE_MS ? count - this.#before : 0;
  }
}
