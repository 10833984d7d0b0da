/** What the front takes back of its books when the device fails an operation after it was handed over, or does not answer. */
import { expect, test } from 'vitest';
import { CheckedHal } from '../../../src/hal/checked-hal.js';
import { HalError } from '../../../src/hal/errors.js';
import type { EntryId, EntryOperation } from '../../../src/hal/hal.js';
import type { ControlEntry } from '../../../src/hal/program.js';
import { type Failure, NotingDevice } from '../../support/noting-device.js';
import {
  ACL,
  ACL_PIPE,
  add,
  addControl,
  idOf,
  messages,
  open,
  PROGRAM,
  ROOT,
  ROOT_PIPE,
} from '../../support/two-pipes.js';

test('what the device fails later is taken back, and the device has the word in the error', async () => {
  const { hal, device } = await open();
  const failing = async (operations: EntryOperation[], failed: readonly number[]) => {
    const written = device.notes.length;
    const failure: Failure = ['DRIVER', 'the device would not'];
    for (const position of failed) device.failures.set(already + position, failure);
    const results = await hal.apply(operations);
    already += device.notes.length - written;
    device.failures.clear();
    return results;
  };
  /** Operations that the device has got so far: the two static entries. */
  let already = 2;
  // The second add uses the slot of an entry that goes nowhere.
  const [one] = (await failing([add(1, 'one')], [])).map(idOf);
  const results = await failing([{ operation: 'remove', id: one! }, add(2, 'two')], [0, 1]);
  expect(messages(results)).toEqual([
    'DOCA_ERROR_DRIVER: pipe ACL, entry 0: the device would not',
    'DOCA_ERROR_DRIVER: pipe ACL, entry 1: the device would not',
  ]);
  // It is there under its id, with its key and its label; the other one is not.
  expect(messages(await failing([add(1), add(3, 'one')], []))).toEqual([
    'DOCA_ERROR_ALREADY_EXIST: pipe ACL: an entry with this key exists already; update it, or remove it first',
    'DOCA_ERROR_ALREADY_EXIST: pipe ACL, entry one: an entry with this label exists already',
  ]);
  expect(messages(await failing([{ operation: 'remove', id: one! }, add(2, 'two')], []))).toEqual([
    'done',
    'done',
  ]);
  expect(messages(await failing([{ operation: 'remove', id: one! }], []))).toEqual([
    `DOCA_ERROR_NOT_FOUND: pipe ACL, entry ${one}: no such entry; it may have been removed`,
  ]);
});

/** Operations that the device has got when the program is built: the two static entries. */
const STATIC = 2;
const NOT_NOW: Failure = ['DRIVER', 'not now'];
const NO_ANSWER = new HalError('TIME_OUT', 'it does not answer');

async function openLarger(): Promise<{ hal: CheckedHal; device: NotingDevice }> {
  const device = new NotingDevice();
  const hal = new CheckedHal(device);
  await hal.build({ ...PROGRAM, pipes: [ROOT, { ...ACL, sizeEntries: 4 }] });
  return { hal, device };
}

const remove = (id: EntryId | undefined): EntryOperation => ({ operation: 'remove', id: id! });

test.each([true, false])(
  'an entry that could not be removed gets its key and its label back when the one that has them goes (it fails: %s)',
  async (failing) => {
    const { hal, device } = await openLarger();
    const [one, other] = (await hal.apply([add(1, 'one'), add(2)])).map(idOf);
    device.failures.set(STATIC + 2, NOT_NOW);
    // The new entry with the key and the label of the first one has the place of the second one.
    if (failing) device.failures.set(STATIC + 4, NOT_NOW);
    const results = await hal.apply([remove(one), remove(other), add(1, 'one')]);
    const failed = 'DOCA_ERROR_DRIVER: pipe ACL, entry';
    expect(messages(results)).toEqual([
      `${failed} 0: not now`,
      'done',
      failing ? `${failed} 2: not now` : 'done',
    ]);
    // It is there under its id in any case.
    const update: EntryOperation = { operation: 'update', id: one! };
    expect(messages(await hal.apply([update, add(1), add(3, 'one')]))).toEqual([
      'done',
      expect.stringMatching('ALREADY_EXIST.*with this key'),
      expect.stringMatching('ALREADY_EXIST.*with this label'),
    ]);
    if (!failing) expect(messages(await hal.apply([remove(idOf(results[2]))]))).toEqual(['done']);
    device.take();
    await hal.counters([{ pipe: 'ACL', label: 'one' }]);
    expect(device.take()).toEqual([['counters', ACL_PIPE, 1]]);
    expect(messages(await hal.apply([add(1)]))).toEqual([expect.stringMatching('with this key')]);
    // And goes with both.
    expect(messages(await hal.apply([remove(one), add(1, 'one')]))).toEqual(['done', 'done']);
  },
);

