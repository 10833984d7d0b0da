import { expect, test } from 'vitest';
import type { BasicPipe } from '../../../src/hal/program.js';
import { EntryBook } from '../../../src/hal-doca/entry-book.js';

const PIPE: BasicPipe = {
  name: 'ACL',
  type: 'basic',
  domain: 'default',
  sizeEntries: 1,
  match: { 'outer.ip4.dst_ip': { value: 'entry' } },
  forward: { to: 'drop' },
  miss: { to: 'drop' },
};
const keyOf = (last: number) => Uint8Array.of(10, 0, 0, last);

test('an entry that could not be removed is back, under its id, as soon as the one that waits for its place has failed', () => {
  const book = new EntryBook(PIPE, 0, 1);
  const first = book.add({ label: 'first', match: {} }, keyOf(1));
  const id = book.idOf(first);
  const removed = book.remove(first);
  const second = book.add({ match: {} }, keyOf(2));
  expect(second).toBe(first);
  book.restore(removed);
  expect(() => book.slotOf(id)).toThrow('no such entry');
  book.remove(second);
  expect(book.slotOf(id)).toBe(first);
  // With its key, its label and its place.
  expect(() => book.add({ match: {} }, keyOf(1))).toThrow('with this key');
  expect(() => book.add({ label: 'first', match: {} }, keyOf(3))).toThrow('with this label');
  expect(() => book.add({ match: {} }, keyOf(3))).toThrow('as many as it can');
  book.remove(first);
  expect(book.idOf(book.add({ match: {} }, keyOf(2)))).not.toBe(id);
});
