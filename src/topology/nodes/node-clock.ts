/** A node's own clock: the run's, and ahead of it by what clock jumps have added. Timers run by the run's clock. */
import type { Clock, Timer } from '../../base/clock.js';

export class NodeClock implements Clock {
  #aheadMs = 0;

  constructor(private readonly clock: Clock) {}

  /** Goes ahead by `jumpMs`; timers do not. */
  jump(jumpMs: number): void {
    this.#aheadMs += jumpMs;
  }

  /** So far ahead of the run. */
  get aheadMs(): number {
    return this.#aheadMs;
  }

  nowMs(): number {
    return this.clock.nowMs() + this.#aheadMs;
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    return this.clock.setTimer(callback, delayMs);
  }
}
