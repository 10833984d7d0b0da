/** The front that every PipeHal has: what it answers itself, and what it hands on. */
import { expect, test } from 'vitest';
import { CheckedHal } from '../../../src/hal/checked-hal.js';
import { HalError, ProgramError } from '../../../src/hal/errors.js';
import type { CounterSelector, EntryId } from '../../../src/hal/hal.js';
import type { PipeProgram } from '../../../src/hal/program.js';
import { validateProgram } from '../../../src/hal/validate.js';
import { NotingDevice } from '../../support/noting-device.js';
import {
  ACL,
  ACL_PIPE,
  add,
  addControl,
  entryOf,
  idOf,
  messages,
  open,
  PROGRAM,
  ROOT,
  ROOT_PIPE,
  rejection,
} from '../../support/two-pipes.js';

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
  expect(await rejection(() => hal.generateKeys(16, 1, 'ccm' as 'gcm'))).toBe(
    `DOCA_ERROR_INVALID_VALUE: generateKeys for "ccm"; expected 'gcm' or 'gmac'`,
  );
  expect(await rejection(() => hal.generateKeys(16, 1, 'gmac'))).toBe(
    'DOCA_ERROR_NOT_SUPPORTED: generateKeys for AES-GMAC: this device has no such keys',
  );
  expect(await rejection(() => hal.transmit([]))).toBe(
    'DOCA_ERROR_BAD_STATE: transmit: the program has no egress root',
  );
  expect(await rejection(() => hal.build(PROGRAM))).toBe(
    'DOCA_ERROR_BAD_STATE: a program is built already; "two pipes" cannot replace it',
  );
  expect(device.take()).toEqual([]);
});

test('words of the PSP header are refused for a device that does not look at them: in programs, and in entries that come later', async () => {
  const ofWord: PipeProgram = {
    ...PROGRAM,
    pipes: PROGRAM.pipes.map((pipe) =>
      pipe.type === 'control'
        ? pipe
        : {
            ...pipe,
            match: { ...pipe.match, 'tun.psp.dw6': { value: 'entry' as const } },
            actions: [{ set: { 'tun.psp.dw9': { value: 1 } } }],
            entries: [],
          },
    ),
  };
  const problems = validateProgram(ofWord, new NotingDevice().description.limits).map(
    ({ message }) => message,
  );
  expect(problems).toContain(
    'DOCA_ERROR_INVALID_VALUE: pipe ACL, field tun.psp.dw6: this device does not look at words of the PSP header',
  );
  expect(problems).toContain(
    'DOCA_ERROR_INVALID_VALUE: pipe ACL, field set.tun.psp.dw9: this device does not look at words of the PSP header',
  );
  const limits = { ...new NotingDevice().description.limits, pspWords: true };
  expect(validateProgram(ofWord, limits).filter(({ message }) => message.includes('psp.dw'))).toEqual([]);
  const { hal, device } = await open();
  const added = await hal.apply([
    addControl({ match: { 'tun.psp.dw7': { value: 1 } } }),
    addControl({ match: {}, condition: { field: 'tun.psp.dw8', operation: 'ne', value: 1 } }),
  ]);
  expect(messages(added)).toEqual([
    expect.stringContaining('field tun.psp.dw7: this device does not look'),
    expect.stringContaining('field condition.tun.psp.dw8: this device does not look'),
  ]);
  expect(device.take().filter(([what]) => what === 'addControl')).toEqual([]);
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
