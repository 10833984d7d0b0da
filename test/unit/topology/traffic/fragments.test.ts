/** A packet that hops have cut has arrived when all of it has come as it was sent. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIpv4 } from '../../../../src/packet/address.js';
import { fragmentIpv4 } from '../../../../src/packet/fragment.js';
import { buildIpv4Packet } from '../../../../src/packet/ipv4.js';
import { CutPackets } from '../../../../src/topology/traffic/fragments.js';

const [A, B] = [parseIpv4('192.168.1.33'), parseIpv4('192.168.1.55')];

function frameOf(payload: Uint8Array, identification: number, dontFragment = false): Uint8Array {
  const packet = buildIpv4Packet({
    source: A,
    destination: B,
    protocol: 17,
    ttl: 64,
    payload,
    identification,
    dontFragment,
  });
  const frame = new Uint8Array(14 + packet.length);
  frame[12] = 8;
  frame.set(packet, 14);
  return frame;
}

const payloads = fc.uint8Array({ minLength: 600, maxLength: 1400 });
const arrivals = <T>(packets: CutPackets<T>, frames: readonly Uint8Array[]) =>
  frames.flatMap((frame) => packets.arrived(frame) ?? []);

describe('a packet that is cut on its way', () => {
  test('arrives with its last piece, in whatever order they come, and again with a second set', () => {
    fc.assert(
      fc.property(payloads, fc.integer({ min: 68, max: 576 }), fc.integer(), (payload, mtu, seed) => {
        const frame = frameOf(payload, 7);
        const packets = new CutPackets<string>();
        packets.sent(frame, 'x');
        const pieces = fragmentIpv4(frame, mtu)!;
        const shuffled = [...pieces].sort((a, b) => ((a[20]! ^ seed) & 0xff) - ((b[20]! ^ seed) & 0xff) || 0);
        expect(arrivals(packets, shuffled.slice(1))).toEqual([]);
        expect(arrivals(packets, shuffled.slice(0, 1))).toEqual(['x']);
        expect(arrivals(packets, pieces)).toEqual(['x']);
      }),
    );
  });

  test('and is a piece itself: each piece arrives for itself', () => {
    fc.assert(
      fc.property(payloads, fc.integer({ min: 68, max: 250 }), (payload, mtu) => {
        const pieces = fragmentIpv4(frameOf(payload, 7), 400)!;
        const packets = new CutPackets<number>();
        for (const [i, piece] of pieces.entries()) packets.sent(piece, i);
        for (const [i, piece] of pieces.entries()) {
          expect(arrivals(packets, fragmentIpv4(piece, mtu)!)).toEqual([i]);
        }
      }),
    );
  });

  test('does not arrive with an octet that is another one, a piece that is missing, or another datagram’s', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), (payload, where) => {
        const frame = frameOf(payload, 7);
        const pieces = fragmentIpv4(frame, 300)!;
        const at = where % pieces.length;
        const damaged = pieces.map((piece, i) => (i === at ? piece.slice() : piece));
        damaged[at]![damaged[at]!.length - 1]! ^= 1;
        for (const frames of [
          damaged,
          pieces.filter((_, i) => i !== at),
          fragmentIpv4(frameOf(payload, 8), 300)!,
        ]) {
          const packets = new CutPackets<string>();
          packets.sent(frame, 'x');
          expect(arrivals(packets, frames)).toEqual([]);
        }
      }),
    );
  });

  test('of two equal ones each arrives once', () => {
    const frame = frameOf(new Uint8Array(900).fill(3), 7);
    const packets = new CutPackets<number>();
    packets.sent(frame, 1);
    packets.sent(frame, 2);
    const pieces = fragmentIpv4(frame, 300)!;
    expect(
      arrivals(
        packets,
        pieces.flatMap((piece) => [piece, piece]),
      ).sort(),
    ).toEqual([1, 2]);
  });
});

test('a packet that nobody may cut does not arrive in pieces', () => {
  const payload = new Uint8Array(900).fill(3);
  const packets = new CutPackets<string>();
  packets.sent(frameOf(payload, 7, true), 'x');
  expect(arrivals(packets, fragmentIpv4(frameOf(payload, 7), 300)!)).toEqual([]);
});
