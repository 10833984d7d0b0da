/** What stands between a gateway and all that it is handed: one that records it, or one that replays it. */
import type { Clock } from '../base/clock.js';
import type { LogLevel } from '../gateway/log.js';
import type { OutputRecord, RecordLine, Side } from './records.js';

/** An input without its time. */
type Untimed<Line> = Line extends { readonly t: number } ? Omit<Line, 't'> : never;
export type Input = Untimed<RecordLine>;

export interface Seam {
  /** The clock for the gateway. */
  readonly clock: Clock;
  /** Whether somebody is looking at the gateway from outside now; that is no part of what it does. */
  readonly isOutside: boolean;
  /** Somebody looks at the gateway without changing anything. */
  outside<T>(look: () => T): T;
  /** Gives the gateway an input in a turn of its own. What is written of it is made then. */
  later(record: () => Input, deliver: () => void): void;
  output(record: OutputRecord): void;
  /** A call that ends at once. */
  call<T>(on: Side, m: string, work: () => T, args?: readonly unknown[], show?: (value: T) => unknown): T;
  /** A call whose result comes later. */
  asked<T>(
    on: Side,
    m: string,
    work: () => Promise<T>,
    args?: readonly unknown[],
    show?: (value: T) => unknown,
  ): Promise<T>;
  /** Whether lines of a level are written. */
  isEnabled(level: LogLevel, ask: () => boolean): boolean;
}
