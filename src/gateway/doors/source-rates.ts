/**
 * Rate limits by source, for sources that anybody can invent: one bucket for each of the last SOURCES_MAX of them, and one
 * for all together. Whoever invents sources has what all together have and not more.
 */
import { TokenBucket } from './token-bucket.js';

/** Sources with a bucket of their own; the one that was seen longest ago makes room. */
export const SOURCES_MAX = 1024;

export class SourceRates {
  /** Buckets of sources, in the order in which these were seen last. */
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #all: TokenBucket;

  /** `perSource` and `total` per second; as many at once. */
  constructor(
    private readonly perSource: number,
    total: number,
    private readonly nowMs: () => number,
  ) {
    this.#all = new TokenBucket(total, total, nowMs);
  }

  /** Sources with a bucket. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Whether the source may say one thing more now. */
  take(source: string): boolean {
    const bucket = this.#buckets.get(source) ?? new TokenBucket(this.perSource, this.perSource, this.nowMs);
    this.#buckets.delete(source);
    this.#buckets.set(source, bucket);
    if (this.#buckets.size > SOURCES_MAX) this.#buckets.delete(this.#buckets.keys().next().value!);
    return bucket.take() && this.#all.take();
  }
}
