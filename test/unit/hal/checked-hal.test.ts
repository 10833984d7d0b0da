/** The front that every PipeHal has: what it answers itself, and what it takes back when the device fails. */
import { expect, test } from 'vitest';
import { CheckedHal } from '../../../src/hal/checked-hal.js';
import { HalError, ProgramError } from '../../../src/hal/errors.js';
import type { CounterSelector, EntryId, EntryOperation, EntryResult } from '../../../src/hal/hal.js';
import type { BasicPipe, ControlEntry, ControlPipe, PipeProgram } from '../../../src/hal/program.js';
import { type Failure, NotingDevice } from '../../support/noting-device.js';

const ROOT: ControlPipe = {
  type: 'control',
  name: 'ROOT',
  domain: 'default',
  isRoot: true,
  sizeEntries: 2,
  miss: { to: 'pipe', pipe: 'ACL' },
  entries: [{ label: 'udp', priority: 1, match: {}, forward: { to: 'rss' }, monitor: { counter: true } }],
};
const ACL: BasicPipe = {
  type: 'basic',
  name: 'ACL',
  domain: 'default',
  sizeEntries: 2,
  match: { 'outer.ip4.dst_ip': { value: 'entry' } },
  actions: [{}, { set: { 'meta.pkt_meta': { value: 'entry' } } }],
  forward: 'entry',
  miss: { to: 'drop' },
  monitor: { counter: true },
  entries: [{ label: 'static', match: { 'outer.ip4.dst_ip': 99 }, forward: { to: 'drop' } }],
};
const PROGRAM: PipeProgram = { name: 'two pipes', pipes: [ROOT, ACL] };
/** The numbers of its pipes. */
const [ROOT_PIPE, ACL_PIPE] = [0, 1];

async function open(): Promise<{ hal: CheckedHal; device: NotingDevice }> {
  const device = new NotingDevice();
  const hal = new CheckedHal(device);
  await hal.build(PROGRAM);
  device.take();
  return { hal, device };
}

const entryOf = (address: number, label?: string) => ({
  ...(label === undefined ? {} : { label }),
  match: { 'outer.ip4.dst_ip': address },
  forward: { to: 'drop' } as const,
});
const add = (address: number, label?: string): EntryOperation => ({
  operation: 'add',
  pipe: 'ACL',
  entry: entryOf(address, label),
});
const addControl = (entry: Partial<ControlEntry> = {}): EntryOperation => ({
  operation: 'add',
  pipe: 'ROOT',
  entry: { priority: 0, match: {}, forward: { to: 'drop' }, ...entry },
});
const idOf = (result: EntryResult | undefined): EntryId => {
  if (result === undefined || 'error' in result) throw result?.error ?? new Error('no result');
  return result.id;
};
const messages = (results: readonly EntryResult[]) =>
  results.map((result) => ('error' in result ? result.error.message : 'done'));
const rejection = (call: () => unknown) =>
  (async () => call())().then(
    () => 'done',
    (error: Error) => error.message,
  );

