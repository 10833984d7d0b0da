/**
 * How late the event loop is. One timer a second, and not Node's own monitor, whose timer runs a hundred times a second: an idle
 * gateway is to stay idle.
 */
import type { Clock, Timer } from '../base/clock.js';
import { newHistogram } from './histogram.js';
import { LOOP_LAG } from './histograms.js';

export const LOOK_INTERVAL_MS = 1000;

export class LoopLag {
  readonly histogram = newHistogram(LOOP_LAG);
  #timer: Timer | undefined;

  constructor(private readonly clock: Clock) {}

  start(): void {
    const dueMs = this.clock.nowMs() + LOOK_INTERVAL_MS;
    this.#timer = this.clock.setTimer(() => {
      this.histogram.observe(Math.max(0, this.clock.nowMs() - dueMs) / 1000);
      this.start();
    }, LOOK_INTERVAL_MS);
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
