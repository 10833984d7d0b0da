/** The program's log: pino to standard error; lines for people on a terminal or in a pipe, JSON for programs. */
import pino from 'pino';
import { escapedInJson, printable } from '../base/printable.js';
import type { LogFields, Logger, LogLevel } from '../gateway/log.js';
import { LineWriter, type WriteSome, writeSomeTo } from './line-writer.js';
import { colorsFor } from './output.js';

export type LogFormat = 'text' | 'json';

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

/** A logger to standard error that never waits for whoever reads it (line-writer.ts). */
export interface ProgramLogger extends Logger {
  /** DOCA's number of the level: 10 (nothing) to 70 (everything). */
  readonly docaLevel: number;
  /** Lines that could not be written, and what was lost elsewhere. */
  readonly lostLines: number;
  /** Counts what was lost of the program's other output for who reads it as it comes. */
  countLost(lines: number): void;
  /** Has lines of another log that were lost counted too. */
  countLinesOf(lost: () => number): void;
  /** Why lines cannot be written now, such as a full disk; undefined: they can, or nobody reads them. */
  readonly problem: string | undefined;
  /** Another level from now on: 10 (nothing) to 70 (everything). */
  setLevel(docaLevel: number): void;
}

/**
 * @param docaLevel 10 (nothing) to 70 (everything)
 * @param write for tests: takes the octets of lines instead of standard error
 */
export function createLogger(docaLevel: number, format: LogFormat, write?: WriteSome): ProgramLogger {
  const out = process.stderr;
  const lineOf = format === 'json' ? escapedInJson : textOf(colorsFor(out));
  const writer = new LineWriter({
    write: write ?? writeSomeTo(out),
    lostLine(lines, reason) {
      let line = '';
      const message = 'lines of this log were lost: it was not read, or could not be written';
      newPino({ write: (json) => (line = lineOf(json)) }).warning({ lines, reason }, message);
      return line;
    },
  });
  if (write === undefined) process.once('exit', () => writer.close());
  const logger = newPino({ write: (json) => writer.write(lineOf(json)) });
  let highest = docaLevel;
  let lostElsewhere = 0;
  let lostOfOther = () => 0;
  const enabled = (level: LogLevel) => DOCA_LEVELS[level] <= highest;
  return {
    enabled,
    get docaLevel() {
      return highest;
    },
    log(level, message, fields) {
      if (enabled(level)) logger[level](plain(fields), message);
    },
    setLevel(newLevel) {
      highest = newLevel;
    },
    get lostLines() {
      return writer.lost + lostElsewhere + lostOfOther();
    },
    countLost(lines) {
      lostElsewhere += lines;
    },
    countLinesOf(lost) {
      lostOfOther = lost;
    },
    get problem() {
      return writer.problem;
    },
  };
}

const newPino = (out: pino.DestinationStream) =>
  pino(
    {
      customLevels: PINO_LEVELS,
      useOnlyCustomLevels: true,
      level: 'trace',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    out,
  );

/** Fields without values that JSON cannot represent. */
function plain(fields: LogFields | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields ?? {}).map(([key, value]) => [
      key,
      typeof value === 'bigint' ? String(value) : value,
    ]),
  );
}

/** pino's JSON lines as `time LEVEL message key=value`; times are those of ISO 8601, in UTC. */
function textOf(colors: ReturnType<typeof colorsFor>): (json: string) => string {
  const colored: Readonly<Record<string, (text: string) => string>> = {
    critical: colors.red,
    error: colors.red,
    warning: colors.yellow,
    debug: colors.dim,
    trace: colors.dim,
  };
  return (json) => {
    // The event's name is for programs: its message says it to people.
    const { level, time, msg, event: _, ...fields } = JSON.parse(json) as Record<string, unknown>;
    const rest = Object.entries(fields).map(([key, value]) => `${key}=${valueText(value)}`);
    const name = String(level).toUpperCase().padEnd(8);
    const paint = colored[String(level)] ?? ((text: string) => text);
    return `${[String(time), paint(name), printable(String(msg)), colors.dim(rest.join(' '))].join(' ').trimEnd()}\n`;
  };
}

/** A value that has spaces, quotes or nothing in it stands in quotes, so that a reader sees where it ends. */
function valueText(value: unknown): string {
  const text = printable(String(value));
  return /^[^\s"=]+$/u.test(text) ? text : `"${text.replaceAll('"', '\\"')}"`;
}
