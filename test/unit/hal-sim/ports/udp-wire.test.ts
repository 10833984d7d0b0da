/** What a UDP wire makes of frames and datagrams, over sockets that the test holds in its hands. */
import { Socket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createUdpWire, type UdpWireOptions } from '../../../../src/hal-sim/ports/udp-wire.js';
import { parseIp, parseMac } from '../../../../src/packet/address.js';
import { ipv4ChecksumOk, setIpv4Checksum } from '../../../../src/packet/ipv4.js';

const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');
const MAC = parseMac('02:00:00:00:00:01');
const words16 = (...values: number[]) => values.flatMap((value) => [value >>> 8, value & 0xff]);

interface Sent {
  readonly payload: string;
  readonly port: number;
  readonly address: string;
  readonly done: (error: Error | null) => void;
}
let sent: Sent[];
let bindError: (Error & { code?: string }) | undefined;
let sockets: Socket[];
let bound: unknown[][];

beforeEach(() => {
  [sent, sockets, bound, bindError] = [[], [], [], undefined];
  vi.spyOn(Socket.prototype, 'bind').mockImplementation(function (this: Socket, ...args: unknown[]) {
    sockets.push(this);
    bound.push([(this as Socket & { type: string }).type, ...args.slice(0, 2)]);
    if (bindError === undefined) (args[2] as () => void)();
    else this.emit('error', bindError);
    return this;
  } as never);
  vi.spyOn(Socket.prototype, 'send').mockImplementation(((
    payload: Uint8Array,
    port: number,
    address: string,
    done: Sent['done'],
  ) => {
    sent.push({ payload: hex(payload), port, address, done });
  }) as never);
});
afterEach(() => void vi.restoreAllMocks());

const wireAt = (address: string, more: Partial<UdpWireOptions> = {}) =>
  createUdpWire({ address: parseIp(address), port: 2000, mac: MAC, ...more });

function ip4(datagram: readonly number[], { options = 0, protocol = 17, padding = 0 } = {}): Uint8Array {
  const octets = 20 + options + datagram.length;
  const header = [
    0x45 + options / 4,
    0,
    ...words16(octets, 0, 0),
    64,
    protocol,
    0,
    0,
    192,
    0,
    2,
    1,
    203,
    0,
    113,
    5,
  ];
  const frame = Uint8Array.from([
    ...new Array(12).fill(2),
    ...[8, 0],
    ...header,
    ...new Array(options).fill(1),
    ...datagram,
    ...new Array(padding).fill(0),
  ]);
  setIpv4Checksum(frame, 14);
  return frame;
}
const ip6 = (datagram: readonly number[]) =>
  Uint8Array.from([
    ...new Array(12).fill(2),
    ...[0x86, 0xdd, 0x60, 0, 0, 0, ...words16(datagram.length), 17, 64],
    ...new Array(15).fill(0),
    1,
    ...[0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), 7],
    ...datagram,
  ]);
const udp = (payload: readonly number[], { port = 1000, length = 8 + payload.length } = {}) => [
  ...words16(50_000, port, length, 0),
  ...payload,
];

