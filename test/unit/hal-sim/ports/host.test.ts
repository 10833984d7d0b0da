/** What a workload in this process answers, and what not; how it finds its neighbors, and pings. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createVirtualClock, type VirtualClock } from '../../../../src/base/virtual-clock.js';
import { createVirtualHost, echoPacket, type VirtualHost } from '../../../../src/hal-sim/ports/host.js';
import { type Ipv4Address, type Ipv6Address, parseIp, parseMac } from '../../../../src/packet/address.js';
import { ARP_REPLY, ARP_REQUEST, buildArp, parseArp } from '../../../../src/packet/arp.js';
import { buildIcmpEcho, ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST } from '../../../../src/packet/icmp.js';
import {
  buildNeighborAdvertisement,
  buildNeighborSolicitation,
  ICMPV6_NEIGHBOR_ADVERTISEMENT,
  ICMPV6_NEIGHBOR_SOLICITATION,
  parseNeighborMessage,
  setIcmpv6Checksum,
} from '../../../../src/packet/icmpv6.js';
import { buildIpv4Packet, setIpv4Checksum } from '../../../../src/packet/ipv4.js';

const OWN_MAC = parseMac('02:00:00:00:00:01');
const MAC = parseMac('02:00:00:00:00:02');
const [OWN4, OTHER4] = [parseIp('10.0.0.1') as Ipv4Address, parseIp('10.0.0.2') as Ipv4Address];
const [OWN6, OTHER6] = [parseIp('fd00::1') as Ipv6Address, parseIp('fd00::2') as Ipv6Address];
const FAMILIES = [
  ['IPv4', OWN4, OTHER4],
  ['IPv6', OWN6, OTHER6],
] as const;
const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');

let clock: VirtualClock;
let host: VirtualHost;
let sent: Uint8Array[];

beforeEach(async () => {
  clock = createVirtualClock();
  host = createVirtualHost({ clock, mac: OWN_MAC, addresses: [OWN4, OWN6] });
  sent = [];
  await host.port.start((frames) => void sent.push(...frames));
});

/** What the host has sent since the last call, once time has passed. */
async function takeSent(durationMs = 0): Promise<Uint8Array[]> {
  await clock.advance(durationMs);
  return sent.splice(0);
}

/** What the host sends for frames that it receives. */
function answers(...frames: Uint8Array[]): Promise<Uint8Array[]> {
  host.port.send(frames.map((frame) => frame.slice()));
  return takeSent();
}

const ethernet = (ip: Uint8Array, source = '020000000002') =>
  Uint8Array.from([
    ...Buffer.from(`020000000001${source}`, 'hex'),
    ...(ip[0]! >>> 4 === 4 ? [8, 0] : [0x86, 0xdd]),
    ...ip,
  ]);
const isArp = (frame: Uint8Array) => parseArp(frame) !== undefined;
const asks = (frame: Uint8Array) =>
  parseArp(frame)?.operation === ARP_REQUEST ||
  parseNeighborMessage(frame, ICMPV6_NEIGHBOR_SOLICITATION) !== undefined;
/** The neighbor says its MAC. */
const isAt = (address: typeof OTHER4 | typeof OTHER6, own: typeof OWN4 | typeof OWN6, mac = MAC) =>
  address.includes(':')
    ? buildNeighborAdvertisement(address as Ipv6Address, own as Ipv6Address, OWN_MAC, mac)
    : buildArp({
        operation: ARP_REPLY,
        senderMac: mac,
        senderIp: address as Ipv4Address,
        targetMac: OWN_MAC,
        targetIp: own as Ipv4Address,
      });
const arpRequest = (targetIp: Ipv4Address) =>
  buildArp({
    operation: ARP_REQUEST,
    senderMac: MAC,
    senderIp: OTHER4,
    targetMac: parseMac('00:00:00:00:00:00'),
    targetIp,
  });

const packetTo = (own: typeof OWN4 | typeof OWN6, other: typeof OTHER4 | typeof OTHER6, sequence: number) =>
  echoPacket(own, other, true, 99, sequence, new Uint8Array(0));

