/**
 * The log's lines about events. What packets or peers can bring about as often as they like is limited by its cause, which is a
 * peer, a caller or an address of the workload: some lines at once, then one a second. So a cause that is loud silences no other.
 * Every ten seconds a line for each kind says how many were left out, and about whom most of them.
 */
import type { Clock, Timer } from '../base/clock.js';
import { spiText } from '../psp/header.js';
import { TokenBucket } from './doors/token-bucket.js';
import type { GatewayEvent } from './events.js';
import type { LogFields, Logger, LogLevel } from './log.js';

/** Lines of one kind about one cause: at once, and then per second. */
export const LINES_PER_CAUSE_AT_ONCE = 10;
const LINES_PER_CAUSE_PER_SECOND = 1;
/** Lines of one kind about all causes. */
export const LINES_PER_KIND_AT_ONCE = 200;
const LINES_PER_KIND_PER_SECOND = 20;
/** Causes that are told apart, of all kinds together; what further ones bring about counts as of one cause. */
export const CAUSES_MAX = 4096;
export const SUMMARY_INTERVAL_MS = 10_000;
const OTHERS = 'others';

type EventType = GatewayEvent['type'];
type Of<Type extends EventType> = Extract<GatewayEvent, { type: Type }>;

interface Line<Event> {
  readonly level: LogLevel | ((event: Event) => LogLevel);
  readonly text: string | ((event: Event) => string);
}

const REMOVED = {
  idle: 'tunnel expired: it was idle',
  'idle-in-full-table': 'tunnel expired: it was idle, and its place was needed',
  'above-share': 'tunnel removed: its holder had more than its share of a full table',
  replaced: 'tunnel removed: its holder needed the place for another one',
} as const satisfies Record<NonNullable<Of<'session-removed'>['reason']>, string>;

const CERTIFICATES = {
  own: 'our certificate',
  intermediate: 'a certificate between ours and its authority',
  authority: "an authority's certificate",
} as const satisfies Record<Of<'certificate-expired'>['role'], string>;

const LINES: { readonly [Type in EventType]: Line<Of<Type>> } = {
  miss: { level: 'debug', text: 'a packet waits for its tunnel' },
  'packet-refused': { level: 'warning', text: ({ reason }) => `packet dropped: ${reason}` },
  'ingress-opened': { level: 'debug', text: 'SPI opened' },
  'request-sent': { level: 'debug', text: 'tunnels asked for' },
  'request-answered': { level: 'debug', text: 'tunnels answered' },
  'request-failed': { level: 'debug', text: ({ reason }) => `request failed: ${reason}` },
  'exchange-failed': { level: 'warning', text: ({ reason }) => `tunnel request failed: ${reason}` },
  'peer-seen': {
    level: 'info',
    text: ({ silentS }) => (silentS === undefined ? 'peer seen' : 'peer seen again'),
  },
  'peer-silent': {
    // Gateways that start one after the other do not find each other at once.
    level: ({ seen }) => (seen ? 'warning' : 'info'),
    text: ({ reason }) => `peer does not answer: ${reason}`,
  },
  'announcement-sent': { level: 'debug', text: 'peer told of our start' },
  'announcement-received': {
    level: ({ sessions }) => (sessions > 0 ? 'info' : 'debug'),
    text: 'a peer has told of its start',
  },
  'request-received': { level: 'debug', text: 'tunnels asked for by a peer' },
  'request-granted': { level: 'debug', text: 'tunnels granted' },
  'request-refused': { level: 'warning', text: ({ reason }) => `refused: ${reason}` },
  'egress-installed': { level: 'debug', text: 'egress route installed' },
  'tunnel-established': { level: 'info', text: 'tunnel established' },
  'tunnel-rekeyed': { level: 'info', text: 'tunnel re-keyed' },
  resubmitted: { level: 'debug', text: 'packets that waited are sent' },
  'spi-closed': { level: 'debug', text: 'SPI closed' },
  'static-tunnels-up': { level: 'info', text: 'all static tunnels are up' },
  'rotation-waits': { level: 'info', text: 'rotation put off: some sessions would not survive it' },
  rotated: { level: 'info', text: 'master key rotated' },
  'rotation-cut-off': {
    level: 'warning',
    text: 'the key of some sessions has ended before their peers took new ones',
  },
  'rotation-finished': { level: 'info', text: 'all sessions have new keys' },
  'rotation-failed': {
    level: 'error',
    text: ({ reason }) => `rotation of the master key failed: ${reason}`,
  },
  'spis-low': {
    level: 'warning',
    text: ({ exhausted }) =>
      exhausted
        ? 'the master key has no SPIs left; rotating it'
        : 'the master key has few SPIs left; rotating it before its time',
  },
  'device-failed': { level: 'error', text: ({ reason }) => `the device failed: ${reason}` },
  'slow-operation': { level: 'warning', text: 'the device was slow' },
  'certificate-expires': {
    level: 'warning',
    text: ({ role }) => `${CERTIFICATES[role]} ends soon; renew it`,
  },
  'certificate-expired': { level: 'error', text: ({ role }) => `${CERTIFICATES[role]} has ended` },
  'session-removed': {
    level: ({ ageS }) => (ageS === undefined ? 'debug' : 'info'),
    text: ({ reason }) => (reason === undefined ? 'tunnel removed' : REMOVED[reason]),
  },
};

/** Fields that a line's text has already. */
const IN_TEXT: readonly string[] = ['type', 'reason', 'seen'];
const SPI_FIELDS: readonly string[] = ['spi', 'ingressSpi', 'formerSpi'];

/** What brought an event about; empty: the gateway itself. */
function causeOf(event: GatewayEvent): string {
  if ('peer' in event) return event.peer;
  if ('from' in event) return event.from;
  if ('localVip' in event) return event.localVip;
  return 'source' in event ? event.source : '';
}

interface Cause {
  readonly type: EventType;
  readonly cause: string;
  readonly level: LogLevel;
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
    const line = LINES[event.type] as Line<GatewayEvent>;
    const level = typeof line.level === 'string' ? line.level : line.level(event);
    if (!logger.enabled(level)) return;
    const cause = this.#causeOf(event.type, causeOf(event), level);
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

  #causeOf(type: EventType, name: string, level: LogLevel): Cause {
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
    const lines = new TokenBucket(LINES_PER_CAUSE_PER_SECOND, LINES_PER_CAUSE_AT_ONCE, nowMs);
    const made: Cause = { type, cause, level, lines, leftOut: 0 };
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
      } else if (cause.lines.has(LINES_PER_CAUSE_AT_ONCE)) this.#causes.delete(key);
    }
    for (const [type, leftOut] of totals) {
      const { level, cause } = loudest.get(type)!;
      const about = cause === '' ? {} : { mostAbout: cause };
      this.deps.logger.log(level, `lines left out: ${type}`, { event: type, leftOut, ...about });
    }
    for (const cause of this.#causes.values()) cause.leftOut = 0;
  }
}

/** The event's own fields after its name; SPIs as they are written everywhere. */
function fieldsOf(event: GatewayEvent): LogFields {
  const fields: Record<string, string | number | boolean | undefined> = { event: event.type };
  for (const [name, value] of Object.entries(event)) {
    if (!IN_TEXT.includes(name)) fields[name] = SPI_FIELDS.includes(name) ? spiText(value as number) : value;
  }
  return fields;
}
