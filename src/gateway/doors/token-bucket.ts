/** A rate limit: `perSecond` on average, `burst` at once. */
export class TokenBucket {
  #tokens: number;
  #atMs: number;

  constructor(
    private perSecond: number,
    private burst: number,
    private readonly nowMs: () => number,
  ) {
    this.#tokens = burst;
    this.#atMs = nowMs();
  }

  /** Another rate from now on; what has been earned stays, as far as there may be so much at once. */
  limit(perSecond: number, burst: number): void {
    this.#earn();
    this.perSecond = perSecond;
    this.burst = burst;
    this.#tokens = Math.min(burst, this.#tokens);
  }

  /** Whether there are `count` tokens. */
  has(count: number): boolean {
    this.#earn();
    return this.#tokens >= count;
  }

  /** Takes `count` tokens; false, and none taken, when there are fewer. */
  take(count = 1): boolean {
    if (!this.has(count)) return false;
    this.#tokens -= count;
    return true;
  }

  /** Gives back what was taken and not used. */
  giveBack(count = 1): void {
    this.#tokens = Math.min(this.burst, this.#tokens + count);
  }

  /** Milliseconds until `count` tokens are there; infinite for more than there ever are. */
  waitMs(count = 1): number {
    this.#earn();
    if (count > this.burst) return Number.POSITIVE_INFINITY;
    return Math.max(0, ((count - this.#tokens) / this.perSecond) * 1000);
  }

  #earn(): void {
    const now = this.nowMs();
    const earned = (Math.max(0, now - this.#atMs) / 1000) * this.perSecond;
    this.#tokens = Math.min(this.burst, this.#tokens + earned);
    this.#atMs = now;
  }
}
