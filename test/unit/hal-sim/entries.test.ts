import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { seededRandom } from '../../../src/base/random.js';
import { HalError, ProgramError } from '../../../src/hal/errors.js';
import type { EntryId, EntryOperation, EntryResult } from '../../../src/hal/hal.js';
import type { BasicPipe, ControlPipe, PipeProgram } from '../../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../../src/hal/program.js';
import { openSimHal } from '../../../src/hal-sim/device.js';
import { CapturePort } from '../../../src/verify/capture-port.js';
import { openSimHarness } from '../../../src/verify/sim-harness.js';

/** By ether type: entries say where to. */
const SWITCH: BasicPipe = {
  type: 'basic',
  name: 'SWITCH',
  domain: 'default',
  isRoot: true,
  sizeEntries: 3,
  match: { 'outer.eth.type': { value: 'entry' } },
  actions: [{ set: { 'meta.pkt_meta': { value: 'entry' } } }, {}],
  forward: 'entry',
  miss: { to: 'drop' },
  missCounter: true,
  monitor: { counter: true },
};
const program = (...pipes: PipeProgram['pipes']): PipeProgram => ({ name: 'entries', pipes });

const frame = (etherType: number, octets = 60) => {
  const bytes = new Uint8Array(octets);
  bytes.set([etherType >> 8, etherType & 0xff], 12);
  return bytes;
};
const add = (etherType: number, meta: number, extra: object = {}): EntryOperation => ({
  operation: 'add',
  pipe: 'SWITCH',
  entry: {
    match: { 'outer.eth.type': etherType },
    values: { set: { 'meta.pkt_meta': meta } },
    forward: { to: 'rss' },
    ...extra,
  },
});
const idOf = (result: EntryResult): EntryId => {
  if ('error' in result) throw result.error;
  return result.id;
};
const codeOf = (result: EntryResult) => ('error' in result ? result.error.code : 'none');

test('one operation that fails changes nothing and does not stop the others', async () => {
  const { hal, inject, takeRss, settle } = await openSimHarness();
  await hal.build(program(SWITCH));
  const results = await hal.apply([
    add(0x1111, 1),
    add(0x1111, 2),
    { operation: 'add', pipe: 'NOWHERE', entry: { match: {} } },
    add(0x2222, 3, { forward: { to: 'pipe', pipe: 'NOWHERE' } }),
    add(0x2222, 3, { values: {} }),
    add(0x2222, 4),
    add(0x3333, 5),
    add(0x4444, 6),
    { operation: 'remove', id: 999 as EntryId },
    { operation: 'remove', id: -1.5 as EntryId },
    { operation: 'update', id: 4242 as EntryId, values: {} },
  ]);
  expect(results.map(codeOf)).toEqual([
    'none',
    'ALREADY_EXIST',
    'NOT_FOUND',
    'INVALID_VALUE',
    'INVALID_VALUE',
    'none',
    'none',
    'FULL',
    'NOT_FOUND',
    'NOT_FOUND',
    'NOT_FOUND',
  ]);
  inject(VF_PORT, [frame(0x1111), frame(0x2222), frame(0x3333), frame(0x4444)]);
  await settle();
  expect(takeRss().map(({ packetMeta }) => packetMeta)).toEqual([1, 4, 5]);
});

test('an update in place changes values and forward, keeps id and counter, and has no gap', async () => {
  const { hal, inject, takeRss, takeSent, settle } = await openSimHarness();
  await hal.build(program(SWITCH));
  const id = idOf((await hal.apply([add(0x1111, 1)]))[0]);
  inject(VF_PORT, [frame(0x1111)]);
  expect(
    await hal.apply([{ operation: 'update', id, values: { set: { 'meta.pkt_meta': 0xfedcba98 } } }]),
  ).toEqual([{ id }]);
  inject(VF_PORT, [frame(0x1111)]);
  await hal.apply([{ operation: 'update', id, forward: { to: 'port', port: UPLINK_PORT } }]);
  inject(VF_PORT, [frame(0x1111, 100)]);
  await settle();
  expect(takeRss().map(({ packetMeta }) => packetMeta)).toEqual([1, 0xfedcba98]);
  expect(takeSent(UPLINK_PORT).length).toBe(1);
  expect(await hal.counters([{ id }])).toEqual([{ packets: 3n, octets: 220n }]);
  const [wrong] = await hal.apply([{ operation: 'update', id, values: { cryptoId: 1 } }]);
  expect(codeOf(wrong)).toBe('INVALID_VALUE');
});

