/**
 * The log's lines about sampled packets. They are no events: the operator asks for them, at a rate of his own
 * (--sampled-lines-per-second), and most samples are never written, so what a line says is worked out for those only that are.
 */
import { TokenBucket } from '../doors/token-bucket.js';
import type { Logger } from '../log.js';
import { sampledFields } from '../pipeline/sampled-packet.js';

export type SampledWhere = 'sampled at ingress' | 'sampled at egress';

export interface SampledLinesOptions {
  readonly logger: Logger;
  readonly nowMs: () => number;
  readonly perSecond: number;
  /** Tell the packets' octets, too. */
  readonly withOctets: boolean;
  /** Copies of what leaves are not encrypted yet. */
  readonly beforeEncryption: boolean;
}

export class SampledLines {
  readonly #lines: TokenBucket;
  /** Samples since the last line. */
  #leftOut = 0;

  constructor(private readonly options: SampledLinesOptions) {
    this.#lines = new TokenBucket(options.perSecond, options.perSecond, options.nowMs);
  }

  /** Tells of a sampled frame, with the number of those before it that were not told (`leftOut`); or leaves it out: false. */
  tell(where: SampledWhere, frame: Uint8Array): boolean {
    if (!this.#lines.take()) {
      this.#leftOut++;
      return false;
    }
    const { logger, withOctets, beforeEncryption } = this.options;
    const readable = where === 'sampled at ingress' || beforeEncryption;
    const fields = sampledFields(frame, readable, withOctets);
    logger.log('info', where, this.#leftOut === 0 ? fields : { ...fields, leftOut: this.#leftOut });
    this.#leftOut = 0;
    return true;
  }
}
