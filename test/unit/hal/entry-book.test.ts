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
const indexOf = (pipe: BasicPipe) => new KeyIndex(pipe, pipeIndexOf({ name: 'one pipe', pipes: [pipe] }), []);
const matching = (last: number) => ({ match: { 'outer.ip4.dst_ip': 0x0a000000 + last } });

test('an entry that could not be removed is back, under its id, as soon as the one that waits for its place has failed', () => {
  const book = new EntryBook(PIPE, 0, 1, indexOf(PIPE));
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

test('an entry that could not be removed has its key again when the one that was given it meanwhile goes', () => {
  const pipe = { ...PIPE, sizeEntries: 3 };
  const book = new EntryBook(pipe, 0, 1, indexOf(pipe));
  const [first, second] = [book.add(matching(1)), book.add(matching(2))];
  const id = book.idOf(first);
  const removed = book.remove(first);
  book.remove(second);
  const third = book.add(matching(1));
  expect(third).toBe(second);
  book.restore(removed);
  expect(book.slotOf(id)).toBe(first);
  expect(() => book.add(matching(1))).toThrow('with this key');
  book.remove(third);
  expect(() => book.add(matching(1))).toThrow('with this key');
  book.remove(first);
  expect(book.add(matching(1))).toBe(first);
});

test('an index puts no key back that another slot has', () => {
  const index = indexOf({ ...PIPE, sizeEntries: 2 });
  const file = (slot: number) => {
    expect(index.find(matching(1))).toBe(-1);
    index.put(slot);
  };
  file(0);
  const key = index.take(0);
  file(1);
  expect(index.putBack(0, key)).toBe(1);
  index.take(1);
  expect(index.putBack(0, key)).toBe(-1);
  expect(index.find(matching(1))).toBe(0);
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