test('a removed entry matches no more, its id is gone, and its counts stay in the total', async () => {
  const { hal, inject, takeRss, settle } = await openSimHarness();
  await hal.build(program(SWITCH));
  const id = idOf((await hal.apply([add(0x1111, 1, { label: 'one' })]))[0]);
  inject(VF_PORT, [frame(0x1111), frame(0x1111)]);
  expect(await hal.counters([{ pipe: 'SWITCH', label: 'one' }])).toEqual([{ packets: 2n, octets: 120n }]);
  expect(await hal.apply([{ operation: 'remove', id }])).toEqual([{ id }]);
  inject(VF_PORT, [frame(0x1111)]);
  const again = idOf((await hal.apply([add(0x1111, 7, { label: 'one' })]))[0]);
  expect(again).not.toBe(id);
  expect(codeOf((await hal.apply([{ operation: 'remove', id }]))[0])).toBe('NOT_FOUND');
  inject(VF_PORT, [frame(0x1111)]);
  await settle();
  expect(takeRss().map(({ packetMeta }) => packetMeta)).toEqual([1, 1, 7]);
  expect(
    await hal.counters([{ id: again }, { pipe: 'SWITCH', total: true }, { pipe: 'SWITCH', miss: true }]),
  ).toEqual([
    { packets: 1n, octets: 60n },
    { packets: 3n, octets: 180n },
    { packets: 1n, octets: 60n },
  ]);
  await expect(hal.counters([{ id }])).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(hal.counters([{ pipe: 'SWITCH', label: 'two' }])).rejects.toMatchObject({
    code: 'NOT_FOUND',
    place: { pipe: 'SWITCH', entry: 'two' },
  });
});

test('counters that the program does not ask for are not found', async () => {
  const { monitor: _, missCounter: __, ...bare } = SWITCH;
  const { hal } = await openSimHarness();
  await hal.build(program(bare));
  const id = idOf((await hal.apply([add(0x1111, 1)]))[0]);
  for (const selector of [{ id }, { pipe: 'SWITCH', miss: true }, { pipe: 'SWITCH', total: true }] as const) {
    await expect(hal.counters([selector])).rejects.toMatchObject({ code: 'NOT_FOUND' });
  }
});

test('a large batch is done in slices, in order with the calls after it', async () => {
  const { hal, inject, takeRss, settle } = await openSimHarness();
  await hal.build(program({ ...SWITCH, sizeEntries: 1 }));
  const toggles: EntryOperation[] = [];
  const id = idOf((await hal.apply([add(0x1111, 0)]))[0]);
  for (let i = 1; i <= 10_000; i++) {
    toggles.push({ operation: 'update', id, values: { set: { 'meta.pkt_meta': i } } });
  }
  let turns = 0;
  const counting = setInterval(() => turns++, 0);
  const first = hal.apply(toggles);
  const second = hal.apply([{ operation: 'update', id, values: { set: { 'meta.pkt_meta': 77 } } }]);
  inject(VF_PORT, [frame(0x1111)]);
  await Promise.all([first, second]);
  clearInterval(counting);
  inject(VF_PORT, [frame(0x1111)]);
  await settle();
  expect(turns).toBeGreaterThan(0);
  expect((await first).length).toBe(10_000);
  const [during, after] = takeRss().map(({ packetMeta }) => packetMeta);
  expect(during).toBeLessThan(10_000);
  expect(after).toBe(77);
});

test('a program that is not valid installs nothing; a second one is refused', async () => {
  const { hal, inject } = await openSimHarness();
  await expect(hal.apply([])).rejects.toMatchObject({ code: 'BAD_STATE' });
  await expect(
    hal.build(program({ ...SWITCH, miss: { to: 'pipe', pipe: 'NOWHERE' } })),
  ).rejects.toBeInstanceOf(ProgramError);
  inject(VF_PORT, [frame(0x1111)]);
  expect(hal.fates().in).toBe(0);
  await hal.build(program(SWITCH));
  await expect(hal.build(program(SWITCH))).rejects.toMatchObject({ code: 'BAD_STATE' });
});

