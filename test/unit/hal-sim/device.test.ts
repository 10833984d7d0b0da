/** The simulated device itself: what it says of itself, the keys that it gives out, and what it puts on its ports. */
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { seededRandom } from '../../../src/base/random.js';
import type { PipeProgram } from '../../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../../src/hal/program.js';
import { openSimHal, type SimHalOptions } from '../../../src/hal-sim/device.js';
import { EXACT_TABLE_SLOTS_MAX } from '../../../src/hal-sim/exact-table.js';
import type { SimPort } from '../../../src/hal-sim/port.js';
import { opensslEngine } from '../../../src/psp/aead-openssl.js';
import { deriveKey } from '../../../src/psp/key-derivation.js';
import { CapturePort } from '../../../src/verify/capture-port.js';
import { openSimHarness } from '../../../src/verify/sim-harness.js';

const MASTER_KEYS = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;
/** Low 31 bits of the last SPI. */
const LAST_SPI = 0x7fffffff;
/** From either side to the other, and from the CPU to the network. */
const THROUGH: PipeProgram = {
  name: 'through',
  pipes: [
    {
      type: 'basic',
      name: 'ROOT',
      domain: 'default',
      isRoot: true,
      sizeEntries: 2,
      match: { 'parser_meta.port_id': { value: 'entry' } },
      forward: 'entry',
      miss: { to: 'drop' },
      entries: [
        { match: { 'parser_meta.port_id': UPLINK_PORT }, forward: { to: 'port', port: VF_PORT } },
        { match: { 'parser_meta.port_id': VF_PORT }, forward: { to: 'port', port: UPLINK_PORT } },
      ],
    },
    {
      type: 'basic',
      name: 'OUT',
      domain: 'egress',
      isRoot: true,
      sizeEntries: 2,
      match: { 'meta.pkt_meta': { value: 'entry' } },
      forward: { to: 'port', port: UPLINK_PORT },
      miss: { to: 'drop' },
      monitor: { counter: true },
      entries: [
        { label: 'unmarked', match: { 'meta.pkt_meta': 0 } },
        { label: 'marked', match: { 'meta.pkt_meta': 7 } },
      ],
    },
  ],
};

const open = (more: Partial<SimHalOptions> = {}) =>
  openSimHal({
    clock: systemClock,
    random: seededRandom(1),
    uplink: { port: new CapturePort('up', 1500), mac: '02:00:00:00:00:01' },
    vf: { port: new CapturePort('down', 1400), mac: '02:00:00:00:00:02' },
    ...more,
  });
const frame = (mark: number, octets = 60) => new Uint8Array(octets).fill(mark, 14);
const marks = (frames: readonly Uint8Array[]) => frames.map((octets) => octets[14]);

test('a device describes itself: its ports as they were given, and limits that its tables can count', async () => {
  const workload = { mac: '02:00:00:00:00:03', addresses: ['10.0.0.1'] };
  const hal = await open({
    uplink: { port: new CapturePort('up', 1500), mac: '02:00:00:00:00:01', ipv4: '192.0.2.1' },
    vf: { port: new CapturePort('down', 1400), mac: '02:00:00:00:00:02', ipv6: '2001:db8::2', workload },
    limits: { keySlots: 5, entriesPerPipe: 2 ** 31, keysPerBatch: 9 },
  });
  expect(hal.device).toStrictEqual({
    hal: 'sim',
    text: `simulated device, AES-GCM by ${opensslEngine.name}`,
    ports: [
      {
        id: UPLINK_PORT,
        kind: 'uplink',
        name: 'up',
        mac: '02:00:00:00:00:01',
        mtuOctets: 1500,
        ipv4: '192.0.2.1',
      },
      {
        id: VF_PORT,
        kind: 'vf',
        name: 'down',
        mac: '02:00:00:00:00:02',
        mtuOctets: 1400,
        ipv6: '2001:db8::2',
        workload,
      },
    ],
    limits: { keySlots: 5, entriesPerPipe: EXACT_TABLE_SLOTS_MAX, keysPerBatch: 9, pspWords: true },
    gmac: true,
  });
  expect((await open()).device.limits).toEqual({
    keySlots: 1 << 20,
    entriesPerPipe: 1 << 20,
    keysPerBatch: 1 << 17,
    pspWords: true,
  });
});

test('keys are those of the given master keys, SPI by SPI, however many are asked for at once', async () => {
  // More than the device derives in one turn.
  const count = 40_000;
  for (const [keyLengthOctets, version] of [
    [16, 0],
    [32, 1],
  ] as const) {
    const hal = await open({ masterKeys: MASTER_KEYS, firstSpi: 100 });
    const { spis, keys } = await hal.generateKeys(keyLengthOctets, count);
    expect([...spis]).toEqual(Array.from({ length: count }, (_, i) => 100 + i));
    expect(keys.length).toBe(count * keyLengthOctets);
    for (const i of [0, 16_383, 16_384, 32_768, count - 1]) {
      const key = keys.subarray(i * keyLengthOctets, (i + 1) * keyLengthOctets);
      expect(key).toEqual(deriveKey(MASTER_KEYS[0], 100 + i, version));
    }
  }
});

