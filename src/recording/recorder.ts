/**
 * What a gateway is handed, with everything that passes written down: what it asks for (outputs) and what happens to it (inputs), in the
 * one order in which it came about.
 *
 * So that this order is all that decides what the gateway does next, each input reaches it in a turn of the event loop of its own, when
 * all promise reactions of the one before have run, and its clock stands still during a turn. Then a replay that gives it the same inputs
 * gets the same outputs. Costs a turn for each result of the device.
 */
import type { Clock } from '../base/clock.js';
import type { LogLevel } from '../gateway/log.js';
import type { OutputRecord, Side } from './records.js';
import type { Input, Seam } from './seam.js';
import { encoded, encodedError } from './values.js';

const MICROSECONDS = 1000;

export interface RecorderDeps {
  /** The gateway's; also when inputs have their turn. */
  readonly clock: Clock;
  /** Takes each record as a line. */
  readonly write: (line: string) => void;
}

export class Recorder implements Seam {
  readonly clock: Clock;
  /** From which the times of records count. */
  readonly startedUs: number;
  #nowUs: number;
  #calls = 0;
  #timers = 0;
  #isOutside = false;
  /** What is known of levels of the log. */
  readonly #enabled = new Map<LogLevel, boolean>();

  constructor(private readonly deps: RecorderDeps) {
    const { clock } = deps;
    this.startedUs = microsecondsOf(clock);
    this.#nowUs = this.startedUs;
    this.clock = {
      nowMs: () => (this.#isOutside ? clock.nowMs() : this.#nowUs / MICROSECONDS),
      setTimer: (callback, delayMs) => {
        const i = ++this.#timers;
        return clock.setTimer(() => {
          this.input({ k: 'timer', i, d: delayMs });
          callback();
        }, delayMs);
      },
    };
  }

  /** What is done then is not written down, and sees the time as it is. */
  outside<T>(look: () => T): T {
    const before = this.#isOutside;
    this.#isOutside = true;
    try {
      return look();
    } finally {
      this.#isOutside = before;
    }
  }

  get isOutside(): boolean {
    return this.#isOutside;
  }

  /** Notes an input that the gateway gets now. */
  input(record: Input): void {
    this.#nowUs = Math.max(this.#nowUs, microsecondsOf(this.deps.clock));
    const { k, ...members } = record;
    this.#write({ k, t: this.#nowUs - this.startedUs, ...members });
  }

  later(record: () => Input, deliver: () => void): void {
    this.deps.clock.setTimer(() => {
      this.input(record());
      deliver();
    }, 0);
  }

  output(record: OutputRecord): void {
    this.#write(record);
  }

  call<T>(
    on: Side,
    m: string,
    work: () => T,
    args: readonly unknown[] = [],
    show: (value: T) => unknown = encoded,
  ): T {
    const a = args.length === 0 ? {} : { a: args };
    try {
      const value = work();
      const v = show(value);
      this.output({ k: 'call', on, m, ...a, ...(v === undefined ? {} : { v }) });
      return value;
    } catch (error) {
      this.output({ k: 'call', on, m, ...a, e: encodedError(error) });
      throw error;
    }
  }

  asked<T>(
    on: Side,
    m: string,
    work: () => Promise<T>,
    args: readonly unknown[] = [],
    show: (value: T) => unknown = encoded,
  ): Promise<T> {
    const c = ++this.#calls;
    this.output({ k: 'call', on, m, ...(args.length === 0 ? {} : { a: args }), c });
    let working: Promise<T>;
    try {
      working = work();
    } catch (error) {
      working = Promise.reject(error);
    }
    return new Promise<T>((resolve, reject) => {
      working.then(
        (value) =>
          this.later(
            () => {
              const v = show(value);
              return { k: 'result', c, ...(v === undefined ? {} : { v }) };
            },
            () => resolve(value),
          ),
        (error: unknown) =>
          this.later(
            () => ({ k: 'result', c, e: encodedError(error) }),
            () => reject(error),
          ),
      );
    });
  }

  isEnabled(level: LogLevel, ask: () => boolean): boolean {
    const isEnabled = ask();
    if (!this.#isOutside && this.#enabled.get(level) !== isEnabled) {
      this.#enabled.set(level, isEnabled);
      this.output({ k: 'call', on: 'log', m: 'enabled', a: [level], v: isEnabled });
    }
    return isEnabled;
  }

  #write(record: object): void {
    this.deps.write(JSON.stringify(record));
  }
}

/** Rounded up, so that no timer fires before its time. */
function microsecondsOf(clock: Clock): number {
  return Math.ceil(clock.nowMs() * MICROSECONDS);
}