test('what is wrong is answered here, one by one, and never comes to the device', async () => {
  const { hal, device } = await open();
  const [id] = (await hal.apply([add(1, 'one')])).map(idOf);
  device.take();
  expect(
    messages(
      await hal.apply([
        add(1),
        add(2, 'one'),
        add(2),
        { operation: 'add', pipe: 'NOWHERE', entry: entryOf(2) },
        { operation: 'add', pipe: 'ACL', entry: { ...entryOf(2), actionIndex: 2 } },
        addControl({ label: 'udp' }),
        addControl({ priority: 7 }),
        { operation: 'remove', id: 0.5 as EntryId },
        { operation: 'remove', id: (id! + 4) as EntryId },
        { operation: 'update', id: id!, values: { cryptoId: 1 } },
      ]),
    ),
  ).toEqual([
    'DOCA_ERROR_ALREADY_EXIST: pipe ACL: an entry with this key exists already; update it, or remove it first',
    'DOCA_ERROR_ALREADY_EXIST: pipe ACL, entry one: an entry with this label exists already',
    'DOCA_ERROR_FULL: pipe ACL: the pipe holds 2 entries, as many as it can',
    'DOCA_ERROR_NOT_FOUND: pipe NOWHERE, entry 3: the program has no such pipe',
    'DOCA_ERROR_INVALID_VALUE: pipe ACL, entry 4, field actionIndex: expected an action template from 0 to 1, got 2',
    'DOCA_ERROR_ALREADY_EXIST: pipe ROOT, entry udp: an entry with this label exists already',
    'DOCA_ERROR_INVALID_VALUE: pipe ROOT, entry 6, field priority: expected 0 (highest) to 6, got 7',
    'DOCA_ERROR_NOT_FOUND: entry 0.5: no such entry',
    `DOCA_ERROR_NOT_FOUND: pipe ACL, entry ${id! + 4}: no such entry; it may have been removed`,
    `DOCA_ERROR_INVALID_VALUE: pipe ACL, entry ${id}, field cryptoId: the pipe does not take this from entries`,
  ]);
  expect(device.take()).toEqual([]);

  const key = new Uint8Array(16);
  const keys = await hal.setKeys([
    { cryptoId: 0, key },
    { cryptoId: 4, key },
    { cryptoId: 5, key },
    { cryptoId: 1, key: new Uint8Array(15) },
    { cryptoId: 2, key: new Uint8Array(32) },
  ]);
  expect(keys.map((error) => error?.message)).toEqual([
    'DOCA_ERROR_INVALID_VALUE: setKeys of slot 0; slots are 1 to 4',
    undefined,
    'DOCA_ERROR_INVALID_VALUE: setKeys of slot 5; slots are 1 to 4',
    'DOCA_ERROR_INVALID_VALUE: setKeys of slot 1: a key of 15 octets; expected 16 or 32',
    undefined,
  ]);
  await hal.clearKeys([0, 4, 1.5, 5, 3]);
  expect(device.take()).toEqual([
    ['setKeys', 4, 2],
    ['clearKeys', 4, 3],
  ]);

  expect(await rejection(() => hal.generateKeys(16, 9))).toBe(
    'DOCA_ERROR_INVALID_VALUE: generateKeys of 9 keys; expected 1 to 8',
  );
  expect(await rejection(() => hal.generateKeys(24 as 32, 1))).toBe(
    'DOCA_ERROR_INVALID_VALUE: generateKeys of 24 octets; expected 16 or 32',
  );
  expect(await rejection(() => hal.transmit([]))).toBe(
    'DOCA_ERROR_BAD_STATE: transmit: the program has no egress root',
  );
  expect(await rejection(() => hal.build(PROGRAM))).toBe(
    'DOCA_ERROR_BAD_STATE: a program is built already; "two pipes" cannot replace it',
  );
  expect(device.take()).toEqual([]);
});

test('counters are named to the device by pipe and slot, and those that are not there are refused', async () => {
  const { hal, device } = await open();
  const [id] = (await hal.apply([add(1, 'one'), addControl()])).map(idOf);
  device.take();
  await hal.counters([
    { id: id! },
    { pipe: 'ACL', label: 'static' },
    { pipe: 'ACL', total: true },
    { pipe: 'ROOT', label: 'udp' },
    { pipe: 'ROOT', total: true },
  ]);
  expect(device.take()).toEqual([
    ['counters', ACL_PIPE, 1, ACL_PIPE, 0, ACL_PIPE, -2, ROOT_PIPE, 0, ROOT_PIPE, -2],
  ]);
  const missing: [CounterSelector, string][] = [
    [{ pipe: 'ACL', miss: true }, 'pipe ACL: there is no such miss counter; the program must ask for it'],
    [
      { pipe: 'NOWHERE', total: true },
      'pipe NOWHERE: there is no such counter of entries; the program must ask for it',
    ],
    [
      { pipe: 'ACL', label: 'two' },
      'pipe ACL, entry two: there is no such counter; the program must ask for it',
    ],
    [{ id: 12345 as EntryId }, 'entry 12345: there is no such counter; the program must ask for it'],
  ];
  for (const [selector, text] of missing) {
    expect(await rejection(() => hal.counters([{ id: id! }, selector]))).toBe(
      `DOCA_ERROR_NOT_FOUND: ${text}`,
    );
  }
  expect(device.take()).toEqual([]);
});

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

test('an update names the action template that its entry has, also after others have had the slot', async () => {
  const { hal, device } = await open();
  const values = (meta: number) => ({ set: { 'meta.pkt_meta': meta } });
  const second = { ...entryOf(1), actionIndex: 1, values: values(5) };
  const [id] = (await hal.apply([{ operation: 'add', pipe: 'ACL', entry: second }])).map(idOf);
  await hal.apply([{ operation: 'update', id: id!, values: values(6) }]);
  const [, again] = (await hal.apply([{ operation: 'remove', id: id! }, add(1)])).map(idOf);
  device.take();
  expect(
    messages(
      await hal.apply([
        { operation: 'update', id: again!, values: values(7) },
        { operation: 'update', id: again!, forward: { to: 'rss' } },
      ]),
    ),
  ).toEqual([
    `DOCA_ERROR_INVALID_VALUE: pipe ACL, entry ${again}, field set.meta.pkt_meta: the pipe does not take this from entries`,
    'done',
  ]);
  expect(device.take()).toEqual([['update', ACL_PIPE, 1, 0, undefined, { to: 'rss' }]]);
});

