/**
 * Callers without TypeScript: whatever stands in the place of anything, it is refused with HalError and changes nothing, or it is
 * right. Each part of a program, of entries and of arguments is replaced by each kind of value in turn.
 */
import { expect, test } from 'vitest';
import { CheckedHal } from '../../../src/hal/checked-hal.js';
import { HalError, ProgramError } from '../../../src/hal/errors.js';
import type { EntryId, EntryOperation, PipeHal } from '../../../src/hal/hal.js';
import type { BasicEntry, ControlEntry, PipeProgram } from '../../../src/hal/program.js';
import { validateProgram } from '../../../src/hal/validate.js';
import { openSimHarness } from '../../../src/verify/sim-harness.js';
import { NotingDevice } from '../../support/noting-device.js';

const VALUES: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -1,
  1.5,
  Number.NaN,
  1n,
  '',
  'entry',
  'toString',
  '__proto__',
  Symbol('symbol'),
  () => 0,
  [],
  {},
  Object.create(null),
  { to: 'nowhere' },
  new Uint8Array(3),
  new Float64Array(3),
  Buffer.alloc(16),
];

const DROP = { to: 'drop' } as const;
const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const STATIC_BASIC: BasicEntry = {
  label: 'static',
  match: { 'outer.eth.src_mac': MAC, 'meta.pkt_meta': 8 },
  actionIndex: 1,
  values: { set: { 'meta.u32.1': 5 }, ethernetHeader: new Uint8Array(14) },
  forward: { to: 'port', port: 0 },
};
const STATIC_CONTROL: ControlEntry = {
  label: 'static',
  priority: 2,
  match: { 'outer.eth.dst_mac': { value: MAC, mask: new Uint8Array(6).fill(0xff) } },
  condition: { field: 'meta.u32.1', operation: 'lt', value: 7 },
  actions: { encap: { netType: 'psp-tunnel', outer: 'ipv4', cookie: false }, encrypt: { cryptoId: 1 } },
  values: { encapHeader: new Uint8Array(58) },
  forward: { to: 'pipe', pipe: 'END' },
  monitor: { counter: true, mirror: 'COPY' },
};
/** With every member that there is. */
const PROGRAM: PipeProgram = {
  name: 'all of it',
  mirrors: [{ name: 'COPY', targets: [{ to: 'pipe', pipe: 'END' }, { to: 'rss' }] }],
  pipes: [
    {
      type: 'basic',
      name: 'ROOT',
      domain: 'default',
      isRoot: true,
      sizeEntries: 3,
      missCounter: true,
      description: 'where packets come in',
      match: { 'outer.eth.src_mac': { value: 'entry' }, 'meta.pkt_meta': { value: 'entry', mask: 12 } },
      actions: [
        {},
        {
          decap: { netType: 'psp-tunnel', ethernetHeader: 'entry' },
          set: { 'meta.u32.1': { value: 'entry', mask: 255 } },
        },
      ],
      forward: 'entry',
      miss: { to: 'kernel' },
      monitor: { counter: true },
      entries: [STATIC_BASIC],
    },
    {
      type: 'basic',
      name: 'OPEN',
      domain: 'secure-ingress',
      sizeEntries: 1,
      match: {},
      actions: [{ decrypt: true, decap: { netType: 'psp-over-ipv4' } }],
      forward: DROP,
      miss: DROP,
      entries: [{}],
    },
    { type: 'control', name: 'OUT', domain: 'egress', isRoot: true, sizeEntries: 1, miss: DROP },
    {
      type: 'control',
      name: 'SEAL',
      domain: 'secure-egress',
      sizeEntries: 3,
      miss: { to: 'pipe', pipe: 'END' },
      entries: [STATIC_CONTROL],
    },
    {
      type: 'basic',
      name: 'END',
      domain: 'secure-egress',
      sizeEntries: 1,
      match: {},
      forward: { to: 'port', port: 0 },
      miss: DROP,
      entries: [{}],
    },
  ],
};

/** Names that nothing has, one of which all objects seem to have. */
const NAMES = ['nothing', 'toString'];

/** Every value with one part replaced, itself, or the name of one. */
function* replaced(whole: unknown): Generator<{ readonly at: string; readonly value: unknown }> {
  for (const value of VALUES) yield { at: '', value };
  if (typeof whole !== 'object' || whole === null || whole instanceof Uint8Array) return;
  for (const [name, part] of Object.entries(whole)) {
    for (const { at, value } of replaced(part)) {
      const copy = Array.isArray(whole) ? [...whole] : { ...whole };
      (copy as Record<string, unknown>)[name] = value;
      yield { at: `${name}.${at}`, value: copy };
    }
    for (const other of NAMES) {
      const { [name]: _, ...rest } = whole as Record<string, unknown>;
      if (!Array.isArray(whole)) yield { at: `${name} called ${other}`, value: { ...rest, [other]: part } };
    }
  }
}

