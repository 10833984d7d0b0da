/** The ways that packets take through a program: where they begin, where they end, what is counted of them. */
import { describe, expect, test } from 'vitest';
import type { EntryId } from '../../../src/hal/hal.js';
import type { BasicPipe, Forward, Pipe, PipeProgram } from '../../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../../src/hal/program.js';
import { deriveKey } from '../../../src/psp/key-derivation.js';
import { frameOf, type InnerPacket, ipPacketOf, V1, V2 } from '../../../src/verify/inner-packets.js';
import { openSimHarness } from '../../../src/verify/sim-harness.js';
import { DECAP_ETHERNET_IPV4, tunnelHeader } from '../../support/psp-program.js';

const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');
const MASTER_KEYS = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;
const TO_UPLINK: Forward = { to: 'port', port: UPLINK_PORT };
const TO_VF: Forward = { to: 'port', port: VF_PORT };
const to = (pipe: string): Forward => ({ to: 'pipe', pipe });

/** A pipe that does the same to every packet. */
function every(pipe: Partial<BasicPipe> & Pick<BasicPipe, 'name' | 'domain' | 'forward'>): BasicPipe {
  return { type: 'basic', sizeEntries: 1, match: {}, miss: { to: 'drop' }, entries: [{}], ...pipe };
}

const packet = (payloadOctets = 100): InnerPacket => ({
  family: 4,
  source: V1[4],
  destination: V2[4],
  protocol: 253,
  payload: new Uint8Array(payloadOctets).fill(0x61),
  trafficClass: 0,
  ttl: 64,
});
const marked = (mark: number) => ({ set: { 'meta.pkt_meta': { value: mark } } });
const encapHeader = tunnelHeader({ outer: 'ipv4', innerFamily: 4, version: 1, spi: 9 });
const ENCAP = { netType: 'psp-tunnel', outer: 'ipv4', cookie: false } as const;
/** Of 16 octets, as keys of versions 0 and 2 have. */
const SHORT_KEY = new Uint8Array(16).fill(7);

/** From the VF by ROOT and OUT to ENCRYPT. */
function outwards(encrypt: Partial<BasicPipe>, more: Pick<PipeProgram, 'mirrors'> = {}): PipeProgram {
  return {
    name: 'outwards',
    ...more,
    pipes: [
      every({ name: 'ROOT', domain: 'default', isRoot: true, forward: to('OUT') }),
      every({ name: 'OUT', domain: 'egress', isRoot: true, forward: to('ENCRYPT') }),
      every({ name: 'ENCRYPT', domain: 'secure-egress', forward: TO_UPLINK, ...encrypt }),
    ],
  };
}

describe('a program', () => {
  test('is entered by its roots, wherever they stand in it', async () => {
    const root = every({
      name: 'ROOT',
      domain: 'default',
      isRoot: true,
      forward: to('NEXT'),
      actions: [marked(1)],
    });
    const next = every({ name: 'NEXT', domain: 'default', forward: { to: 'rss' } });
    const out = every({
      name: 'OUT',
      domain: 'egress',
      isRoot: true,
      forward: to('ON'),
      actions: [marked(2)],
    });
    const on = every({ name: 'ON', domain: 'egress', forward: { to: 'rss' } });
    for (const pipes of [
      [root, next, out, on],
      [out, on, root, next],
      [on, next, out, root],
      [next, on, root, out],
    ]) {
      const { hal, inject, settle, takeRss } = await openSimHarness();
      await hal.build({ name: 'roots', pipes });
      inject(VF_PORT, [frameOf(packet())]);
      hal.transmit([{ frame: frameOf(packet()) }]);
      await settle();
      expect(takeRss().map(({ packetMeta }) => packetMeta)).toEqual([1, 2]);
    }
  });

  test('without an egress root takes nothing from the CPU', async () => {
    const { hal } = await openSimHarness();
    const root = every({ name: 'ROOT', domain: 'default', isRoot: true, forward: { to: 'rss' } });
    await hal.build({ name: 'one way', pipes: [root] });
    expect(() => hal.transmit([{ frame: frameOf(packet()) }])).toThrow(/no egress root/);
    expect(hal.fates()).toMatchObject({ in: 0 });
  });

  test('that has packets go in a circle drops those that have been through more pipes than it has', async () => {
    const { hal, inject } = await openSimHarness();
    const pipe = (name: string, isRoot: boolean): BasicPipe => ({
      ...every({ name, domain: 'default', forward: 'entry' }),
      ...(isRoot ? { isRoot } : {}),
      monitor: { counter: true },
      entries: [],
    });
    await hal.build({ name: 'circle', pipes: [pipe('ROOT', true), pipe('A', false), pipe('B', false)] });
    await hal.apply(
      [
        ['ROOT', 'A'],
        ['A', 'B'],
        ['B', 'A'],
      ].map(([from, forward]) => ({ operation: 'add', pipe: from!, entry: { forward: to(forward!) } })),
    );
    inject(VF_PORT, [frameOf(packet()), frameOf(packet())]);
    const totals = await hal.counters(
      ['ROOT', 'A', 'B'].map((name) => ({ pipe: name, total: true }) as const),
    );
    expect(totals.map(({ packets }) => packets)).toEqual([2n, 4n, 2n]);
    expect(hal.fates()).toMatchObject({ in: 2, drop: 2 });
  });
});

