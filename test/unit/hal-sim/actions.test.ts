import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.js';
import type {
  ActionTemplate,
  BasicPipe,
  Domain,
  Forward,
  PipeProgram,
  PspNetType,
} from '../../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../../src/hal/program.js';
import { nobleEngine } from '../../../src/psp/aead-noble.js';
import type { PspVersion } from '../../../src/psp/header.js';
import { deriveKey } from '../../../src/psp/key-derivation.js';
import {
  type Family,
  frameOf,
  type InnerPacket,
  ipPacketOf,
  V1,
  V2,
} from '../../../src/verify/inner-packets.js';
import { openSimHarness } from '../../../src/verify/sim-harness.js';
import { innerPacket } from '../../support/inner-packets.js';
import { DECAP_ETHERNET_IPV4, tunnelHeader } from '../../support/psp-program.js';

const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');
const TO_UPLINK: Forward = { to: 'port', port: UPLINK_PORT };
const TO_VF: Forward = { to: 'port', port: VF_PORT };
const MASTER_KEYS = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;

/** One pipe that does it to everything. */
function everything(
  name: string,
  domain: Domain,
  actions: ActionTemplate | undefined,
  forward: Forward,
  extra: Partial<BasicPipe> = {},
): BasicPipe {
  return {
    type: 'basic',
    name,
    domain,
    sizeEntries: 1,
    match: {},
    ...(actions === undefined ? {} : { actions: [actions] }),
    forward,
    miss: { to: 'drop' },
    entries: [{}],
    ...extra,
  };
}

const to = (pipe: string): Forward => ({ to: 'pipe', pipe });

/** From the VF: encapsulate and encrypt; from the uplink: decrypt and decapsulate. */
function reformat(
  encap: NonNullable<ActionTemplate['encap']>,
  decap: NonNullable<ActionTemplate['decap']>,
  encapHeader: Uint8Array,
): PipeProgram {
  return {
    name: 'reformat',
    pipes: [
      everything('ROOT', 'default', undefined, to('DECRYPT'), {
        isRoot: true,
        match: { 'parser_meta.port_id': { value: UPLINK_PORT } },
        miss: { to: 'pipe', pipe: 'OUT' },
      }),
      everything('DECRYPT', 'secure-ingress', { decrypt: true, decap }, TO_VF),
      everything('OUT', 'egress', undefined, to('ENCRYPT'), { isRoot: true }),
      everything('ENCRYPT', 'secure-egress', { encap, encrypt: { cryptoId: 1 } }, TO_UPLINK, {
        entries: [{ values: { encapHeader } }],
      }),
    ],
  };
}

const packet: InnerPacket = {
  family: 4,
  source: V1[4],
  destination: V2[4],
  protocol: 253,
  payload: new Uint8Array(100).fill(0x61),
  trafficClass: 0,
  ttl: 64,
};

/** IPv6 with a hop-by-hop and a destination options header before the upper layer. */
function withExtensionHeaders(frame: Uint8Array): Uint8Array {
  const options = [60, 0, 1, 4, 0, 0, 0, 0, frame[20], 0, 1, 4, 0, 0, 0, 0];
  const extended = Uint8Array.from([...frame.subarray(0, 54), ...options, ...frame.subarray(54)]);
  extended[20] = 0;
  const payloadOctets = extended.length - 54;
  extended.set([payloadOctets >> 8, payloadOctets & 0xff], 18);
  return extended;
}

