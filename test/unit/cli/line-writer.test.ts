import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LineWriter, QUEUE_OCTETS_MAX, type WriteSome } from '../../../src/cli/line-writer.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A descriptor that fails with `code` while that is set, and takes `atOnce` octets of a write. */
function descriptor() {
  const state = { code: undefined as string | undefined, atOnce: Number.POSITIVE_INFINITY, text: '' };
  const write: WriteSome = (octets) => {
    if (state.code !== undefined)
      throw Object.assign(new Error(`it says ${state.code}`), { code: state.code });
    const some = octets.subarray(0, state.atOnce);
    state.text += Buffer.from(some).toString();
    return some.length;
  };
  return Object.assign(state, { write });
}

const lostLine = (lines: number, reason: string) => `${lines} lost: ${reason}\n`;

test('lines leave at once, whole and in order, from a descriptor that takes some octets at a time', () => {
  const to = descriptor();
  const writer = new LineWriter({ write: to.write, lostLine });
  to.atOnce = 3;
  writer.write('first line\n');
  writer.write('second line\n');
  expect(to.text).toBe('first line\nsecond line\n');
});

test('lines wait for a descriptor that is busy, and leave in order when it is not any more', () => {
  const to = descriptor();
  const writer = new LineWriter({ write: to.write, lostLine });
  to.code = 'EAGAIN';
  for (const line of ['a\n', 'b\n']) writer.write(line);
  vi.advanceTimersByTime(1000);
  expect(to.text).toBe('');
  to.code = undefined;
  vi.advanceTimersByTime(20);
  writer.write('c\n');
  expect(to.text).toBe('a\nb\nc\n');
  expect(writer.lost).toBe(0);
});

test('the rest of a line that was begun comes first, after the disk was full', () => {
  const to = descriptor();
  to.atOnce = 4;
  const writer = new LineWriter({
    lostLine,
    write(octets) {
      const written = to.write(octets);
      to.code = 'ENOSPC';
      return written;
    },
  });
  writer.write('0123456789\n');
  writer.write('next\n');
  expect(to.text).toBe('0123');
  to.code = undefined;
  to.atOnce = 100;
  vi.advanceTimersByTime(1000);
  to.code = undefined;
  vi.advanceTimersByTime(1000);
  expect(to.text).toBe('0123456789\nnext\n');
});

test('a queue takes QUEUE_OCTETS_MAX and not an octet more; what is lost is counted and told before the next line', () => {
  const to = descriptor();
  let told = 0;
  const writer = new LineWriter({ write: to.write, lostLine, onLost: (lines) => (told += lines) });
  to.code = 'EAGAIN';
  const line = `${'x'.repeat(1023)}\n`;
  for (let i = 0; i < QUEUE_OCTETS_MAX / 1024; i++) writer.write(line);
  expect(writer.lost).toBe(0);
  writer.write('\n');
  writer.write(line);
  expect([writer.lost, told]).toEqual([2, 2]);
  to.code = undefined;
  vi.advanceTimersByTime(20);
  expect(to.text.length).toBe(QUEUE_OCTETS_MAX);
  writer.write('again\n');
  expect(to.text.slice(QUEUE_OCTETS_MAX)).toBe('2 lost: nobody reads them\nagain\n');
  writer.write('more\n');
  expect(to.text.endsWith('again\nmore\n')).toBe(true);
});

test.each(['EPIPE', 'EBADF', 'ECONNRESET'])(
  'after %s nothing is tried again: all lines are lost, and counted',
  (code) => {
    const to = descriptor();
    const errors: unknown[] = [];
    const writer = new LineWriter({ write: to.write, lostLine, onError: (error) => errors.push(error.code) });
    to.code = code;
    writer.write('a\n');
    to.code = undefined;
    writer.write('b\n');
    vi.advanceTimersByTime(10_000);
    writer.close();
    expect([to.text, writer.lost, errors]).toEqual(['', 2, [code]]);
    expect(vi.getTimerCount()).toBe(0);
  },
);

test('a disk that is full is told once for each attempt, one in a second, however many lines come', () => {
  const to = descriptor();
  let errors = 0;
  const writer = new LineWriter({ write: to.write, lostLine, onError: () => errors++ });
  to.code = 'ENOSPC';
  for (let i = 0; i < 100; i++) writer.write('a\n');
  expect(errors).toBe(1);
  vi.advanceTimersByTime(3000);
  expect(errors).toBe(4);
});

test('at the end what waits is written where that is possible, and not waited for where it is not', () => {
  vi.useRealTimers();
  const to = descriptor();
  const writer = new LineWriter({ write: to.write, lostLine });
  to.code = 'EAGAIN';
  writer.write('a\n');
  to.code = undefined;
  writer.close();
  expect(to.text).toBe('a\n');

  const stopped = descriptor();
  let attempts = 0;
  const other = new LineWriter({
    lostLine,
    write(octets) {
      attempts++;
      return stopped.write(octets);
    },
  });
  stopped.code = 'EAGAIN';
  other.write('a\n');
  other.close();
  expect(attempts).toBeLessThan(30);
  expect(other.lost).toBe(1);
});
