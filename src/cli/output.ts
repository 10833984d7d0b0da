/** Shared parts of the commands for printing: exit statuses, colours on terminals only, tables, a line of progress. */
import picocolors from 'picocolors';
import { escapedInJson, printable } from '../base/printable.js';

export const EXIT_FAILED = 1;
/** Wrong usage or configuration. */
export const EXIT_USAGE = 2;

/** Colours when the stream is a terminal and NO_COLOR is not set. */
export function colorsFor(stream: NodeJS.WriteStream): typeof picocolors {
  return picocolors.createColors(
    stream.isTTY === true && process.env.NO_COLOR === undefined,
  ) as typeof picocolors;
}

/** Prints a value as JSON, over several lines, to standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${escapedInJson(JSON.stringify(value, null, 2))}\n`);
}

/** Says one line on standard error: the one way in which commands complain, since lines quote flags and files. */
export function complain(line: string): void {
  console.error(printable(line));
}

/** Columns as wide as their widest cell; numbers to the right. */
export function table(rows: readonly (readonly (string | number | bigint)[])[]): string {
  const texts = rows.map((row) => row.map(String));
  const columns = Math.max(0, ...texts.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...texts.map((row) => row[i]?.length ?? 0)),
  );
  const numeric = (text: string) => /^[-\d.,]+( ?[%x])?$/.test(text);
  return texts
    .map((row) =>
      row
        .map((cell, i) => (numeric(cell) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const PROGRESS_INTERVAL_MS = 100;

/** One line that is written over, on terminals only. */
export function progressLine(stream: NodeJS.WriteStream): { update(text: string): void; clear(): void } {
  let lastMs = 0;
  let shown = false;
  return {
    update(text) {
      const now = performance.now();
      if (stream.isTTY !== true || now - lastMs < PROGRESS_INTERVAL_MS) return;
      lastMs = now;
      shown = true;
      stream.write(`\r\x1b[K${text}`);
    },
    clear() {
      if (shown) stream.write('\r\x1b[K');
      shown = false;
    },
  };
}