test('transport mode restores every packet, and passes what stands before the upper layer as it is', async () => {
  const cases = fc
    .record({
      family: fc.constantFrom<Family>(4, 6),
      cookie: fc.boolean(),
      extension: fc.boolean(),
      padding: fc.nat(10),
      noble: fc.boolean(),
      version: fc.constantFrom<PspVersion>(0, 1, 2, 3),
    })
    .chain((c) => fc.tuple(fc.constant(c), innerPacket(c.family, 80)));
  await fc.assert(
    fc.asyncProperty(cases, async ([{ family, cookie, extension, padding, noble, version }, inner]) => {
      const netType: PspNetType = family === 4 ? 'psp-over-ipv4' : 'psp-over-ipv6';
      const outer = family === 4 ? 'ipv4' : 'ipv6';
      const header = tunnelHeader({
        outer,
        innerFamily: family,
        version,
        spi: 9,
        cryptOffsetWords: 3,
        ...(cookie ? { cookie: new Uint8Array(8).fill(7) } : {}),
      }).subarray(family === 4 ? 34 : 54);
      header[8] = 0;
      const program = reformat({ netType, outer, cookie }, { netType }, header);
      const sender = await openSimHarness(noble ? { aead: nobleEngine } : {});
      const receiver = await openSimHarness({ masterKeys: MASTER_KEYS });
      await sender.hal.build(program);
      await receiver.hal.build(program);
      await sender.hal.setKeys([{ cryptoId: 1, key: deriveKey(MASTER_KEYS[0], 9, version) }]);
      const bare = family === 6 && extension ? withExtensionHeaders(frameOf(inner)) : frameOf(inner);
      sender.inject(VF_PORT, [Uint8Array.from([...bare, ...new Uint8Array(padding)])]);
      const [wire] = sender.takeSent(UPLINK_PORT);
      expect(wire.length).toBe(bare.length + header.length + 16);
      receiver.inject(UPLINK_PORT, [Uint8Array.from([...wire, ...new Uint8Array(padding)])]);
      expect(receiver.takeSent(VF_PORT).map(hex)).toEqual([hex(bare)]);
    }),
    { numRuns: 100 },
  );
});

test('a fragment cannot be encapsulated in transport mode, and is lost and counted', async () => {
  const netType = 'psp-over-ipv4';
  const header = tunnelHeader({ outer: 'ipv4', innerFamily: 4, version: 1, spi: 9 }).subarray(34);
  const { hal, inject, takeSent } = await openSimHarness();
  await hal.build(reformat({ netType, outer: 'ipv4', cookie: false }, { netType }, header));
  await hal.setKeys([{ cryptoId: 1, key: new Uint8Array(32) }]);
  const frame = frameOf(packet);
  frame[20] = 0x20;
  inject(VF_PORT, [frame, frameOf(packet)]);
  expect(takeSent(UPLINK_PORT).length).toBe(1);
  expect(await hal.statistics()).toMatchObject({ txError: 1n });
});

test("a pipe's actions run in DOCA's order: decap before set, set before encap", async () => {
  const encapHeader = tunnelHeader({ outer: 'ipv4', innerFamily: 4, version: 1, spi: 9 });
  const sourceMac = Uint8Array.from([0x0a, 1, 2, 3, 4, 5]);
  const base = reformat(
    { netType: 'psp-tunnel', outer: 'ipv4', cookie: false },
    { netType: 'psp-tunnel', ethernetHeader: DECAP_ETHERNET_IPV4 },
    encapHeader,
  );
  const set: ActionTemplate['set'] = {
    'outer.eth.src_mac': { value: sourceMac },
    'tun.psp.s_d_ver_v': { value: 0xc0, mask: 0xc0 },
  };
  const program: PipeProgram = {
    ...base,
    // `set` stands first in the value on purpose.
    pipes: base.pipes.map((pipe) =>
      pipe.type === 'basic' && pipe.actions !== undefined
        ? { ...pipe, actions: pipe.actions.map((actions) => ({ set, ...actions })) }
        : pipe,
    ),
  };
  const { hal, inject, takeSent } = await openSimHarness({ masterKeys: MASTER_KEYS, firstSpi: 9 });
  await hal.build(program);
  const { keys } = await hal.generateKeys(32, 1);
  await hal.setKeys([{ cryptoId: 1, key: keys }]);
  inject(VF_PORT, [frameOf(packet)]);
  const [wire] = takeSent(UPLINK_PORT);
  // What `set` wrote before encap: the packet had no PSP header yet, and its Ethernet header has gone.
  expect(hex(wire.subarray(0, 14))).toBe(hex(encapHeader.subarray(0, 14)));
  expect(wire[42 + 3] & 0xc0).toBe(0);
  inject(UPLINK_PORT, [wire]);
  const [delivered] = takeSent(VF_PORT);
  expect(hex(delivered)).toBe(
    hex(Uint8Array.from([...DECAP_ETHERNET_IPV4.subarray(0, 6), ...sourceMac, 8, 0, ...ipPacketOf(packet)])),
  );
});

