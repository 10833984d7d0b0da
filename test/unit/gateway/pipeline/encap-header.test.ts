import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { buildEncapHeader, type EncapHeaderOptions } from '../../../../src/gateway/pipeline/encap-header.js';
import type { TunnelParameters } from '../../../../src/gateway/rpc/tunnel-messages.js';
import { parseIp, parseMac } from '../../../../src/packet/address.js';
import { toHex } from '../../../support/reference-vectors.js';

const peer: TunnelParameters = {
  mac: parseMac('02:00:00:00:00:0b'),
  underlayIp: parseIp('203.0.113.2'),
  pspVersion: 1,
  spi: 0x80000005,
  key: new Uint8Array(32),
  cookie: 0x0102030405060708n,
};
/** Of another peer, over another family: what was built before, so that nothing of it is left. */
const other: TunnelParameters = { ...peer, underlayIp: parseIp('2001:db8::2'), pspVersion: 0 };
const options: EncapHeaderOptions = {
  mode: 'tunnel',
  innerFamily: 6,
  cryptOffsetWords: 12,
  cookies: true,
  sourceMac: parseMac('02:00:00:00:00:0a'),
  sourceIp: parseIp('203.0.113.1'),
};

const EXTENSIONS = ['', '0000000000000001', '0000000000000002', '0102030405060708090a0b0c0d0e0f10'].map(
  (hex) => Uint8Array.from(Buffer.from(hex, 'hex')),
);

beforeEach(() => {
  buildEncapHeader(other, { ...options, sourceIp: parseIp('2001:db8::1') });
});

test('the octets of a tunnel over IPv4 with cookie, put together by hand', () => {
  expect(toHex(buildEncapHeader(peer, options))).toBe(
    `02000000000b${'02000000000a'}0800` + // Ethernet
      `4500${'0000'}00004000${'4011'}0000cb007101cb007102` + // IPv4: DF, TTL 64, UDP; lengths and checksum are the device's
      '000003e800000000' + // UDP to port 1000
      `29020c07${'80000005'}${'0000000000000000'}0102030405060708`, // PSP: IPv6, 2, offset 12, version 1 and V
  );
});

test('the octets of a tunnel over IPv6, without cookie', () => {
  const over6 = { ...options, sourceIp: parseIp('2001:db8::1'), cookies: false, innerFamily: 4 } as const;
  expect(toHex(buildEncapHeader({ ...peer, underlayIp: parseIp('2001:db8::2') }, over6))).toBe(
    `02000000000b${'02000000000a'}86dd` + // Ethernet
      `60000000${'0000'}1132` + // IPv6: UDP, hop limit 50; the length is the device's
      `20010db8${'0'.repeat(23)}1${'20010db8'}${'0'.repeat(23)}2` +
      '000003e800000000' + // UDP to port 1000
      `04010c05${'80000005'}${'0000000000000000'}`, // PSP: IPv4, 1, offset 12, version 1
  );
});

test('transport mode begins with UDP, and leaves the next header to the device', () => {
  expect(
    toHex(buildEncapHeader(peer, { ...options, mode: 'transport', cookies: false, cryptOffsetWords: 0 })),
  ).toBe(`000003e800000000${'00010005'}${'80000005'}0000000000000000`);
});

test('extension fields stand behind the cookie, and the length says so', () => {
  const extension = Uint8Array.of(0xe1, 0xe2, 0xe3, 0xe4, 0, 0, 0, 0);
  expect(toHex(buildEncapHeader(peer, { ...options, extension, mode: 'transport' }))).toBe(
    `000003e800000000${'00030c07'}${'80000005'}${'0000000000000000'}${'0102030405060708'}e1e2e3e400000000`,
  );
});

