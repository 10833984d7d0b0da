/**
 * The gateway's view of a log. The program's own (src/cli/log.ts) writes to standard error through pino; tests
 * and simulations collect the lines. Keys never go into a message or a field; the only exception is the
 * gateway's `--debug-keys` (gateway.ts).
 */
export type LogFields = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

/** DOCA's levels: 20 CRITICAL, 30 ERROR, 40 WARNING, 50 INFO, 60 DEBUG, 70 TRACE. */
export type LogLevel = 'critical' | 'error' | 'warning' | 'info' | 'debug' | 'trace';

export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
  /** Whether a line of this level would be written; for lines that are costly to make. */
  enabled(level: LogLevel): boolean;
}