test('set writes under its mask, values of the template and of the entry', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 6, maxLength: 6 }),
      fc.uint8Array({ minLength: 6, maxLength: 6 }).filter((mask) => mask.some((octet) => octet !== 0)),
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.integer({ min: 1, max: 0xffffffff }),
      fc.boolean(),
      async (mac, macMask, meta, metaMask, fromEntry) => {
        const values = {
          'outer.eth.dst_mac': mac.map((octet, i) => octet & macMask[i]),
          'meta.pkt_meta': (meta & metaMask) >>> 0,
        };
        const set = Object.fromEntries(
          Object.entries(values).map(([field, value]) => [
            field,
            { value: fromEntry ? 'entry' : value, mask: field === 'meta.pkt_meta' ? metaMask : macMask },
          ]),
        ) as NonNullable<ActionTemplate['set']>;
        const { hal, takeRss, settle } = await openSimHarness();
        await hal.build({
          name: 'set',
          pipes: [
            everything('ROOT', 'default', undefined, { to: 'drop' }, { isRoot: true }),
            everything(
              'OUT',
              'egress',
              { set },
              { to: 'rss' },
              {
                isRoot: true,
                entries: [fromEntry ? { values: { set: values } } : {}],
              },
            ),
          ],
        });
        const frame = Buffer.from(frameOf(packet));
        hal.transmit([{ frame, packetMeta: 0x12345678 }]);
        await settle();
        const [received] = takeRss();
        expect(received.packetMeta).toBe(((0x12345678 & ~metaMask) | (meta & metaMask)) >>> 0);
        const expected = frameOf(packet);
        for (let i = 0; i < 6; i++) expected[i] = (expected[i] & ~macMask[i]) | (mac[i] & macMask[i]);
        expect(hex(received.frame)).toBe(hex(expected));
        // The caller's frame stays the caller's.
        expect(hex(frame)).toBe(hex(frameOf(packet)));
      },
    ),
    { numRuns: 100 },
  );
});

test('mirrors copy after the actions, in order, before the packet goes on; each copy is a packet of its own', async () => {
  const { hal, inject, takeSent, takeRss, settle } = await openSimHarness();
  const mac = (last: number) => ({
    set: { 'outer.eth.dst_mac': { value: Uint8Array.from([2, 0, 0, 0, 0, last]) } },
  });
  const counted = { monitor: { counter: true } } as const;
  await hal.build({
    name: 'mirrors',
    mirrors: [
      { name: 'FIRST', targets: [to('A'), { to: 'rss' }, to('B'), { to: 'drop' }] },
      { name: 'SECOND', targets: [TO_UPLINK] },
    ],
    pipes: [
      everything('ROOT', 'default', mac(1), TO_UPLINK, {
        isRoot: true,
        monitor: { counter: true, mirror: 'FIRST' },
      }),
      everything('A', 'default', mac(0xa), TO_UPLINK, counted),
      // B is itself mirrored, after its action.
      everything('B', 'default', mac(0xb), TO_UPLINK, { monitor: { counter: true, mirror: 'SECOND' } }),
    ],
  });
  inject(VF_PORT, [Buffer.from(frameOf(packet))]);
  await settle();
  expect(takeSent(UPLINK_PORT).map((frame) => frame[5])).toEqual([0xa, 0xb, 0xb, 1]);
  expect(takeRss().map(({ frame }) => frame[5])).toEqual([1]);
  expect(hal.fates()).toMatchObject({ in: 1, copies: 5, uplink: 4, rss: 1, drop: 1 });
  const counters = await hal.counters([
    { pipe: 'ROOT', total: true },
    { pipe: 'A', total: true },
    { pipe: 'B', total: true },
  ]);
  expect(counters.map(({ packets }) => packets)).toEqual([1n, 1n, 1n]);
});

