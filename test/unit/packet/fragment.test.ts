import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIpv4 } from '../../../src/packet/address.js';
import { fragmentIpv4 } from '../../../src/packet/fragment.js';
import {
  buildIpv4Packet,
  ipv4ChecksumOk,
  ipv4FlagsFragment,
  ipv4HeaderLength,
  ipv4HeaderValid,
  ipv4TotalLength,
  setIpv4Checksum,
  setIpv4TotalLength,
} from '../../../src/packet/ipv4.js';

const IP = 14;
const MORE = 0x2000;

/** A frame with the given options (whole words) and data; the MACs are there to be kept. */
function frameOf(options: readonly number[], data: Uint8Array, flagsFragment = 0): Uint8Array {
  const plain = buildIpv4Packet({
    source: parseIpv4('192.0.2.1'),
    destination: parseIpv4('192.0.2.2'),
    protocol: 17,
    ttl: 9,
    payload: data,
    identification: 0xbeef,
    dscpEcn: 0xb8,
  });
  const frame = new Uint8Array(IP + plain.length + options.length);
  frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]);
  frame.set(plain.subarray(0, 20), IP);
  frame.set(options, IP + 20);
  frame.set(data, IP + 20 + options.length);
  frame[IP] = 0x45 + options.length / 4;
  frame[IP + 6] = flagsFragment >>> 8;
  frame[IP + 7] = flagsFragment;
  setIpv4TotalLength(frame, IP, frame.length - IP);
  setIpv4Checksum(frame, IP);
  return frame;
}

const dataOf = (frame: Uint8Array) =>
  frame.subarray(IP + ipv4HeaderLength(frame, IP), IP + ipv4TotalLength(frame, IP));
const offsetOf = (frame: Uint8Array) => (ipv4FlagsFragment(frame, IP) & 0x1fff) * 8;
const moreOf = (frame: Uint8Array) => (ipv4FlagsFragment(frame, IP) & MORE) !== 0;

/** The receiver's side: data by offset. Every octet comes exactly once, and only the last piece ends the packet. */
function reassemble(fragments: readonly Uint8Array[]): Uint8Array {
  const sorted = [...fragments].sort((a, b) => offsetOf(a) - offsetOf(b));
  let at = offsetOf(sorted[0]!);
  for (const [i, fragment] of sorted.entries()) {
    expect(offsetOf(fragment)).toBe(at);
    at += dataOf(fragment).length;
    if (i < sorted.length - 1) expect([moreOf(fragment), at % 8]).toEqual([true, 0]);
  }
  return Uint8Array.from(sorted.flatMap((fragment) => [...dataOf(fragment)]));
}

const option = fc.oneof(
  fc.constant([1]),
  fc
    .tuple(fc.constantFrom(7, 68, 130, 131, 137), fc.uint8Array({ maxLength: 9 }))
    .map(([type, value]) => [type, 2 + value.length, ...value]),
);
const optionsList = fc.array(option, { maxLength: 3 });

/** A list of options as octets, padded to whole words. */
function encode(list: readonly (readonly number[])[]): number[] {
  const octets = list.flat();
  while (octets.length % 4 !== 0) octets.push(0);
  return octets;
}

describe('fragments of an IPv4 packet', () => {
  test('fit the MTU, have right checksums, and make the packet again in any order', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 900 }),
        optionsList,
        fc.integer({ min: 68, max: 400 }),
        (data, list, mtu) => {
          const frame = frameOf(encode(list), data);
          const fragments = fragmentIpv4(frame, mtu)!;
          for (const fragment of fragments) {
            expect(fragment.length - IP).toBeLessThanOrEqual(mtu);
            expect(ipv4HeaderValid(fragment, IP, fragment.length)).toBe(true);
            expect(ipv4ChecksumOk(fragment, IP)).toBe(true);
            expect(fragment.subarray(0, IP)).toEqual(frame.subarray(0, IP));
            // Type of service, identification, TTL, protocol, addresses.
            for (const at of [1, 4, 5, 8, 9, 12, 13, 14, 15, 16, 17, 18, 19]) {
              expect(fragment[IP + at]).toBe(frame[IP + at]);
            }
          }
          expect(reassemble([...fragments].reverse())).toEqual(data);
          expect(fragments.filter((fragment) => !moreOf(fragment))).toHaveLength(1);
        },
      ),
    );
  });

  test('options are all in the first, and those with the copy bit in every other', () => {
    fc.assert(
      fc.property(optionsList, (list) => {
        const [first, ...others] = fragmentIpv4(frameOf(encode(list), new Uint8Array(500)), 120)!;
        const optionsOf = (frame: Uint8Array) => [
          ...frame.subarray(IP + 20, IP + ipv4HeaderLength(frame, IP)),
        ];
        expect(optionsOf(first!)).toEqual(encode(list));
        const copied = encode(list.filter(([type]) => (type! & 0x80) !== 0));
        for (const other of others) expect(optionsOf(other)).toEqual(copied);
        expect(others.length).toBeGreaterThan(0);
      }),
    );
  });

  test('may be cut again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 900 }), fc.integer({ min: 68, max: 150 }), (size, mtu) => {
        const data = Uint8Array.from({ length: size }, (_, i) => i * 7);
        const once = fragmentIpv4(frameOf([], data), 200)!;
        const twice = once.flatMap((fragment) => fragmentIpv4(fragment, mtu)!);
        expect(reassemble(twice)).toEqual(data);
        expect(twice.filter((fragment) => !moreOf(fragment))).toHaveLength(1);
      }),
    );
  });

  test('do not take Ethernet padding for data', () => {
    const frame = frameOf(
      [],
      Uint8Array.from({ length: 100 }, (_, i) => i),
    );
    const padded = new Uint8Array(frame.length + 9).fill(0xee);
    padded.set(frame);
    expect(fragmentIpv4(padded, 68)).toEqual(fragmentIpv4(frame, 68));
  });
});

describe('what cannot be cut', () => {
  test('an MTU without room for eight octets of data', () => {
    expect(fragmentIpv4(frameOf([], new Uint8Array(100)), 27)).toBeUndefined();
    expect(fragmentIpv4(frameOf([], new Uint8Array(100)), 28)).toHaveLength(13);
  });

  test.each([
    ['length 0', [130, 0, 0, 0]],
    ['length 1', [130, 1, 0, 0]],
    ['longer than the header', [130, 5, 0, 0]],
    ['without a length', [1, 1, 1, 130]],
  ])('damaged options: %s', (_, options) => {
    expect(fragmentIpv4(frameOf(options, new Uint8Array(100)), 68)).toBeUndefined();
  });

  test('a fragment that reaches beyond the longest packet: no offset wraps, no flag is made up', () => {
    const reach = (offsetUnits: number) =>
      fragmentIpv4(frameOf([], new Uint8Array(96), offsetUnits | MORE), 68);
    // Two pieces of 48 octets, at the offset and 6 units further.
    expect(reach(0x1fff - 6)!.map(offsetOf)).toEqual([(0x1fff - 6) * 8, 0x1fff * 8]);
    expect(reach(0x1fff - 5)).toBeUndefined();
  });
});
