/**
 * Tells the operator of what is refused, without letting whoever is refused write the log: one line when refusals of a
 * kind begin, one a minute while they go on, and one when there have been none for a while. Whatever comes, that is two
 * lines in QUIET_MS for each kind.
 */
import type { Clock, Timer } from '../../base/clock.js';
import type { Logger } from '../log.js';

/** Refusals are over when there was none for this time. */
export const QUIET_MS = 10_000;
/** Looks, QUIET_MS apart, from one line about refusals that go on to the next. */
const LOOKS_PER_LINE = 6;

export interface RefusalLogDeps<Kind extends string> {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Text for each kind of refusal and its reason, which follows "refused: " in the line. */
  readonly texts: Readonly<Record<Kind, string>>;
}

/** Refusals of one kind that go on. */
interface Flood {
  readonly beganAtMs: number;
  count: number;
  /** At the last look. */
  seen: number;
  looks: number;
  lastAtMs: number;
  timer: Timer | undefined;
}

export class RefusalLog<Kind extends string> {
  readonly #floods = new Map<Kind, Flood>();

  constructor(private readonly deps: RefusalLogDeps<Kind>) {}

  /** Something was refused; `from` is whom, for the first line: an address or a peer's name. */
  note(kind: Kind, from: string): void {
    const { clock, logger, texts } = this.deps;
    const nowMs = clock.nowMs();
    const known = this.#floods.get(kind);
    if (known !== undefined) {
      known.count++;
      known.lastAtMs = nowMs;
      return;
    }
    const flood: Flood = {
      beganAtMs: nowMs,
      count: 1,
      seen: 1,
      looks: 0,
      lastAtMs: nowMs,
      timer: undefined,
    };
    this.#floods.set(kind, flood);
    logger.log('warning', `refused: ${texts[kind]}`, { kind, from });
    this.#lookLater(kind, flood);
  }

  /** No more lines. */
  stop(): void {
    for (const { timer } of this.#floods.values()) timer?.cancel();
    this.#floods.clear();
  }

  #lookLater(kind: Kind, flood: Flood): void {
    flood.timer = this.deps.clock.setTimer(() => this.#look(kind, flood), QUIET_MS);
  }

  #look(kind: Kind, flood: Flood): void {
    const { logger, texts } = this.deps;
    const { count, beganAtMs, lastAtMs } = flood;
    const seconds = Math.round((lastAtMs - beganAtMs) / 1000);
    if (count === flood.seen) {
      this.#floods.delete(kind);
      logger.log('info', `no longer refused: ${texts[kind]}`, { kind, count, seconds });
      return;
    }
    flood.seen = count;
    if (++flood.looks % LOOKS_PER_LINE === 0) {
      logger.log('warning', `still refused: ${texts[kind]}`, { kind, count, seconds });
    }
    this.#lookLater(kind, flood);
  }
}
