/** What is looked at again and again: on a terminal in place, else as blocks of lines, or of JSON; until Ctrl-C, or once. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Block } from '../admin/tables.js';
import { escapedInJson, printable } from '../base/printable.js';
import { type AdminFlags, jsonText } from './admin-call.js';
import { table } from './output.js';
import { Screen } from './screen.js';

export interface LiveFlags extends AdminFlags {
  readonly once?: true;
  readonly interval: number;
}

const INTERVAL_DEFAULT_S = 2;
const INTERVAL_MIN_S = 0.1;
const INTERVAL_MAX_S = 3600;
const CTRL_C = '\x03';
/** After each of these the terminal is as it was before; it may live on after SIGHUP, too. */
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function withLiveFlags(command: Command): Command {
  return command
    .option('--once', 'look once, with the rates of one interval, and end')
    .addOption(
      new Option('--interval <n>', 'seconds from one look to the next')
        .argParser(secondsOf)
        .default(INTERVAL_DEFAULT_S),
    );
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (/^\d{1,4}(?:\.\d{1,3})?$/.test(text) && seconds >= INTERVAL_MIN_S && seconds <= INTERVAL_MAX_S)
    return seconds;
  throw new InvalidArgumentError(`expected seconds from ${INTERVAL_MIN_S} to ${INTERVAL_MAX_S}`);
}

export interface Live<Look> {
  readonly look: () => Promise<Look>;
  /** `passedMs`: since `before`. */
  readonly view: (now: Look, before: Look | undefined, passedMs: number) => LiveView;
  /** A key of the terminal; true: what is shown changes. Absent: no keys are read. */
  readonly onKey?: (key: string) => boolean;
}

export interface LiveView {
  /** For programs. */
  readonly object: object;
  /** For people; `rows`: as many lines as a terminal has. */
  readonly blocks: (rows: number | undefined) => readonly Block[];
}

/** Resolves at SIGINT, SIGTERM or q, or when it was once; rejects with what `look` rejects with. The terminal is as before then. */
export async function live<Look>(flags: LiveFlags, { look, view, onKey }: Live<Look>): Promise<void> {
  const { json, once, interval } = flags;
  let wake = () => {};
  let isOver = false;
  let last: LiveView | undefined;
  const stop = () => {
    isOver = true;
    wake();
  };
  const hear = (key: string) => {
    if (key === 'q' || key === CTRL_C) stop();
    else if (onKey?.(key) === true && last !== undefined) show(last);
  };
  const hasScreen = process.stdout.isTTY && json !== true && once !== true;
  const keys = onKey !== undefined && process.stdin.isTTY ? process.stdin : undefined;
  const screen = hasScreen ? new Screen(process.stdout, keys, hear) : undefined;
  const show = (shown: LiveView) => {
    last = shown;
    const lines = json === true ? [] : linesOf(shown.blocks(screen?.rows));
    if (json === true) console.log(escapedInJson(jsonText(shown.object)));
    else if (screen !== undefined) screen.draw(lines);
    else console.log(once === true ? lines.join('\n') : `${lines.join('\n')}\n`);
  };
  const pause = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, interval * 1000);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (isOver) wake();
    });
  for (const signal of ENDING_SIGNALS) process.on(signal, stop);
  try {
    let before: { readonly at: number; readonly look: Look } | undefined;
    while (!isOver) {
      const at = performance.now();
      const now = await look();
      if (isOver) break;
      if (once !== true || before !== undefined)
        show(view(now, before?.look, before === undefined ? 0 : at - before.at));
      if (once === true && before !== undefined) break;
      before = { at, look: now };
      await pause();
    }
  } finally {
    screen?.close();
    for (const signal of ENDING_SIGNALS) process.off(signal, stop);
  }
}

function linesOf(blocks: readonly Block[]): string[] {
  return blocks
    .flatMap((block) => (typeof block === 'string' ? block : table(block)).split('\n'))
    .map(printable);
}
