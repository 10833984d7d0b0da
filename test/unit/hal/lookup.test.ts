/** What would become of a packet, told by the front over a device that is none: from the program and the books alone. */
import { describe, expect, test } from 'vitest';
import { CheckedHal } from '../../../src/hal/checked-hal.js';
import { SYNDROME_ICV_FAIL, SYNDROME_OK } from '../../../src/hal/fields.js';
import type { EntryId, EntryResult } from '../../../src/hal/hal.js';
import { frameInEnvelope } from '../../../src/hal/lookup/envelope.js';
import {
  LOOKUP_STEPS_MAX,
  type LookupEnd,
  type LookupPacket,
  type LookupPath,
} from '../../../src/hal/lookup/lookup.js';
import type {
  ActionTemplate,
  BasicPipe,
  ControlEntry,
  ControlPipe,
  Forward,
  PipeProgram,
} from '../../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../../src/hal/program.js';
import { frameOf, type InnerPacket, V1, V2 } from '../../../src/verify/inner-packets.js';
import { type Failure, NotingDevice } from '../../support/noting-device.js';
import { DECAP_ETHERNET_IPV4, tunnelHeader } from '../../support/psp-program.js';

const FAILURE: Failure = ['DRIVER', 'on purpose'];
const TUNNEL = { netType: 'psp-tunnel', outer: 'ipv6', cookie: false } as const;
const TO_UPLINK: Forward = { to: 'port', port: UPLINK_PORT };
const TO_VF: Forward = { to: 'port', port: VF_PORT };
const RSS: Forward = { to: 'rss' };
const DROP: LookupEnd = { end: 'drop', because: 'forward' };

const to = (pipe: string): Forward => ({ to: 'pipe', pipe });
const numberOf = (octets: Uint8Array) => new DataView(octets.buffer, octets.byteOffset).getUint32(0);
const REMOTE = numberOf(V2[4]);
const SUBNET = (numberOf(V1[4]) & 0xffffff00) >>> 0;
const packet = (destination = V2[4]): InnerPacket => ({
  ...{ family: 4, source: V1[4], destination, protocol: 253, payload: new Uint8Array(100).fill(0x61) },
  ...{ trafficClass: 0, ttl: 64 },
});
const FRAME = frameOf(packet());

/** A pipe that does the same to every packet. */
function every(pipe: Partial<BasicPipe> & Pick<BasicPipe, 'name' | 'domain'>): BasicPipe {
  return {
    ...{ type: 'basic', sizeEntries: 1, match: {}, forward: { to: 'drop' }, miss: { to: 'drop' } },
    entries: [{}],
    ...pipe,
  };
}

function control(pipe: Partial<ControlPipe>): ControlPipe {
  return {
    ...{ type: 'control', name: 'ROOT', domain: 'default', isRoot: true, sizeEntries: 8 },
    miss: { to: 'drop' },
    ...pipe,
  };
}

/** Packets of the workload are encrypted, those of the uplink opened. */
const GATEWAY: PipeProgram = {
  name: 'gateway',
  pipes: [
    control({
      entries: [
        {
          label: 'in',
          priority: 0,
          match: { 'parser_meta.port_id': { value: UPLINK_PORT } },
          forward: to('OPEN'),
        },
        { label: 'out', priority: 1, match: {}, forward: to('OUT'), monitor: { counter: true } },
      ],
    }),
    every({ name: 'OPEN', domain: 'secure-ingress', actions: [{ decrypt: true }], forward: to('LET_IN') }),
    every({
      name: 'LET_IN',
      domain: 'secure-ingress',
      sizeEntries: 8,
      match: { 'tun.psp.spi': { value: 'entry' }, 'parser_meta.psp_syndrome': { value: SYNDROME_OK } },
      actions: [{ decap: { netType: 'psp-tunnel', ethernetHeader: 'entry' } }],
      forward: TO_VF,
      missCounter: true,
      entries: [],
    }),
    every({ name: 'OUT', domain: 'egress', isRoot: true, forward: to('ENCAP') }),
    every({
      name: 'ENCAP',
      domain: 'secure-egress',
      sizeEntries: 8,
      match: {
        'outer.ip4.src_ip': { value: SUBNET, mask: 0xffffff00 },
        'outer.ip4.dst_ip': { value: 'entry' },
      },
      actions: [{ encap: TUNNEL, encrypt: { cryptoId: 'entry' } }],
      forward: 'entry',
      miss: { to: 'drop' },
      entries: [],
    }),
  ],
};

