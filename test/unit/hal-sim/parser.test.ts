/** What the device finds in a packet: which headers it has, and which of their fields pipes can look at. */
import { describe, expect, test } from 'vitest';
import { L3_IPV4, L3_IPV6, L4_ICMP, L4_TCP, L4_UDP } from '../../../src/hal/fields.js';
import type { ControlEntry, ControlPipe, Pipe } from '../../../src/hal/program.js';
import { UPLINK_PORT } from '../../../src/hal/program.js';
import { setIpv4Checksum } from '../../../src/packet/ipv4.js';
import { opensslEngine } from '../../../src/psp/aead-openssl.js';
import { encapsulate } from '../../../src/psp/encapsulate.js';
import { deriveKey } from '../../../src/psp/key-derivation.js';
import { openSimHarness } from '../../../src/verify/sim-harness.js';

const MASTER_KEYS = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;
const [ICMP, TCP, UDP, ROUTING, FRAGMENT, ICMPV6, DESTINATION_OPTIONS, OTHER] = [
  1, 6, 17, 43, 44, 58, 60, 253,
];
const PSP_PORT = 1000;

/** A packet of which this holds: one of the entries matches it. */
type Looks = readonly Pick<ControlEntry, 'match' | 'condition'>[];
const has = (field: NonNullable<ControlEntry['condition']>['field']): Looks => [
  { match: {}, condition: { field, operation: 'ge', value: 0 } },
];
const is = (match: ControlEntry['match']): Looks => [{ match }];
/** A field that is too wide for a condition: its last bit is one or the other. */
const hasWide = (
  field: 'outer.eth.dst_mac' | 'outer.ip6.src_ip' | 'tun.psp.vc' | 'inner.ip6.src_ip',
): Looks => {
  const octets = { 'outer.eth.dst_mac': 6, 'tun.psp.vc': 8 }[field as string] ?? 16;
  const [mask, zero] = [new Uint8Array(octets), new Uint8Array(octets)];
  mask[octets - 1] = 1;
  return [{ match: { [field]: { value: mask, mask } } }, { match: { [field]: { value: zero, mask } } }];
};

/** What the tests below call it, by how a pipe sees it. */
const FACTS: Readonly<Record<string, Looks>> = {
  macs: hasWide('outer.eth.dst_mac'),
  type: has('outer.eth.type'),
  ip4: is({ 'parser_meta.outer_l3_type': { value: L3_IPV4 } }),
  ip6: is({ 'parser_meta.outer_l3_type': { value: L3_IPV6 } }),
  whole: is({ 'parser_meta.outer_l3_ok': { value: 1 } }),
  checksum: is({ 'parser_meta.outer_ip4_checksum_ok': { value: 1 } }),
  ip4Fields: has('outer.ip4.src_ip'),
  ip6Lengths: has('outer.ip6.payload_len'),
  ip6Addresses: hasWide('outer.ip6.src_ip'),
  tcp: is({ 'parser_meta.outer_l4_type': { value: L4_TCP } }),
  udp: is({ 'parser_meta.outer_l4_type': { value: L4_UDP } }),
  icmp: is({ 'parser_meta.outer_l4_type': { value: L4_ICMP } }),
  ports: has('outer.udp.dst_port'),
  icmpFields: has('outer.icmp.type'),
  psp: has('tun.psp.spi'),
  cookie: hasWide('tun.psp.vc'),
  syndrome: has('parser_meta.psp_syndrome'),
  opened: is({ 'parser_meta.psp_syndrome': { value: 0 } }),
  inner4: is({ 'parser_meta.inner_l3_type': { value: L3_IPV4 } }),
  inner6: is({ 'parser_meta.inner_l3_type': { value: L3_IPV6 } }),
  inner4Fields: has('inner.ip4.src_ip'),
  inner6Fields: hasWide('inner.ip6.src_ip'),
  innerUpper: has('parser_meta.inner_l4_type'),
  innerTcp: is({ 'parser_meta.inner_l4_type': { value: L4_TCP } }),
  innerUdp: is({ 'parser_meta.inner_l4_type': { value: L4_UDP } }),
  innerIcmp: is({ 'parser_meta.inner_l4_type': { value: L4_ICMP } }),
};
const NAMES = Object.keys(FACTS);

