/**
 * A rate that is kept by waiting: what comes too fast is begun later, in order, instead of being refused. Who waits is
 * bounded elsewhere: by the streams of a connection.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { TokenBucket } from './token-bucket.js';

const LEAST_WAIT_MS = 5;

export class Pace {
  readonly #bucket: TokenBucket;
  readonly #waiting = new Set<() => void>();
  #timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly perSecond: number,
    burst: number,
  ) {
    this.#bucket = new TokenBucket(perSecond, burst, () => clock.nowMs());
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Calls `begin` now or when its turn has come; what it gives takes it out of the queue. */
  enter(begin: () => void): () => void {
    if (this.#waiting.size === 0 && this.#bucket.take()) {
      begin();
      return () => {};
    }
    const entry = () => begin();
    this.#waiting.add(entry);
    this.#armTimer();
    return () => {
      this.#waiting.delete(entry);
      if (this.#waiting.size === 0) this.#timer?.cancel();
    };
  }

  #armTimer(): void {
    this.#timer?.cancel();
    this.#timer = this.clock.setTimer(
      () => {
        for (const begin of this.#waiting) {
          if (!this.#bucket.take()) break;
          this.#waiting.delete(begin);
          begin();
        }
        if (this.#waiting.size > 0) this.#armTimer();
      },
      Math.max(LEAST_WAIT_MS, 1000 / this.perSecond),
    );
  }
}
