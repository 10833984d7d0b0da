/** The terminal of what is live: what is drawn on it, and that it is given back. */
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { Screen } from '../../../src/cli/screen.js';

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';

class FakeKeys extends EventEmitter {
  readonly raw: boolean[] = [];
  setRawMode(raw: boolean): void {
    this.raw.push(raw);
  }
  pause(): void {}
}

function terminalOf(rows: number, columns: number) {
  const written: string[] = [];
  return { rows, columns, written, write: (text: string) => written.push(text) };
}

test('lines are cut to its size, and drawn over those before', () => {
  const terminal = terminalOf(2, 4);
  const screen = new Screen(terminal);
  screen.draw(['abcdef', 'x', 'not there']);
  screen.close();
  expect(terminal.written).toEqual([ENTER, '\x1b[Habcd\x1b[K\r\nx\x1b[K\x1b[J', LEAVE]);
});

test('one without a size has a usual one', () => {
  const terminal = terminalOf(0, 0);
  const screen = new Screen(terminal);
  screen.draw([...Array.from({ length: 30 }, () => 'y'.repeat(100))]);
  screen.close();
  expect(terminal.written[1]!.split('\r\n')).toHaveLength(24);
  expect(terminal.written[1]!.startsWith(`\x1b[H${'y'.repeat(80)}\x1b[K`)).toBe(true);
});

test('it is given back once, also by a program that ends amid it, and its keys are its own again', () => {
  const before = process.listenerCount('exit');
  const [terminal, keys, heard] = [terminalOf(5, 5), new FakeKeys(), [] as string[]];
  const screen = new Screen(terminal, keys, (key) => heard.push(key));
  keys.emit('data', Buffer.from('iq\x03'));
  // What process.exit() calls.
  (process.listeners('exit').at(-1) as () => void)();
  screen.close();
  screen.draw(['late']);
  keys.emit('data', Buffer.from('x'));
  expect(terminal.written).toEqual([ENTER, LEAVE]);
  expect([heard, keys.raw]).toEqual([
    ['i', 'q', '\x03'],
    [true, false],
  ]);
  expect(process.listenerCount('exit')).toBe(before);
});