/** What holds of each packet; `decrypt`: after it was decrypted. */
async function factsOf(frames: readonly Uint8Array[], { decrypt = false } = {}): Promise<string[][]> {
  const { hal, inject, settle, takeRss } = await openSimHarness({ masterKeys: MASTER_KEYS });
  const to = (pipe: string) => ({ to: 'pipe', pipe }) as const;
  const drop = { to: 'drop' } as const;
  const next = (i: number) => to(NAMES[i + 1] ?? 'END');
  const domain = 'secure-ingress';
  const looks = NAMES.map((name, i): ControlPipe => {
    // One bit of the packet's meta for each fact.
    const bit = 2 ** i;
    const actions = { set: { 'meta.pkt_meta': { value: bit, mask: bit } } };
    const entries = FACTS[name]!.map((look) => ({ ...look, priority: 0, actions, forward: next(i) }));
    return { type: 'control', name, domain, sizeEntries: entries.length, miss: next(i), entries };
  });
  const all = { type: 'basic', domain, sizeEntries: 1, match: {}, miss: drop, entries: [{}] } as const;
  const begin: Pipe = {
    ...all,
    name: 'BEGIN',
    ...(decrypt ? { actions: [{ decrypt }] } : {}),
    forward: to(NAMES[0]!),
  };
  await hal.build({
    name: 'facts',
    pipes: [
      { ...all, name: 'ROOT', domain: 'default', isRoot: true, forward: to('BEGIN') },
      begin,
      ...looks,
      { ...all, name: 'END', forward: { to: 'rss' } },
    ],
  });
  inject(
    UPLINK_PORT,
    frames.map((frame) => frame.slice()),
  );
  await settle();
  const received = takeRss();
  expect(received).toHaveLength(frames.length);
  await hal.close();
  return received.map(({ packetMeta }) => NAMES.filter((_, i) => (packetMeta & (2 ** i)) !== 0));
}

/** One packet's facts, as words. */
const factsOfOne = async (frame: Uint8Array, options?: { decrypt?: boolean }) =>
  (await factsOf([frame], options))[0]!.join(' ');

const words16 = (...values: number[]) => values.flatMap((value) => [value >>> 8, value & 0xff]);
const zeros = (octets: number) => new Array<number>(octets).fill(0);
const ethernet = (type: number, ...ip: number[]) =>
  Uint8Array.from([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...words16(type), ...ip]);

function ip4(protocol: number, payload: readonly number[], { options = 0, flags = 0 } = {}): number[] {
  const header = 20 + options;
  const octets = Uint8Array.from([
    0x40 + header / 4,
    0,
    ...words16(header + payload.length, 0, flags),
    64,
    protocol,
    0,
    0,
    ...[10, 0, 0, 1, 10, 0, 0, 2],
    ...zeros(options),
    ...payload,
  ]);
  setIpv4Checksum(octets, 0);
  return [...octets];
}

const ip6 = (next: number, payload: readonly number[]): number[] => [
  0x60,
  0,
  0,
  0,
  ...words16(payload.length),
  next,
  64,
  ...zeros(15),
  1,
  ...zeros(15),
  2,
  ...payload,
];

const udp = (octets: number, port = 53): number[] => [
  ...words16(5000, port, 8 + octets, 0),
  ...zeros(octets),
];
/** An extension header of eight octets that says what is behind it. */
const extension = (next: number): number[] => [next, ...zeros(7)];
const frame4 = (protocol: number, payload: readonly number[], options = {}) =>
  ethernet(0x0800, ...ip4(protocol, payload, options));
const frame6 = (next: number, payload: readonly number[]) => ethernet(0x86dd, ...ip6(next, payload));

const ETHERNET = 'macs type';
const IP4 = `${ETHERNET} ip4 whole checksum ip4Fields`;
const IP6 = `${ETHERNET} ip6 whole ip6Lengths ip6Addresses`;