test('scratch metadata is zero at first and lives until the packet has gone; pkt_meta is 0 at ingress', async () => {
  const { hal, inject, takeRss, settle } = await openSimHarness();
  const scratch = (value: number) => ({ set: { 'meta.u32.2': { value } } });
  await hal.build({
    name: 'scratch',
    pipes: [
      {
        type: 'basic',
        name: 'ROOT',
        domain: 'default',
        isRoot: true,
        sizeEntries: 2,
        match: { 'meta.u32.2': { value: 0 }, 'parser_meta.port_id': { value: 'entry' } },
        actions: [scratch(5), {}],
        forward: to('NEXT'),
        miss: { to: 'drop' },
        entries: [
          { match: { 'parser_meta.port_id': UPLINK_PORT }, actionIndex: 0 },
          { match: { 'parser_meta.port_id': VF_PORT }, actionIndex: 1 },
        ],
      },
      everything(
        'NEXT',
        'default',
        { set: { 'meta.pkt_meta': { value: 1 } } },
        { to: 'rss' },
        {
          match: { 'meta.u32.2': { value: 5 }, 'meta.pkt_meta': { value: 0 } },
        },
      ),
    ],
  });
  inject(UPLINK_PORT, [frameOf(packet), frameOf(packet)]);
  inject(VF_PORT, [frameOf(packet)]);
  inject(UPLINK_PORT, [frameOf(packet)]);
  await settle();
  expect(takeRss().length).toBe(3);
  expect(hal.fates()).toMatchObject({ in: 4, rss: 3, drop: 1 });
});

test('in transport mode too, nothing is decapsulated that was not authenticated', async () => {
  const netType = 'psp-over-ipv4';
  const header = tunnelHeader({ outer: 'ipv4', innerFamily: 4, version: 1, spi: 9 }).subarray(34);
  const { hal, inject, takeSent } = await openSimHarness({ masterKeys: MASTER_KEYS });
  await hal.build(reformat({ netType, outer: 'ipv4', cookie: false }, { netType }, header));
  await hal.setKeys([{ cryptoId: 1, key: deriveKey(MASTER_KEYS[0], 9, 1) }]);
  inject(VF_PORT, [frameOf(packet), frameOf(packet)]);
  const [good, bad] = takeSent(UPLINK_PORT);
  bad[bad.length - 1] ^= 1;
  inject(UPLINK_PORT, [bad, frameOf(packet), good]);
  expect(takeSent(VF_PORT).map(hex)).toEqual([hex(frameOf(packet))]);
  expect(hal.fates()).toMatchObject({ in: 5, uplink: 2, vf: 1, lost: 2 });
});

test('later pipes see the packet as it has become: the inner one after decap, the outer one after encap', async () => {
  const encapHeader = tunnelHeader({ outer: 'ipv6', innerFamily: 4, version: 1, spi: 9 });
  const encap = { netType: 'psp-tunnel', outer: 'ipv6', cookie: false } as const;
  const base = reformat(encap, { netType: 'psp-tunnel', ethernetHeader: DECAP_ETHERNET_IPV4 }, encapHeader);
  const { hal, inject, takeSent } = await openSimHarness({ masterKeys: MASTER_KEYS });
  await hal.build({
    ...base,
    pipes: [
      ...base.pipes.map((pipe) =>
        pipe.name === 'DECRYPT' || pipe.name === 'ENCRYPT'
          ? { ...(pipe as BasicPipe), forward: to(pipe.name === 'DECRYPT' ? 'AFTER_DECAP' : 'AFTER_ENCAP') }
          : pipe,
      ),
      everything('AFTER_DECAP', 'secure-ingress', undefined, TO_VF, {
        match: { 'outer.ip4.dst_ip': { value: new DataView(V2[4].buffer).getUint32(0) } },
      }),
      everything('AFTER_ENCAP', 'secure-egress', undefined, TO_UPLINK, {
        match: { 'outer.ip6.next_proto': { value: 17 }, 'tun.psp.spi': { value: 9 } },
      }),
    ],
  });
  await hal.setKeys([{ cryptoId: 1, key: deriveKey(MASTER_KEYS[0], 9, 1) }]);
  inject(VF_PORT, [frameOf(packet)]);
  inject(UPLINK_PORT, takeSent(UPLINK_PORT));
  expect(hal.fates()).toMatchObject({ in: 2, uplink: 1, vf: 1 });
});