describe('frames that are sent', () => {
  test('leave as their UDP payload, to their destination and the port of the wire', async () => {
    const wire = wireAt('192.0.2.9');
    await wire.start(() => {});
    wire.send([
      ip4(udp([1, 2, 3])),
      ip4(udp([4]), { options: 8, padding: 10 }),
      ip4(udp([])),
      // What is behind the datagram in the IP packet is no part of it.
      ip4([...udp([5]), 9, 9]),
    ]);
    const to = { port: 2000, address: '203.0.113.5', done: expect.any(Function) };
    expect(sent).toEqual(['010203', '04', '', '05'].map((payload) => ({ payload, ...to })));
    expect(wire.counters).toMatchObject({ sent: 4, notPsp: 0, sendErrors: 0 });
    await wire.close();
  });

  test('over IPv6 as well', async () => {
    const wire = wireAt('2001:db8::9');
    await wire.start(() => {});
    wire.send([ip6(udp([1, 2, 3]))]);
    expect(sent).toMatchObject([{ payload: '010203', port: 2000, address: '2001:db8::7' }]);
    wire.send([ip4(udp([1]))]);
    expect(wire.counters).toMatchObject({ sent: 1, notPsp: 1 });
    await wire.close();
  });

  test('and are not PSP in UDP of the family are counted, and stay', async () => {
    const wire = wireAt('192.0.2.9');
    await wire.start(() => {});
    const frames = [
      ip6(udp([1])),
      ip4(udp([1], { port: 1001 })),
      ip4(udp([1], { port: 1000 + 256 })),
      ip4(udp([1]), { protocol: 6 }),
      ip4(udp([1], { length: 7 })),
      ip4(udp([1], { length: 10 })),
      ip4(udp([]).slice(0, 7)),
      ip4(udp([1])).subarray(0, -1),
      new Uint8Array(10),
    ];
    wire.send(frames);
    expect(sent).toEqual([]);
    expect(wire.counters).toMatchObject({ sent: 0, notPsp: frames.length });
    await wire.close();
  });

  test('before the wire is open, or once it is closed, are counted as well', async () => {
    const wire = wireAt('192.0.2.9');
    wire.send([ip4(udp([1]))]);
    await wire.start(() => {});
    await wire.close();
    await wire.close();
    wire.send([ip4(udp([1]))]);
    expect([sent, wire.counters.notPsp]).toEqual([[], 2]);
  });

  test('and are refused by the kernel are counted; that there is no way out any more is told once, and that there is one again', async () => {
    const states: (string | undefined)[] = [];
    const wire = wireAt('192.0.2.9', { onState: (reason) => states.push(reason) });
    await wire.start(() => {});
    const send = (code?: string) => {
      wire.send([ip4(udp([1]))]);
      sent.pop()!.done(code === undefined ? null : Object.assign(new Error(code), { code }));
      return [wire.counters.sendErrors, ...states.splice(0)];
    };
    expect(send()).toEqual([0]);
    // Of the datagram, not of the wire.
    expect(send('EMSGSIZE')).toEqual([1]);
    expect(send('ENETUNREACH')).toEqual([2, 'ENETUNREACH']);
    expect(send('ENETDOWN')).toEqual([3]);
    expect(send('EMSGSIZE')).toEqual([4]);
    expect(send()).toEqual([4, undefined]);
    expect(send()).toEqual([4]);
    for (const code of ['EADDRNOTAVAIL', 'EINVAL', 'ENETDOWN', 'ENODEV']) {
      expect(send(code)).toEqual([expect.any(Number), code]);
      expect(send()).toEqual([expect.any(Number), undefined]);
    }
    wire.send([ip4(udp([1]))]);
    await wire.close();
    // Told by nobody any more.
    sent.pop()!.done(Object.assign(new Error('gone'), { code: 'ENETDOWN' }));
    expect(states).toEqual([]);
    sockets[0]!.emit('error', new Error('later'));
    expect(wire.counters.sendErrors).toBe(10);
  });

  test('need nobody who is told', async () => {
    const wire = wireAt('192.0.2.9');
    await wire.start(() => {});
    wire.send([ip4(udp([1]))]);
    expect(() => sent[0]!.done(Object.assign(new Error('gone'), { code: 'ENETDOWN' }))).not.toThrow();
    await wire.close();
  });
});

