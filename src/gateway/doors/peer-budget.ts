/** Budgets of one peer, whatever others do: SPIs per second and per hour, and rotations of the master key. */
import { TokenBucket } from './token-bucket.js';

export interface BudgetLimits {
  /** SPIs per second, on average, and at once. */
  readonly tunnelsPerSecond: number;
  readonly tunnelsBurst: number;
  /** SPIs per hour, on average; as many at once. */
  readonly spisPerHour: number;
  /** Least time between two rotations. */
  readonly rotationIntervalMs: number;
}

const SECONDS_PER_HOUR = 3600;

export class PeerBudget {
  /** Made when the peer first asks for a rotation, which most peers never do. */
  #rotations: TokenBucket | undefined;
  #rotationIntervalMs: number;
  /** SPIs that were taken so far. */
  spisTaken = 0;
  readonly #perSecond: TokenBucket;
  readonly #perHour: TokenBucket;

  constructor(
    limits: BudgetLimits,
    private readonly nowMs: () => number,
  ) {
    this.#rotationIntervalMs = limits.rotationIntervalMs;
    this.#perSecond = new TokenBucket(limits.tunnelsPerSecond, limits.tunnelsBurst, nowMs);
    this.#perHour = new TokenBucket(limits.spisPerHour / SECONDS_PER_HOUR, limits.spisPerHour, nowMs);
  }

  /** Other limits from now on. */
  limit({ tunnelsPerSecond, tunnelsBurst, spisPerHour, rotationIntervalMs }: BudgetLimits): void {
    this.#rotationIntervalMs = rotationIntervalMs;
    this.#rotations?.limit(1000 / rotationIntervalMs, 1);
    this.#perSecond.limit(tunnelsPerSecond, tunnelsBurst);
    this.#perHour.limit(spisPerHour / SECONDS_PER_HOUR, spisPerHour);
  }

  /** Rotations of the master key. */
  get rotations(): TokenBucket {
    this.#rotations ??= new TokenBucket(1000 / this.#rotationIntervalMs, 1, this.nowMs);
    return this.#rotations;
  }

  /** Takes so many SPIs of both budgets; false, and none taken, when one of them has fewer. */
  take(spis: number): boolean {
    if (!this.#perHour.take(spis)) return false;
    if (this.#perSecond.take(spis)) {
      this.spisTaken += spis;
      return true;
    }
    this.#perHour.giveBack(spis);
    return false;
  }

  /** Milliseconds until so many can be taken; infinite where that is more than there ever are. */
  waitMs(spis: number): number {
    return Math.max(this.#perHour.waitMs(spis), this.#perSecond.waitMs(spis));
  }
}