describe('outside', () => {
  test('an Ethernet header is there as a whole, or not at all, whatever its type', async () => {
    const frame = frame4(UDP, udp(0));
    const cuts = [0, 6, 13].map((octets) => frame.subarray(0, octets));
    expect(await factsOf(cuts)).toEqual([[], [], []]);
    for (const type of [0, 1500, 0x0800, 0x86dd, 0x8100])
      expect(await factsOfOne(ethernet(type))).toBe(ETHERNET);
    // An IP packet of another type is none.
    expect(await factsOfOne(ethernet(0x0806, ...ip4(UDP, udp(0))))).toBe(ETHERNET);
    expect(await factsOfOne(ethernet(0x8847, ...ip6(UDP, udp(0))))).toBe(ETHERNET);
  });

  test.each([
    ['IPv4', 0x0800, ip4(OTHER, []), `${ETHERNET} ip4`, 'checksum ip4Fields'],
    ['IPv6', 0x86dd, ip6(OTHER, []), `${ETHERNET} ip6`, 'ip6Lengths ip6Addresses'],
  ])(
    '%s is known by its version and a header that is there, and is whole where its lengths fit',
    async (_, type, header, family, fields) => {
      expect(await factsOfOne(ethernet(type, ...header))).toBe(`${family} whole ${fields}`);
      expect(await factsOfOne(ethernet(type, ...header.slice(0, -1)))).toBe(ETHERNET);
      const otherVersion = [header[0]! ^ 0x10, ...header.slice(1)];
      expect(await factsOfOne(ethernet(type, ...otherVersion))).toBe(ETHERNET);
      // One octet more than there is.
      const at = type === 0x0800 ? 3 : 5;
      const tooLong = header.map((octet, i) => (i === at ? octet + 1 : octet));
      const withoutChecksum = fields.replace('checksum ', '');
      expect(await factsOfOne(ethernet(type, ...tooLong))).toBe(`${family} ${withoutChecksum}`);
      expect(await factsOfOne(ethernet(type, ...tooLong, 0))).toBe(`${family} whole ${withoutChecksum}`);
    },
  );

  test('an IPv4 checksum is looked at over the options, too', async () => {
    const frame = frame4(OTHER, [], { options: 8 });
    expect(await factsOfOne(frame)).toBe(IP4);
    frame[14 + 27] = 1;
    expect(await factsOfOne(frame)).toBe(IP4.replace('checksum ', ''));
  });

  test.each([
    ['UDP', UDP, UDP, 8, 'udp ports'],
    ['TCP', TCP, TCP, 20, 'tcp'],
    ['ICMP', ICMP, ICMPV6, 4, 'icmp icmpFields'],
  ])(
    '%s is there where its header fits the IP packet, behind options and extension headers too',
    async (_, over4, over6, octets, facts) => {
      const [fits, short] = [zeros(octets), zeros(octets - 1)];
      const padding = zeros(30);
      const chain = [...extension(DESTINATION_OPTIONS), ...extension(ROUTING), ...extension(over6)];
      for (const frame of [frame4(over4, fits), frame4(over4, fits, { options: 12 })])
        expect(await factsOfOne(frame)).toBe(`${IP4} ${facts}`);
      for (const frame of [frame6(over6, fits), frame6(0, [...chain, ...fits])])
        expect(await factsOfOne(frame)).toBe(`${IP6} ${facts}`);
      // What is behind the IP packet is no part of it.
      expect(await factsOfOne(Uint8Array.from([...frame4(over4, short), ...padding]))).toBe(IP4);
      expect(await factsOfOne(Uint8Array.from([...frame6(over6, short), ...padding]))).toBe(IP6);
      expect(await factsOfOne(Uint8Array.from([...frame6(0, [...chain, ...short]), ...padding]))).toBe(IP6);
      // A chain that does not end in the packet.
      expect(await factsOfOne(Uint8Array.from([...frame6(0, chain.slice(0, 8)), ...chain, ...fits]))).toBe(
        IP6,
      );
    },
  );

  test('each family has an ICMP of its own', async () => {
    expect(await factsOfOne(frame4(ICMPV6, zeros(8)))).toBe(IP4);
    expect(await factsOfOne(frame6(ICMP, zeros(8)))).toBe(IP6);
  });

  test('fragments have no upper layer, not even the first', async () => {
    for (const flags of [0x2000, 0x2001, 0x0001])
      expect(await factsOfOne(frame4(UDP, udp(8), { flags }))).toBe(IP4);
    expect(await factsOfOne(frame4(UDP, udp(8), { flags: 0x4000 }))).toBe(`${IP4} udp ports`);
    for (const offset of [1, 8]) {
      const header = [UDP, 0, ...words16(offset), 0, 0, 0, 1];
      expect(await factsOfOne(frame6(FRAGMENT, [...header, ...udp(8)]))).toBe(IP6);
    }
  });

  test('PSP is behind UDP to its port, where its header fits', async () => {
    const facts = `${IP4} udp ports`;
    expect(await factsOfOne(frame4(UDP, udp(16, PSP_PORT)))).toBe(`${facts} psp`);
    expect(await factsOfOne(frame6(UDP, udp(16, PSP_PORT)))).toBe(`${IP6} udp ports psp`);
    expect(await factsOfOne(frame4(UDP, udp(15, PSP_PORT)))).toBe(facts);
    expect(await factsOfOne(Uint8Array.from([...frame4(UDP, udp(15, PSP_PORT)), 0]))).toBe(facts);
    for (const port of [PSP_PORT + 1, PSP_PORT + 256])
      expect(await factsOfOne(frame4(UDP, udp(16, port)))).toBe(facts);
    // To that port, and from it.
    expect(await factsOfOne(frame4(TCP, udp(30, PSP_PORT)))).toBe(`${IP4} tcp`);
    expect(await factsOfOne(frame4(UDP, [...words16(PSP_PORT, 53, 24, 0), ...zeros(16)]))).toBe(facts);
  });

  test('a cookie is there where the V bit and the length say so, and it fits', async () => {
    const psp = (extLen: number, flags: number, octets = 24) => {
      const datagram = udp(octets, PSP_PORT);
      datagram.splice(9, 3, extLen, 0, flags);
      return frame4(UDP, datagram);
    };
    const facts = `${IP4} udp ports psp`;
    for (const extLen of [2, 3, 255]) expect(await factsOfOne(psp(extLen, 0x03))).toBe(`${facts} cookie`);
    expect(await factsOfOne(psp(1, 0x03))).toBe(facts);
    expect(await factsOfOne(psp(2, 0x01))).toBe(facts);
    expect(await factsOfOne(psp(2, 0x03, 23))).toBe(facts);
    expect(await factsOfOne(Uint8Array.from([...psp(2, 0x03, 23), 0]))).toBe(facts);
    // Where there is no PSP, there is none either.
    expect(await factsOfOne(frame4(UDP, udp(24)))).toBe(`${IP4} udp ports`);
  });
});

