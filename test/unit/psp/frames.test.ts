/** Which frames are PSP, whose key each needs, and what is refused, before and after the cryptography. */
import { describe, expect, test } from 'vitest';
import { parseIp } from '../../../src/packet/address.js';
import type { AeadEngine } from '../../../src/psp/aead.js';
import { opensslEngine } from '../../../src/psp/aead-openssl.js';
import { associationOf, decapsulate } from '../../../src/psp/decapsulate.js';
import { type EncapsulateOptions, EncapsulationError, encapsulate } from '../../../src/psp/encapsulate.js';
import { encapsulateAsReference } from '../../../src/psp/reference-tool.js';
import { type Family, frameOf, type InnerPacket, V1, V2 } from '../../../src/verify/inner-packets.js';
import { outerHeaderTo } from '../../support/psp-frames.js';
import { toHex } from '../../support/reference-vectors.js';

const RECEIVER = { 4: parseIp('192.0.2.7'), 6: parseIp('2001:db8::7') } as const;
const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);
const SPI = 0x80000123;
/** From the frame's first octet, over IPv4 without options. */
const IP = 14;
const UDP = IP + 20;
const PSP = UDP + 8;

const inner = (family: Family, over: Partial<InnerPacket> = {}) =>
  frameOf({
    family,
    source: V1[family],
    destination: V2[family],
    protocol: 17,
    payload: Uint8Array.from([0x9c, 0x40, 0x13, 0x88, 0, 24, 0, 0, ...new Uint8Array(16).fill(0x61)]),
    trafficClass: 0,
    ttl: 64,
    ...over,
  });

const seal = (frame: Uint8Array, over: Partial<EncapsulateOptions> = {}) =>
  encapsulate(frame, {
    engine: opensslEngine,
    version: 1,
    spi: SPI,
    key: KEY,
    iv: 9n,
    cryptOffsetWords: 0,
    sourcePort: 50_000,
    ...over,
  });
const tunnelled = (family: Family, outer: Family = 4, over: Partial<EncapsulateOptions> = {}) =>
  seal(inner(family), { outerHeader: outerHeaderTo(RECEIVER[outer]), ...over });

const open = (frame: Uint8Array, engine = opensslEngine) =>
  decapsulate(frame, { engine, deriveKeyInto: (_spi, _version, out, offset) => out.set(KEY, offset) });
/** The frame without its Ethernet addresses, or why there is none. */
const opened = (frame: Uint8Array, engine?: AeadEngine) => {
  const result = open(frame, engine);
  return 'frame' in result ? toHex(result.frame.subarray(12)) : result.failure;
};
/** Finds every ICV right. */
const gullible: AeadEngine = { ...opensslEngine, seal: () => {}, open: () => true };

/** A copy with other octets from `at` on. */
function changed(frame: Uint8Array, at: number, ...octets: number[]): Uint8Array {
  const copy = frame.slice();
  copy.set(octets, at);
  return copy;
}

describe('a frame needs the key', () => {
  test.each([4, 6] as const)('of the SPI, the version and the outer IPv%i destination', (outer) => {
    const association = { receiver: RECEIVER[outer], spi: SPI, version: 1 };
    expect(associationOf(tunnelled(4, outer))).toEqual(association);
    expect(opened(tunnelled(4, outer))).toBe(toHex(inner(4).subarray(12)));
    expect(opened(tunnelled(6, outer))).toBe(toHex(inner(6).subarray(12)));
    const other = tunnelled(4, outer, { version: 3, spi: 1 });
    expect(associationOf(other)).toEqual({ ...association, version: 3, spi: 1 });
  });
});

describe('a frame is refused', () => {
  const whole = tunnelled(4);
  test.each([
    ['that is not IP', changed(whole, 12, 8, 6), 'not-psp'],
    ['whose IP packet is cut', whole.subarray(0, whole.length - 1), 'not-psp'],
    ['that is another protocol', changed(whole, IP + 9, 6), 'not-psp'],
    ['whose packet ends within the UDP header', changed(whole, IP + 2, 0, 27), 'not-psp'],
    ['to the port before', changed(whole, UDP + 2, 0x03, 0xe7), 'not-psp'],
    ['to another port of the same low octet', changed(whole, UDP + 2, 0, 0xe8), 'not-psp'],
    ['whose packet ends with the UDP header', changed(whole, IP + 2, 0, 28, 0, 0), 'error'],
    ['whose datagram is shorter than its header', changed(whole, UDP + 4, 0, 7), 'error'],
    ['whose datagram is empty', changed(whole, UDP + 4, 0, 8), 'error'],
    ['whose datagram is longer than its packet', changed(whole, UDP + 4, 0, whole.length - UDP + 1), 'error'],
    ['whose header is longer than it', changed(whole, PSP + 1, 255), 'error'],
    ['of a reserved version', changed(whole, PSP + 3, 0x11), 'bad'],
    ['of an impossible SPI', changed(whole, PSP + 4, 0x80, 0, 0, 0), 'bad'],
  ])('%s', (_, frame, why) => {
    expect(associationOf(frame)).toBe(why);
    expect(open(frame)).toEqual({ failure: why });
    // Not for want of a key.
    expect(open(frame, gullible)).toEqual({ failure: why });
  });

  test('that is not what was sealed, in any of its authenticated octets', () => {
    for (let at = PSP; at < whole.length; at++) {
      if (at === PSP + 1 || at === PSP + 2 || at === PSP + 3) continue;
      expect(opened(changed(whole, at, whole[at]! ^ 1))).toBe('auth-fail');
    }
  });

  test('that was authenticated and holds no IP packet of its next header', () => {
    const [four, six] = [tunnelled(4, 4, { engine: gullible }), tunnelled(6, 4, { engine: gullible })];
    expect(opened(four, gullible)).toBe(toHex(inner(4).subarray(12)));
    expect(opened(six, gullible)).toBe(toHex(inner(6).subarray(12)));
    expect(opened(changed(four, PSP, 41), gullible)).toBe('error');
    expect(opened(changed(six, PSP, 4), gullible)).toBe('error');
    // One that says that it is longer.
    expect(opened(changed(four, PSP + 16 + 2, 2, 0), gullible)).toBe('error');
  });
});