const egressEntry = (spi: number, cryptoId: number, forward: Forward = TO_UPLINK) => ({
  match: { 'outer.ip4.dst_ip': REMOTE },
  values: { encapHeader: tunnelHeader({ outer: 'ipv6', innerFamily: 4, version: 0, spi }), cryptoId },
  forward,
});

async function open(program: PipeProgram): Promise<{ hal: CheckedHal; device: NotingDevice }> {
  const device = new NotingDevice();
  const hal = new CheckedHal(device);
  await hal.build(program);
  device.take();
  return { hal, device };
}

const idOf = (result: EntryResult | undefined): EntryId => {
  if (result === undefined || 'error' in result) throw result?.error ?? new Error('no result');
  return result.id;
};
const endOf = (path: LookupPath) => path.end;
const wayOf = ({ steps }: LookupPath) => steps.map(({ pipe, hit }) => [pipe, hit?.label ?? hit?.id ?? null]);
const thrown = (call: () => unknown) => {
  try {
    call();
    return 'nothing';
  } catch (error) {
    return (error as Error).message;
  }
};

test('what cannot be asked is refused, and no question comes to the device', async () => {
  const device = new NotingDevice();
  const hal = new CheckedHal(device);
  const ask = (asked: Partial<LookupPacket>) => thrown(() => hal.lookup({ frame: FRAME, ...asked }));
  expect(ask({ port: VF_PORT })).toBe('DOCA_ERROR_BAD_STATE: lookup: build a program first');
  await hal.build({ name: 'one pipe', pipes: [every({ name: 'ROOT', domain: 'default', isRoot: true })] });
  device.take();
  expect(ask({ port: VF_PORT })).toBe('nothing');
  expect(ask({})).toBe(
    'DOCA_ERROR_BAD_STATE: lookup of a packet for transmit: the program has no egress root',
  );
  expect(ask({ port: 2 })).toBe('DOCA_ERROR_INVALID_VALUE: lookup: there is no port 2');
  expect(ask({ port: 0, packetMeta: 1 })).toBe(
    'DOCA_ERROR_INVALID_VALUE: lookup: packetMeta: a packet that comes in by a port has none',
  );
  expect(ask({ port: 0, syndrome: 3 })).toBe('DOCA_ERROR_INVALID_VALUE: lookup: there is no syndrome 3');
  expect(device.take()).toEqual([]);
  await hal.close();
  expect(ask({ port: VF_PORT })).toBe('DOCA_ERROR_SHUTDOWN: lookup: the device is closed');
});

