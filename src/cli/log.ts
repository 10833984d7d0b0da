/** The program's log: pino to standard error; lines for people on a terminal or in a pipe, JSON for programs. */
import { Writable } from 'node:stream';
import pino from 'pino';
import type { LogFields, Logger, LogLevel } from '../gateway/log.js';
import { colorsFor, printable } from './output.js';

/** DOCA's numbers; higher says more. */
const DOCA_LEVELS: Readonly<Record<LogLevel, number>> = {
  critical: 20,
  error: 30,
  warning: 40,
  info: 50,
  debug: 60,
  trace: 70,
};
/** pino's numbers; higher is graver. */
const PINO_LEVELS: Readonly<Record<LogLevel, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warning: 40,
  error: 50,
  critical: 60,
};

/** @param docaLevel 10 (nothing) to 70 (everything) */
export function createLogger(docaLevel: number, format: 'text' | 'json'): Logger {
  const logger = pino(
    {
      customLevels: PINO_LEVELS,
      useOnlyCustomLevels: true,
      level: 'trace',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    format === 'json' ? pino.destination({ fd: 2, sync: true }) : textStream(process.stderr),
  );
  const enabled = (level: LogLevel) => DOCA_LEVELS[level] <= docaLevel;
  return {
    enabled,
    log(level, message, fields) {
      if (enabled(level)) logger[level](plain(fields), message);
    },
  };
}

/** Fields without values that JSON cannot represent. */
function plain(fields: LogFields | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields ?? {}).map(([key, value]) => [
      key,
      typeof value === 'bigint' ? String(value) : value,
    ]),
  );
}

/** pino's JSON lines as `time LEVEL message key=value`. */
function textStream(out: NodeJS.WriteStream): Writable {
  const colors = colorsFor(out);
  const colored: Readonly<Record<string, (text: string) => string>> = {
    critical: colors.red,
    error: colors.red,
    warning: colors.yellow,
    debug: colors.dim,
    trace: colors.dim,
  };
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const { level, time, msg, ...fields } = JSON.parse(chunk.toString()) as Record<string, unknown>;
      const rest = Object.entries(fields).map(([key, value]) => `${key}=${printable(String(value))}`);
      const name = String(level).toUpperCase().padEnd(8);
      const paint = colored[String(level)] ?? ((text: string) => text);
      out.write(
        `${[String(time).slice(11, 23), paint(name), printable(String(msg)), colors.dim(rest.join(' '))].join(' ').trimEnd()}\n`,
      );
      done();
    },
  });
}
