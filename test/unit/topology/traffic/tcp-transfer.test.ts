import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../../src/base/random.js';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { createLink, type Impairments } from '../../../../src/hal-sim/ports/link.js';
import { parseTcp } from '../../../../src/packet/tcp.js';
import { Flow } from '../../../../src/topology/traffic/flow.js';
import { Transfer } from '../../../../src/topology/traffic/tcp-transfer.js';
import type { TransferPlan } from '../../../../src/topology/traffic/transfer.js';

const PLAN: TransferPlan = {
  type: 'transfer',
  name: 'T',
  startMs: 0,
  from: 'v1',
  to: 'v2',
  family: 4,
  sizeOctets: 0,
};
const SEGMENT_OCTETS = 100;
const HEADER_OCTETS = 20;
const IDLE_MS = 60_000;
const RTO_MAX_MS = 8_000;
/** Before the first octet's sequence number; they wrap soon after. */
const FIRST_SEQUENCE = 0xffff_0000;

interface Options {
  readonly sizeOctets: number;
  readonly segmentOctets?: number;
  readonly impairments?: Partial<Impairments>;
  readonly seed?: number;
  /** Changes a data segment on its way, or loses it; `nth`: how often the segment has been sent. */
  readonly onData?: (segment: number, nth: number, octets: Uint8Array) => Uint8Array | undefined;
  /** What becomes of the `nth` acknowledgment. */
  readonly onAck?: (octets: Uint8Array, nth: number) => readonly Uint8Array[];
  /** When the link is cut for good. */
  readonly cutAtMs?: number;
}

async function transfer(options: Options) {
  const { sizeOctets, segmentOctets = SEGMENT_OCTETS, impairments = { delayMs: 10 }, seed = 1 } = options;
  const clock = createVirtualClock(0);
  const link = createLink({ clock, random: seededRandom(seed), name: 'l', mtuOctets: 9000, impairments });
  const flow = new Flow({ ...PLAN, sizeOctets }, 3);
  /** How often each segment was sent, and what it was the first time. */
  const sent = new Map<number, number>();
  const data: Uint8Array[] = [];
  let acks = 0;
  const one = new Transfer({
    clock,
    flow,
    sizeOctets,
    segmentOctets,
    ports: { from: 10_000, to: 5201 },
    sendData: (octets) => {
      const { sequence, sourcePort, destinationPort } = parseTcp(octets, 0, octets.length)!;
      expect([sourcePort, destinationPort]).toEqual([10_000, 5201]);
      const segment = ((sequence - FIRST_SEQUENCE) >>> 0) / segmentOctets;
      const nth = (sent.get(segment) ?? 0) + 1;
      sent.set(segment, nth);
      data[segment] ??= octets.slice(HEADER_OCTETS);
      const out = options.onData === undefined ? octets : options.onData(segment, nth, octets);
      if (out !== undefined) link.ports[0].send([out]);
    },
    sendAck: (octets) => {
      const { sourcePort, destinationPort } = parseTcp(octets, 0, octets.length)!;
      expect([sourcePort, destinationPort]).toEqual([5201, 10_000]);
      link.ports[1].send(options.onAck?.(octets, ++acks) ?? [octets]);
    },
  });
  // As in a frame: not at its start, and with something behind.
  const frame = (octets: Uint8Array) => Uint8Array.of(0, 0, 0, ...octets, 0xee);
  await link.ports[1].start((frames) => {
    for (const each of frames) one.onData(frame(each), 3, 3 + each.length);
  });
  await link.ports[0].start((frames) => {
    for (const each of frames) one.onAck(frame(each), 3, 3 + each.length);
  });
  if (options.cutAtMs !== undefined)
    clock.setTimer(() => link.setImpairments({ lossRatio: 1 }), options.cutAtMs);
  let endedAtMs = Number.NaN;
  void one.run().then(() => {
    endedAtMs = clock.nowMs();
  });
  for (let i = 0; i < 10_000 && Number.isNaN(endedAtMs); i++) await clock.advance(1_000);
  // Nothing goes on once it is over.
  await clock.advance(2 * IDLE_MS);
  expect(clock.pending).toBe(0);
  const all = [...sent.values()].reduce((sum, times) => sum + times, 0);
  return { flow, sent, data, endedAtMs, again: all - sent.size, result: flow.transfer! };
}

