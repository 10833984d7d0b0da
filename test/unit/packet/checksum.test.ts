import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { internetChecksum, onesComplementSum, pseudoHeaderSum } from '../../../src/packet/checksum.js';

/** The same sum modulo 2^16 - 1, from whole numbers. */
function congruent(octets: Uint8Array): number {
  let value = 0n;
  for (let i = 0; i < octets.length; i += 2) value += BigInt((octets[i]! << 8) | (octets[i + 1] ?? 0));
  return Number(value % 0xffffn);
}

describe('the Internet checksum', () => {
  test('the example of RFC 1071, section 3', () => {
    const octets = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
    expect(onesComplementSum(octets, 0, 8)).toBe(0xddf2);
    expect(internetChecksum(octets, 0, 8)).toBe(0x220d);
  });

  test('is the sum modulo 2^16 - 1, odd lengths padded with zero', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 101 }), (octets) => {
        const sum = onesComplementSum(octets, 0, octets.length);
        expect(sum).toBeLessThanOrEqual(0xffff);
        expect(sum % 0xffff).toBe(congruent(octets));
        expect(sum === 0).toBe(octets.every((octet) => octet === 0));
      }),
    );
  });

  test('sums of parts add up, and octets outside do not count', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 80 }), fc.nat(30), fc.nat(30), (octets, a, b) => {
        const start = a % octets.length;
        const middle = Math.min(octets.length, start + 2 * (b % 20));
        const whole = onesComplementSum(octets, start, octets.length);
        const first = onesComplementSum(octets, start, middle);
        expect(onesComplementSum(octets, middle, octets.length, first)).toBe(whole);
        expect(onesComplementSum(octets.slice(start), 0, octets.length - start)).toBe(whole);
      }),
    );
  });

  test('the longest packet of ones does not overflow', () => {
    const octets = new Uint8Array(65_535).fill(0xff);
    expect(onesComplementSum(octets, 0, octets.length, 0xffffffff) % 0xffff).toBe(congruent(octets));
  });

  test('pseudo headers have the words of RFC 9293 and RFC 8200, lengths above 16 bits included', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(4 as const, 6 as const),
        fc.uint8Array({ minLength: 60, maxLength: 60 }),
        fc.nat(255),
        fc.nat(0xfffff),
        (family, packet, protocol, length) => {
          const ipv4 = family === 4;
          const addresses = packet.subarray(10 + (ipv4 ? 12 : 8), 10 + (ipv4 ? 20 : 40));
          const pseudo = [...addresses, length >>> 24, length >>> 16, length >>> 8, length, 0, protocol];
          const expected = congruent(Uint8Array.from(pseudo));
          expect(pseudoHeaderSum(packet, 10, family, protocol, length) % 0xffff).toBe(expected);
        },
      ),
    );
  });
});