describe('what UDP says is the datagram', () => {
  test('though octets of the IP packet are behind it', () => {
    const whole = tunnelled(4);
    const padded = Uint8Array.from([...whole, 0, 0, 0, 0]);
    padded.set([0, padded.length - IP], IP + 2);
    expect(opened(padded)).toBe(toHex(inner(4).subarray(12)));
  });

  test('though the outer header says that it is a fragment, if nothing is behind it', () => {
    const fragment = changed(tunnelled(4), IP + 6, 0x20, 0);
    expect(opened(fragment)).toBe(toHex(inner(4).subarray(12)));
    expect(associationOf(fragment)).toEqual({ receiver: RECEIVER[4], spi: SPI, version: 1 });
    const longer = Uint8Array.from([...fragment, 0, 0]);
    longer.set([0, longer.length - IP], IP + 2);
    expect(opened(longer)).toBe('not-psp');
    // A fragment whose octets are anything.
    for (const at of [UDP + 4, PSP + 3]) expect(opened(changed(fragment, at, 0xff))).toBe('not-psp');
    expect(opened(changed(fragment, UDP + 2, 0, 53))).toBe('not-psp');
  });

  test('and not in a fragment of IPv6', () => {
    const whole = tunnelled(4, 6);
    const fragment = Uint8Array.from([
      ...whole.subarray(0, 54),
      ...[17, 0, 0, 1, 0, 0, 0, 7],
      ...whole.subarray(54),
    ]);
    fragment[20] = 44;
    fragment.set([0, fragment.length - 54], 18);
    expect(opened(fragment)).toBe('not-psp');
    expect(associationOf(fragment)).toBe('not-psp');
  });
});

describe('a frame is not encapsulated', () => {
  const refused = (frame: Uint8Array, over: Partial<EncapsulateOptions> = {}) => {
    expect(() => seal(frame, over)).toThrow(EncapsulationError);
    return expect(() => seal(frame, over));
  };
  const outerHeader = outerHeaderTo(RECEIVER[4]);
  const NO_PACKET = 'the frame holds no whole IPv4 or IPv6 packet';

  test.each([
    ['that is not IP', changed(inner(4), 12, 8, 6)],
    ['of IPv4 that is none', changed(inner(6), 12, 8, 0)],
    ['of IPv6 that is none', changed(inner(4), 12, 0x86, 0xdd)],
    ['whose packet is cut, of IPv4', inner(4).subarray(0, -1)],
    ['whose packet is cut, of IPv6', inner(6).subarray(0, -1)],
  ])('%s', (_, frame) => {
    for (const over of [{}, { outerHeader }]) refused(frame, over).toThrow(NO_PACKET);
    const reference = { engine: opensslEngine, version: 1, spi: 1, key: KEY, iv: 1n } as const;
    for (const mode of ['tunnel', 'transport'] as const) {
      expect(() =>
        encapsulateAsReference(frame, { ...reference, cryptOffsetWords: 0, mode, cookie: false }),
      ).toThrow(NO_PACKET);
    }
  });

  test('that is a fragment, in transport mode', () => {
    const ipv4 = changed(inner(4), IP + 6, 0x20, 0);
    const ipv6 = inner(6, { protocol: 44, payload: Uint8Array.from([17, 0, 0, 1, 0, 0, 0, 7, 1, 2, 3, 4]) });
    for (const frame of [ipv4, ipv6]) {
      refused(frame).toThrow('transport mode needs a whole upper layer, not a fragment');
      expect(opened(seal(frame, { outerHeader }))).toBe(toHex(frame.subarray(12)));
    }
  });

  test('whose extension headers do not fit, in transport mode', () => {
    const frame = inner(6, { protocol: 60, payload: Uint8Array.from([17, 9, 0, 0, 0, 0, 0, 0]) });
    refused(frame).toThrow('transport mode needs a whole upper layer');
  });

  test('with a crypt offset behind the end of its payload', () => {
    // 24 octets of UDP.
    const frame = inner(4);
    refused(frame, { cryptOffsetWords: 7 }).toThrow(
      'a crypt offset of 28 octets points past the end of the payload',
    );
    expect(opened(seal(frame, { cryptOffsetWords: 6 }))).toBe(toHex(frame.subarray(12)));
  });
});

test.each([4, 6] as const)('the padding of a short frame with an IPv%i packet does not get in', (family) => {
  const padded = Uint8Array.from([...inner(family), 0xee, 0xee]);
  for (const over of [{}, { outerHeader: outerHeaderTo(RECEIVER[4]) }]) {
    expect(opened(seal(padded, over))).toBe(toHex(inner(family).subarray(12)));
  }
});