test('whatever stands in a program, it can be built, or is refused with what is wrong with it', async () => {
  expect(validateProgram(PROGRAM)).toEqual([]);
  let built = 0;
  let refused = 0;
  for (const { at, value } of replaced(PROGRAM)) {
    const program = value as PipeProgram;
    const hal = new CheckedHal(new NotingDevice());
    const problems = validateProgram(program, hal.device.limits);
    for (const problem of problems) expect(problem, at).toBeInstanceOf(HalError);
    // The front asks the same function, of which a part of the cases is witness enough.
    if (problems.length > 0 && refused++ % 10 > 0) continue;
    const error = await hal.build(program).then(
      () => null,
      (reason: unknown) => reason,
    );
    if (problems.length > 0) {
      expect(error, at).toBeInstanceOf(ProgramError);
      expect((error as ProgramError).problems.map(({ message }) => message)).toEqual(
        problems.map(({ message }) => message),
      );
    } else {
      expect(error, at).toBe(null);
      built++;
    }
  }
  expect(built).toBeGreaterThan(50);
  expect(refused).toBeGreaterThan(1000);
});

test('the part that is wrong is named', () => {
  const [root, , , seal] = PROGRAM.pipes;
  const of = (...pipes: unknown[]) => validateProgram({ ...PROGRAM, pipes } as PipeProgram)[0]?.message;
  const condition = { field: 'meta.u32.1', operation: 'eq', value: 7 };
  expect(of(root, { ...seal, entries: [{ ...STATIC_CONTROL, condition }] })).toBe(
    'DOCA_ERROR_INVALID_VALUE: field pipes[1].entries[0].condition.operation: expected "lt" or "le" or "gt" or "ge" or "ne", got "eq"',
  );
  expect(of({ ...root, miss: { to: 'pipes', pipe: 'END' } })).toBe(
    'DOCA_ERROR_INVALID_VALUE: field pipes[0].miss.to: expected one of "pipe", "port", "rss", "drop", "kernel", got "pipes"',
  );
  expect(of({ ...root, sizeEntries: 3n })).toBe(
    'DOCA_ERROR_INVALID_VALUE: field pipes[0].sizeEntries: expected a number, got 3n',
  );
  const unknown = {
    match: { nothing: { value: 'entry' } },
    entries: [{ match: { nothing: 1 }, forward: DROP }],
  };
  expect(of({ ...root, ...unknown })).toBe(
    'DOCA_ERROR_INVALID_VALUE: pipe ROOT, field nothing: there is no such field',
  );
  expect(of({ ...root, match: { toString: { value: 1 } }, entries: [] })).toBe(
    'DOCA_ERROR_INVALID_VALUE: pipe ROOT, field toString: there is no such field',
  );
});

const ADDED_BASIC: BasicEntry = {
  ...STATIC_BASIC,
  label: 'added',
  match: { 'outer.eth.src_mac': MAC, 'meta.pkt_meta': 4 },
};
const ADDED_CONTROL: ControlEntry = { ...STATIC_CONTROL, label: 'added' };

/** In the middle of a batch, whose other operations are done; afterwards the pipe is as full as before. */
async function tryOperation(hal: PipeHal, operation: unknown, at: string): Promise<'done' | 'refused'> {
  const adds = (label: string, meta: number): EntryOperation[] => [
    { operation: 'add', pipe: 'SEAL', entry: { ...ADDED_CONTROL, label } },
    {
      operation: 'add',
      pipe: 'ROOT',
      entry: { ...ADDED_BASIC, label, match: { 'outer.eth.src_mac': MAC, 'meta.pkt_meta': meta } },
    },
  ];
  const results = await hal.apply([operation as EntryOperation, ...adds('behind', 12)]);
  const [result, ...others] = results;
  const behind = others.map((one) => {
    expect('error' in one && one.error.message, at).toBe(false);
    return (one as { id: EntryId }).id;
  });
  const added = result !== undefined && 'id' in result ? [result.id] : [];
  if (result !== undefined && 'error' in result) {
    expect(result.error, at).toBeInstanceOf(HalError);
    expect(['INVALID_VALUE', 'NOT_FOUND', 'ALREADY_EXIST'], at).toContain(result.error.code);
  }
  const isAdd = (operation as EntryOperation | undefined)?.operation === 'add';
  const gone = [...behind, ...(isAdd ? added : [])].map(
    (id): EntryOperation => ({ operation: 'remove', id }),
  );
  for (const one of await hal.apply(gone)) expect('id' in one, at).toBe(true);
  return added.length > 0 ? 'done' : 'refused';
}

test('whatever stands in an operation, it is done or refused', async () => {
  const { hal } = await openSimHarness();
  await hal.build(PROGRAM);
  const outcomes = { done: 0, refused: 0 };
  for (const [pipe, entry] of [
    ['ROOT', ADDED_BASIC],
    ['SEAL', ADDED_CONTROL],
  ] as const) {
    for (const { at, value } of replaced({ operation: 'add', pipe, entry })) {
      outcomes[await tryOperation(hal, value, at)]++;
    }
    const [added] = await hal.apply([{ operation: 'add', pipe, entry }]);
    const { id } = added as { id: EntryId };
    const { values, forward } = entry;
    for (const { at, value } of replaced({ operation: 'update', id, values, forward })) {
      outcomes[await tryUpdate(hal, value, at)]++;
    }
    await hal.apply([{ operation: 'remove', id }]);
  }
  expect(outcomes.done).toBeGreaterThan(30);
  expect(outcomes.refused).toBeGreaterThan(500);
  await hal.close();
});