const segmentsOf = (sizeOctets: number, segmentOctets = SEGMENT_OCTETS) =>
  Math.ceil(sizeOctets / segmentOctets);

describe('over a sound link', () => {
  test('every octet arrives once, no segment is sent again, the last may be smaller', async () => {
    for (const sizeOctets of [1, 99, 100, 101, 12_345]) {
      const { flow, data, again, result } = await transfer({ sizeOctets });
      expect(result).toEqual({ octets: sizeOctets, intact: true, retransmissions: 0 });
      expect(again).toBe(0);
      expect([flow.sent, flow.delivered]).toEqual([segmentsOf(sizeOctets), segmentsOf(sizeOctets)]);
      expect(data.reduce((sum, { length }) => sum + length, 0)).toBe(sizeOctets);
      expect(data.every(({ length }, i) => i === data.length - 1 || length === SEGMENT_OCTETS)).toBe(true);
    }
  });

  test('the window begins with ten segments and doubles with each round trip, up to 256', async () => {
    // 10 + 20 + 40 + 80 + 160 = 310
    expect((await transfer({ sizeOctets: 310 * SEGMENT_OCTETS })).endedAtMs).toBeCloseTo(5 * 20);
    expect((await transfer({ sizeOctets: 311 * SEGMENT_OCTETS })).endedAtMs).toBeCloseTo(6 * 20);
    expect((await transfer({ sizeOctets: (310 + 3 * 256) * SEGMENT_OCTETS })).endedAtMs).toBeCloseTo(8 * 20);
    expect((await transfer({ sizeOctets: 9 * SEGMENT_OCTETS })).endedAtMs).toBeCloseTo(20);
  });

  test('sequence numbers wrap without notice', async () => {
    const sizeOctets = 300_000;
    const { result, sent } = await transfer({ sizeOctets, segmentOctets: 1_120 });
    expect(result).toEqual({ octets: sizeOctets, intact: true, retransmissions: 0 });
    expect(FIRST_SEQUENCE + sizeOctets).toBeGreaterThan(2 ** 32);
    expect([...sent.keys()]).toEqual(Array.from({ length: 268 }, (_, i) => i));
  });
});

test('whatever a link loses, repeats and overtakes, the transfer is intact, or said not to be', async () => {
  const impairments = fc.record({
    delayMs: fc.constantFrom(0.1, 5, 60),
    jitterMs: fc.constantFrom(0, 30),
    lossRatio: fc.constantFrom(0, 0.02, 0.2, 0.5),
    duplicateRatio: fc.constantFrom(0, 0.2),
    reorderRatio: fc.constantFrom(0, 0.3),
    rateBitsPerSecond: fc.constantFrom(0, 1_000_000),
  });
  let intact = 0;
  let retransmitted = 0;
  await fc.assert(
    fc.asyncProperty(
      impairments,
      fc.integer({ min: 1, max: 8_000 }),
      fc.nat(),
      async (impaired, sizeOctets, seed) => {
        const { flow, again, result, sent } = await transfer({ sizeOctets, impairments: impaired, seed });
        expect(result.retransmissions).toBe(again);
        const whole = flow.delivered === segmentsOf(sizeOctets);
        expect(result.intact).toBe(whole);
        if (whole) expect(result.octets).toBe(sizeOctets);
        if (impaired.lossRatio <= 0.2) expect(whole).toBe(true);
        expect(flow.sent).toBe(sent.size);
        if (impaired.lossRatio === 0 && impaired.reorderRatio === 0 && impaired.duplicateRatio === 0)
          expect(flow.latencyMs!.max).toBeLessThan(1_000);
        if (whole) intact++;
        if (again > 0) retransmitted++;
      },
    ),
    { numRuns: 120 },
  );
  expect(intact).toBeGreaterThan(80);
  expect(retransmitted).toBeGreaterThan(30);
});

