import { expect, test } from 'vitest';
import { EntryBook } from '../../../src/hal/entry-book.js';
import type { BasicPipe, ControlEntry, ControlPipe } from '../../../src/hal/program.js';
import { KeyIndex } from '../../../src/hal-doca/key-index.js';
import { pipeIndexOf } from '../../../src/hal-doca/program.js';

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
  const book = new EntryBook(
    PIPE,
    0,
    1,
    new KeyIndex(PIPE, pipeIndexOf({ name: 'one pipe', pipes: [PIPE] })),
  );
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

test('failures of a control entry’s updates may be told in any order, and before that of its removal', () => {
  const pipe: ControlPipe = {
    name: 'ROOT',
    type: 'control',
    domain: 'default',
    sizeEntries: 1,
    miss: { to: 'drop' },
  };
  const entry: ControlEntry = { priority: 0, match: {}, forward: { to: 'rss' } };
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];
  for (const order of orders) {
    const book = new EntryBook(pipe, 0, 1, null);
    const slot = book.add(entry);
    const undo = [0, 1].map((port) => book.replaceControl(slot, { ...entry, forward: { to: 'port', port } }));
    const removed = book.remove(slot);
    undo.push(() => book.restore(removed));
    for (const i of order) undo[i]!();
    expect(book.controlOf(slot), order.join()).toEqual(entry);
  }
});
