import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type IpAddress, ipToOctets, parseIp, parseMac } from '../../../../src/packet/address.js';
import { type NextHop, Router } from '../../../../src/topology/nodes/router.js';
import { CapturePort } from '../../../../src/verify/capture-port.js';
import { frameOf } from '../../../../src/verify/inner-packets.js';

const FAMILIES = [4, 6] as const;
type Family = (typeof FAMILIES)[number];
const SOURCE = { 4: parseIp('203.0.113.1'), 6: parseIp('2001:db8::1') };
const THERE = { 4: parseIp('203.0.113.2'), 6: parseIp('2001:db8::2') };
const macOf = (port: number) => parseMac(`06:00:00:00:00:0${port}`);
const octetsOf = (port: number) => Uint8Array.of(6, 0, 0, 0, 0, port);
const nextMac = (port: number) => Uint8Array.of(2, 0, 0, 0, 9, port);
const ETHERNET = 14;
const UDP = 17;
const TCP = 6;
const HEADER_OCTETS = { 4: 20, 6: 40 };
const HOP_LIMIT_AT = { 4: ETHERNET + 8, 6: ETHERNET + 7 };

function build(portCount: number, ways: readonly number[], mtuOctets = 1500, salt = 1) {
  const ports = Array.from({ length: portCount }, (_, i) => new CapturePort(`e${i}`, mtuOctets));
  const router = new Router(
    ports.map((port, i) => ({ name: port.name, mac: macOf(i), port })),
    salt,
  );
  const table = ways.map((port): NextHop => ({ port, nextMac: nextMac(port) }));
  router.setRoutes(new Map<IpAddress, readonly NextHop[]>(FAMILIES.map((family) => [THERE[family], table])));
  const send = (at: number, frame: Uint8Array) => {
    ports[at]!.inject([frame.slice()]);
    return ports.map((port) => port.takeSent());
  };
  return { router, send };
}

interface Change {
  readonly destination?: IpAddress;
  readonly source?: IpAddress;
  readonly protocol?: number;
  readonly ttl?: number;
  readonly trafficClass?: number;
  readonly payload?: Uint8Array;
  readonly toPort?: number;
}

/** A frame to the router's port 0, or `toPort`. */
function packet(family: Family, change: Change = {}): Uint8Array {
  const { destination = THERE[family], source = SOURCE[family], toPort = 0 } = change;
  return frameOf(
    {
      family,
      source: ipToOctets(source),
      destination: ipToOctets(destination),
      protocol: change.protocol ?? UDP,
      payload: change.payload ?? ports(4000, 1000),
      trafficClass: change.trafficClass ?? 0,
      ttl: change.ttl ?? 64,
    },
    Uint8Array.of(2, 0, 0, 0, 0, 1),
    octetsOf(toPort),
  );
}

/** The beginning of a datagram or segment, and two octets more. */
function ports(source: number, destination: number, mark = 0): Uint8Array {
  const payload = new Uint8Array(24);
  new DataView(payload.buffer).setUint16(0, source);
  new DataView(payload.buffer).setUint16(2, destination);
  payload[5] = mark;
  return payload;
}

/** The checksum of an IPv4 header by RFC 791, out of all its words. */
function checksumOf(header: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < header.length; i += 2) if (i !== 10) sum += header[i]! * 256 + header[i + 1]!;
  return 0xffff - (sum % 0xffff || 0xffff);
}

/** IPv4 with options: they are part of the header that the checksum covers. */
function withOptions(frame: Uint8Array, options: Uint8Array): Uint8Array {
  const at = ETHERNET + 20;
  const out = Uint8Array.from([...frame.subarray(0, at), ...options, ...frame.subarray(at)]);
  const view = new DataView(out.buffer);
  out[ETHERNET] = 0x45 + options.length / 4;
  view.setUint16(ETHERNET + 2, out.length - ETHERNET);
  view.setUint16(ETHERNET + 10, checksumOf(out.subarray(ETHERNET, at + options.length)));
  return out;
}