describe('a packet of the workload', () => {
  test('goes through the pipes step by step, and each step tells all of it', async () => {
    const { hal, device } = await open(GATEWAY);
    const [id] = (await hal.apply([{ operation: 'add', pipe: 'ENCAP', entry: egressEntry(9, 3) }])).map(idOf);
    await hal.setKeys([{ cryptoId: 3, key: new Uint8Array(16) }]);
    device.take();
    const frame = FRAME.slice();
    const path = hal.lookup({ frame, port: VF_PORT });
    expect(device.take()).toEqual([]);
    expect(frame).toEqual(FRAME);
    expect(path.steps).toEqual([
      {
        ...{ pipe: 'ROOT', type: 'control', domain: 'default', frameOctets: FRAME.length },
        hit: { id: expect.any(Number), label: 'out', entry: GATEWAY.pipes[0]!.entries![1] },
        failed: [
          {
            entry: { id: expect.any(Number), label: 'in' },
            ...{ field: 'parser_meta.port_id', value: VF_PORT, wanted: UPLINK_PORT },
          },
        ],
        ...{ key: {}, isCounted: true, effects: [], forward: to('OUT') },
      },
      {
        ...{ pipe: 'OUT', type: 'basic', domain: 'egress', frameOctets: FRAME.length },
        hit: { id: expect.any(Number), entry: expect.anything() },
        ...{ failed: [], key: {}, isCounted: false, effects: [], forward: to('ENCAP') },
      },
      {
        ...{ pipe: 'ENCAP', type: 'basic', domain: 'secure-egress', frameOctets: FRAME.length },
        hit: { id, entry: egressEntry(9, 3) },
        ...{ failed: [], key: { 'outer.ip4.dst_ip': REMOTE }, isCounted: false },
        effects: [
          {
            ...{ effect: 'encap', netType: 'psp-tunnel', outer: 'ipv6', spi: 9 },
            header: egressEntry(9, 3).values.encapHeader,
          },
          { effect: 'encrypt', cryptoId: 3 },
        ],
        forward: TO_UPLINK,
      },
    ]);
    expect(path.end).toEqual({
      ...{ end: 'port', port: UPLINK_PORT, encrypted: { cryptoId: 3, spi: 9, version: 0 } },
      frame: frameInEnvelope(FRAME, {
        spi: 9,
        encap: TUNNEL,
        encapHeader: egressEntry(1, 0).values.encapHeader,
      }),
    });
  });

  test('misses with the key that nobody has, or the field that decides it alone', async () => {
    const { hal } = await open(GATEWAY);
    const last = (asked: Uint8Array) => hal.lookup({ frame: asked, port: VF_PORT }).steps.at(-1)!;
    expect(last(FRAME)).toMatchObject({
      ...{ pipe: 'ENCAP', hit: null, failed: [], key: { 'outer.ip4.dst_ip': REMOTE } },
      forward: { to: 'drop' },
    });
    const foreign = { ...packet(), source: Uint8Array.of(9, 8, 7, 6) };
    expect(last(frameOf(foreign))).toMatchObject({
      hit: null,
      failed: [{ field: 'outer.ip4.src_ip', value: 0x09080700, mask: 0xffffff00, wanted: SUBNET }],
    });
    expect(last(new Uint8Array(20))).toMatchObject({
      ...{ hit: null, failed: [{ field: 'outer.ip4.src_ip', mask: 0xffffff00 }], key: {} },
    });
  });

  test('meets an entry as it was updated last, unless that failed, or the removal did', async () => {
    const { hal, device } = await open(GATEWAY);
    const [id] = (await hal.apply([{ operation: 'add', pipe: 'ENCAP', entry: egressEntry(9, 3, RSS) }])).map(
      idOf,
    );
    const now = () => {
      const path = hal.lookup({ frame: FRAME, port: VF_PORT });
      const encap = path.steps.at(-1)!.effects[0];
      return [encap?.effect === 'encap' ? encap.spi : null, path.end.end];
    };
    expect(now()).toEqual([9, 'rss']);
    const update = (spi: number, forward?: Forward) => ({
      ...{ operation: 'update' as const, id: id!, values: egressEntry(spi, 3).values },
      ...(forward === undefined ? {} : { forward }),
    });
    await hal.apply([update(10)]);
    expect(now()).toEqual([10, 'rss']);
    await hal.apply([update(11, { to: 'drop' })]);
    expect(now()).toEqual([11, 'drop']);
    const written = device.take().length;
    expect(written).toBeGreaterThan(0);
    device.failures.set(device.writtenSoFar, FAILURE);
    device.failures.set(device.writtenSoFar + 1, FAILURE);
    await hal.apply([update(12, RSS), { operation: 'remove', id: id! }]);
    expect(now()).toEqual([11, 'drop']);
    await hal.apply([{ operation: 'remove', id: id! }]);
    expect(now()).toEqual([null, 'drop']);
  });

  test('leaves only where its key slot has a key of its version', async () => {
    const { hal } = await open(GATEWAY);
    await hal.apply([{ operation: 'add', pipe: 'ENCAP', entry: egressEntry(9, 3) }]);
    const end = () => endOf(hal.lookup({ frame: FRAME, port: VF_PORT }));
    const refused = { end: 'drop', because: 'not-encrypted' };
    expect(end()).toEqual(refused);
    await hal.setKeys([{ cryptoId: 3, key: new Uint8Array(32) }]);
    expect(end()).toEqual(refused);
    await hal.setKeys([{ cryptoId: 3, key: new Uint8Array(16) }]);
    expect(end()).toMatchObject({ end: 'port', port: UPLINK_PORT });
    await hal.clearKeys([3]);
    expect(end()).toEqual(refused);
  });

  test('is told of as packets for `transmit` are, with their marks', async () => {
    const { hal } = await open({
      name: 'two roots',
      pipes: [
        every({ name: 'ROOT', domain: 'default', isRoot: true }),
        every({
          ...{ name: 'OUT', domain: 'egress', isRoot: true, match: { 'meta.pkt_meta': { value: 'entry' } } },
          ...{ entries: [{ match: { 'meta.pkt_meta': 7 } }], forward: TO_VF },
        }),
      ],
    });
    expect(endOf(hal.lookup({ frame: FRAME }))).toEqual(DROP);
    expect(endOf(hal.lookup({ frame: FRAME, packetMeta: 7 }))).toEqual({
      ...{ end: 'port', port: VF_PORT, frame: FRAME },
    });
  });
});