describe('a port', () => {
  test('has the name of its addresses and the MTU that was given, or 9000', () => {
    expect(host.port).toMatchObject({ name: 'host 10.0.0.1, fd00::1', mtuOctets: 9000 });
    const options = { clock, mac: OWN_MAC, addresses: [OWN4], mtuOctets: 1400 };
    expect(createVirtualHost(options).port).toMatchObject({ name: 'host 10.0.0.1', mtuOctets: 1400 });
  });

  test('puts frames of one turn on the link together, and none once it is closed', async () => {
    const batches: number[] = [];
    await host.port.start((frames) => void batches.push(frames.length));
    host.inject([new Uint8Array(60), new Uint8Array(60)]);
    host.inject([new Uint8Array(60)]);
    expect(batches).toEqual([]);
    await clock.advance(0);
    host.inject([]);
    await clock.advance(0);
    expect(batches).toEqual([3]);
    host.inject([new Uint8Array(60)]);
    host.send(echoPacket(OWN4, OTHER4, true, 1, 1, new Uint8Array(0)), OWN4, OTHER4);
    await clock.advance(0);
    expect(batches).toEqual([3, 2]);
    // It waits for its neighbor no more.
    await host.port.close();
    host.inject([new Uint8Array(60)]);
    await clock.advance(10_000);
    expect(batches).toEqual([3, 2]);
    expect(clock.pending).toBe(0);
  });
});

describe('neighbors that ask', () => {
  test('are told by ARP where an own address is, and nothing of others', async () => {
    const [reply, ...more] = await answers(arpRequest(OWN4), arpRequest(parseIp('10.0.0.3') as Ipv4Address));
    expect(more).toEqual([]);
    const expected = { senderMac: OWN_MAC, senderIp: OWN4, targetMac: MAC, targetIp: OTHER4 };
    expect(parseArp(reply!)).toEqual({ operation: ARP_REPLY, ...expected });
    // Neither a request nor a reply, and no ARP of IPv4.
    const [other, cut] = [arpRequest(OWN4), arpRequest(OWN4).subarray(0, 41)];
    other[21] = 3;
    expect(await answers(other, cut)).toEqual([]);
  });

  test('are told by neighbor discovery where an own address is, and nothing of others', async () => {
    const [reply, ...more] = await answers(
      buildNeighborSolicitation(OTHER6, OWN6, MAC),
      buildNeighborSolicitation(OTHER6, parseIp('fd00::3') as Ipv6Address, MAC),
      // Who looks whether its address is taken, which has none to be answered at.
      buildNeighborSolicitation(parseIp('::') as Ipv6Address, OWN6, MAC),
    );
    expect(more).toEqual([]);
    expect(parseNeighborMessage(reply!, ICMPV6_NEIGHBOR_ADVERTISEMENT)).toMatchObject({
      source: OWN6,
      destination: OTHER6,
      target: OWN6,
      linkLayer: OWN_MAC,
    });
    expect(hex(reply!.subarray(0, 6))).toBe('020000000002');
  });

  test('are answered at the MAC that they name, or else at that of their frame', async () => {
    const named = buildNeighborSolicitation(OTHER6, OWN6, parseMac('02:00:00:00:00:77'));
    named.set(Buffer.from('020000000088', 'hex'), 6);
    const unnamed = named.slice(0, -8);
    unnamed[14 + 5]! -= 8;
    setIcmpv6Checksum(unnamed, 14, 14 + 40, unnamed.length);
    const replies = await answers(named, unnamed);
    expect(replies.map((frame) => hex(frame.subarray(0, 6)))).toEqual(['020000000077', '020000000088']);
  });

  test('are told of the addresses that the host has now', async () => {
    const next = parseIp('10.0.0.9') as Ipv4Address;
    host.setAddresses([next]);
    const replies = await answers(arpRequest(OWN4), arpRequest(next));
    expect(replies.map((frame) => parseArp(frame)?.senderIp)).toEqual([next]);
  });
});