describe('a counter that is not there', () => {
  const program: PipeProgram = {
    name: 'counters',
    pipes: [
      every({ name: 'ROOT', domain: 'default', isRoot: true, forward: to('COUNTED') }),
      every({
        name: 'COUNTED',
        domain: 'default',
        forward: { to: 'drop' },
        monitor: { counter: true },
        missCounter: true,
        entries: [{ label: 'all' }],
      }),
    ],
  };

  test.each([
    [{ id: 4242 as EntryId }, { entry: 4242 }, 'no such counter;'],
    [{ id: -3 as EntryId }, { entry: -3 }, 'no such counter;'],
    [{ pipe: 'NOWHERE', label: 'all' }, { pipe: 'NOWHERE', entry: 'all' }, 'no such counter;'],
    [{ pipe: 'COUNTED', label: 'none' }, { pipe: 'COUNTED', entry: 'none' }, 'no such counter;'],
    [{ pipe: 'NOWHERE', miss: true }, { pipe: 'NOWHERE' }, 'no such miss counter;'],
    [{ pipe: 'ROOT', miss: true }, { pipe: 'ROOT' }, 'no such miss counter;'],
    [{ pipe: 'NOWHERE', total: true }, { pipe: 'NOWHERE' }, 'no such counter of entries;'],
    [{ pipe: 'ROOT', total: true }, { pipe: 'ROOT' }, 'no such counter of entries;'],
  ] as const)('is refused under its name: %o', async (selector, place, words) => {
    const { hal } = await openSimHarness();
    await hal.build(program);
    await expect(hal.counters([selector])).rejects.toMatchObject({
      code: 'NOT_FOUND',
      place,
      message: expect.stringContaining(words),
    });
  });
});

describe('plaintext in an envelope of PSP', () => {
  test('may leave by the VF', async () => {
    const encapsulated = await openSimHarness();
    const values = { entries: [{ values: { encapHeader } }] };
    await encapsulated.hal.build(outwards({ actions: [{ encap: ENCAP }], forward: TO_VF, ...values }));
    encapsulated.inject(VF_PORT, [frameOf(packet())]);
    const [frame] = encapsulated.takeSent(VF_PORT);
    expect(hex(frame!)).toContain(hex(ipPacketOf(packet())));

    const sender = await openSimHarness();
    await sender.hal.build(outwards({ actions: [{ encap: ENCAP, encrypt: { cryptoId: 1 } }], ...values }));
    await sender.hal.setKeys([{ cryptoId: 1, key: deriveKey(MASTER_KEYS[0], 9, 1) }]);
    sender.inject(VF_PORT, [frameOf(packet())]);
    const opened = await openSimHarness({ masterKeys: MASTER_KEYS });
    await opened.hal.build({
      name: 'inwards',
      pipes: [
        every({ name: 'ROOT', domain: 'default', isRoot: true, forward: to('OPEN') }),
        every({ name: 'OPEN', domain: 'secure-ingress', actions: [{ decrypt: true }], forward: TO_VF }),
      ],
    });
    opened.inject(UPLINK_PORT, sender.takeSent(UPLINK_PORT));
    expect(opened.takeSent(VF_PORT).map(hex)[0]).toContain(hex(ipPacketOf(packet())));
    for (const { hal } of [encapsulated, opened])
      expect(hal.fates()).toMatchObject({ in: 1, vf: 1, lost: 0 });
  });

  test('has no octets of the ICV yet', async () => {
    const { hal, inject, takeSent } = await openSimHarness();
    const entries = [{ values: { encapHeader } }];
    await hal.build(outwards({ actions: [{ encap: ENCAP }], forward: TO_VF, entries }));
    // Frames are cut from memory that others have had.
    inject(
      VF_PORT,
      Array.from({ length: 50 }, () => frameOf(packet())),
    );
    for (const frame of takeSent(VF_PORT)) expect(hex(frame.subarray(-16))).toBe('00'.repeat(16));
  });
});

