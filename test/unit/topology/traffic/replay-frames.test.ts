/** What of a capture a workload sends again. */
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIp } from '../../../../src/packet/address.js';
import { readTopologyFiles } from '../../../../src/topology/file/read.js';
import { readReplays } from '../../../../src/topology/file/read-replays.js';
import { type CapturedFrame, replayOf } from '../../../../src/topology/traffic/replay-frames.js';
import { type Family, frameOf, type InnerPacket, V1, V2 } from '../../../../src/verify/inner-packets.js';

const ADDRESSES = [parseIp('192.168.1.33'), parseIp('fd00:0:0:1::33')];
const UDP = 17;
const ICMPV6 = 58;

const packet = (family: Family, from: typeof V1, to: typeof V1, protocol: number, payload: Uint8Array) =>
  frameOf({
    family,
    source: from[family],
    destination: to[family],
    protocol,
    payload,
    trafficClass: 0,
    ttl: 64,
  } satisfies InnerPacket);
const octets = fc.uint8Array({ minLength: 8, maxLength: 40 });
const family = fc.constantFrom<Family>(4, 6);
const typed = (type: number) => (payload: Uint8Array) => Uint8Array.from([type, ...payload]);

const own = fc.oneof(
  fc.tuple(family, octets).map(([of, payload]) => packet(of, V1, V2, UDP, payload)),
  octets.map(typed(128)).map((payload) => packet(6, V1, V2, ICMPV6, payload)),
  // The type is that of a message of ICMPv6, the protocol is another one.
  octets.map(typed(135)).map((payload) => packet(6, V1, V2, UDP, payload)),
);
const others = fc.oneof(
  fc.tuple(family, octets).map(([of, payload]) => packet(of, V2, V1, UDP, payload)),
  fc
    .tuple(fc.integer({ min: 133, max: 137 }), octets)
    .map(([type, payload]) => packet(6, V1, V2, ICMPV6, typed(type)(payload))),
  octets.map((payload) => Uint8Array.from([...new Uint8Array(12), 0x08, 0x06, ...payload])),
  fc.uint8Array({ maxLength: 60 }),
);

const captured = (frame: Uint8Array, more: Partial<CapturedFrame> = {}): CapturedFrame => ({
  atMs: 0,
  linkType: 1,
  originalOctets: frame.length,
  frame,
  ...more,
});

test('is what its addresses sent, without neighbor discovery, in order and at its times', () => {
  const frames = fc.array(
    fc.oneof(
      own.map((f) => [true, f] as const),
      others.map((f) => [false, f] as const),
    ),
  );
  fc.assert(
    fc.property(frames, (marked) => {
      const capture = marked.map(([, frame], i) => captured(frame, { atMs: i }));
      const { frames, leftOut, unplayable } = replayOf(ADDRESSES, capture);
      expect(frames).toEqual(marked.flatMap(([isOwn, frame], atMs) => (isOwn ? [{ atMs, frame }] : [])));
      const left = Object.values(leftOut).reduce((sum, count) => sum + count, 0);
      expect(left).toBe(capture.length - frames.length);
      expect(unplayable).toBe(0);
    }),
  );
});

describe('what the workload sent and cannot be sent again is counted, by its reason', () => {
  const datagram = packet(4, V1, V2, UDP, new Uint8Array(40));
  const tagged = (type: number, ...tag: number[]) =>
    Uint8Array.from([...datagram.subarray(0, 12), type >>> 8, type, ...tag, 8, 0, ...datagram.subarray(14)]);
  const offloaded = datagram.slice();
  offloaded.fill(0, 16, 18);
  test.each([
    ['captured in part only', captured(datagram.subarray(0, 40), { originalOctets: datagram.length })],
    ['tagged (VLAN)', captured(tagged(0x8100, 0, 5))],
    ['tagged (VLAN)', captured(tagged(0x88a8, 0, 5))],
    ['no length in the IP header: segmentation was left to the interface (TSO)', captured(offloaded)],
    ['link type 105, IEEE 802.11: not read', captured(datagram, { linkType: 105 })],
  ])('%s', (reason, frame) => {
    expect(replayOf(ADDRESSES, [frame])).toEqual({ frames: [], leftOut: { [reason]: 1 }, unplayable: 1 });
  });

  test.each([0, 12, 14, 20, 33])('whoever sent it, where it was cut after %i octets', (octets) => {
    const frame = captured(datagram.subarray(0, octets), { originalOctets: datagram.length });
    const leftOut = { 'captured in part only': 1 };
    expect(replayOf(ADDRESSES, [frame])).toEqual({ frames: [], leftOut, unplayable: 1 });
  });

  test.each([
    ['from other addresses', captured(packet(4, V2, V1, UDP, new Uint8Array(9)), { originalOctets: 999 })],
    ['ARP and neighbor discovery', captured(Uint8Array.from([...new Uint8Array(12), 8, 6, 0, 1]))],
    ['EtherType 0x88cc, not IP', captured(Uint8Array.from([...new Uint8Array(12), 0x88, 0xcc, 0, 1]))],
    [
      'EtherType 0x88cc, not IP',
      captured(Uint8Array.from([...new Uint8Array(12), 0x88, 0xcc]), { originalOctets: 60 }),
    ],
  ])('but not what others sent, or hosts do themselves: %s', (reason, frame) => {
    expect(replayOf(ADDRESSES, [frame])).toEqual({ frames: [], leftOut: { [reason]: 1 }, unplayable: 0 });
  });

  test('a capture without Ethernet is played', () => {
    const raw = captured(datagram.subarray(14), { linkType: 101 });
    const frame = datagram.slice().fill(0, 0, 12);
    expect(replayOf(ADDRESSES, [raw]).frames).toEqual([{ atMs: 0, frame }]);
  });
});