describe('neighbors that are asked for', () => {
  test.each(FAMILIES)(
    '%s: are asked three times, a second apart, and again when there is more for them',
    async (_, own, other) => {
      host.send(packetTo(own, other, 1), own, other);
      expect((await takeSent()).map(asks)).toEqual([true]);
      expect(await takeSent(999)).toEqual([]);
      expect((await takeSent(1)).map(asks)).toEqual([true]);
      // One that waits already makes no further question.
      host.send(packetTo(own, other, 2), own, other);
      expect((await takeSent(1000)).map(asks)).toEqual([true]);
      expect(await takeSent(10_000)).toEqual([]);
      host.send(packetTo(own, other, 3), own, other);
      expect((await takeSent()).map(asks)).toEqual([true]);
      // What waited for a neighbor that was given up is gone.
      expect((await answers(isAt(other, own))).map(hex)).toEqual([
        hex(
          ethernet(packetTo(own, other, 3))
            .with(5, 2)
            .with(11, 1),
        ),
      ]);
    },
  );

  test.each(FAMILIES)(
    '%s: are believed for 15 seconds, and used while they are asked anew',
    async (_, own, other) => {
      host.send(packetTo(own, other, 1), own, other);
      await takeSent();
      expect(await answers(isAt(other, own))).toHaveLength(1);
      const send = async (durationMs: number) => {
        await clock.advance(durationMs);
        host.send(packetTo(own, other, 2), own, other);
        return (await takeSent()).map(asks);
      };
      expect(await send(0)).toEqual([false]);
      expect(await send(14_999)).toEqual([false]);
      // Once for all that is sent meanwhile.
      expect(await send(1)).toEqual([false, true]);
      expect(await send(500)).toEqual([false]);
      // It has moved.
      expect(await answers(isAt(other, own, parseMac('02:00:00:00:00:55')))).toEqual([]);
      host.send(packetTo(own, other, 3), own, other);
      expect((await takeSent()).map((frame) => hex(frame.subarray(0, 6)))).toEqual(['020000000055']);
      expect(await takeSent(10_000)).toEqual([]);
    },
  );

  test.each(FAMILIES)('%s: are not believed unasked', async (_, own, other) => {
    expect(await answers(isAt(other, own))).toEqual([]);
    host.send(packetTo(own, other, 1), own, other);
    expect((await takeSent()).map(asks)).toEqual([true]);
  });
});

