import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, test } from 'vitest';
import {
  AddressError,
  ipFamily,
  ipFromOctets,
  ipToOctets,
  ipv4ToNumber,
  macFromOctets,
  macToOctets,
  parseIp,
  parseIpv4,
  parseIpv6,
  parseMac,
} from '../../../src/packet/address.js';

const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
/** Groups that are often zero, so that all kinds of :: come up. */
const sparse = fc
  .array(fc.constantFrom(0, 0, 0, 1, 0xab, 0xfe80, 0xffff), { minLength: 8, maxLength: 8 })
  .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255])));

describe('addresses', () => {
  test('octets to text and back, for every IPv4, IPv6 and MAC address', () => {
    fc.assert(
      fc.property(octets(4), fc.oneof(octets(16), sparse), octets(6), (ip4, ip6, mac) => {
        expect(ipToOctets(ipFromOctets(ip4, 0, 4))).toEqual(ip4);
        const text = ipFromOctets(ip6, 0, 6);
        expect(ipToOctets(text)).toEqual(ip6);
        expect(parseIp(text)).toBe(text);
        expect(text).toBe(
          ipaddr.fromByteArray([...ip6]).kind() === 'ipv6' ? new ipaddr.IPv6([...ip6]).toRFC5952String() : '',
        );
        expect(macToOctets(macFromOctets(mac))).toEqual(mac);
        expect(parseMac(macFromOctets(mac))).toBe(macFromOctets(mac));
      }),
    );
  });

  // RFC 5952, section 4.
  test.each([
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8::AbC', '2001:db8::abc'],
    ['0:0:0:0:0:0:0:0', '::'],
  ])('%s is written %s', (text, canonical) => {
    expect(parseIpv6(text)).toBe(canonical);
    expect(parseIpv6(text)).toBe(canonical);
    expect(ipFamily(parseIp(text))).toBe(6);
  });

  test.each(['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', ' 1.2.3.4', '1.2.3.4/8', 'x'])(
    '%j is no IPv4 address',
    (text) => {
      expect(() => parseIpv4(text)).toThrow(AddressError);
    },
  );

  test.each(['', ':', ':::', '1::2::3', 'fe80::1%eth0', '12345::', '1:2:3:4:5:6:7:8:9', '1.2.3.4'])(
    '%j is no IPv6 address',
    (text) => {
      expect(() => parseIpv6(text)).toThrow(AddressError);
    },
  );

  test.each(['', '02:00:00:00:00', '02:00:00:00:00:0g', '0200.0000.0001'])('%j is no MAC address', (text) => {
    expect(() => parseMac(text)).toThrow(AddressError);
  });

  test('an IPv4 address as a number', () => {
    expect(ipv4ToNumber(parseIpv4('255.1.0.7'))).toBe(0xff010007);
    expect(parseMac('02-AB-00-00-00-01')).toBe('02:ab:00:00:00:01');
  });
});