/** The frame as the router has to send it out of `port`. */
function expectedOf(family: Family, frame: Uint8Array, port: number): Uint8Array {
  const out = frame.slice();
  out.set(nextMac(port), 0);
  out.set(octetsOf(port), 6);
  out[HOP_LIMIT_AT[family]]!--;
  if (family === 4) {
    const header = out.subarray(ETHERNET, ETHERNET + (out[ETHERNET]! & 15) * 4);
    new DataView(out.buffer).setUint16(ETHERNET + 10, checksumOf(header));
  }
  return out;
}

const only = (out: readonly (readonly Uint8Array[])[], port: number) => {
  for (const [i, frames] of out.entries()) if (i !== port) expect(frames).toEqual([]);
  return out[port]!;
};

const arbitraryPacket = fc
  .record({
    family: fc.constantFrom(...FAMILIES),
    ttl: fc.integer({ min: 2, max: 255 }),
    trafficClass: fc.nat(255),
    protocol: fc.nat(255),
    payload: fc.uint8Array({ maxLength: 80 }),
    options: fc.nat(10).chain((n) => fc.uint8Array({ minLength: 4 * n, maxLength: 4 * n })),
    identification: fc.nat(0xffff),
  })
  .map(({ family, options, identification, ...rest }) => {
    const frame = packet(family, rest);
    if (family === 6) return { family, frame };
    new DataView(frame.buffer).setUint16(ETHERNET + 4, identification);
    return { family, frame: withOptions(frame, options) };
  });

test('a hop changes MACs, hop limit and IPv4 checksum and nothing else, and the checksum is right', () => {
  const { router, send } = build(3, [2]);
  let forwarded = 0;
  fc.assert(
    fc.property(arbitraryPacket, ({ family, frame }) => {
      expect(only(send(0, frame), 2)).toEqual([expectedOf(family, frame, 2)]);
      expect(router.counters).toEqual({
        forwarded: ++forwarded,
        ignored: 0,
        noRoute: 0,
        hopLimit: 0,
        tooBig: 0,
      });
      expect(router.sent).toEqual({ e0: 0, e1: 0, e2: forwarded });
    }),
    { numRuns: 300 },
  );
});

test('the checksum is right whatever it was before, at the edges of its range too', () => {
  const { send } = build(2, [1]);
  for (let identification = 0; identification <= 0xffff; identification++) {
    const frame = packet(4);
    new DataView(frame.buffer).setUint16(ETHERNET + 4, identification);
    const before = checksumOf(frame.subarray(ETHERNET, ETHERNET + 20));
    // All of them near the ends, and one in a hundred.
    if (before > 0x300 && before < 0xfd00 && identification % 100 !== 0) continue;
    new DataView(frame.buffer).setUint16(ETHERNET + 10, before);
    const [sent] = only(send(0, frame), 1);
    expect(Buffer.compare(sent!, expectedOf(4, frame, 1))).toBe(0);
  }
});

test('forwards by the destination’s address, also back out of the port that a packet came by', () => {
  const { router, send } = build(3, [2]);
  const second = { 4: parseIp('203.0.113.3'), 6: parseIp('2001:db8::3') };
  router.setRoutes(
    new Map<IpAddress, readonly NextHop[]>(
      FAMILIES.flatMap((family) => [
        [THERE[family], [{ port: 0, nextMac: nextMac(0) }]] as const,
        [second[family], [{ port: 1, nextMac: nextMac(1) }]] as const,
      ]),
    ),
  );
  for (const family of FAMILIES) {
    const back = packet(family);
    expect(only(send(0, back), 0)).toEqual([expectedOf(family, back, 0)]);
    const on = packet(family, { destination: second[family] });
    expect(only(send(0, on), 1)).toEqual([expectedOf(family, on, 1)]);
  }
  expect(router.sent).toEqual({ e0: 2, e1: 2, e2: 0 });
});

