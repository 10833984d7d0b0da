import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIpv6 } from '../../../src/packet/address.js';
import { buildIpv6Packet, findIpv6UpperLayer, ipv6HeaderValid } from '../../../src/packet/ipv6.js';

interface Extension {
  readonly type: number;
  readonly octets: number[];
}

/** Extension headers without their first octet, which names the next one. */
const extension: fc.Arbitrary<Extension> = fc.oneof(
  fc.tuple(fc.constantFrom(0, 43, 60), fc.nat(3)).map(([type, units]) => ({
    type,
    octets: [units, ...new Array(6 + 8 * units).fill(0xa5)],
  })),
  // AH counts in words of 4 octets, less 2 (RFC 4302, section 2.2).
  fc.nat(5).map((words) => ({ type: 51, octets: [words, ...new Array((words + 2) * 4 - 2).fill(0xa5)] })),
);
const fragment = (units: number, more: boolean): Extension => {
  const field = (units << 3) | (more ? 1 : 0);
  return { type: 44, octets: [0, field >>> 8, field & 0xff, 0, 0, 0, 7] };
};

function packetOf(extensions: readonly Extension[], protocol: number, data: Uint8Array): Uint8Array {
  const types = [...extensions.map(({ type }) => type), protocol];
  const payload = extensions.flatMap(({ octets }, i) => [types[i + 1]!, ...octets]);
  return buildIpv6Packet({
    source: parseIpv6('2001:db8::1'),
    destination: parseIpv6('2001:db8::2'),
    nextHeader: types[0]!,
    hopLimit: 64,
    payload: Uint8Array.from([...payload, ...data]),
  });
}

const upperLayer = fc.constantFrom(6, 17, 58, 132, 59);
const some = fc.array(extension, { maxLength: 4 });
const data = fc.uint8Array({ maxLength: 12 });

describe('the upper layer of an IPv6 packet', () => {
  test('is found behind any chain of extension headers, with the octet that names it', () => {
    fc.assert(
      fc.property(some, upperLayer, data, (extensions, protocol, payload) => {
        const packet = packetOf(extensions, protocol, payload);
        const upper = findIpv6UpperLayer(packet, 0, packet.length)!;
        expect(upper).toMatchObject({ protocol, isFragment: false, isFirstFragment: false });
        expect(packet.subarray(upper.offset)).toEqual(payload);
        packet[upper.nextHeaderOffset] = 89;
        expect(findIpv6UpperLayer(packet, 0, packet.length)!.protocol).toBe(89);
      }),
    );
  });

  test('of a first fragment lies behind all headers', () => {
    fc.assert(
      fc.property(some, some, upperLayer, data, (before, after, protocol, payload) => {
        const packet = packetOf([...before, fragment(0, true), ...after], protocol, payload);
        const upper = findIpv6UpperLayer(packet, 0, packet.length)!;
        expect(upper).toMatchObject({ protocol, isFragment: true, isFirstFragment: true });
        expect(packet.subarray(upper.offset)).toEqual(payload);
      }),
    );
  });

  test('of a later fragment is not there: what follows the fragment header is data', () => {
    fc.assert(
      fc.property(
        some,
        fc.integer({ min: 1, max: 0x1fff }),
        fc.boolean(),
        data,
        (before, units, more, payload) => {
          const packet = packetOf([...before, fragment(units, more)], 60, payload);
          const upper = findIpv6UpperLayer(packet, 0, packet.length)!;
          expect(upper).toMatchObject({ protocol: 60, isFragment: true, isFirstFragment: false });
          expect(packet.subarray(upper.offset)).toEqual(payload);
        },
      ),
    );
  });

  test('an atomic fragment (RFC 6946) is a whole packet', () => {
    const packet = packetOf([fragment(0, false)], 17, new Uint8Array(8));
    expect(findIpv6UpperLayer(packet, 0, packet.length)).toMatchObject({
      isFragment: false,
      isFirstFragment: false,
    });
  });

  test('a cut within the headers is noticed, whatever octets follow the packet', () => {
    fc.assert(
      fc.property(fc.array(extension, { minLength: 1, maxLength: 4 }), (extensions) => {
        const packet = packetOf(extensions, 17, new Uint8Array(0));
        for (let end = 0; end < packet.length; end++) {
          expect(findIpv6UpperLayer(packet, 0, end)).toBeUndefined();
        }
        expect(findIpv6UpperLayer(packet, 0, packet.length)).toBeDefined();
      }),
    );
  });

  test('more extension headers than any honest packet has are given up', () => {
    const many = (count: number) => {
      const packet = packetOf(
        Array.from({ length: count }, () => ({ type: 60, octets: [0, 0, 0, 0, 0, 0, 0] })),
        17,
        new Uint8Array(8),
      );
      return findIpv6UpperLayer(packet, 0, packet.length);
    };
    expect(many(16)).toMatchObject({ protocol: 17 });
    expect(many(17)).toBeUndefined();
  });
});

test('a header is valid when version and length say so', () => {
  const packet = packetOf([], 17, new Uint8Array(9));
  expect(ipv6HeaderValid(packet, 0, packet.length)).toBe(true);
  expect(ipv6HeaderValid(packet, 0, packet.length - 1)).toBe(false);
  expect(ipv6HeaderValid(packet, 0, 39)).toBe(false);
  packet[0] = 0x45;
  expect(ipv6HeaderValid(packet, 0, packet.length)).toBe(false);
});