test('entries that send packets in a circle end in a drop, not in a loop', async () => {
  const pipe = (name: string, next: string): BasicPipe => ({
    ...SWITCH,
    name,
    isRoot: false,
    entries: [
      {
        match: { 'outer.eth.type': 0x1111 },
        values: { set: { 'meta.pkt_meta': 1 } },
        forward: { to: 'pipe', pipe: next },
      },
    ],
  });
  const root: ControlPipe = {
    type: 'control',
    name: 'ROOT',
    domain: 'default',
    isRoot: true,
    sizeEntries: 1,
    miss: { to: 'pipe', pipe: 'A' },
  };
  const { hal, inject } = await openSimHarness();
  await hal.build(program(root, pipe('A', 'B'), { ...SWITCH, name: 'B', isRoot: false }));
  await hal.apply([
    {
      operation: 'add',
      pipe: 'B',
      entry: {
        match: { 'outer.eth.type': 0x1111 },
        values: { set: { 'meta.pkt_meta': 1 } },
        forward: { to: 'pipe', pipe: 'A' },
      },
    },
  ]);
  inject(VF_PORT, [frame(0x1111)]);
  expect(hal.fates()).toMatchObject({ in: 1, drop: 1 });
});

test('after close every method says SHUTDOWN, ports are closed, and packets go nowhere', async () => {
  const { hal, inject } = await openSimHarness();
  await hal.build(program(SWITCH));
  const id = idOf((await hal.apply([add(0x1111, 1)]))[0]);
  const many = Array.from(
    { length: 5000 },
    () => ({ operation: 'update', id, values: { set: { 'meta.pkt_meta': 1 } } }) as const,
  );
  const unfinished = expect(hal.apply(many)).rejects.toMatchObject({ code: 'SHUTDOWN' });
  await hal.close();
  await hal.close();
  await unfinished;
  const calls: (() => unknown)[] = [
    () => hal.build(program(SWITCH)),
    () => hal.apply([]),
    () => hal.setKeys([]),
    () => hal.clearKeys([]),
    () => hal.generateKeys(16, 1),
    () => hal.rotateMasterKey(),
    () => hal.counters([]),
    () => hal.statistics(),
    async () => hal.onReceive(() => {}),
    async () => hal.transmit([]),
  ];
  for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'SHUTDOWN' });
  inject(VF_PORT, [frame(0x1111)]);
  expect(hal.fates().in).toBe(0);
});

test('key slots are checked, one result each', async () => {
  const { hal } = await openSimHarness({ limits: { keySlots: 4, keysPerBatch: 10 } });
  const key = new Uint8Array(16);
  const results = await hal.setKeys([
    { cryptoId: 0, key },
    { cryptoId: 4, key },
    { cryptoId: 5, key },
    { cryptoId: 1, key: new Uint8Array(15) },
  ]);
  expect(results.map((result) => (result instanceof HalError ? result.code : result))).toEqual([
    'INVALID_VALUE',
    null,
    'INVALID_VALUE',
    'INVALID_VALUE',
  ]);
  await expect(hal.generateKeys(32, 11)).rejects.toMatchObject({ code: 'INVALID_VALUE' });
  await expect(hal.generateKeys(24 as 32, 1)).rejects.toMatchObject({ code: 'INVALID_VALUE' });
});

test('when a port does not start, what was opened is closed and the reason is given', async () => {
  const uplink = new CapturePort('uplink', 1500);
  const vf = new CapturePort('vf', 1500);
  vf.start = () => Promise.reject(new Error('no such interface'));
  const opening = openSimHal({
    clock: systemClock,
    random: seededRandom(1),
    uplink: { port: uplink, mac: '02:00:00:00:00:01' },
    vf: { port: vf, mac: '02:00:00:00:00:02' },
  });
  await expect(opening).rejects.toThrow('no such interface');
  expect([uplink.closed, vf.closed]).toEqual([true, true]);
});

test('the device describes its ports and limits', async () => {
  const { hal } = await openSimHarness({ limits: { keySlots: 7 }, uplinkMtuOctets: 1500 });
  expect(hal.device).toMatchObject({
    hal: 'sim',
    limits: { keySlots: 7 },
    ports: [
      {
        id: UPLINK_PORT,
        kind: 'uplink',
        name: 'uplink',
        mac: '02:00:00:00:00:a0',
        ipv4: '192.0.2.1',
        mtuOctets: 1500,
      },
      { id: VF_PORT, kind: 'vf', name: 'vf', mac: '02:00:00:00:00:b0' },
    ],
  });
});
