/** Source ports of outer headers: the same for all packets of a flow, and another for another flow. */
import { describe, expect, test } from 'vitest';
import { flowEntropy, referenceEntropy } from '../../../src/psp/entropy.js';
import { type Family, V1, V2 } from '../../../src/verify/inner-packets.js';

/** FNV-1a of what names a flow, folded to 14 bits: told once more, octet for octet. */
function expectedPort(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  ports: number[],
): number {
  let hash = 0x811c9dc5n;
  for (const octet of [...source, ...destination, protocol, ...ports]) {
    hash = ((hash ^ BigInt(octet)) * 0x01000193n) & 0xffffffffn;
  }
  return 49152 + Number((hash ^ (hash >> 16n)) & 0x3fffn);
}

interface Packet {
  readonly family: Family;
  readonly protocol: number;
  readonly payload: readonly number[];
  /** IPv4: the octets of flags and fragment offset. */
  readonly fragment?: readonly [number, number];
  /** IPv4: octets of options. */
  readonly options?: number;
  readonly source?: Uint8Array;
}

/** An IP packet behind three octets of something else, and before as many. */
function build(packet: Packet): { octets: Uint8Array; at: number; end: number } {
  const { family, protocol, payload, fragment = [0, 0], options = 0 } = packet;
  const source = packet.source ?? V1[family];
  const header =
    family === 4
      ? [0x45 + options / 4, 0, 0, 0, 0, 0, ...fragment, 64, protocol, 0, 0, ...source, ...V2[4]]
      : [0x60, 0, 0, 0, 0, payload.length, protocol, 64, ...source, ...V2[6]];
  const octets = Uint8Array.from([9, 9, 9, ...header, ...new Array(options).fill(1), ...payload, 9, 9, 9]);
  return { octets, at: 3, end: octets.length - 3 };
}

const port = (packet: Packet) => {
  const { octets, at, end } = build(packet);
  return flowEntropy(octets, at, end);
};
const reference = (packet: Packet) => {
  const { octets, at, end } = build(packet);
  return referenceEntropy(octets, at, end);
};

const PORTS = [0x9c, 0x40, 0x13, 0x88];
const REST = [0, 8, 0, 0];

describe.each([4, 6] as const)('a flow over IPv%i', (family) => {
  const expected = (protocol: number, ports: number[]) =>
    expectedPort(V1[family], V2[family], protocol, ports);

  test.each([
    ['TCP', 6],
    ['UDP', 17],
    ['SCTP', 132],
  ])('of %s is told by its addresses, protocol and ports', (_, protocol) => {
    const packet = { family, protocol, payload: [...PORTS, ...REST] };
    expect(port(packet)).toBe(expected(protocol, PORTS));
    // What is behind the ports is no part of it.
    expect(port({ ...packet, payload: [...PORTS, 1, 2, 3, 4] })).toBe(port(packet));
    expect(port({ ...packet, payload: PORTS })).toBe(port(packet));
    expect(reference(packet)).toBe(protocol === 132 ? 1000 : 0x9c40 ^ 0x1388);
  });

  test.each([
    ['another protocol', { protocol: 1, payload: [...PORTS, ...REST] }],
    ['an upper layer that is cut within its ports', { protocol: 17, payload: PORTS.slice(0, 3) }],
    ['an empty one', { protocol: 6, payload: [] }],
  ])('with %s has no ports', (_, packet) => {
    expect(port({ family, ...packet })).toBe(expected(packet.protocol, []));
    expect(reference({ family, ...packet })).toBe(1000);
  });

  test('from another address is another', () => {
    const packet = { family, protocol: 17, payload: [...PORTS, ...REST] };
    const source = V1[family].slice();
    for (const at of [0, source.length - 1]) {
      const other = source.slice();
      other[at]! ^= 1;
      expect(port({ ...packet, source: other })).toBe(expectedPort(other, V2[family], 17, PORTS));
    }
  });
});

test.each([
  ['a first one', [0x20, 0]],
  ['a later one', [0, 1]],
  ['a late one', [0x1f, 0]],
] as const)('fragments of IPv4 have no ports, that none of them goes another way: %s', (_, fragment) => {
  const packet: Packet = { family: 4, protocol: 17, payload: [...PORTS, ...REST], fragment };
  expect(port(packet)).toBe(expectedPort(V1[4], V2[4], 17, []));
  expect(reference(packet)).toBe(1000);
});

test('"do not fragment" makes no fragment', () => {
  const packet: Packet = { family: 4, protocol: 17, payload: [...PORTS, ...REST], fragment: [0x40, 0] };
  expect(port(packet)).toBe(expectedPort(V1[4], V2[4], 17, PORTS));
});

test('ports are behind the options of IPv4', () => {
  const packet: Packet = { family: 4, protocol: 6, payload: [...PORTS, ...REST], options: 8 };
  expect(port(packet)).toBe(expectedPort(V1[4], V2[4], 6, PORTS));
});

describe('extension headers of IPv6', () => {
  const behind = (...header: number[]): Packet => ({
    family: 6,
    protocol: header[0]!,
    payload: [...header.slice(1), ...PORTS, ...REST],
  });

  test('are gone past', () => {
    const packet = behind(60, 17, 0, 1, 4, 0, 0, 0, 0);
    expect(port(packet)).toBe(expectedPort(V1[6], V2[6], 17, PORTS));
    expect(reference(packet)).toBe(0x9c40 ^ 0x1388);
  });

  test('fragments have no ports', () => {
    const packet = behind(44, 17, 0, 0, 1, 0, 0, 0, 7);
    expect(port(packet)).toBe(expectedPort(V1[6], V2[6], 17, []));
    expect(reference(packet)).toBe(1000);
  });

  test('that do not fit leave the header that they begin with', () => {
    const packet: Packet = { family: 6, protocol: 60, payload: [17, 40, 1, 4] };
    expect(port(packet)).toBe(expectedPort(V1[6], V2[6], 60, []));
    expect(reference(packet)).toBe(1000);
  });
});