describe('a packet of a peer', () => {
  const sealed = frameInEnvelope(FRAME, { spi: 9, encap: TUNNEL });
  const withEntry = async () => {
    const { hal } = await open(GATEWAY);
    const entry = { match: { 'tun.psp.spi': 9 }, values: { ethernetHeader: DECAP_ETHERNET_IPV4 } };
    await hal.apply([{ operation: 'add', pipe: 'LET_IN', entry }]);
    return hal;
  };

  test('is let in by its SPI, as what is inside, where it is assumed to be authentic', async () => {
    const hal = await withEntry();
    const path = hal.lookup({ frame: sealed, port: UPLINK_PORT, syndrome: SYNDROME_OK });
    expect(path.steps.flatMap(({ effects }) => effects)).toEqual([
      { effect: 'decrypt', syndrome: SYNDROME_OK, spi: 9 },
      { effect: 'decap', netType: 'psp-tunnel', ethernetHeader: DECAP_ETHERNET_IPV4 },
    ]);
    // Cookie and extension fields go with the header.
    const encap = { ...TUNNEL, cookie: true, extensionOctets: 16 };
    const longer = frameInEnvelope(FRAME, { spi: 9, encap });
    expect(longer[14 + 40 + 8 + 1]).toBe((16 + 8 + 16) / 8 - 1);
    expect(hal.lookup({ frame: longer, port: UPLINK_PORT, syndrome: SYNDROME_OK }).end).toEqual(path.end);
    expect(path.end).toEqual({
      ...{ end: 'port', port: VF_PORT },
      frame: Uint8Array.from([...DECAP_ETHERNET_IPV4, ...FRAME.subarray(14)]),
    });
    const other = frameInEnvelope(FRAME, { spi: 10, encap: TUNNEL });
    const missed = hal.lookup({ frame: other, port: UPLINK_PORT, syndrome: SYNDROME_OK });
    expect(missed.steps.at(-1)).toMatchObject({ pipe: 'LET_IN', hit: null, isCounted: true, failed: [] });
  });

  test('fails as it is assumed to, or as its header must', async () => {
    const hal = await withEntry();
    const ask = (frame: Uint8Array, syndrome: number) =>
      hal.lookup({ frame, port: UPLINK_PORT, syndrome }).steps.at(-1);
    const failed = [{ field: 'parser_meta.psp_syndrome', value: SYNDROME_ICV_FAIL, wanted: SYNDROME_OK }];
    expect(ask(sealed, SYNDROME_ICV_FAIL)).toMatchObject({ pipe: 'LET_IN', hit: null, failed });
    const reserved = sealed.slice();
    // Version 15.
    reserved[14 + 40 + 8 + 3]! |= 0x3c;
    expect(ask(reserved, SYNDROME_OK)).toMatchObject({ pipe: 'LET_IN', hit: null, failed });
  });

  test('has a branch for each syndrome where none is assumed', async () => {
    const hal = await withEntry();
    const { steps, end } = hal.lookup({ frame: sealed, port: UPLINK_PORT });
    expect(steps.map(({ pipe }) => pipe)).toEqual(['ROOT']);
    if (end.end !== 'fork') throw new Error(end.end);
    expect(end.branches.map(({ condition }) => condition)).toEqual([
      { of: 'syndrome', pipe: 'OPEN', syndrome: SYNDROME_OK },
      { of: 'syndrome', pipe: 'OPEN', syndrome: SYNDROME_ICV_FAIL },
    ]);
    expect(end.branches.map(({ path }) => [path.steps[0]!.pipe, path.end.end])).toEqual([
      ['OPEN', 'port'],
      ['OPEN', 'drop'],
    ]);
  });

  test('is what the other end sends: the frame of one path is the question for the next', async () => {
    const sender = (await open(GATEWAY)).hal;
    await sender.apply([{ operation: 'add', pipe: 'ENCAP', entry: egressEntry(9, 3) }]);
    await sender.setKeys([{ cryptoId: 3, key: new Uint8Array(16) }]);
    const sent = sender.lookup({ frame: FRAME, port: VF_PORT }).end;
    if (sent.end !== 'port') throw new Error(sent.end);
    const receiver = await withEntry();
    const { end } = receiver.lookup({ frame: sent.frame, port: UPLINK_PORT, syndrome: SYNDROME_OK });
    expect(end).toMatchObject({ end: 'port', port: VF_PORT });
  });
});