test('what is no whole IP packet cannot be encapsulated, and is lost and counted', async () => {
  const encapHeader = tunnelHeader({ outer: 'ipv4', innerFamily: 4, version: 1, spi: 9 });
  const encap = { netType: 'psp-tunnel', outer: 'ipv4', cookie: false } as const;
  const { hal, inject, takeSent } = await openSimHarness();
  await hal.build(
    reformat(encap, { netType: 'psp-tunnel', ethernetHeader: DECAP_ETHERNET_IPV4 }, encapHeader),
  );
  await hal.setKeys([{ cryptoId: 1, key: new Uint8Array(32) }]);
  const arp = frameOf(packet);
  arp.set([8, 6], 12);
  const cut = frameOf(packet).slice(0, 60);
  inject(VF_PORT, [arp, cut, new Uint8Array(0)]);
  expect(takeSent(UPLINK_PORT)).toEqual([]);
  expect(await hal.statistics()).toMatchObject({ txError: 3n });
});

test('a packet that a mirror has had encrypted takes no second key', async () => {
  const encapHeader = tunnelHeader({ outer: 'ipv4', innerFamily: 4, version: 1, spi: 9 });
  const encrypt = { cryptoId: 1 };
  const { hal, inject, takeSent } = await openSimHarness();
  await hal.build({
    name: 'twice',
    mirrors: [{ name: 'COPY', targets: [TO_UPLINK] }],
    pipes: [
      everything('ROOT', 'default', undefined, to('OUT'), { isRoot: true }),
      everything('OUT', 'egress', undefined, to('ENCRYPT'), { isRoot: true }),
      everything(
        'ENCRYPT',
        'secure-egress',
        { encap: { netType: 'psp-tunnel', outer: 'ipv4', cookie: false }, encrypt },
        to('AGAIN'),
        { entries: [{ values: { encapHeader } }], monitor: { mirror: 'COPY' } },
      ),
      everything('AGAIN', 'secure-egress', { encrypt }, TO_UPLINK),
    ],
  });
  await hal.setKeys([{ cryptoId: 1, key: new Uint8Array(32) }]);
  inject(VF_PORT, [frameOf(packet)]);
  expect(takeSent(UPLINK_PORT).length).toBe(1);
  expect(hal.fates()).toMatchObject({ in: 1, copies: 1, uplink: 1, lost: 1 });
});

test('random is drawn anew for each look-up, and is one number within it', async () => {
  let drawn = 0;
  const random = { ...seededRandom(1), uint32: () => drawn++ };
  const odd = (bit: number) => ({ 'parser_meta.random': { value: bit, mask: 1 } });
  const { hal, inject, takeRss, settle } = await openSimHarness({ random });
  await hal.build({
    name: 'random',
    pipes: [
      {
        type: 'control',
        name: 'ROOT',
        domain: 'default',
        isRoot: true,
        sizeEntries: 2,
        miss: { to: 'drop' },
        entries: [
          { priority: 0, match: odd(1), forward: { to: 'drop' } },
          { priority: 1, match: odd(0), forward: to('NEXT') },
        ],
      },
      everything('NEXT', 'default', undefined, { to: 'rss' }, { match: odd(1) }),
    ],
  });
  inject(VF_PORT, [frameOf(packet), frameOf(packet), frameOf(packet)]);
  await settle();
  expect(takeRss().length).toBe(3);
  expect(drawn).toBe(6);
});
