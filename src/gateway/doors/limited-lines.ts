/** Log lines about what others can bring about as often as they like: some at once and then at a rate, with a count of those left out. */
import type { LogFields, Logger, LogLevel } from '../log.js';
import { TokenBucket } from './token-bucket.js';

const LINES_PER_SECOND = 1;
const LINES_AT_ONCE = 10;

export class LimitedLines {
  readonly #lines: TokenBucket;
  #leftOut = 0;

  constructor(
    private readonly logger: Logger,
    nowMs: () => number,
    perSecond = LINES_PER_SECOND,
    atOnce = LINES_AT_ONCE,
  ) {
    this.#lines = new TokenBucket(perSecond, atOnce, nowMs);
  }

  /**
   * Logs the line, with the number of those before it that were not (`leftOut`); or leaves it out: false. Fields that are costly
   * to make are given as a function, which is called for what is logged only.
   */
  log(level: LogLevel, message: string, fields: LogFields | (() => LogFields)): boolean {
    if (!this.#lines.take()) {
      this.#leftOut++;
      return false;
    }
    const own = typeof fields === 'function' ? fields() : fields;
    this.logger.log(level, message, this.#leftOut === 0 ? own : { ...own, leftOut: this.#leftOut });
    this.#leftOut = 0;
    return true;
  }
}