async function tryUpdate(hal: PipeHal, operation: unknown, at: string): Promise<'done' | 'refused'> {
  const [result] = await hal.apply([operation as EntryOperation]);
  if (result !== undefined && 'id' in result) return 'done';
  expect(result!.error, at).toBeInstanceOf(HalError);
  expect(['INVALID_VALUE', 'NOT_FOUND'], at).toContain(result!.error.code);
  return 'refused';
}

test('whatever the arguments are, calls end, or are refused with HalError before the device is asked', async () => {
  const device = new NotingDevice();
  const hal = new CheckedHal(device);
  await hal.build(PROGRAM);
  const [added] = await hal.apply([{ operation: 'add', pipe: 'ROOT', entry: ADDED_BASIC }]);
  const calls: Record<string, [(argument: never) => unknown, unknown]> = {
    apply: [
      (operations) => hal.apply(operations),
      [{ operation: 'update', id: (added as { id: EntryId }).id }],
    ],
    setKeys: [(slots) => hal.setKeys(slots), [{ cryptoId: 1, key: new Uint8Array(16) }]],
    clearKeys: [(cryptoIds) => hal.clearKeys(cryptoIds), [1]],
    'generateKeys, octets': [(octets) => hal.generateKeys(octets, 1), 16],
    'generateKeys, count': [(count) => hal.generateKeys(16, count), 1],
    'generateKeys, algorithm': [(algorithm) => hal.generateKeys(16, 1, algorithm), 'gcm'],
    'counters by id': [(selectors) => hal.counters(selectors), [{ id: (added as { id: EntryId }).id }]],
    'counters by label': [(selectors) => hal.counters(selectors), [{ pipe: 'ROOT', label: 'added' }]],
    'counters of misses': [(selectors) => hal.counters(selectors), [{ pipe: 'ROOT', miss: true }]],
    'counters of all': [(selectors) => hal.counters(selectors), [{ pipe: 'ROOT', total: true }]],
    onReceive: [(handler) => hal.onReceive(handler), () => {}],
    lookup: [(packet) => hal.lookup(packet), { frame: new Uint8Array(60), port: 0, syndrome: 1 }],
    'lookup of one to transmit': [
      (packet) => hal.lookup(packet),
      { frame: new Uint8Array(60), packetMeta: 5 },
    ],
    transmit: [(packets) => hal.transmit(packets), [{ frame: new Uint8Array(60), packetMeta: 5 }]],
  };
  for (const [name, [call, argument]] of Object.entries(calls)) {
    let refused = 0;
    for (const { at, value } of replaced(argument)) {
      device.take();
      const outcome = await (async () => call(value as never))().catch((error: unknown) => error);
      if (!(outcome instanceof Error)) continue;
      refused++;
      expect(outcome, `${name}, ${at}`).toBeInstanceOf(HalError);
      expect(['INVALID_VALUE', 'NOT_FOUND'], `${name}, ${at}`).toContain((outcome as HalError).code);
      expect(device.take(), `${name}, ${at}`).toEqual([]);
    }
    expect(refused, name).toBeGreaterThan(10);
  }
  for (const value of VALUES) {
    await expect(hal.build(value as PipeProgram)).rejects.toMatchObject({
      name: 'HalError',
      code: 'BAD_STATE',
    });
  }
});

test('what its owner does to a program once it is built changes nothing', async () => {
  const program = structuredClone(PROGRAM) as { -readonly [Name in keyof PipeProgram]: PipeProgram[Name] };
  const hal = new CheckedHal(new NotingDevice());
  const built = hal.build(program);
  // Whatever was an object or octets has nothing left of what it was.
  const spoil = (value: unknown): void => {
    if (value instanceof Uint8Array) value.fill(0);
    else if (typeof value === 'object' && value !== null) {
      for (const [name, part] of Object.entries(value)) {
        spoil(part);
        delete (value as Record<string, unknown>)[name];
      }
    }
  };
  spoil(program);
  await built;
  expect(await tryOperation(hal, { operation: 'add', pipe: 'ROOT', entry: ADDED_BASIC }, 'basic')).toBe(
    'done',
  );
  expect(await tryOperation(hal, { operation: 'add', pipe: 'SEAL', entry: ADDED_CONTROL }, 'control')).toBe(
    'done',
  );
  const outside = { ...ADDED_BASIC, match: { 'outer.eth.src_mac': MAC, 'meta.pkt_meta': 1 } };
  const [refused] = await hal.apply([{ operation: 'add', pipe: 'ROOT', entry: outside }]);
  expect(refused).toMatchObject({ error: { reason: 'the value has bits outside of the mask' } });
});
