import { expect, test, vi } from 'vitest';
import type { HalError } from '../../../src/hal/errors.js';
import type { RssPacket } from '../../../src/hal/hal.js';
import type { BasicPipe } from '../../../src/hal/program.js';
import { DocaDevice } from '../../../src/hal-doca/device.js';
import type { NativeDevice, NativePort } from '../../../src/hal-doca/native.js';
import { OPERATIONS_PER_SLICE } from '../../../src/hal-doca/slice.js';

const port = (name: string): NativePort => ({
  name,
  mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
  ipv4: new Uint8Array(0),
  ipv6: new Uint8Array(0),
  mtuOctets: 1500,
  dpdkPort: 0,
});

function open(calls: Partial<NativeDevice> = {}): DocaDevice {
  const native = { close: async () => {}, kernelDrops: async () => null, ...calls } as NativeDevice;
  const options = { pciAddress: '0000:03:00.0', representor: 'vf0', rssQueues: 1, keySlots: 1, counters: 1 };
  return new DocaDevice(native, [port('p0'), port('vf0')], { release: '3.3' }, options);
}

const packets = (count: number, from = 0): RssPacket[] =>
  Array.from({ length: count }, (_, i) => ({ frame: new Uint8Array(1), packetMeta: from + i }));
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what is left to a kernel that is not there is counted where the library counts it', async () => {
  expect((await open().statistics()).kernelDropped).toBeNull();
  expect((await open({ kernelDrops: async () => 7n }).statistics()).kernelDropped).toBe(7n);
});

test('what comes before there is a handler waits, in order, bounded and counted, and is handed over in batches', async () => {
  const hal = open();
  const dropped = async () => (await hal.statistics()).rssDropped;
  for (let i = 0; i < 40; i++) hal.received(packets(100, i * 100));
  hal.received(packets(96, 4000));
  expect(await dropped()).toBe(0n);
  hal.received(packets(1, 4096));
  expect(await dropped()).toBe(1n);
  hal.received(packets(902, 4097));
  expect(await dropped()).toBe(903n);
  const batches: number[][] = [];
  hal.onReceive((batch) => batches.push(batch.map(({ packetMeta }) => packetMeta)));
  // Behind what waits, not past it; there is no room for it.
  hal.received(packets(1, 9999));
  expect(batches).toEqual([]);
  expect(await dropped()).toBe(904n);
  await turn();
  expect(batches.flat()).toEqual(Array.from({ length: 4096 }, (_, i) => i));
  expect(Math.max(...batches.map(({ length }) => length))).toBe(256);
  hal.received(packets(3, 7000));
  expect(batches.at(-1)).toEqual([7000, 7001, 7002]);
  expect(await dropped()).toBe(904n);
});

test('nothing is handed over once the device is closed', async () => {
  const hal = open();
  hal.received(packets(3));
  let received = 0;
  hal.onReceive((batch) => {
    received += batch.length;
  });
  await hal.close();
  hal.received(packets(3));
  await turn();
  expect(received).toBe(0);
});

test('a handler that throws loses its batch, and nothing of what waits behind it', async () => {
  const hal = open();
  hal.received(packets(600));
  const turns = vi.spyOn(globalThis, 'setImmediate');
  const batches: number[] = [];
  hal.onReceive((batch) => {
    batches.push(batch.length);
    if (batches.length === 1) throw new Error('of the handler');
  });
  const [deliver] = turns.mock.calls[0] as [() => void];
  expect(deliver).toThrow('of the handler');
  expect(batches).toEqual([256]);
  turns.mockRestore();
  await turn();
  await turn();
  expect(batches).toEqual([256, 256, 88]);
});

test('keys that the device has made when it is closed are wiped', async () => {
  const keys = new Uint8Array(32).fill(5);
  let made = (): void => undefined;
  const hal = open({
    generateKeys: () =>
      new Promise((resolve) => {
        made = () => resolve({ spis: Uint32Array.of(1), keys });
      }),
  });
  const generated = hal.generateKeys(32, 1, 'gcm');
  await turn();
  const closed = hal.close();
  made();
  await expect(generated).rejects.toMatchObject({ code: 'SHUTDOWN' });
  await closed;
  expect(keys).toEqual(new Uint8Array(32));
});

test('counters are asked for behind the keys that were set before, and keys that are set later behind them', async () => {
  const asked: string[] = [];
  const hal = open({
    setKeys: async (ids) => {
      asked.push(`keys ${ids.join()}`);
      return [null];
    },
    counters: async () => {
      asked.push('counters');
      return new BigUint64Array(0);
    },
  });
  const set = (cryptoId: number) => hal.setKeys([{ cryptoId, key: new Uint8Array(16) }]);
  await Promise.all([set(1), set(2), set(3), hal.counters(() => new Int32Array(0)), set(4)]);
  expect(asked).toEqual(['keys 1', 'keys 2', 'keys 3', 'counters', 'keys 4']);
});

test('what became of operations is told before a batch is rejected, of slices behind the one that got no answer too', async () => {
  const answers: { resolve: (failures: never[]) => void; reject: (error: Error) => void }[] = [];
  const hal = open({
    build: async () => {},
    apply: () => new Promise((resolve, reject) => answers.push({ resolve, reject })),
  });
  const pipe: BasicPipe = {
    type: 'basic',
    name: 'ROOT',
    domain: 'default',
    isRoot: true,
    sizeEntries: 1,
    match: {},
    forward: { to: 'drop' },
    miss: { to: 'drop' },
  };
  await hal.build({ name: 'one pipe', pipes: [pipe] }, async () => {});
  const told: string[] = [];
  const performed = hal.perform({
    count: 2 * OPERATIONS_PER_SLICE + 2,
    submit: (position, writer) => {
      writer.remove(0, 0);
      return `note ${position}`;
    },
    failed: (position, note, code) => told.push(`${code} ${position} ${note}`),
    unknown: (position, note) => told.push(`unknown ${position} ${note}`),
  });
  const settled = performed.then(
    () => told.push('resolved'),
    (error: HalError) => told.push(`rejected ${error.code}`),
  );
  await turn();
  expect(answers).toHaveLength(2);
  answers[0]!.resolve([]);
  await turn();
  answers[1]!.reject(Object.assign(new Error('waiting for entries'), { code: 'TIME_OUT' }));
  await turn();
  expect(told).toHaveLength(OPERATIONS_PER_SLICE);
  answers[2]!.resolve([{ index: 1, code: 'DRIVER', reason: 'not now' } as never]);
  await settled;
  const [first, last] = [OPERATIONS_PER_SLICE, 2 * OPERATIONS_PER_SLICE];
  expect(told).toEqual([
    ...Array.from({ length: last - first }, (_, i) => `unknown ${last - 1 - i} note ${last - 1 - i}`),
    `DRIVER ${last + 1} note ${last + 1}`,
    'rejected TIME_OUT',
  ]);
});
