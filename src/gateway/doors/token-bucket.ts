/** A rate limit: `perSecond` on average, `burst` at once. */
export class TokenBucket {
  #tokens: number;
  #atMs: number;

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
    private readonly nowMs: () => number,
  ) {
    this.#tokens = burst;
    this.#atMs = nowMs();
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