describe('what is lost is sent again', () => {
  /** Loses these segments the first time. */
  const lose =
    (...lost: number[]) =>
    (segment: number, nth: number, octets: Uint8Array) =>
      lost.includes(segment) && nth === 1 ? undefined : octets;

  test('after three acknowledgments of the same, before any timer', async () => {
    const { result, sent, endedAtMs } = await transfer({ sizeOctets: 3_000, onData: lose(2) });
    expect(result).toEqual({ octets: 3_000, intact: true, retransmissions: 1 });
    expect(sent.get(2)).toBe(2);
    expect(endedAtMs).toBeLessThan(150);
    const three = await transfer({ sizeOctets: 600, onData: lose(2) });
    expect(three.endedAtMs).toBeCloseTo(40);
    const two = await transfer({ sizeOctets: 500, onData: lose(2) });
    expect(two.endedAtMs).toBeGreaterThanOrEqual(200);
  });

  test('acknowledgments of the same that are late, of what is done with, mean nothing', async () => {
    let old: Uint8Array | undefined;
    const { result } = await transfer({
      sizeOctets: 20_000,
      onAck: (octets, nth) => {
        old ??= octets.slice();
        return nth < 5 ? [octets] : [octets, old.slice(), old.slice(), old.slice()];
      },
    });
    expect(result).toEqual({ octets: 20_000, intact: true, retransmissions: 0 });
  });

  test('several of one window, one with each round trip; and so again in a later window', async () => {
    const { result, endedAtMs } = await transfer({
      sizeOctets: 310 * SEGMENT_OCTETS,
      onData: lose(12, 14, 16, 200, 202),
    });
    expect(result).toEqual({ octets: 31_000, intact: true, retransmissions: 5 });
    // A timer would add 200 ms.
    expect(endedAtMs).toBeLessThan(500);
  });

  test('a whole window, after one timer', async () => {
    const { result, endedAtMs } = await transfer({
      sizeOctets: 1_000,
      onData: lose(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    });
    expect(result).toEqual({ octets: 1_000, intact: true, retransmissions: 10 });
    expect(endedAtMs).toBeCloseTo(1_000 + 10 * 20);
  });

  test('what was sent twice measures no round trip', async () => {
    const { endedAtMs } = await transfer({
      sizeOctets: 200,
      onData: (segment, nth, octets) => (nth === 1 || (segment === 1 && nth === 2) ? undefined : octets),
    });
    // The second timer is the first one doubled.
    expect(endedAtMs).toBeCloseTo(1_000 + 20 + 2_000 + 20);
  });

  test('nothing is, over a link that is slow but sound', async () => {
    const { result } = await transfer({
      sizeOctets: 310 * SEGMENT_OCTETS,
      impairments: { delayMs: 300, jitterMs: 100 },
    });
    expect(result.retransmissions).toBe(0);
  });

  test('after a timer, where none is left to acknowledge: a second at first, 200 ms at least', async () => {
    const first = await transfer({ sizeOctets: 300, onData: lose(0), impairments: { delayMs: 10 } });
    expect(first.result.retransmissions).toBeGreaterThan(0);
    expect(first.endedAtMs).toBeGreaterThanOrEqual(1_000);
    expect(first.endedAtMs).toBeLessThan(1_100);
    const last = await transfer({ sizeOctets: 900, onData: lose(8) });
    expect(last.result).toEqual({ octets: 900, intact: true, retransmissions: 1 });
    expect(last.endedAtMs).toBeGreaterThanOrEqual(200);
    expect(last.endedAtMs).toBeLessThan(260);
  });

  test('and the timer doubles with each loss, up to eight seconds', async () => {
    const times: number[] = [];
    const { result, endedAtMs } = await transfer({
      sizeOctets: 10,
      onData: (_, nth, octets) => {
        times.push(nth);
        return nth <= 6 ? undefined : octets;
      },
    });
    expect(times).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(result).toEqual({ octets: 10, intact: true, retransmissions: 6 });
    expect(endedAtMs).toBeCloseTo(1_000 + 2_000 + 4_000 + 3 * 8_000 + 20);
  });

  test('and the window halves, and from there opens by one with each round trip', async () => {
    // 310 in five round trips, one for what is lost; the other 1190 as 82, 83, 84 and so on, in fourteen.
    const { result, endedAtMs } = await transfer({
      sizeOctets: 1_500 * SEGMENT_OCTETS,
      onData: lose(150),
    });
    expect(result.retransmissions).toBe(1);
    expect(endedAtMs).toBeCloseTo(20 * (5 + 1 + 14));
  });
});

describe('when the link is cut', () => {
  test('it gives up a minute after the last progress, and says how much has arrived', async () => {
    const sizeOctets = 50_000;
    const cutAtMs = 55;
    const { flow, result, endedAtMs } = await transfer({ sizeOctets, cutAtMs });
    expect(result.intact).toBe(false);
    expect(flow.delivered).toBeGreaterThan(0);
    expect(result.octets).toBe(flow.delivered * SEGMENT_OCTETS);
    expect(result.octets).toBeLessThan(sizeOctets);
    expect(endedAtMs).toBeGreaterThan(IDLE_MS);
    expect(endedAtMs).toBeLessThan(cutAtMs + 20 + IDLE_MS + RTO_MAX_MS);
  });

  test('from the beginning: nothing has arrived', async () => {
    const { flow, result, again } = await transfer({ sizeOctets: 5_000, impairments: { lossRatio: 1 } });
    expect(result).toEqual({ octets: 0, intact: false, retransmissions: again });
    expect(again).toBeGreaterThan(5);
    expect(flow.delivered).toBe(0);
  });

  test('for the acknowledgments only: what has arrived counts, though the sender does not know', async () => {
    const { result, flow } = await transfer({ sizeOctets: 500, onAck: () => [] });
    expect(flow.delivered).toBe(5);
    expect(result).toMatchObject({ octets: 500, intact: true });
    expect(result.retransmissions).toBeGreaterThan(5);
  });
});

describe('what is changed on the way', () => {
  test('is found by the hash: all has arrived, and it is not intact', async () => {
    for (const segment of [0, 3, 9]) {
      const { result, flow } = await transfer({
        sizeOctets: 950,
        onData: (at, _nth, octets) => {
          if (at === segment) octets[octets.length - 1]! ^= 1;
          return octets;
        },
      });
      expect(flow.delivered).toBe(10);
      expect(result).toEqual({ octets: 950, intact: false, retransmissions: 0 });
    }
  });

  test('so that it is no segment is as good as lost', async () => {
    const { result } = await transfer({
      sizeOctets: 2_000,
      onData: (at, nth, octets) => (at === 4 && nth === 1 ? octets.subarray(0, 19) : octets),
      onAck: (octets, nth) => [nth % 2 === 0 ? octets.subarray(0, 19) : octets],
    });
    expect(result).toMatchObject({ octets: 2_000, intact: true });
    expect(result.retransmissions).toBeGreaterThan(0);
  });

  test('an acknowledgment of what was never sent is not believed', async () => {
    const { result, flow } = await transfer({
      sizeOctets: 5_000,
      onAck: (octets, nth) => {
        if (nth === 1) new DataView(octets.buffer).setUint32(8, (FIRST_SEQUENCE + 5_000) >>> 0);
        return [octets];
      },
    });
    expect(flow.delivered).toBe(50);
    expect(result.intact).toBe(true);
  });

  test('a segment far beyond what is expected is not kept', async () => {
    // Were it kept, the true one would not be missed when its turn comes.
    const { result, data } = await transfer({
      sizeOctets: 60_000,
      onData: (at, nth, octets) => {
        if (at === 0 && nth === 1)
          new DataView(octets.buffer).setUint32(4, (FIRST_SEQUENCE + 512 * SEGMENT_OCTETS) >>> 0);
        return octets;
      },
    });
    expect(data).toHaveLength(600);
    expect(result.intact).toBe(true);
  });
});
