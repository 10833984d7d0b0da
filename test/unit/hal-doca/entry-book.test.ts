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
  const first = book.book({ label: 'first', match: {} }, keyOf(1));
  const id = book.idOf(first);
  const struck = book.strike(first);
  const second = book.book({ match: {} }, keyOf(2));
  expect(second).toBe(first);
  book.restore(struck);
  expect(() => book.slotOf(id)).toThrow('no such entry');
  book.strike(second);
  expect(book.slotOf(id)).toBe(first);
  // With its key, its label and its place.
  expect(() => book.book({ match: {} }, keyOf(1))).toThrow('with this key');
  expect(() => book.book({ label: 'first', match: {} }, keyOf(3))).toThrow('with this label');
  expect(() => book.book({ match: {} }, keyOf(3))).toThrow('as many as it can');
  book.strike(first);
  expect(book.idOf(book.book({ match: {} }, keyOf(2)))).not.toBe(id);
});
