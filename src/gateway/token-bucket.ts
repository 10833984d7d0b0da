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

  /** Takes `count` tokens; false, and none taken, when there are fewer. */
  take(count = 1): boolean {
    const now = this.nowMs();
    const earned = (Math.max(0, now - this.#atMs) / 1000) * this.perSecond;
    this.#tokens = Math.min(this.burst, this.#tokens + earned);
    this.#atMs = now;
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }
}
