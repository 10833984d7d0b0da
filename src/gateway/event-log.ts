/**
 * The log's lines about events. What packets or peers can bring about as often as they like is limited by its cause, which is a
 * peer, a caller or an address: some lines at once, then one a second, or fewer where the table (event-lines.ts) says so. So a cause that
 * is loud silences no other. Every ten seconds a line for each kind says how many were left out, and about whom most of them.
 */
import type { Clock, Timer } from '../base/clock.js';
import { spiText } from '../psp/header.js';
import { TokenBucket } from './doors/token-bucket.js';
import { EVENT_LINES, type EventLine, type EventType, type LineLimit, PER_CAUSE } from './event-lines.js';
import type { GatewayEvent } from './events.js';
import type { LogFields, Logger, LogLevel } from './log.js';

/** Lines of one kind about all causes. */
export const LINES_PER_KIND_AT_ONCE = 200;
const LINES_PER_KIND_PER_SECOND = 20;
/** Causes that are told apart, of all kinds together; what further ones bring about counts as of one cause. */
export const CAUSES_MAX = 4096;
export const SUMMARY_INTERVAL_MS = 10_000;
const OTHERS = 'others';

/** Fields that a line's text has already. */
const IN_TEXT: readonly string[] = ['type', 'reason', 'seen', 'packetsFail', 'exhausted'];
const SPI_FIELDS: readonly string[] = ['spi', 'ingressSpi', 'formerSpi'];

/** What brought an event about; empty: the gateway itself. */
function causeOf(event: GatewayEvent): string {
  if ('peer' in event && event.peer !== undefined) return event.peer;
  // Not its port: a caller may connect from another one for each call.
  if ('from' in event) return event.type === 'caller-refused' ? event.from : event.from.replace(/:\d+$/, '');
  if ('localVip' in event) return event.localVip;
  if ('work' in event) return event.work;
  return 'source' in event ? event.source : '';
}

interface Cause {
  readonly type: EventType;
  readonly cause: string;
  readonly level: LogLevel;
  readonly limit: LineLimit;
  readonly lines: TokenBucket;
  leftOut: number;
}

export interface EventLogDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

export class EventLog {
  /** Lines that were left out so far. */
  leftOut = 0;
  readonly #causes = new Map<string, Cause>();
  readonly #kinds = new Map<EventType, TokenBucket>();
  #timer: Timer | undefined;

  constructor(private readonly deps: EventLogDeps) {}

  /** Logs the event's line, or leaves it out. */
  tell(event: GatewayEvent): void {
    const { logger } = this.deps;
    const line = EVENT_LINES[event.type] as EventLine<GatewayEvent>;
    const level = typeof line.level === 'string' ? line.level : line.level(event);
    if (!logger.enabled(level)) return;
    const cause = this.#causeOf(event.type, causeOf(event), level, line.limit ?? PER_CAUSE);
    if (!cause.lines.has(1) || !this.#kindOf(event.type).take()) {
      this.leftOut++;
      cause.leftOut++;
      return;
    }
    cause.lines.take();
    logger.log(level, typeof line.text === 'string' ? line.text : line.text(event), fieldsOf(event));
  }

  /** Tells what was left out; no more lines after that. */
  stop(): void {
    this.#timer?.cancel();
    this.#summarize();
  }

  #causeOf(type: EventType, name: string, level: LogLevel, limit: LineLimit): Cause {
    let key = `${type} ${name}`;
    let known = this.#causes.get(key);
    if (known !== undefined) return known;
    const cause = this.#causes.size < CAUSES_MAX ? name : OTHERS;
    if (cause === OTHERS) {
      key = `${type} ${OTHERS}`;
      known = this.#causes.get(key);
      if (known !== undefined) return known;
    }
    const nowMs = () => this.deps.clock.nowMs();
    const lines = new TokenBucket(1 / limit.intervalS, limit.atOnce, nowMs);
    const made: Cause = { type, cause, level, limit, lines, leftOut: 0 };
    this.#causes.set(key, made);
    this.#summarizeLater();
    return made;
  }

  #kindOf(type: EventType): TokenBucket {
    let bucket = this.#kinds.get(type);
    if (bucket === undefined) {
      const nowMs = () => this.deps.clock.nowMs();
      bucket = new TokenBucket(LINES_PER_KIND_PER_SECOND, LINES_PER_KIND_AT_ONCE, nowMs);
      this.#kinds.set(type, bucket);
    }
    return bucket;
  }

  #summarizeLater(): void {
    if (this.#timer !== undefined || this.#causes.size === 0) return;
    this.#timer = this.deps.clock.setTimer(() => {
      this.#timer = undefined;
      this.#summarize();
      this.#summarizeLater();
    }, SUMMARY_INTERVAL_MS);
  }

  /** Tells how many lines were left out, and forgets causes that have been quiet for long enough to begin anew. */
  #summarize(): void {
    const loudest = new Map<EventType, Cause>();
    const totals = new Map<EventType, number>();
    for (const [key, cause] of this.#causes) {
      const { type, leftOut } = cause;
      if (leftOut > 0) {
        totals.set(type, (totals.get(type) ?? 0) + leftOut);
        if (leftOut > (loudest.get(type)?.leftOut ?? 0)) loudest.set(type, cause);
      } else if (cause.lines.has(cause.limit.atOnce)) this.#causes.delete(key);
    }
    for (const [type, leftOut] of totals) {
      const { level, cause } = loudest.get(type)!;
      const about = cause === '' ? {} : { mostAbout: cause };
      this.deps.logger.log(level, `lines left out: ${type}`, { event: type, leftOut, ...about });
    }
    for (const cause of this.#causes.values()) cause.leftOut = 0;
  }
}

/** An event as the log would tell it, whatever its limits and its level. */
export function lineOf(event: GatewayEvent): { level: LogLevel; text: string; fields: LogFields } {
  const { level, text } = EVENT_LINES[event.type] as EventLine<GatewayEvent>;
  return {
    level: typeof level === 'string' ? level : level(event),
    text: typeof text === 'string' ? text : text(event),
    fields: fieldsOf(event),
  };
}

/** The event's own fields after its name; SPIs as they are written everywhere. */
function fieldsOf(event: GatewayEvent): LogFields {
  const fields: Record<string, string | number | boolean | undefined> = { event: event.type };
  for (const [name, value] of Object.entries(event)) {
    if (!IN_TEXT.includes(name)) fields[name] = SPI_FIELDS.includes(name) ? spiText(value as number) : value;
  }
  return fields;
}
