import { expect, test } from 'vitest';
import { AddressError } from '../../../src/packet/address.js';
import { parseNetwork, parsePrefix } from '../../../src/packet/prefix.js';

const BOTH = [parsePrefix, parseNetwork];

test.each([
  ['192.0.2.0/24', 24],
  ['192.0.2.1', 32],
  ['0.0.0.0/0', 0],
  ['::/0', 0],
  ['2001:db8::/64', 64],
  // All of IPv4, as IPv6 writes it.
  ['::ffff:0:0/96', 0],
  ['::ffff:192.0.2.0/120', 24],
])('%s is a prefix of %i bits', (text, bits) => {
  for (const parse of BOTH) expect(parse(text).bits).toBe(bits);
});

test.each([
  ['::ffff:1.2.3.0/90', /shorter than their \/96, so that it is of neither family; write one of IPv4/],
  ['::ffff:0:0/95', /shorter than their \/96/],
  ['::ffff:1.2.3.4/0', /shorter than their \/96/],
  ['10.0.0.0/08', /no zeros before it; write 10\.0\.0\.0\/8$/],
  ['2001:db8::/064', /write 2001:db8::\/64$/],
  ['10.0.0.0/00', /write 10\.0\.0\.0\/0$/],
  ['10.0.0.0/33', /is not an address or a prefix/],
  ['10.0.0.0/', /is not an address or a prefix/],
  ['10.0.0.0/8/8', /is not an address or a prefix/],
  ['10.0.0.0/-1', /is not an address or a prefix/],
])('%s is refused with the reason', (text, reason) => {
  for (const parse of BOTH) {
    expect(() => parse(text)).toThrow(AddressError);
    expect(() => parse(text)).toThrow(reason);
  }
});