test('an entry that waits for its key and its label may go before the one that has them', async () => {
  const { hal, device } = await openLarger();
  const [one, other] = (await hal.apply([add(1, 'one'), add(2)])).map(idOf);
  for (const written of [STATIC + 2, STATIC + 5]) device.failures.set(written, NOT_NOW);
  const third = idOf((await hal.apply([remove(one), remove(other), add(1, 'one')]))[2]);
  // Its removal fails once more, and then does not.
  const failed = 'DOCA_ERROR_DRIVER: pipe ACL, entry 0: not now';
  expect(messages(await hal.apply([remove(one)]))).toEqual([failed]);
  expect(messages(await hal.apply([remove(one)]))).toEqual(['done']);
  expect(messages(await hal.apply([add(1), remove(third), add(1, 'one')]))).toEqual([
    expect.stringMatching('with this key'),
    'done',
    'done',
  ]);
});

test('an entry that is added where one could not be removed fails too, and the other one is there', async () => {
  const { hal, device } = await open();
  const [id] = (await hal.apply([add(1)])).map(idOf);
  device.failures.set(STATIC + 1, NOT_NOW);
  expect(messages(await hal.apply([remove(id), add(2)]))).toEqual([
    'DOCA_ERROR_DRIVER: pipe ACL, entry 0: not now',
    'DOCA_ERROR_DRIVER: pipe ACL, entry 1: the place has an entry that could not be removed',
  ]);
  const update: EntryOperation = { operation: 'update', id: id! };
  expect(messages(await hal.apply([update, remove(id)]))).toEqual(['done', 'done']);
});

test.each([false, true])(
  'of a device that does not answer what was added keeps its place, and what was removed may be removed again (it did nothing: %s)',
  async (isDeaf) => {
    const { hal, device } = await openLarger();
    const [one, two] = (await hal.apply([add(1, 'one'), add(2)])).map(idOf);
    device.silence = NO_ANSWER;
    device.isDeaf = isDeaf;
    await expect(hal.apply([add(3, 'three'), remove(one), add(99)])).rejects.toBe(NO_ANSWER);
    device.silence = null;
    device.isDeaf = false;
    const again = [add(3), add(1), add(4, 'three'), add(4, 'one'), add(4)];
    const update: EntryOperation = { operation: 'update', id: two! };
    expect(messages(await hal.apply([...again, update]))).toEqual([
      expect.stringMatching('with this key'),
      expect.stringMatching('with this key'),
      expect.stringMatching('with this label'),
      expect.stringMatching('with this label'),
      expect.stringMatching('FULL'),
      'done',
    ]);
    expect(messages(await hal.apply([remove(one)]))).toEqual([
      isDeaf ? 'done' : 'DOCA_ERROR_NOT_FOUND: pipe ACL, entry 0: there is no entry',
    ]);
    expect(messages(await hal.apply([remove(one), add(1, 'one')]))).toEqual([
      expect.stringMatching('NOT_FOUND.*it may have been removed'),
      'done',
    ]);
  },
);

test.each([false, true])(
  'of a device that does not answer an entry has its place back from one that was added there (it did nothing: %s)',
  async (isDeaf) => {
    const { hal, device } = await open();
    const [one] = (await hal.apply([add(1, 'one')])).map(idOf);
    device.silence = NO_ANSWER;
    device.isDeaf = isDeaf;
    await expect(hal.apply([remove(one), add(2, 'two')])).rejects.toBe(NO_ANSWER);
    device.silence = null;
    device.isDeaf = false;
    // The pipe is full: the other entry has no place of its own.
    expect(messages(await hal.apply([add(1), add(3, 'one'), add(2, 'two')]))).toEqual([
      expect.stringMatching('with this key'),
      expect.stringMatching('with this label'),
      expect.stringMatching('FULL'),
    ]);
    device.take();
    expect(messages(await hal.apply([{ operation: 'update', id: one! }]))).toEqual(['done']);
    // Either entry that the device may have.
    expect(messages(await hal.apply([remove(one), add(2, 'two')]))).toEqual(['done', 'done']);
    expect(device.take().map(([call, pipe, slot]) => [call, pipe, slot])).toEqual([
      ['update', ACL_PIPE, 1],
      ['remove', ACL_PIPE, 1],
      ['add', ACL_PIPE, 1],
    ]);
    expect(messages(await hal.apply([remove(one)]))).toEqual([expect.stringMatching('NOT_FOUND')]);
  },
);