describe('inside, once it is decrypted', () => {
  /** The packet in a tunnel, or as `nextHeader` says. */
  const opened = async (ip: readonly number[], nextHeader?: number) => {
    const outer = frame4(UDP, []).subarray(0, 34);
    const seal = {
      engine: opensslEngine,
      version: 1,
      spi: 7,
      key: deriveKey(MASTER_KEYS[0], 7, 1),
      iv: 1n,
      sourcePort: 50_000,
      cryptOffsetWords: 0,
    } as const;
    if (nextHeader === undefined) {
      const isIpv4 = ip[0]! >>> 4 === 4;
      const frame = ethernet(isIpv4 ? 0x0800 : 0x86dd, ...ip);
      return inner(await factsOfOne(encapsulate(frame, { ...seal, outerHeader: outer }), { decrypt: true }));
    }
    // Transport mode puts what the IP packet carried behind a PSP header that names its protocol.
    return inner(await factsOfOne(encapsulate(frame4(nextHeader, ip), seal), { decrypt: true }));
  };
  const OUTSIDE = `${IP4} udp ports psp syndrome opened`;
  const inner = (facts: string) => {
    expect(facts.startsWith(OUTSIDE)).toBe(true);
    return facts.slice(OUTSIDE.length).trim();
  };
  const INNER4 = 'inner4 inner4Fields innerUpper';
  const INNER6 = 'inner6 inner6Fields innerUpper';

  test.each([
    ['UDP', UDP, UDP, 8, 'innerUdp'],
    ['TCP', TCP, TCP, 20, 'innerTcp'],
    ['ICMP', ICMP, ICMPV6, 4, 'innerIcmp'],
  ])('%s is there where its header fits', async (_, over4, over6, octets, fact) => {
    const [fits, short] = [zeros(octets), zeros(octets - 1)];
    const chain = [...extension(DESTINATION_OPTIONS), ...extension(over6)];
    for (const ip of [ip4(over4, fits), ip4(over4, fits, { options: 40 })])
      expect(await opened(ip)).toBe(`${INNER4} ${fact}`);
    for (const ip of [ip6(over6, fits), ip6(0, [...chain, ...fits])])
      expect(await opened(ip)).toBe(`${INNER6} ${fact}`);
    for (const ip of [ip4(over4, short), ip4(over4, short, { options: 40 })])
      expect(await opened(ip)).toBe(INNER4);
    for (const ip of [ip6(over6, short), ip6(0, [...chain, ...short]), ip6(0, chain.slice(0, 8))])
      expect(await opened(ip)).toBe(INNER6);
  });

  test('fragments have no upper layer', async () => {
    expect(await opened(ip4(UDP, udp(8), { flags: 0x2000 }))).toBe(INNER4);
    expect(await opened(ip6(FRAGMENT, [UDP, 0, 0, 1, 0, 0, 0, 1, ...udp(8)]))).toBe(INNER6);
  });

  test('an IP packet is there where the next header names its version', async () => {
    expect(await opened(ip4(UDP, udp(0)), 4)).toBe(`${INNER4} innerUdp`);
    expect(await opened(ip6(UDP, udp(0)), 41)).toBe(`${INNER6} innerUdp`);
    expect(await opened(ip6(UDP, udp(0)), 4)).toBe('');
    expect(await opened(ip4(UDP, udp(0)), 41)).toBe('');
    for (const nextHeader of [UDP, OTHER]) {
      expect(await opened(ip4(UDP, udp(0)), nextHeader)).toBe('');
      expect(await opened(ip6(UDP, udp(0)), nextHeader)).toBe('');
    }
    // One octet of it is missing.
    expect(await opened(ip4(UDP, udp(0)).slice(0, -1), 4)).toBe('');
    expect(await opened(ip6(UDP, udp(0)).slice(0, -1), 41)).toBe('');
  });
});