describe('a packet of a peer that is opened', () => {
  const sealed = (version: number) =>
    frameInEnvelope(FRAME, {
      ...{ spi: 9, encap: { ...TUNNEL, outer: 'ipv4' } },
      encapHeader: tunnelHeader({ outer: 'ipv4', innerFamily: 4, version: version as 0, spi: 1 }),
    });
  const through = async (version: number, ...actions: ActionTemplate[]) => {
    const names = actions.map((_, i) => `PIPE${i}`);
    const { hal } = await open({
      name: 'inwards',
      pipes: [
        every({ name: 'ROOT', domain: 'default', isRoot: true, forward: to('PIPE0') }),
        ...actions.map((one, i) =>
          every({
            ...{ name: names[i]!, domain: 'secure-ingress', actions: [one] },
            forward: i + 1 < names.length ? to(names[i + 1]!) : RSS,
          }),
        ),
      ],
    });
    const { steps } = hal.lookup({ frame: sealed(version), port: UPLINK_PORT, syndrome: SYNDROME_OK });
    return steps.flatMap(({ effects }) =>
      effects.flatMap((one) => (one.effect === 'decrypt' ? [one.syndrome] : [])),
    );
  };
  const flags = (value: number): ActionTemplate => ({ set: { 'tun.psp.s_d_ver_v': { value, mask: 0x80 } } });

  test('is not authentic any more, whatever is assumed, once its header was changed', async () => {
    expect(await through(1, flags(0), { decrypt: true })).toEqual([SYNDROME_OK]);
    expect(await through(1, flags(0x80), { decrypt: true })).toEqual([SYNDROME_ICV_FAIL]);
    expect(await through(1, flags(0x80), flags(0), { decrypt: true })).toEqual([SYNDROME_OK]);
  });

  test('is opened a second time only where the first time changed nothing of it', async () => {
    const twice = [{ decrypt: true }, { decrypt: true }] as const;
    expect(await through(1, ...twice)).toEqual([SYNDROME_OK, SYNDROME_ICV_FAIL]);
    // AES-GMAC, which encrypts nothing.
    expect(await through(3, ...twice)).toEqual([SYNDROME_OK, SYNDROME_OK]);
    expect(await through(3, { decrypt: true }, flags(0x80), { decrypt: true })).toEqual([
      SYNDROME_OK,
      SYNDROME_ICV_FAIL,
    ]);
  });
});

test('a packet that was encrypted for a mirror takes no second key', async () => {
  const { hal } = await open({
    name: 'outwards',
    mirrors: [{ name: 'COPY', targets: [RSS] }],
    pipes: [
      every({ name: 'ROOT', domain: 'default', isRoot: true, forward: to('OUT') }),
      every({ name: 'OUT', domain: 'egress', isRoot: true, forward: to('FIRST') }),
      every({
        ...{ name: 'FIRST', domain: 'secure-egress', forward: to('SECOND'), monitor: { mirror: 'COPY' } },
        actions: [{ encap: TUNNEL, encrypt: { cryptoId: 1 } }],
        entries: [{ values: { encapHeader: egressEntry(9, 1).values.encapHeader } }],
      }),
      every({
        ...{ name: 'SECOND', domain: 'secure-egress', forward: TO_UPLINK },
        actions: [{ encrypt: { cryptoId: 2 } }],
      }),
    ],
  });
  await hal.setKeys([1, 2].map((cryptoId) => ({ cryptoId, key: new Uint8Array(16) })));
  const { steps, end } = hal.lookup({ frame: FRAME, port: VF_PORT });
  const encrypted = { cryptoId: 1, spi: 9, version: 0 };
  expect(steps.at(-2)!.mirror).toMatchObject({
    ...{ name: 'COPY', encrypted },
    copies: [{ target: RSS, path: { steps: [], end: { end: 'rss', encrypted } } }],
  });
  expect(end).toEqual({ end: 'drop', because: 'second-key' });
});