test('master keys that are not given are random, of each device its own', async () => {
  const first = async (seed: number) => (await open({ random: seededRandom(seed) })).generateKeys(16, 1);
  const [one, two] = await Promise.all([first(1), first(2)]);
  expect([one.spis[0], two.spis[0]]).toEqual([1, 1]);
  expect(one.keys).not.toEqual(two.keys);
});

test('the last SPIs are given out all together or not at all, and a rotation brings new ones', async () => {
  const count = 20_000;
  const hal = await open({ masterKeys: MASTER_KEYS, firstSpi: LAST_SPI - count + 1 });
  await expect(hal.generateKeys(16, count + 1)).rejects.toMatchObject({ code: 'EMPTY' });
  const { spis } = await hal.generateKeys(16, count);
  expect([spis[0], spis.at(-1)]).toEqual([LAST_SPI - count + 1, LAST_SPI]);
  await expect(hal.generateKeys(16, 1)).rejects.toMatchObject({ code: 'EMPTY' });
  expect((await hal.statistics()).keyRotations).toBe(0n);
  await hal.rotateMasterKey();
  expect([...(await hal.generateKeys(16, 2)).spis]).toEqual([0x80000001, 0x80000002]);
  expect((await hal.statistics()).keyRotations).toBe(1n);
});

test('what is larger than a port carries is dropped and counted, by each port at its own size', async () => {
  const { hal, inject, takeSent } = await openSimHarness({ uplinkMtuOctets: 1500, vfMtuOctets: 1400 });
  await hal.build(THROUGH);
  inject(VF_PORT, [frame(1, 1514), frame(2, 1515), frame(3)]);
  inject(UPLINK_PORT, [frame(4, 1414), frame(5, 1415)]);
  expect(marks(takeSent(UPLINK_PORT))).toEqual([1, 3]);
  expect(marks(takeSent(VF_PORT))).toEqual([4]);
  expect(hal.fates()).toMatchObject({ in: 5, uplink: 2, vf: 1, portDropped: 2 });
  expect((await hal.statistics()).portDropped).toBe(2n);
});

test("packets of the CPU go to the egress root with their mark, and the caller's octets stay the caller's", async () => {
  const { hal, takeSent } = await openSimHarness();
  await hal.build(THROUGH);
  const mine = frame(1);
  expect(
    hal.transmit([{ frame: mine }, { frame: frame(2), packetMeta: 7 }, { frame: mine, packetMeta: 8 }]),
  ).toBe(3);
  mine.fill(0xff);
  expect(marks(takeSent(UPLINK_PORT))).toEqual([1, 2]);
  const counters = await hal.counters([
    { pipe: 'OUT', label: 'unmarked' },
    { pipe: 'OUT', label: 'marked' },
  ]);
  expect(counters.map(({ packets }) => packets)).toEqual([1n, 1n]);
  expect(hal.fates()).toMatchObject({ in: 3, uplink: 2, drop: 1 });
});

/** A port that notes each call of the device, and goes on receiving after its end. */
function notingPort(name: string) {
  const bursts: number[][] = [];
  let receive: (frames: readonly Uint8Array[]) => void = () => {};
  const port: SimPort = {
    name,
    mtuOctets: 1500,
    send: (frames) => void bursts.push(frames.map((octets) => octets[14]!)),
    start: async (handler) => {
      receive = handler;
    },
    close: async () => {},
  };
  return { port, bursts, inject: (frames: Uint8Array[]) => receive(frames) };
}

test('a port is called once for each burst that has something for it, with all of that', async () => {
  const [up, down] = [notingPort('up'), notingPort('down')];
  const hal = await open({
    uplink: { port: up.port, mac: '02:00:00:00:00:01' },
    vf: { port: down.port, mac: '02:00:00:00:00:02' },
  });
  await hal.build(THROUGH);
  down.inject([frame(1), frame(2)]);
  down.inject([frame(3)]);
  up.inject([frame(4)]);
  down.inject([frame(5, 2000)]);
  expect(up.bursts).toEqual([[1, 2], [3]]);
  expect(down.bursts).toEqual([[4]]);
  await hal.close();
  down.inject([frame(6)]);
  expect(up.bursts.length).toBe(2);
  expect(hal.fates().in).toBe(5);
});

test('close rejects with what a port rejects with, and closes the other one all the same', async () => {
  const uplink = new CapturePort('up', 1500);
  const vf = new CapturePort('down', 1500);
  vf.close = () => Promise.reject(new Error('it hangs'));
  const hal = await open({
    uplink: { port: uplink, mac: '02:00:00:00:00:01' },
    vf: { port: vf, mac: '02:00:00:00:00:02' },
  });
  await expect(hal.close()).rejects.toThrow('it hangs');
  expect(uplink.closed).toBe(true);
});
