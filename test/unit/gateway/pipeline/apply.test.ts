/** Batches of entry operations: all of them are done, or none. */
import { beforeEach, expect, test } from 'vitest';
import { applyAll } from '../../../../src/gateway/pipeline/apply.js';
import type { Leaving, Leftovers, Names } from '../../../../src/gateway/pipeline/leftovers.js';
import { HalError } from '../../../../src/hal/errors.js';
import type { EntryId, EntryOperation, EntryResult, PipeHal } from '../../../../src/hal/hal.js';

const id = (number: number) => number as EntryId;
const add = (label: string) => ({ operation: 'add', pipe: label, entry: {} }) as EntryOperation;
const remove = (number: number) => ({ operation: 'remove', id: id(number) }) as const;
const update = (number: number, cryptoId: number) =>
  ({ operation: 'update', id: id(number), values: { cryptoId } }) as const;

/** What the device says to each batch, or what it fails with. */
let answers: EntryResult[] | Error;
let batches: (readonly EntryOperation[])[];
/** What leftovers were told, in order. */
let told: [string, ...unknown[]][];
const hal = {
  apply: async (operations: readonly EntryOperation[]) => {
    batches.push(operations);
    if (answers instanceof Error) throw answers;
    return answers;
  },
} as PipeHal;
const leftovers = {
  settle: async (ids: readonly EntryId[]) => told.push(['settle', ids]),
  takeBack: async (leaving: readonly Leaving[]) => told.push(['takeBack', leaving]),
  keepForGood: (names: Names) => told.push(['keepForGood', names]),
} as unknown as Leftovers;
const names = (index: number): Names => ({ spi: 10 + index });

beforeEach(() => {
  [answers, batches, told] = [[], [], []];
});

test('of operations that all succeed the ids come back, in order, and what was left of them is settled', async () => {
  answers = [{ id: id(7) }, { id: id(8) }];
  const operations = [add('A'), update(8, 3)];
  expect(await applyAll(hal, leftovers, operations)).toEqual([7, 8]);
  expect(batches).toEqual([operations]);
  expect(told).toEqual([['settle', [7, 8]]]);
});

test('of no operations the device is told nothing', async () => {
  expect(await applyAll(hal, leftovers, [])).toEqual([]);
  expect([batches, told]).toEqual([[], []]);
});

test('where some fail, the others are undone, the last one first, and the first failure is thrown', async () => {
  const [first, second] = [new HalError('FULL', 'no room'), new HalError('ALREADY_EXIST', 'there')];
  answers = [{ id: id(1) }, { error: first }, { id: id(3) }, { error: second }];
  await expect(applyAll(hal, leftovers, ['A', 'B', 'C', 'D'].map(add))).rejects.toBe(first);
  expect(told).toEqual([['takeBack', [{ operation: remove(3) }, { operation: remove(1) }]]]);
});

test('what is undone is so as its owner says, and keeps its names until then', async () => {
  answers = [{ id: id(1) }, { id: id(2) }, { error: new HalError('FULL', 'no room') }];
  const undo = (index: number, entry: EntryId) => (index === 0 ? update(entry, 5) : remove(entry));
  const operations = [update(1, 6), add('B'), add('C')];
  await expect(applyAll(hal, leftovers, operations, { names, undo })).rejects.toThrow('no room');
  expect(told).toEqual([
    [
      'takeBack',
      [
        { operation: remove(2), spi: 11 },
        { operation: update(1, 5), spi: 10 },
      ],
    ],
  ]);
});

test('where all fail there is nothing to undo', async () => {
  const error = new HalError('FULL', 'no room');
  answers = [{ error }];
  await expect(applyAll(hal, leftovers, [add('A')])).rejects.toBe(error);
  expect(told).toEqual([['takeBack', []]]);
});

test('of a batch without an answer entries that are known are undone, and names of the others are given up', async () => {
  answers = new Error('no answer');
  const undo = (_: number, entry: EntryId) => update(entry, 5);
  const operations = [add('A'), update(2, 6), add('C'), remove(4)];
  await expect(applyAll(hal, leftovers, operations, { names, undo })).rejects.toBe(answers);
  expect(told).toEqual([
    ['keepForGood', { spi: 10 }],
    ['keepForGood', { spi: 12 }],
    [
      'takeBack',
      [
        { operation: update(2, 5), spi: 11 },
        { operation: update(4, 5), spi: 13 },
      ],
    ],
  ]);
});