describe('a header is its own, though what alone differs from the one before is', () => {
  const cases: [string, Partial<TunnelParameters>, Partial<EncapHeaderOptions>][] = [
    ["the peer's MAC", { mac: parseMac('02:00:00:00:00:0c') }, {}],
    ["the peer's address", { underlayIp: parseIp('203.0.113.3') }, {}],
    ['the version', { pspVersion: 0, key: new Uint8Array(16) }, {}],
    ['the SPI', { spi: 6 }, {}],
    ['the cookie', { cookie: 1n }, {}],
    ['the mode', {}, { mode: 'transport' }],
    ['the inner family', {}, { innerFamily: 4 }],
    ['the crypt offset', {}, { cryptOffsetWords: 5 }],
    ['whether there is a cookie', {}, { cookies: false }],
    ['extension fields', {}, { extension: new Uint8Array(8) }],
    ['our MAC', {}, { sourceMac: parseMac('02:00:00:00:00:1a') }],
    ['our address', {}, { sourceIp: parseIp('203.0.113.9') }],
    ['the next hop', {}, { nexthopDmac: parseMac('02:00:00:00:00:99') }],
  ];
  test.each(cases)('%s', (_, changedPeer, changedOptions) => {
    const build = () =>
      toHex(buildEncapHeader({ ...peer, ...changedPeer }, { ...options, ...changedOptions }));
    const whole = build();
    const before = toHex(buildEncapHeader(peer, options));
    expect(build()).toBe(whole);
    expect(whole).not.toBe(before);
  });
});

test('a header never depends on those that were built before', () => {
  const varied = fc.record({
    mac: fc.constantFrom('02:00:00:00:00:0b', '02:00:00:00:00:0c'),
    ip: fc.constantFrom('203.0.113.2', '203.0.113.3', '2001:db8::2'),
    version: fc.constantFrom(0 as const, 1 as const),
    spi: fc.integer({ min: 1, max: 9 }),
    cookie: fc.bigInt({ min: 0n, max: 3n }),
    mode: fc.constantFrom('tunnel' as const, 'transport' as const),
    innerFamily: fc.constantFrom(4 as const, 6 as const),
    cookies: fc.boolean(),
    extension: fc.constantFrom(...EXTENSIONS),
    offset: fc.constantFrom(0, 5),
    nexthop: fc.option(fc.constant(parseMac('02:00:00:00:00:99')), { nil: undefined }),
  });
  const seen = new Map<string, string>();
  fc.assert(
    fc.property(varied, (one) => {
      const header = buildEncapHeader(
        {
          ...peer,
          mac: parseMac(one.mac),
          underlayIp: parseIp(one.ip),
          pspVersion: one.version,
          spi: one.spi,
          cookie: one.cookie,
        },
        {
          ...options,
          sourceIp: parseIp(one.ip.includes(':') ? '2001:db8::1' : '203.0.113.1'),
          mode: one.mode,
          innerFamily: one.innerFamily,
          cookies: one.cookies,
          extension: one.extension,
          cryptOffsetWords: one.offset,
          ...(one.nexthop === undefined ? {} : { nexthopDmac: one.nexthop }),
        },
      );
      const text = toHex(header);
      // What is in the header says what it was made of: equal options, equal octets, and the fields are where they belong.
      const key = JSON.stringify(one, (_, value) => (typeof value === 'bigint' ? String(value) : value));
      expect(seen.get(key) ?? text).toBe(text);
      seen.set(key, text);
      const fields = text.length - 2 * one.extension.length;
      expect(text.slice(fields)).toBe(toHex(one.extension));
      const psp = fields - (one.cookies ? 48 : 32);
      expect(Number.parseInt(text.slice(psp + 2, psp + 4), 16)).toBe((text.length - psp) / 16 - 1);
      expect(text.slice(psp + 8, psp + 16)).toBe(one.spi.toString(16).padStart(8, '0'));
      expect(text.slice(psp + 4, psp + 6)).toBe(one.offset.toString(16).padStart(2, '0'));
      expect(Number.parseInt(text.slice(psp + 6, psp + 8), 16)).toBe(
        (one.version << 2) | (one.cookies ? 3 : 1),
      );
      if (one.cookies) expect(text.slice(psp + 32, fields)).toBe(one.cookie.toString(16).padStart(16, '0'));
      if (one.mode === 'tunnel') {
        expect(text.slice(0, 12)).toBe((one.nexthop ?? one.mac).replaceAll(':', ''));
        expect(text.slice(psp, psp + 2)).toBe(one.innerFamily === 4 ? '04' : '29');
        expect(text.slice(24, 28)).toBe(one.ip.includes(':') ? '86dd' : '0800');
      }
    }),
    { numRuns: 500 },
  );
});