describe('the captures of a topology', () => {
  const FOLDER = fileURLToPath(new URL('../../../../examples/', import.meta.url));
  const read = (...traffic: string[]) =>
    readTopologyFiles(`${FOLDER}t.yaml`, () =>
      [
        'name: t',
        'topology:',
        '  nodes:',
        '    h1: {kind: gateway, workloads: {v1: [192.168.1.1], V1: [192.168.1.33, "fd00:0:0:1::33"]}, flags: {inner: both}}',
        '    s1: {kind: switch}',
        '  links: [{endpoints: ["h1:p0", "s1:e1"]}]',
        'scenario:',
        '  traffic:',
        ...traffic.map((flow) => `    ${flow}`),
      ].join('\n'),
    );
  const where = (line: number, field: string) => `^${FOLDER}t.yaml:${line}: scenario.traffic.${field}: `;

  test('are found beside its file, and give each flow what its workload sent', async () => {
    const { replays: sources, problems } = read('a: {type: replay, from: V1, file: traffic/v1-v2.pcap}');
    const replays = await readReplays(sources, `${FOLDER}two-hosts.yaml`);
    problems.throwIfAny();
    const { frames, leftOut, unplayable } = replays.get('a')!;
    expect(unplayable).toBe(0);
    expect(Object.keys(leftOut).sort()).toEqual(['ARP and neighbor discovery', 'from other addresses']);
    // tshark -Y '(ip.src==192.168.1.33 || ipv6.src==fd00:0:0:1::33) && !(icmpv6.type >= 133 && icmpv6.type <= 137)'
    expect(frames.length).toBe(955);
    expect(frames[0]!.atMs).toBeCloseTo(349.262, 3);
  });

  test('that cannot be used are all named at once, where they stand, with what else is wrong', async () => {
    const { replays, problems } = read(
      'a: {type: replay, from: [v1, V1], file: traffic/v1-v2.pcap}',
      'b: {type: replay, from: v9, file: none.pcap}',
      'c: {type: ping, from: v1, to: v8}',
      'd: {type: replay, from: v1, file: two-hosts.yaml, start: 5}',
    );
    await readReplays(replays, `${FOLDER}two-hosts.yaml`);
    const none = where(10, 'b.file');
    const expected = [
      `${where(9, 'a.file')}.*v1-v2.pcap: no packet from v1 \\(192.168.1.1\\) can be sent: \\d+ from other addresses`,
      `${where(10, 'b.from')}there is no workload "v9"`,
      `${none}.*none.pcap: there is no such file or folder \\(ENOENT\\)$`,
      `${where(11, 'c.to')}there is no workload "v8"`,
      where(12, 'd.start'),
      `${where(12, 'd.file')}.*two-hosts.yaml: neither pcap nor pcapng`,
    ];
    for (const one of expected) expect(problems.list).toContainEqual(expect.stringMatching(one));
    expect(problems.list).toHaveLength(expected.length);
  });

  test('are looked at behind a workload that is wrong, too', async () => {
    const { replays, problems } = read('b: {type: replay, from: v9, file: two-hosts.yaml}');
    await readReplays(replays, `${FOLDER}two-hosts.yaml`);
    expect(problems.list).toEqual([
      expect.stringMatching(where(9, 'b.from')),
      expect.stringMatching(`${where(9, 'b.file')}.*two-hosts.yaml: neither pcap nor pcapng`),
    ]);
  });
});