test('before a program is built, and after one that failed, what needs one is refused, and it may be tried again', async () => {
  const device = new NotingDevice();
  const hal = new CheckedHal(device);
  const refused = async () => {
    for (const [doing, call] of [
      ['apply', () => hal.apply([])],
      ['counters', () => hal.counters([])],
      ['transmit', () => hal.transmit([])],
    ] as const) {
      expect(await rejection(call)).toBe(`DOCA_ERROR_BAD_STATE: ${doing}: build a program first`);
    }
  };
  await refused();
  const problem = { ...PROGRAM, pipes: [ROOT] };
  await expect(hal.build(problem)).rejects.toBeInstanceOf(ProgramError);
  expect(device.take()).toEqual([]);
  device.buildFailure = new HalError('NO_MEMORY', 'no room for it');
  const failed = hal.build(PROGRAM);
  await expect(failed).rejects.toBeInstanceOf(ProgramError);
  await expect(failed).rejects.toThrow('pipe program "two pipes" has 1 problem:\n  no room for it');
  device.buildFailure = new Error('a mistake');
  await expect(hal.build(PROGRAM)).rejects.toBe(device.buildFailure);
  device.buildFailure = null;
  device.failures.set(1, ['DRIVER', 'not this one']);
  await expect(hal.build(PROGRAM)).rejects.toThrow('pipe ROOT, entry 1: not this one');
  const twice = { ...ACL, entries: [...ACL.entries!, entryOf(99)] };
  await expect(hal.build({ ...PROGRAM, pipes: [ROOT, twice] })).rejects.toBeInstanceOf(ProgramError);
  await refused();
  device.take();
  let release = (): void => undefined;
  device.gate = new Promise((resolve) => {
    release = resolve;
  });
  const built = hal.build(PROGRAM);
  await refused();
  expect(await rejection(() => hal.build(PROGRAM))).toMatch('BAD_STATE');
  release();
  await built;
  // The root's entry last: no packet finds what is not complete.
  expect(device.take()).toEqual([
    ['build', 'two pipes'],
    ['add', ACL_PIPE, 0, ACL.entries![0]],
    ['addControl', ROOT_PIPE, 0, ROOT.entries![0]],
    ['built'],
  ]);
  expect(messages(await hal.apply([add(99)]))).toEqual([expect.stringMatching('ALREADY_EXIST')]);
});

test('a build that has not ended when the device is closed ends with SHUTDOWN, whatever the device makes of it', async () => {
  for (const failure of [null, new HalError('SHUTDOWN', 'it is being closed')]) {
    const device = new NotingDevice();
    const hal = new CheckedHal(device);
    let release = (): void => undefined;
    device.gate = new Promise((resolve) => {
      release = resolve;
    });
    device.buildFailure = failure;
    const built = hal.build(PROGRAM);
    await hal.close();
    release();
    await expect(built).rejects.toMatchObject({ name: 'HalError', code: 'SHUTDOWN' });
    expect(await rejection(() => hal.build(PROGRAM))).toMatch('DOCA_ERROR_SHUTDOWN: build');
  }
});

test('that too few SPIs are left is said alike of every device, and another failure as the device says it', async () => {
  const { hal, device } = await open();
  device.keyFailure = new HalError('EMPTY', 'two are left');
  expect(await rejection(() => hal.generateKeys(32, 3))).toBe(
    'DOCA_ERROR_EMPTY: generateKeys of 3 keys, but fewer SPIs are left; rotate the master key',
  );
  device.keyFailure = new HalError('IO_FAILED', 'the device has gone');
  await expect(hal.generateKeys(32, 3)).rejects.toBe(device.keyFailure);
  const key = new Uint8Array(32);
  expect(
    await hal.setKeys([
      { cryptoId: 5, key },
      { cryptoId: 1, key },
    ]),
  ).toEqual([expect.objectContaining({ code: 'INVALID_VALUE' }), device.keyFailure]);
});

test('once closed, every call is refused, and the device is closed once', async () => {
  const { hal, device } = await open();
  await Promise.all([hal.close(), hal.close(), hal[Symbol.asyncDispose]()]);
  const calls: Record<string, () => unknown> = {
    build: () => hal.build(PROGRAM),
    apply: () => hal.apply([]),
    setKeys: () => hal.setKeys([]),
    clearKeys: () => hal.clearKeys([]),
    generateKeys: () => hal.generateKeys(16, 1),
    rotateMasterKey: () => hal.rotateMasterKey(),
    counters: () => hal.counters([]),
    statistics: () => hal.statistics(),
    onReceive: () => hal.onReceive(() => {}),
    transmit: () => hal.transmit([]),
  };
  for (const [doing, call] of Object.entries(calls)) {
    expect(await rejection(call)).toBe(`DOCA_ERROR_SHUTDOWN: ${doing}: the device is closed`);
  }
  expect(device.take()).toEqual([['close']]);
});