test('a packet in a circle is dropped when it has been through more pipes than there are', async () => {
  const circle = (name: string) =>
    every({
      name,
      domain: 'default',
      forward: 'entry',
      match: { 'meta.pkt_meta': { value: 'entry' } },
      entries: [],
    });
  const { hal } = await open({
    name: 'circle',
    pipes: [
      every({ name: 'ROOT', domain: 'default', isRoot: true, forward: to('A') }),
      ...[circle('A'), circle('B')],
    ],
  });
  const entry = (forward: Forward) => ({ match: { 'meta.pkt_meta': 0 }, forward });
  const results = await hal.apply([
    { operation: 'add', pipe: 'A', entry: entry(to('B')) },
    { operation: 'add', pipe: 'B', entry: entry(to('A')) },
  ]);
  results.map(idOf);
  const { steps, end } = hal.lookup({ frame: FRAME, port: VF_PORT });
  expect(steps.map(({ pipe }) => pipe)).toEqual(['ROOT', 'A', 'B', 'A']);
  expect(end).toEqual({ end: 'drop', because: 'circle' });
});

test('an envelope takes no header of another length, and no packet that a device would not put into it', () => {
  const encapHeader = new Uint8Array(3);
  expect(thrown(() => frameInEnvelope(FRAME, { spi: 1, encap: TUNNEL, encapHeader }))).toBe(
    'DOCA_ERROR_INVALID_VALUE: encapHeader of 3 octets; expected 78',
  );
  expect(thrown(() => frameInEnvelope(new Uint8Array(60), { spi: 1, encap: TUNNEL }))).toBe(
    'DOCA_ERROR_INVALID_VALUE: a packet that cannot be put into psp-tunnel',
  );
});

describe('entries of a control pipe', () => {
  const entry = (priority: number, label: string): ControlEntry => ({
    priority,
    label,
    match: {},
    forward: RSS,
  });

  test('are tried by priority, then in the order in which they were added, whatever slots they have', async () => {
    const { hal, device } = await open({ name: 'one pipe', pipes: [control({})] });
    const add = async (...entries: ControlEntry[]) =>
      (await hal.apply(entries.map((one) => ({ operation: 'add', pipe: 'ROOT', entry: one })))).map(idOf);
    const first = () => wayOf(hal.lookup({ frame: FRAME, port: VF_PORT }))[0]![1];
    const [low, ...more] = await add(entry(3, 'low'), entry(2, 'a'), entry(2, 'b'));
    expect(first()).toBe('a');
    // Its slot is the next entry's.
    await hal.apply([{ operation: 'remove', id: low! }]);
    await add(entry(2, 'c'));
    expect(first()).toBe('a');
    await hal.apply([{ operation: 'update', id: more[0]!, forward: { to: 'drop' } }]);
    expect(first()).toBe('a');
    expect(endOf(hal.lookup({ frame: FRAME, port: VF_PORT }))).toEqual(DROP);
    // What the device would not remove is where it was.
    device.failures.set(device.writtenSoFar, FAILURE);
    await hal.apply([{ operation: 'remove', id: more[0]! }]);
    expect(first()).toBe('a');
    await hal.apply([{ operation: 'remove', id: more[0]! }]);
    expect(first()).toBe('b');
  });

  test('are branches where a random number decides, each with its condition and its share', async () => {
    const random = 'parser_meta.random';
    const { hal } = await open({
      name: 'one pipe',
      pipes: [
        control({
          entries: [
            { ...entry(0, 'quarter'), match: { [random]: { value: 1, mask: 3 } } },
            // Never hit: whatever it takes the first one has taken.
            { ...entry(1, 'never'), match: { [random]: { value: 5, mask: 7 } } },
            {
              ...entry(2, 'low'),
              match: { 'parser_meta.port_id': { value: VF_PORT } },
              condition: { field: random, operation: 'lt', value: 0x8000 },
            },
          ],
        }),
      ],
    });
    const { steps, end } = hal.lookup({ frame: FRAME, port: VF_PORT });
    expect(steps).toEqual([]);
    if (end.end !== 'fork') throw new Error(end.end);
    const [quarter, never] = [{ match: { value: 1, mask: 3 } }, { match: { value: 5, mask: 7 } }];
    const low = { condition: { operation: 'lt', value: 0x8000 } };
    const common = { of: 'random', pipe: 'ROOT' };
    expect(end.branches.map(({ condition }) => condition)).toEqual([
      { ...common, holds: quarter, fails: [], probability: 0.25 },
      { ...common, holds: low, fails: [quarter, never], probability: 0.375 },
      { ...common, fails: [quarter, never, low], probability: 0.375 },
    ]);
    expect(end.branches.map(({ path }) => [...wayOf(path), path.end.end])).toEqual([
      [['ROOT', 'quarter'], 'rss'],
      [['ROOT', 'low'], 'rss'],
      [['ROOT', null], 'drop'],
    ]);
  });
});