describe.each(FAMILIES)('IPv%d: what is not forwarded is counted by its reason', (family) => {
  const NONE = { forwarded: 0, ignored: 0, noRoute: 0, hopLimit: 0, tooBig: 0 };
  const drop = (frame: Uint8Array, counter: keyof typeof NONE, built = build(2, [1])) => {
    for (const sent of built.send(0, frame)) expect(sent).toEqual([]);
    expect(built.router.counters).toEqual({ ...NONE, [counter]: 1 });
    expect(built.router.sent).toEqual({ e0: 0, e1: 0 });
  };

  test('noRoute: nobody has the address, or no way leads there', () => {
    drop(packet(family, { destination: parseIp(family === 4 ? '203.0.113.9' : '2001:db8::9') }), 'noRoute');
    drop(packet(family), 'noRoute', build(2, []));
    const built = build(2, [1]);
    built.router.setRoutes(new Map());
    drop(packet(family), 'noRoute', built);
  });

  test('hopLimit: 1 or 0 is not lowered; 2 is', () => {
    drop(packet(family, { ttl: 1 }), 'hopLimit');
    drop(packet(family, { ttl: 0 }), 'hopLimit');
    expect(only(build(2, [1]).send(0, packet(family, { ttl: 2 })), 1)).toHaveLength(1);
  });

  test('tooBig: an IP packet larger than the MTU of the way out; one that fills it goes', () => {
    const fill = (octets: number) => packet(family, { payload: new Uint8Array(octets) });
    const room = 200 - HEADER_OCTETS[family];
    expect(only(build(2, [1], 200).send(0, fill(room)), 1)).toHaveLength(1);
    drop(fill(room + 1), 'tooBig', build(2, [1], 200));
  });

  test('ignored: for another MAC, damaged, cut, of the other version', () => {
    drop(packet(family, { toPort: 1 }), 'ignored');
    const frame = packet(family);
    const damaged = (change: (frame: Uint8Array) => void) => {
      const copy = frame.slice();
      change(copy);
      return copy;
    };
    drop(
      damaged((f) => (f[5]! ^= 1)),
      'ignored',
    );
    drop(
      damaged((f) => (f[ETHERNET]! ^= 0x20)),
      'ignored',
    );
    drop(frame.subarray(0, frame.length - 1), 'ignored');
    drop(frame.subarray(0, 13), 'ignored');
    drop(frame.subarray(0, 14), 'ignored');
    if (family === 4)
      for (let i = ETHERNET; i < ETHERNET + 20; i++)
        drop(
          damaged((f) => (f[i]! ^= 0x04)),
          'ignored',
        );
  });
});

test('what is not IP is ignored, whatever it looks like', () => {
  const { router, send } = build(2, [1]);
  for (const family of FAMILIES) {
    const arp = packet(family);
    arp.set([0x08, 0x06], 12);
    expect(send(0, arp)).toEqual([[], []]);
  }
  expect(router.counters.ignored).toBe(2);
});