test.each([
  ['is lost too', NO_ANSWER, undefined],
  ['fails', null, NOT_NOW],
  ['is done', null, undefined],
])(
  'an entry whose removal got no answer has its place back from a later batch that %s',
  async (_, silence, failure) => {
    const { hal, device } = await open();
    const [one] = (await hal.apply([add(1, 'one')])).map(idOf);
    let tell = (): void => undefined;
    device.answer = new Promise((resolve) => {
      tell = resolve;
    });
    device.silence = NO_ANSWER;
    const lost = expect(hal.apply([remove(one)])).rejects.toBe(NO_ANSWER);
    await Promise.resolve();
    if (failure !== undefined) device.failures.set(device.writtenSoFar, failure);
    device.silence = silence;
    const later = hal.apply([add(2, 'two')]).catch(() => undefined);
    await Promise.resolve();
    device.silence = null;
    tell();
    await lost;
    const results = await later;
    const again = () => hal.apply([add(1), add(3, 'one')]);
    if (silence !== null || failure !== undefined) {
      expect(messages(await again())).toEqual([
        expect.stringMatching('with this key'),
        expect.stringMatching('with this label'),
      ]);
      expect(messages(await hal.apply([add(2, 'two')]))).toEqual([expect.stringMatching('FULL')]);
      return;
    }
    // What has its place has been added, so that it has gone, and does not come back.
    expect(messages(await hal.apply([remove(one)]))).toEqual([expect.stringMatching('NOT_FOUND')]);
    expect(messages(await hal.apply([remove(idOf(results?.[0])), add(1, 'one')]))).toEqual(['done', 'done']);
  },
);

test('an entry of a control pipe is what it was after an update that failed, whatever its caller does to it meanwhile', async () => {
  const { hal, device } = await open();
  const source = Uint8Array.of(2, 0, 0, 0, 0, 1);
  const entry: ControlEntry = {
    priority: 3,
    match: { 'outer.eth.src_mac': { value: source } },
    forward: { to: 'rss' },
  };
  const [id] = (await hal.apply([{ operation: 'add', pipe: 'ROOT', entry }])).map(idOf);
  source.fill(0xff);
  device.take();
  device.failures.set(3, ['DRIVER', 'not now']);
  const [failed] = await hal.apply([{ operation: 'update', id: id!, forward: { to: 'drop' } }]);
  expect(failed).toHaveProperty('error');
  await hal.apply([{ operation: 'update', id: id! }]);
  const was = { ...entry, match: { 'outer.eth.src_mac': { value: Uint8Array.of(2, 0, 0, 0, 0, 1) } } };
  expect(device.take()).toEqual([
    ['updateControl', ROOT_PIPE, 1, { ...was, forward: { to: 'drop' } }],
    ['updateControl', ROOT_PIPE, 1, was],
  ]);
});

test('an update of a control entry that failed takes back nothing of what came after it', async () => {
  const { hal, device } = await open();
  const entry: ControlEntry = { priority: 3, match: {}, forward: { to: 'rss' } };
  const update = (id: EntryId, port: number): EntryOperation => ({
    operation: 'update',
    id,
    forward: { to: 'port', port },
  });
  const [first] = (await hal.apply([addControl(entry)])).map(idOf);
  device.failures.set(3, ['DRIVER', 'not now']);
  expect(messages(await hal.apply([update(first!, 0), update(first!, 1)]))).toEqual([
    'DOCA_ERROR_DRIVER: pipe ROOT, entry 0: not now',
    'done',
  ]);
  // Another entry has the slot when the failure is told.
  device.failures.set(5, ['DRIVER', 'not now']);
  device.take();
  const results = await hal.apply([
    { operation: 'update', id: first! },
    { operation: 'remove', id: first! },
    addControl({ ...entry, priority: 5 }),
  ]);
  await hal.apply([{ operation: 'update', id: idOf(results[2]) }]);
  expect(device.take()).toEqual([
    ['updateControl', ROOT_PIPE, 1, { ...entry, forward: { to: 'port', port: 1 } }],
    ['remove', ROOT_PIPE, 1],
    ['addControl', ROOT_PIPE, 1, { ...entry, priority: 5 }],
    ['updateControl', ROOT_PIPE, 1, { ...entry, priority: 5 }],
  ]);
});
