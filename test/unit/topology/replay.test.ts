/** What of a capture a workload sends again. */
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIp } from '../../../src/packet/address.js';
import { readReplays } from '../../../src/topology/file/read-replays.js';
import type { ReplayPlan, Topology } from '../../../src/topology/model.js';
import { type CapturedFrame, replayOf } from '../../../src/topology/traffic/replay.js';
import { type Family, frameOf, type InnerPacket, V1, V2 } from '../../support/inner-packets.js';
import { gatewayPlan, mesh } from '../../support/topologies.js';

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

  test.each([
    ['from other addresses', captured(packet(4, V2, V1, UDP, new Uint8Array(9)), { originalOctets: 999 })],
    ['ARP and neighbor discovery', captured(Uint8Array.from([...new Uint8Array(12), 8, 6, 0, 1]))],
    ['EtherType 0x88cc, not IP', captured(Uint8Array.from([...new Uint8Array(12), 0x88, 0xcc, 0, 1]))],
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
  const FOLDER = fileURLToPath(new URL('../../../examples/', import.meta.url));
  const replay = (name: string, from: string, file: string): ReplayPlan => ({
    type: 'replay',
    name,
    startMs: 0,
    from,
    file,
  });
  function topology(...traffic: ReplayPlan[]): Topology {
    const base = mesh(1, { traffic });
    const gateway = gatewayPlan(1, 1);
    return {
      ...base,
      nodes: [
        {
          ...gateway,
          workloads: [...gateway.workloads, { name: 'V1', addresses: ADDRESSES, present: true }],
        },
      ],
    };
  }

  test('are found beside its file, and give each flow what its workload sent', async () => {
    const replays = await readReplays(
      topology(replay('a', 'V1', 'traffic/v1-v2.pcap')),
      `${FOLDER}two-hosts.yaml`,
    );
    const { frames, leftOut, unplayable } = replays.get('a')!;
    expect(unplayable).toBe(0);
    expect(Object.keys(leftOut).sort()).toEqual(['ARP and neighbor discovery', 'from other addresses']);
    // tshark -Y '(ip.src==192.168.1.33 || ipv6.src==fd00:0:0:1::33) && !(icmpv6.type >= 133 && icmpv6.type <= 137)'
    expect(frames.length).toBe(955);
    expect(frames[0]!.atMs).toBeCloseTo(349.262, 3);
  });

  test('that cannot be used are all named at once, with the flow and the reason', async () => {
    const traffic = ['traffic/v1-v2.pcap', 'none.pcap', 'two-hosts.yaml', 'none.pcap'].map((file, i) =>
      replay(`r${i}`, 'v1', file),
    );
    const reading = readReplays(topology(...traffic), `${FOLDER}two-hosts.yaml`);
    await expect(reading).rejects.toMatchObject({
      problems: [
        expect.stringMatching(
          /^flow r0: .*v1-v2.pcap: no packet from v1 \(192.168.1.1, fd00::1\) can be sent: \d+ from other addresses/,
        ),
        expect.stringMatching(/^flow r1: .*none.pcap: there is no such file or folder \(ENOENT\)$/),
        expect.stringMatching(/^flow r2: .*two-hosts.yaml: ./),
        expect.stringMatching(/^flow r3: .*none.pcap: there is no such file or folder \(ENOENT\)$/),
      ],
    });
  });
});