describe('what cannot be encrypted is lost, and counted once', () => {
  test('without an envelope', async () => {
    const { hal, inject, takeSent } = await openSimHarness();
    await hal.build(outwards({ actions: [{ encrypt: { cryptoId: 1 } }] }));
    for (const key of [SHORT_KEY, new Uint8Array(32)]) {
      await hal.setKeys([{ cryptoId: 1, key }]);
      inject(VF_PORT, [frameOf(packet())]);
    }
    expect(takeSent(UPLINK_PORT)).toEqual([]);
    expect(hal.fates()).toMatchObject({ in: 2, lost: 2, drop: 0, kernel: 0 });
    expect(await hal.statistics()).toMatchObject({ txError: 2n, txPackets: 0n });
  });

  test.each([4, 5, 14, 15])('under version %i, which PSP has not', async (version) => {
    const header = tunnelHeader({ outer: 'ipv4', innerFamily: 4, version, spi: 9 });
    const { hal, inject, takeSent } = await openSimHarness();
    const actions = [{ encap: ENCAP, encrypt: { cryptoId: 1 } }];
    await hal.build(outwards({ actions, entries: [{ values: { encapHeader: header } }] }));
    for (const key of [SHORT_KEY, new Uint8Array(32)]) {
      await hal.setKeys([{ cryptoId: 1, key }]);
      inject(VF_PORT, [frameOf(packet())]);
    }
    expect(takeSent(UPLINK_PORT)).toEqual([]);
    expect(hal.fates()).toMatchObject({ in: 2, lost: 2, drop: 0, kernel: 0 });
  });

  test('where it is to be copied, and no copy is made', async () => {
    const { hal, inject, settle, takeRss, takeSent } = await openSimHarness();
    const mirrors = [{ name: 'COPY', targets: [{ to: 'rss' } as const] }];
    const actions = [{ encap: ENCAP, encrypt: { cryptoId: 1 } }];
    const entries = [{ values: { encapHeader } }];
    await hal.build(outwards({ actions, entries, monitor: { mirror: 'COPY' } }, { mirrors }));
    inject(VF_PORT, [frameOf(packet())]);
    await settle();
    expect([takeSent(UPLINK_PORT), takeRss()]).toEqual([[], []]);
    expect(hal.fates()).toMatchObject({ in: 1, copies: 0, lost: 1, kernel: 0 });
    expect(await hal.statistics()).toMatchObject({ txError: 1n });
  });
});

test.each([
  ['tunnel', ENCAP, encapHeader, 20 + 8 + 16 + 16],
  ['transport', { ...ENCAP, netType: 'psp-over-ipv4' }, encapHeader.subarray(34), 8 + 16 + 16],
] as const)(
  'what would be an IP packet of more than 65,535 octets is lost in %s mode',
  async (_, encap, header, overhead) => {
    const { hal, inject, takeSent } = await openSimHarness({ uplinkMtuOctets: 65_535 });
    const entries = [{ values: { encapHeader: header } }];
    await hal.build(outwards({ actions: [{ encap, encrypt: { cryptoId: 1 } }], entries }));
    await hal.setKeys([{ cryptoId: 1, key: new Uint8Array(32) }]);
    const payloadOctets = 65_535 - overhead - 20;
    inject(VF_PORT, [frameOf(packet(payloadOctets)), frameOf(packet(payloadOctets + 1))]);
    expect(takeSent(UPLINK_PORT).map((frame) => frame.length)).toEqual([14 + 65_535]);
    expect(hal.fates()).toMatchObject({ in: 2, uplink: 1, lost: 1, portDropped: 0 });
  },
);

test('in transport mode packets of the other family are neither encapsulated nor decapsulated', async () => {
  const v6 = frameOf({ ...packet(), family: 6, source: V1[6], destination: V2[6] });
  const header = encapHeader.subarray(34);
  for (const family of [4, 6] as const) {
    const [netType, outer] =
      family === 4 ? (['psp-over-ipv4', 'ipv4'] as const) : (['psp-over-ipv6', 'ipv6'] as const);
    const frames = [frameOf(packet()), v6];
    const sender = await openSimHarness();
    const entries = [{ values: { encapHeader: header } }];
    const encap = { netType, outer, cookie: false };
    await sender.hal.build(outwards({ actions: [{ encap, encrypt: { cryptoId: 1 } }], entries }));
    await sender.hal.setKeys([{ cryptoId: 1, key: deriveKey(MASTER_KEYS[0], 9, 1) }]);
    sender.inject(VF_PORT, frames);
    const wire = sender.takeSent(UPLINK_PORT);
    expect(wire).toHaveLength(1);
    expect(sender.hal.fates()).toMatchObject({ uplink: 1, lost: 1 });
    for (const other of ['psp-over-ipv4', 'psp-over-ipv6'] as const) {
      const receiver = await openSimHarness({ masterKeys: MASTER_KEYS });
      const actions = [{ decrypt: true, decap: { netType: other } }] as const;
      await receiver.hal.build({
        name: 'inwards',
        pipes: [
          every({ name: 'ROOT', domain: 'default', isRoot: true, forward: to('OPEN') }),
          every({ name: 'OPEN', domain: 'secure-ingress', actions, forward: TO_VF }),
        ],
      });
      receiver.inject(UPLINK_PORT, [wire[0]!.slice()]);
      const [delivered, lost] = other === netType ? [1, 0] : [0, 1];
      expect(receiver.hal.fates()).toMatchObject({ in: 1, vf: delivered, lost });
      await receiver.hal.close();
    }
  }
});