test('entries of a basic pipe are branches where the random number is part of their key', async () => {
  const random = 'parser_meta.random';
  const { hal } = await open({
    name: 'one pipe',
    pipes: [
      every({
        ...{ name: 'ROOT', domain: 'default', isRoot: true, sizeEntries: 4, forward: RSS },
        match: { [random]: { value: 'entry', mask: 6 } },
        entries: [2, 6].map((value) => ({ label: `${value}`, match: { [random]: value } })),
      }),
    ],
  });
  const { end } = hal.lookup({ frame: FRAME, port: VF_PORT });
  if (end.end !== 'fork') throw new Error(end.end);
  const tests = [2, 6].map((value) => ({ match: { value, mask: 6 } }));
  const common = { of: 'random', pipe: 'ROOT' };
  expect(end.branches.map(({ condition }) => condition)).toEqual([
    ...tests.map((holds) => ({ ...common, holds, fails: [], probability: 0.25 })),
    { ...common, fails: tests, probability: 0.5 },
  ]);
  expect(end.branches.map(({ path }) => wayOf(path)[0]![1])).toEqual(['2', '6', null]);
});

test('an answer has as many steps as it may, and not one more', async () => {
  const copying = (targets: number): PipeProgram => ({
    name: 'copies',
    mirrors: [{ name: 'COPY', targets: Array.from({ length: targets }, () => to('END')) }],
    pipes: [
      every({ name: 'ROOT', domain: 'default', isRoot: true, monitor: { mirror: 'COPY' } }),
      every({ name: 'END', domain: 'default' }),
    ],
  });
  const most = (await open(copying(LOOKUP_STEPS_MAX - 1))).hal;
  const { steps } = most.lookup({ frame: FRAME, port: VF_PORT });
  expect(steps[0]!.mirror!.copies).toHaveLength(LOOKUP_STEPS_MAX - 1);
  const more = (await open(copying(LOOKUP_STEPS_MAX))).hal;
  expect(thrown(() => more.lookup({ frame: FRAME, port: VF_PORT }))).toBe(
    'DOCA_ERROR_TOO_BIG: lookup: the packet has more than 4096 steps to go',
  );
});

test('what becomes of the program after it was built changes no answer', async () => {
  const header = DECAP_ETHERNET_IPV4.slice();
  const program: PipeProgram = {
    name: 'inwards',
    pipes: [
      every({ name: 'ROOT', domain: 'default', isRoot: true, forward: to('OPEN') }),
      every({
        ...{ name: 'OPEN', domain: 'secure-ingress', forward: TO_VF },
        actions: [{ decrypt: true, decap: { netType: 'psp-tunnel', ethernetHeader: header } }],
      }),
    ],
  };
  const { hal } = await open(program);
  header.fill(0);
  const frame = frameInEnvelope(FRAME, { spi: 9, encap: TUNNEL });
  const { end } = hal.lookup({ frame, port: UPLINK_PORT, syndrome: SYNDROME_OK });
  expect(end.end === 'port' && end.frame.subarray(0, 14)).toEqual(DECAP_ETHERNET_IPV4);
});