describe('among equal ways', () => {
  const WAYS = [1, 2, 3, 4];
  /** By which port it goes. */
  const wayOf = (built: ReturnType<typeof build>, frame: Uint8Array) =>
    built.send(0, frame).findIndex((frames) => frames.length === 1);
  const port = fc.nat(0xffff);
  const FLOWS = 2000;

  test('packets of one flow go one way, whatever else is in them', () => {
    const built = build(5, WAYS);
    const flow = fc.record({
      family: fc.constantFrom(...FAMILIES),
      protocol: fc.constantFrom(UDP, TCP),
      sourcePort: port,
      destinationPort: port,
    });
    fc.assert(
      fc.property(
        flow,
        fc.nat(255),
        fc.nat(255),
        fc.integer({ min: 2, max: 255 }),
        ({ family, protocol, sourcePort, destinationPort }, trafficClass, mark, ttl) => {
          const payload = (m: number) => ports(sourcePort, destinationPort, m);
          const one = wayOf(built, packet(family, { protocol, payload: payload(0) }));
          const other = wayOf(built, packet(family, { protocol, payload: payload(mark), trafficClass, ttl }));
          expect(other).toBe(one);
          expect(WAYS).toContain(one);
        },
      ),
    );
  });

  const FIELDS: readonly [string, (family: Family, i: number) => Change][] = [
    ['UDP source ports', (_, i) => ({ payload: ports(10_000 + i, 1000) })],
    ['UDP destination ports', (_, i) => ({ payload: ports(4000, 10_000 + i) })],
    ['TCP ports', (_, i) => ({ protocol: TCP, payload: ports(10_000 + i, 80) })],
    [
      'source addresses',
      (f, i) => ({ source: parseIp(f === 4 ? `10.0.${i >>> 8}.${i & 255}` : `2001:db8:${i + 1}::1`) }),
    ],
  ];
  test.each(FIELDS)('flows that differ in their %s spread over all, about evenly', (_, changeOf) => {
    for (const family of FAMILIES) {
      const built = build(5, WAYS);
      for (let i = 0; i < FLOWS; i++) wayOf(built, packet(family, changeOf(family, i)));
      expect(built.router.sent.e0).toBe(0);
      const even = FLOWS / WAYS.length;
      // Five standard deviations of a binomial distribution.
      const most = 5 * Math.sqrt(even * (1 - 1 / WAYS.length));
      for (const way of WAYS) expect(Math.abs(built.router.sent[`e${way}`]! - even)).toBeLessThan(most);
    }
  });

  test('flows to different destinations spread too', () => {
    const built = build(5, WAYS);
    const there = (f: Family, i: number) =>
      parseIp(f === 4 ? `10.0.${i >>> 8}.${i & 255}` : `fd00:${i + 1}::1`);
    const table = WAYS.map((port): NextHop => ({ port, nextMac: nextMac(port) }));
    for (const family of FAMILIES) {
      const all = Array.from({ length: 200 }, (_, i) => there(family, i));
      built.router.setRoutes(new Map(all.map((ip) => [ip, table])));
      const ways = all.map((destination) => wayOf(built, packet(family, { destination })));
      for (const way of WAYS) expect(ways.filter((one) => one === way).length).toBeGreaterThan(20);
    }
  });

  test('two ways share too, and as the addresses differ so may the way', () => {
    const built = build(3, [1, 2]);
    for (let i = 0; i < FLOWS; i++) wayOf(built, packet(4, { payload: ports(i, 1000) }));
    expect(Math.abs(built.router.sent.e1! - FLOWS / 2)).toBeLessThan(5 * Math.sqrt(FLOWS / 4));
    const protocols = Array.from({ length: 64 }, (_, i) => wayOf(built, packet(4, { protocol: 100 + i })));
    expect(new Set(protocols)).toEqual(new Set([1, 2]));
  });

  test('fragments, which have no ports, go by their addresses; so do other protocols', () => {
    const built = build(5, WAYS);
    const ways = new Set<number>();
    for (let i = 0; i < 100; i++) {
      const first = packet(4, { payload: ports(i, i) });
      const later = packet(4, { payload: ports(i, i) });
      new DataView(first.buffer).setUint16(ETHERNET + 6, 0x2000);
      new DataView(later.buffer).setUint16(ETHERNET + 6, 185);
      for (const fragment of [first, later]) {
        const sum = checksumOf(fragment.subarray(ETHERNET, ETHERNET + 20));
        new DataView(fragment.buffer).setUint16(ETHERNET + 10, sum);
        ways.add(wayOf(built, fragment));
      }
    }
    expect(ways.size).toBe(1);
    const others = Array.from({ length: 100 }, (_, i) =>
      wayOf(built, packet(6, { protocol: 132, payload: ports(i, i) })),
    );
    expect(new Set(others).size).toBe(1);
  });

  test('a payload too short for ports does not matter', () => {
    const built = build(5, WAYS);
    for (let octets = 0; octets < 4; octets++)
      expect(WAYS).toContain(wayOf(built, packet(4, { payload: new Uint8Array(octets) })));
  });

  test('routers of another salt choose otherwise, so that a second stage spreads what a first one sent', () => {
    const one = build(3, [1, 2], 1500, 1);
    const two = build(3, [1, 2], 1500, 2);
    let same = 0;
    for (let i = 0; i < FLOWS; i++) {
      const frame = packet(4, { payload: ports(i, 1000) });
      if (wayOf(one, frame) === wayOf(two, frame)) same++;
    }
    expect(Math.abs(same - FLOWS / 2)).toBeLessThan(5 * Math.sqrt(FLOWS / 4));
  });
});