test('a copy of an encrypted packet that the same device opens is a packet like any other', async () => {
  const { hal, inject, takeSent } = await openSimHarness({ masterKeys: MASTER_KEYS });
  const decap = { netType: 'psp-tunnel', ethernetHeader: DECAP_ETHERNET_IPV4 } as const;
  const { pipes, ...rest } = outwards(
    {
      actions: [{ encap: ENCAP, encrypt: { cryptoId: 1 } }],
      entries: [{ values: { encapHeader } }],
      monitor: { mirror: 'COPY' },
    },
    { mirrors: [{ name: 'COPY', targets: [to('OPEN')] }] },
  );
  const open: Pipe = every({
    name: 'OPEN',
    domain: 'secure-ingress',
    actions: [{ decrypt: true, decap }],
    forward: TO_UPLINK,
  });
  await hal.build({ ...rest, pipes: [...pipes, open] });
  await hal.setKeys([{ cryptoId: 1, key: deriveKey(MASTER_KEYS[0], 9, 1) }]);
  inject(VF_PORT, [frameOf(packet())]);
  const [copy, sealed] = takeSent(UPLINK_PORT);
  expect(hex(copy!)).toBe(hex(Uint8Array.from([...DECAP_ETHERNET_IPV4, ...ipPacketOf(packet())])));
  expect(sealed!.length).toBe(copy!.length + encapHeader.length - 14 + 16);
  expect(hal.fates()).toMatchObject({ in: 1, copies: 1, uplink: 2, lost: 0 });
});

test('a MAC is written as a whole, or not at all where the frame ends before it does', async () => {
  const { hal, inject, takeSent } = await openSimHarness();
  const mac = Uint8Array.from([0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff]);
  const mask = Uint8Array.from([0xff, 0x0f, 0xf0, 0xff, 0x3c, 0x01]);
  const masked = mac.map((octet, i) => octet & mask[i]!);
  const actions = [
    { set: { 'outer.eth.dst_mac': { value: mac }, 'outer.eth.src_mac': { value: masked, mask } } },
  ] as const;
  await hal.build({
    name: 'macs',
    pipes: [every({ name: 'ROOT', domain: 'default', isRoot: true, actions, forward: TO_UPLINK })],
  });
  const whole = new Uint8Array(14).fill(0x55);
  const cut = [0, 5, 6, 11, 12, 13].map((octets) => new Uint8Array(octets).fill(0x55));
  inject(VF_PORT, [whole.slice(), ...cut.map((frame) => frame.slice())]);
  const source = mask.map((bits, i) => (0x55 & ~bits) | (mac[i]! & bits));
  const written = Uint8Array.from([...mac, ...source, 0x55, 0x55]);
  const rest = cut.map((frame) => {
    const [toDestination, toSource] = [frame.length >= 6, frame.length >= 12];
    return frame.map((octet, i) => ((i < 6 ? toDestination : toSource) ? written[i]! : octet));
  });
  expect(takeSent(UPLINK_PORT).map(hex)).toEqual([written, ...rest].map(hex));
});

test('where mirrors work late, what they have copied leaves behind the rest of its burst', async () => {
  for (const mirrorsLate of [false, true]) {
    const { hal, inject, takeSent } = await openSimHarness({ mirrorsLate });
    await hal.build({
      name: 'late',
      mirrors: [{ name: 'COPY', targets: [{ to: 'drop' }] }],
      pipes: [
        every({
          name: 'ROOT',
          domain: 'default',
          isRoot: true,
          match: { 'outer.eth.type': { value: 1 } },
          forward: TO_UPLINK,
          miss: { to: 'pipe', pipe: 'REST' },
          monitor: { mirror: 'COPY' },
        }),
        every({ name: 'REST', domain: 'default', forward: TO_UPLINK }),
      ],
    });
    const burst = [1, 2, 1, 3, 4].map((type, i) => {
      const frame = new Uint8Array(20).fill(i);
      frame.set([0, type], 12);
      return frame;
    });
    inject(VF_PORT, burst);
    expect(takeSent(UPLINK_PORT).map((frame) => frame[0])).toEqual(
      mirrorsLate ? [1, 3, 4, 0, 2] : [0, 1, 2, 3, 4],
    );
  }
});