describe('datagrams that come', () => {
  const arrive = (payload: readonly number[], address: string, port = 1234) =>
    sockets[0]!.emit('message', Buffer.from(payload), { address, port });
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  test('are wrapped into Ethernet, IPv4 and UDP, from their sender to the wire', async () => {
    const frames: Uint8Array[] = [];
    const wire = wireAt('192.0.2.9');
    await wire.start((batch) => frames.push(...batch));
    arrive([1, 2, 3], '203.0.113.5', 4321);
    expect(frames).toEqual([]);
    await turn();
    const [frame] = frames;
    expect(hex(frame!.subarray(0, 14))).toBe(`02000000000102000000fffe0800`);
    expect(ipv4ChecksumOk(frame!, 14)).toBe(true);
    const ip = frame!.slice(14);
    ip.fill(0, 10, 12);
    const header = [0x45, 0, ...words16(31, 0, 0x4000), 64, 17, 0, 0, 203, 0, 113, 5, 192, 0, 2, 9];
    expect([...ip]).toEqual([...header, ...words16(4321, 1000, 11, 0), 1, 2, 3]);
    await wire.close();
  });

  test('are wrapped into IPv6 as well, whose senders may have a scope', async () => {
    const frames: Uint8Array[] = [];
    const wire = wireAt('2001:db8::9');
    await wire.start((batch) => frames.push(...batch));
    arrive([1, 2], 'fe80::5%eth0', 4321);
    await turn();
    const source = [0xfe, 0x80, ...new Array(13).fill(0), 5];
    const own = [0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), 9];
    const header = [0x60, 0, 0, 0, ...words16(10), 17, 64, ...source, ...own];
    expect(hex(frames[0]!.subarray(0, 14))).toBe(`02000000000102000000fffe86dd`);
    expect([...frames[0]!.subarray(14)]).toEqual([...header, ...words16(4321, 1000, 10, 0), 1, 2]);
    await wire.close();
  });

  test('come in together with others of their turn, and without those whose sender cannot be told', async () => {
    const batches: number[][] = [];
    const wire = wireAt('192.0.2.9');
    await wire.start((batch) => void batches.push(batch.map((frame) => frame.at(-1)!)));
    arrive([1], '203.0.113.5');
    arrive([2], '2001:db8::5');
    arrive([3], 'nobody');
    arrive([4], '203.0.113.6');
    await turn();
    arrive([5], '203.0.113.5');
    await turn();
    expect(batches).toEqual([[1, 4], [5]]);
    expect(wire.counters).toMatchObject({ received: 5, queueDropped: 0 });
    await wire.close();
  });

  test('are forgotten when the wire is closed before their turn', async () => {
    const batches: number[] = [];
    const wire = wireAt('192.0.2.9');
    await wire.start((batch) => void batches.push(batch.length));
    arrive([1], '203.0.113.5');
    await wire.close();
    await turn();
    expect(batches.filter((count) => count > 0)).toEqual([]);
  });
});

describe('a wire', () => {
  test('says what it is', () => {
    expect(wireAt('192.0.2.9')).toMatchObject({ name: 'udp 192.0.2.9 port 2000', mtuOctets: 1500 });
    expect(wireAt('192.0.2.9', { mtuOctets: 9000 }).mtuOctets).toBe(9000);
  });

  test('is a socket of its family, and over IPv6 one that takes datagrams without a checksum', async () => {
    const descriptors: number[] = [];
    const ports = { acceptZeroChecksum: (descriptor: number) => descriptors.push(descriptor) };
    for (const address of ['192.0.2.9', '2001:db8::9']) {
      const wire = wireAt(address, { ports });
      await wire.start(() => {});
      await wire.close();
    }
    expect(bound).toEqual([
      ['udp4', 2000, '192.0.2.9'],
      ['udp6', 2000, '2001:db8::9'],
    ]);
    expect(descriptors).toHaveLength(1);
    // Which is no more than can be had without the addon.
    const wire = wireAt('2001:db8::9');
    await wire.start(() => {});
    await wire.close();
  });

  test.each([
    ['192.0.2.9', 'EACCES', /on 192\.0\.2\.9 port 2000: ports below 1024 .* udp:192\.0\.2\.9:PORT/],
    ['2001:db8::9', 'EACCES', /udp:\[2001:db8::9\]:PORT/],
    ['192.0.2.9', 'EADDRINUSE', /another program has it/],
    ['192.0.2.9', 'EADDRNOTAVAIL', /no address of this machine/],
    ['192.0.2.9', 'EOTHER', /port 2000: of another kind/],
  ])('%s that cannot be bound for %s says so', async (address, code, says) => {
    bindError = Object.assign(new Error('of another kind'), { code });
    const wire = wireAt(address);
    await expect(wire.start(() => {})).rejects.toThrow(says);
    await expect(wire.start(() => {})).rejects.toMatchObject({ name: 'UdpWireError', cause: bindError });
    await wire.close();
  });
});