describe('pings of others', () => {
  const request = (own: typeof OWN4 | typeof OWN6, other: typeof OTHER4 | typeof OTHER6, data = [1, 2, 3]) =>
    ethernet(echoPacket(other, own, true, 7, 8, Uint8Array.from(data)));
  /** What is answered, the neighbor being known. */
  async function echoes(
    own: typeof OWN4 | typeof OWN6,
    other: typeof OTHER4 | typeof OTHER6,
    frame: Uint8Array,
  ) {
    const first = await answers(frame);
    return first.some(asks) ? answers(isAt(other, own)) : first;
  }

  test.each(FAMILIES)(
    '%s: are answered with what they had in them, of whatever length',
    async (_, own, other) => {
      for (const data of [[], [1], Array.from({ length: 1000 }, (_, i) => i & 0xff)]) {
        const reply = echoPacket(own, other, false, 7, 8, Uint8Array.from(data));
        const expected = Uint8Array.from([
          ...Buffer.from('020000000002020000000001', 'hex'),
          ...ethernet(reply).subarray(12),
        ]);
        // What is behind the IP packet in the frame is no part of it.
        for (const frame of [
          request(own, other, data),
          Uint8Array.from([...request(own, other, data), 0, 0]),
        ])
          expect((await echoes(own, other, frame)).map(hex)).toEqual([hex(expected)]);
      }
    },
  );

  test('are answered without leave to cut the answer', async () => {
    const [reply] = await echoes(OWN4, OTHER4, request(OWN4, OTHER4));
    expect(reply![14 + 6]).toBe(0x40);
  });

  test.each(FAMILIES)(
    '%s: to others, damaged, cut, or of another kind are not answered',
    async (family, own, other) => {
      await echoes(own, other, request(own, other));
      const stranger = parseIp(family === 'IPv4' ? '10.0.0.3' : 'fd00::3') as typeof OWN4;
      const whole = request(own, other);
      const damaged = whole.slice();
      damaged[damaged.length - 1]! ^= 1;
      const reply = ethernet(echoPacket(other, own, false, 7, 8, new Uint8Array(3)));
      expect(await answers(request(stranger, other), damaged, whole.subarray(0, -1), reply)).toEqual([]);
      expect(await answers(whole)).toHaveLength(1);
    },
  );

  test('in fragments, under another protocol, or shorter than a header are not answered', async () => {
    await echoes(OWN4, OTHER4, request(OWN4, OTHER4));
    const changed = (at: number, octet: number) => {
      const frame = request(OWN4, OTHER4);
      frame[14 + at] = octet;
      setIpv4Checksum(frame, 14);
      return frame;
    };
    const short = buildIpv4Packet({
      source: OTHER4,
      destination: OWN4,
      protocol: 1,
      ttl: 64,
      // A request as to type, code and checksum, and no more.
      payload: Uint8Array.from([8, 0, 0xf7, 0xff]),
    });
    const badHeader = request(OWN4, OTHER4);
    badHeader[14 + 10]! ^= 1;
    expect(await answers(changed(6, 0x20), changed(9, 17), ethernet(short), badHeader)).toEqual([]);
  });

  test('in IPv6 are answered behind extension headers, and not in fragments', async () => {
    await echoes(OWN6, OTHER6, request(OWN6, OTHER6));
    const plain = request(OWN6, OTHER6);
    const behind = (next: number, header: readonly number[]) => {
      const frame = Uint8Array.from([...plain.subarray(0, 54), ...header, ...plain.subarray(54)]);
      frame[14 + 6] = next;
      frame[14 + 5]! += header.length;
      return frame;
    };
    expect(await answers(behind(60, [58, 0, 1, 4, 0, 0, 0, 0]))).toHaveLength(1);
    expect(await answers(behind(44, [58, 0, 0, 1, 0, 0, 0, 1]))).toEqual([]);
    // No upper layer that could be one.
    expect(await answers(behind(60, [58, 200, 1, 4, 0, 0, 0, 0]))).toEqual([]);
  });
});

