/** What the log says of a sampled frame, octet by octet: the innermost that can be read of it, and nothing behind that. */
import { describe, expect, test } from 'vitest';
import { sampledFields } from '../../../../src/gateway/pipeline/sampled-packet.js';
import { parseIp } from '../../../../src/packet/address.js';
import { type Family, frameOf, ipPacketOf } from '../../../../src/verify/inner-packets.js';
import { datagramTo } from '../../../support/psp-frames.js';

const HOSTS = {
  4: { source: Uint8Array.of(10, 0, 0, 1), destination: Uint8Array.of(10, 0, 0, 2) },
  6: {
    source: Uint8Array.from([0xfd, ...Array(14).fill(0), 1]),
    destination: Uint8Array.from([0xfd, ...Array(14).fill(0), 2]),
  },
} as const;
const TEXTS = {
  4: { source: '10.0.0.1', destination: '10.0.0.2' },
  6: { source: 'fd00::1', destination: 'fd00::2' },
} as const;
/** Ports 258 and 772, as TCP and UDP begin. */
const PORTS = [1, 2, 3, 4];
const PORT_FIELDS = { sourcePort: 258, destinationPort: 772 };
const packet = (
  family: Family,
  protocol: number,
  payload: readonly number[] = [...PORTS, ...Array(16).fill(0)],
) => ({
  ...HOSTS[family],
  family,
  protocol,
  payload: Uint8Array.from(payload),
  trafficClass: 0,
  ttl: 64,
});

describe('a frame that is not PSP', () => {
  test.each([4, 6] as const)('has its own addresses, protocol and ports: IPv%i', (family) => {
    for (const [protocol, name] of [
      [6, 'TCP'],
      [17, 'UDP'],
    ] as const) {
      const frame = frameOf(packet(family, protocol));
      expect(sampledFields(frame, true, false)).toEqual({
        ...TEXTS[family],
        protocol: name,
        ...PORT_FIELDS,
        length: frame.length,
      });
    }
    const frame = frameOf(packet(family, 132));
    expect(sampledFields(frame, true, false)).toEqual({
      ...TEXTS[family],
      protocol: expect.any(String),
      length: frame.length,
    });
  });

  test('has no ports where they are cut, or behind those of a fragment', () => {
    const cut = frameOf(packet(4, 17, [1, 2, 3]));
    expect(sampledFields(cut, true, false)).toEqual({ ...TEXTS[4], protocol: 'UDP', length: cut.length });
    const fragment = frameOf(packet(4, 17));
    fragment[20] = 0x20;
    expect(sampledFields(fragment, true, false)).toEqual({
      ...TEXTS[4],
      protocol: 'UDP',
      length: fragment.length,
    });
  });

  test.each([4, 6] as const)('has its length only where it is cut within its IP header: IPv%i', (family) => {
    const frame = frameOf(packet(family, 17)).subarray(0, 14 + (family === 4 ? 19 : 39));
    expect(sampledFields(frame, true, false)).toEqual({ length: frame.length });
  });

  test('has its length only where it is of another kind, and its octets where they are asked for', () => {
    const frame = Uint8Array.from([...Array(12).fill(2), 8, 6, 9]);
    expect(sampledFields(frame, true, false)).toEqual({ length: 15 });
    expect(sampledFields(frame, true, true)).toEqual({ length: 15, octets: `${'02'.repeat(12)}080609` });
  });
});

