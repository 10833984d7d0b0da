/**
 * Who watches a gateway's events. Each gets them in order, as fast as it takes them; what a slow one has not taken waits, up to a
 * limit, and what does not fit is lost to it, counted, and told with the next event that it gets. Nobody else waits for it.
 */
import { type ServerWritableStream, status as Status } from '@grpc/grpc-js';
import type { Clock } from '../base/clock.js';
import { lineOf } from '../gateway/event-log.js';
import type { GatewayEvent } from '../gateway/events.js';
import type { GatewayInsight } from '../gateway/view.js';
import type { Event, EventField } from './admin-api.js';

/** Watchers at one time; further ones are refused with RESOURCE_EXHAUSTED. */
export const WATCHERS_MAX = 64;
/** Events that wait for one watcher. */
export const WATCHER_EVENTS_MAX = 1024;

type Call = ServerWritableStream<object, Event>;

export class EventWatchers {
  readonly #ends = new Map<Call, () => void>();
  #refused = 0;
  #lost = 0;

  constructor(
    private readonly gateway: Pick<GatewayInsight, 'watch'>,
    private readonly clock: Clock,
  ) {}

  add(call: Call): void {
    if (this.#ends.size >= WATCHERS_MAX) {
      this.#refused++;
      call.emit('error', {
        code: Status.RESOURCE_EXHAUSTED,
        details: `there are ${WATCHERS_MAX} watchers already`,
      });
      return;
    }
    const waiting: Event[] = [];
    let lost = 0;
    let isBusy = false;
    const write = () => {
      while (!isBusy && waiting.length > 0) isBusy = !call.write(waiting.shift()!);
    };
    call.on('drain', () => {
      isBusy = false;
      write();
    });
    const endWatch = this.gateway.watch((event) => {
      if (waiting.length >= WATCHER_EVENTS_MAX) {
        lost++;
        this.#lost++;
        return;
      }
      waiting.push({ ...messageOf(event, this.clock.nowMs()), lostBefore: BigInt(lost) });
      lost = 0;
      write();
    });
    const end = () => {
      endWatch();
      waiting.length = 0;
      this.#ends.delete(call);
    };
    this.#ends.set(call, end);
    for (const over of ['cancelled', 'close', 'error']) call.on(over, end);
    // The headers tell the client that it watches from now on.
    call.sendMetadata(call.metadata.clone());
  }

  counters() {
    return {
      watchers: BigInt(this.#ends.size),
      watchersRefused: BigInt(this.#refused),
      eventsLost: BigInt(this.#lost),
    };
  }

  /** Ends all streams. */
  close(): void {
    for (const [call, end] of [...this.#ends]) {
      end();
      call.end();
    }
  }
}

function messageOf(event: GatewayEvent, nowMs: number): Event {
  const { level, text, fields } = lineOf(event);
  return {
    atUnixMs: BigInt(Math.round(nowMs)),
    type: event.type,
    level,
    text,
    fields: Object.entries(fields).flatMap(([name, value]): EventField[] => {
      if (value === undefined || name === 'event') return [];
      if (typeof value === 'number') return [{ name, number: value }];
      return [typeof value === 'boolean' ? { name, flag: value } : { name, text: String(value) }];
    }),
    lostBefore: 0n,
  };
}