describe('own pings', () => {
  const OPTIONS = { intervalMs: 100, timeoutMs: 50 };
  /** The neighbor answers what the host sends, after so long. */
  function answerAfter(delayMs: number, change: (frame: Uint8Array) => void = () => {}): Uint8Array[] {
    const requests: Uint8Array[] = [];
    void host.port.start((frames) => {
      for (const frame of frames) {
        if (isArp(frame)) host.port.send([isAt(OTHER4, OWN4)]);
        else {
          requests.push(frame);
          const [identifier, sequence] = [(frame[38]! << 8) | frame[39]!, (frame[40]! << 8) | frame[41]!];
          const reply = ethernet(echoPacket(OTHER4, OWN4, false, identifier, sequence, frame.slice(42)));
          change(reply);
          clock.setTimer(() => host.port.send([reply]), delayMs);
        }
      }
    });
    return requests;
  }

  test('say how long each answer took', async () => {
    answerAfter(20);
    const replies: [number, number][] = [];
    const onReply = (sequence: number, rttMs: number) => replies.push([sequence, rttMs]);
    const done = host.ping(OTHER4, { ...OPTIONS, count: 2, onReply });
    await clock.advance(1000);
    expect(await done).toEqual({ sent: 2, received: 2, rttMs: [20, 20] });
    expect(replies).toEqual([
      [1, 20],
      [2, 20],
    ]);
  });

  test('carry a count of octets, 56 when nothing is said, or what is given', async () => {
    const requests = answerAfter(0);
    const count = (octets: number) => Array.from({ length: octets }, (_, i) => i & 0xff);
    const all = [
      host.ping(OTHER4, { ...OPTIONS, count: 1 }),
      host.ping(OTHER4, { ...OPTIONS, count: 1, sizeOctets: 300 }),
      host.ping(OTHER4, { ...OPTIONS, count: 1, sizeOctets: 0 }),
      host.ping(OTHER4, { ...OPTIONS, count: 1, dataOf: (sequence) => Uint8Array.of(9, sequence) }),
    ];
    await clock.advance(1000);
    for (const { received } of await Promise.all(all)) expect(received).toBe(1);
    expect(requests.map((frame) => [...frame.subarray(42)])).toEqual([count(56), count(300), [], [9, 1]]);
    // Each tells its answers from those of the others.
    expect(new Set(requests.map((frame) => hex(frame.subarray(38, 40)))).size).toBe(4);
  });

  test('take no answer that came late, and none to another ping', async () => {
    answerAfter(60);
    const [lost, replies]: [number[], number[]] = [[], []];
    const onLost = (sequence: number) => lost.push(sequence);
    const onReply = (sequence: number) => replies.push(sequence);
    const late = host.ping(OTHER4, { ...OPTIONS, count: 2, onLost, onReply });
    await clock.advance(1000);
    expect(await late).toEqual({ sent: 2, received: 0, rttMs: [] });
    expect([lost, replies]).toEqual([[1, 2], []]);
    host.port.send([ethernet(echoPacket(OTHER4, OWN4, false, 4242, 1, new Uint8Array(0)))]);
    await clock.advance(1);
  });

  test('end at once when they are told to: what is under way is neither lost nor waited for', async () => {
    answerAfter(20);
    const ending = new AbortController();
    const [lost, asked]: [number[], number[]] = [[], []];
    const done = host.ping(OTHER4, {
      ...{ count: 100, intervalMs: 1000, timeoutMs: 5000, signal: ending.signal },
      onLost: (sequence) => lost.push(sequence),
      onSent: (sequence) => asked.push(sequence),
    });
    await clock.advance(2010);
    ending.abort();
    await clock.advance(0);
    expect(await done).toEqual({ sent: 3, received: 2, rttMs: [20, 20] });
    expect([lost, asked]).toEqual([[], [1, 2, 3]]);
    // Timers of its own are gone; the answer that is under way has one.
    await clock.advance(20);
    expect(clock.pending).toBe(0);
    const ended = host.ping(OTHER4, { ...OPTIONS, count: 3, signal: ending.signal });
    expect(await ended).toEqual({ sent: 0, received: 0, rttMs: [] });
  });

  test('wait for nothing behind the last answer', async () => {
    answerAfter(20);
    const done = host.ping(OTHER4, { count: 1, intervalMs: 60_000, timeoutMs: 50 });
    await clock.advance(30);
    expect(await Promise.race([done, 'waiting'])).toMatchObject({ received: 1 });
  });
});

test('an echo is of the type that is said', () => {
  const [source, destination] = [OWN4, OTHER4];
  for (const [isRequest, type] of [
    [true, ICMP_ECHO_REQUEST],
    [false, ICMP_ECHO_REPLY],
  ] as const) {
    const payload = buildIcmpEcho(type, 1, 2, new Uint8Array(4));
    const packet = buildIpv4Packet({
      source,
      destination,
      protocol: 1,
      ttl: 64,
      dontFragment: true,
      payload,
    });
    expect(hex(echoPacket(source, destination, isRequest, 1, 2, new Uint8Array(4)))).toBe(hex(packet));
  }
});

// Last, as it takes longest.
test('neighbors are forgotten, the oldest first, beyond 4096', async () => {
  const nth = (n: number) => parseIp(`10.1.${n >>> 8}.${n & 0xff}`);
  const first = nth(0);
  host.send(packetTo(OWN4, first as Ipv4Address, 1), OWN4, first);
  await takeSent();
  await answers(isAt(first as Ipv4Address, OWN4));
  const known = async () => {
    host.send(packetTo(OWN4, first as Ipv4Address, 2), OWN4, first);
    return !(await takeSent()).some(isArp);
  };
  for (let n = 1; n < 4096; n++) host.send(packetTo(OWN4, nth(n) as Ipv4Address, 1), OWN4, nth(n));
  await takeSent();
  expect(await known()).toBe(true);
  host.send(packetTo(OWN4, OTHER4, 1), OWN4, OTHER4);
  await takeSent();
  expect(await known()).toBe(false);
});