/** A PSP datagram around octets: what next header it has, how much of it is not encrypted, and whether it has a cookie. */
function pspFrame(
  outer: Family,
  nextHeader: number,
  inside: Uint8Array,
  { cryptOffsetWords = 0, cookie = false, port = 1000 } = {},
): Uint8Array {
  const header = [
    nextHeader,
    cookie ? 2 : 1,
    cryptOffsetWords,
    cookie ? 7 : 5,
    0x80,
    0,
    0,
    9,
    ...Array(8).fill(0xaa),
  ];
  const payload = [...header, ...(cookie ? Array(8).fill(0xcc) : []), ...inside, ...Array(16).fill(0xee)];
  const receiver = parseIp(outer === 4 ? '192.0.2.1' : '2001:db8::1');
  return datagramTo(receiver, Uint8Array.from(payload), 50_000, port);
}
const UNDERLAY = {
  4: { underlaySource: '192.0.2.9', underlayDestination: '192.0.2.1' },
  6: { underlaySource: '2001:db8::9', underlayDestination: '2001:db8::1' },
} as const;
const OWN = {
  4: { source: '192.0.2.9', destination: '192.0.2.1' },
  6: { source: '2001:db8::9', destination: '2001:db8::1' },
} as const;
const SPI = { spi: '0x80000009' };
const nextHeaderOf = (family: Family) => (family === 4 ? 4 : 41);

describe.each([4, 6] as const)('a frame that carries PSP over IPv%i', (outer) => {
  test.each([
    [4, false],
    [6, false],
    [4, true],
  ] as const)('has what is inside, where that is readable: IPv%i, with a cookie %s', (inner, cookie) => {
    const frame = pspFrame(outer, nextHeaderOf(inner), ipPacketOf(packet(inner, 6)), { cookie });
    expect(sampledFields(frame, true, false)).toEqual({
      ...TEXTS[inner],
      protocol: 'TCP',
      ...PORT_FIELDS,
      ...UNDERLAY[outer],
      ...SPI,
      length: frame.length,
    });
  });

  test.each([4, 6] as const)('has as much of it as the crypt offset leaves: IPv%i', (inner) => {
    const headerWords = inner === 4 ? 5 : 10;
    const told = (cryptOffsetWords: number) => {
      const frame = pspFrame(outer, nextHeaderOf(inner), ipPacketOf(packet(inner, 17)), { cryptOffsetWords });
      const { length, ...fields } = sampledFields(frame, false, false);
      expect(length).toBe(frame.length);
      return fields;
    };
    expect(told(headerWords - 1)).toEqual({ ...UNDERLAY[outer], ...SPI });
    const addresses = { ...TEXTS[inner], ...UNDERLAY[outer], ...SPI };
    expect(told(headerWords)).toEqual({ ...addresses, protocol: 'UDP' });
    expect(told(headerWords + 1)).toEqual({ ...addresses, protocol: 'UDP', ...PORT_FIELDS });
    // Never more than there is.
    expect(told(63)).toEqual({ ...addresses, protocol: 'UDP', ...PORT_FIELDS });
  });

  test('in transport mode has its own addresses, and the ports that are readable', () => {
    const told = (cryptOffsetWords: number, readable: boolean) => {
      const frame = pspFrame(outer, 17, Uint8Array.from([...PORTS, 0, 8, 0, 0]), { cryptOffsetWords });
      const { length, ...fields } = sampledFields(frame, readable, false);
      expect(length).toBe(frame.length);
      return fields;
    };
    const closed = { ...OWN[outer], protocol: 'UDP', ...SPI };
    expect(told(0, false)).toEqual(closed);
    expect(told(1, false)).toEqual({ ...closed, ...PORT_FIELDS });
    expect(told(0, true)).toEqual({ ...closed, ...PORT_FIELDS });
  });

  test('is one only at PSP’s port, and where it has room for header and ICV', () => {
    const own = { ...OWN[outer], protocol: 'UDP', sourcePort: 50_000 };
    const other = pspFrame(outer, 4, new Uint8Array(0), { port: 1001 });
    expect(sampledFields(other, true, false)).toEqual({
      ...own,
      destinationPort: 1001,
      length: other.length,
    });
    const least = pspFrame(outer, 4, new Uint8Array(0));
    expect(sampledFields(least, true, false)).toEqual({ ...UNDERLAY[outer], ...SPI, length: least.length });
    const cut = datagramTo(parseIp(OWN[outer].destination), new Uint8Array(31));
    expect(sampledFields(cut, true, false)).toEqual({ ...own, destinationPort: 1000, length: cut.length });
  });
});
