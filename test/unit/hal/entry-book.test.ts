import { expect, test } from 'vitest';
import { EntryBook } from '../../../src/hal/entry-book.js';
import type { BasicPipe } from '../../../src/hal/program.js';
import { KeyIndex } from '../../../src/hal-doca/key-index.js';

const PIPE: BasicPipe = {
  name: 'ACL',
  type: 'basic',
  domain: 'default',
  sizeEntries: 1,
  match: { 'outer.ip4.dst_ip': { value: 'entry' } },
  forward: { to: 'drop' },
  miss: { to: 'drop' },
};
const matching = (last: number) => ({ match: { 'outer.ip4.dst_ip': 0x0a000000 + last } });

test('an entry that could not be removed is back, under its id, as soon as the one that waits for its place has failed', () => {
  const book = new EntryBook(PIPE, 0, 1, new KeyIndex(PIPE));
  const first = book.add({ label: 'first', ...matching(1) });
  const id = book.idOf(first);
  const removed = book.remove(first);
  const second = book.add(matching(2));
  expect(second).toBe(first);
  book.restore(removed);
  expect(() => book.slotOf(id)).toThrow('no such entry');
  book.remove(second);
  expect(book.slotOf(id)).toBe(first);
  // With its key, its label and its place.
  expect(() => book.add(matching(1))).toThrow('with this key');
  expect(() => book.add({ label: 'first', ...matching(3) })).toThrow('with this label');
  expect(() => book.add(matching(3))).toThrow('as many as it can');
  book.remove(first);
  expect(book.idOf(book.add(matching(2)))).not.toBe(id);
});
