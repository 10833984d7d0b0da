import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { createVirtualClock, type VirtualClock } from '../../src/base/virtual-clock.js';
import { createLink, type Impairments, type LinkCounters } from '../../src/hal-sim/ports/link.js';

const impairments: fc.Arbitrary<Impairments> = fc.record({
  delayMs: fc.constantFrom(0, 5, 20),
  jitterMs: fc.constantFrom(0, 10),
  lossRatio: fc.constantFrom(0, 0.3),
  duplicateRatio: fc.constantFrom(0, 0.3),
  reorderRatio: fc.constantFrom(0, 0.3),
  corruptRatio: fc.constantFrom(0, 0.3),
  rateBitsPerSecond: fc.constantFrom(0, 1_000_000),
});

/** Sends numbered frames through a link and gives what came out and the counters. */
async function run(seed: number, given: Partial<Impairments>, frames: number, queueOctetsMax?: number) {
  const clock = createVirtualClock();
  const link = createLink({
    clock,
    random: seededRandom(seed),
    name: 'test',
    mtuOctets: 1500,
    impairments: given,
    ...(queueOctetsMax === undefined ? {} : { queueOctetsMax }),
  });
  const received: { readonly number: number; readonly atMs: number; readonly octets: string }[] = [];
  await link.ports[1].start((batch) => {
    for (const frame of batch) {
      const number = new DataView(frame.buffer, frame.byteOffset).getUint32(0);
      received.push({ number, atMs: clock.nowMs(), octets: Buffer.from(frame).toString('hex') });
    }
  });
  for (let i = 0; i < frames; i++) {
    link.ports[0].send([numbered(i)]);
    if (i % 7 === 0) await clock.advance(1);
  }
  await clock.advance(60_000);
  return { received, counters: link.counters[0] };
}

function numbered(number: number): Uint8Array {
  const frame = new Uint8Array(100);
  new DataView(frame.buffer).setUint32(0, number);
  return frame;
}

/** A link on that clock, and the numbers of the frames that came out of it. */
async function numberedLink(clock: VirtualClock, given: Partial<Impairments>) {
  const link = createLink({
    clock,
    random: seededRandom(1),
    name: 'test',
    mtuOctets: 1500,
    impairments: given,
  });
  const numbers: number[] = [];
  await link.ports[1].start((frames) => {
    for (const frame of frames) numbers.push(new DataView(frame.buffer, frame.byteOffset).getUint32(0));
  });
  return { link, clock, numbers };
}

const inAll = (c: LinkCounters) => c.sent + c.duplicated;
const outAll = (c: LinkCounters) => c.delivered + c.lost + c.queueDropped + c.closed;

describe('a link', () => {
  test('accounts for every frame', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), impairments, fc.constantFrom(undefined, 500), async (seed, given, queue) => {
        const { received, counters } = await run(seed, given, 60, queue);
        expect(inAll(counters)).toBe(outAll(counters));
        expect(counters.sent).toBe(60);
        expect(received).toHaveLength(counters.delivered);
      }),
      { numRuns: 60 },
    );
  });

  test('keeps the order unless it reorders, whatever the jitter, and changes no octet unless it corrupts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), impairments, async (seed, given) => {
        const { received, counters } = await run(seed, { ...given, reorderRatio: 0, corruptRatio: 0 }, 60);
        expect(received).toHaveLength(counters.delivered);
        expect(counters.delivered + counters.lost + counters.queueDropped).toBeGreaterThanOrEqual(60);
        const numbers = received.map(({ number }) => number);
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
        for (const { number, octets } of received) {
          expect(octets).toBe(number.toString(16).padStart(8, '0') + '00'.repeat(96));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('changes one bit of a frame that it corrupts, and none of the MAC addresses, from which switches learn', async () => {
    const hit = new Set<number>();
    for (let seed = 1; seed <= 20; seed++) {
      const { received, counters } = await run(seed, { corruptRatio: 1 }, 60);
      expect(counters.corrupted).toBe(60);
      expect(received).toHaveLength(60);
      for (const [i, { octets }] of received.entries()) {
        const changed = [...Buffer.from(octets, 'hex')].map((octet, at) => octet ^ numbered(i)[at]!);
        const at = changed.findIndex((bits) => bits !== 0);
        expect(changed.filter((bits) => bits !== 0)).toHaveLength(1);
        expect(Math.log2(changed[at]!) % 1).toBe(0);
        hit.add(at);
      }
    }
    // All others, the EtherType included.
    expect([...hit].sort((a, b) => a - b)).toEqual(Array.from({ length: 88 }, (_, i) => 12 + i));
  });

  test('delivers the extra copy of a frame as it was sent, whatever becomes of the frame itself', async () => {
    const { received } = await run(1, { duplicateRatio: 1, corruptRatio: 1 }, 20);
    const octets = (i: number) => Buffer.from(numbered(i)).toString('hex');
    for (let i = 0; i < 20; i++) {
      expect(received[2 * i]!.octets).toBe(octets(i));
      expect(received[2 * i + 1]!.octets).not.toBe(octets(i));
    }
  });

  test('delays by so much, and by up to the jitter more', async () => {
    const arrivals: number[] = [];
    for (let seed = 1; seed <= 100; seed++) {
      const { received } = await run(seed, { delayMs: 10, jitterMs: 5 }, 1);
      arrivals.push(received[0]!.atMs);
    }
    expect(Math.min(...arrivals)).toBeGreaterThanOrEqual(10);
    expect(Math.max(...arrivals)).toBeLessThanOrEqual(15);
    expect(Math.max(...arrivals) - Math.min(...arrivals)).toBeGreaterThan(4);
  });

  test('has so many octets on the way in each direction, and no more, and room again for what has arrived', async () => {
    const clock = createVirtualClock();
    const common = { clock, random: seededRandom(1), name: 'test', mtuOctets: 1500 };
    const link = createLink({ ...common, impairments: { delayMs: 10 }, queueOctetsMax: 300 });
    for (const port of link.ports) await port.start(() => {});
    for (let round = 1; round <= 10; round++) {
      for (const port of link.ports) port.send(Array.from({ length: 4 }, () => new Uint8Array(100)));
      expect(link.onTheWay).toBe(6);
      await clock.advance(9);
      expect(link.onTheWay).toBe(6);
      await clock.advance(1);
      expect(link.onTheWay).toBe(0);
      const counted = { sent: 4 * round, delivered: 3 * round, queueDropped: round };
      expect(link.counters).toMatchObject([counted, counted]);
    }
  });

  test('shows each frame, where it came in, and what has become of it', async () => {
    const seen: [number, number, string][] = [];
    const clock = createVirtualClock();
    const link = createLink({
      ...{ clock, random: seededRandom(1), name: 'test', mtuOctets: 1500, queueOctetsMax: 100 },
      observe: (from, frame, fate) =>
        seen.push([from, new DataView(frame.buffer, frame.byteOffset).getUint32(0), fate]),
    });
    expect(link.ports.map(({ name, mtuOctets }) => [name, mtuOctets])).toEqual([
      ['test:0', 1500],
      ['test:1', 1500],
    ]);
    for (const port of link.ports) await port.start(() => {});
    const send = async (given: Partial<Impairments>, from: 0 | 1, ...numbers: number[]) => {
      link.setImpairments({ lossRatio: 0, duplicateRatio: 0, corruptRatio: 0, ...given });
      link.ports[from].send(numbers.map(numbered));
      await clock.advance(1);
      return seen.splice(0);
    };
    expect(await send({}, 0, 1)).toEqual([[0, 1, 'carried']]);
    expect(await send({}, 1, 2, 3)).toEqual([
      [1, 2, 'carried'],
      [1, 3, 'queue-dropped'],
    ]);
    expect(await send({ lossRatio: 1 }, 0, 4)).toEqual([[0, 4, 'lost']]);
    expect(await send({ corruptRatio: 1 }, 1, 5)).toEqual([[1, 5, 'corrupted']]);
    expect(await send({ duplicateRatio: 1 }, 0, 6)).toEqual([
      [0, 6, 'duplicated'],
      [0, 6, 'queue-dropped'],
    ]);
  });

  test('takes nothing from an end that is closed', async () => {
    const clock = createVirtualClock();
    const { link, numbers } = await numberedLink(clock, {});
    await link.ports[0].close();
    link.ports[0].send([numbered(1)]);
    await clock.advance(1);
    expect([numbers, link.counters[0].sent]).toEqual([[], 0]);
  });

  test('leaves a frame alone that is nothing but MAC addresses', async () => {
    const clock = createVirtualClock();
    const { link, numbers } = await numberedLink(clock, { corruptRatio: 1 });
    link.ports[0].send([numbered(7).subarray(0, 12)]);
    await clock.advance(1);
    expect(numbers).toEqual([7]);
    expect(link.counters[0].corrupted).toBe(0);
  });

  test('repeats to the octet from the same seed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), impairments, async (seed, given) => {
        expect(await run(seed, given, 40)).toEqual(await run(seed, given, 40));
      }),
      { numRuns: 30 },
    );
  });

  test('does what each impairment says', async () => {
    const lossy = await run(1, { lossRatio: 0.5 }, 400);
    expect(lossy.counters.lost).toBeGreaterThan(120);
    expect(lossy.counters.lost).toBeLessThan(280);
    const slow = await run(1, { delayMs: 50 }, 1);
    expect(slow.received[0]!.atMs).toBe(50);
    // 100 octets at 8,000 bits per second take 100 ms each.
    const narrow = await run(1, { rateBitsPerSecond: 8000 }, 3);
    expect(narrow.received.map(({ atMs }) => Math.round(atMs))).toEqual([100, 200, 300]);
    expect((await run(1, { reorderRatio: 0.5, delayMs: 20 }, 100)).counters.reordered).toBeGreaterThan(20);
    expect((await run(1, { duplicateRatio: 1 }, 10)).received).toHaveLength(20);
    expect((await run(1, { corruptRatio: 1 }, 10)).counters.corrupted).toBe(10);
  });

  test('keeps the order when its delay is taken away while frames are on the way', async () => {
    const { link, clock, numbers } = await numberedLink(createVirtualClock(), { delayMs: 10 });
    link.ports[0].send([numbered(0)]);
    link.setImpairments({ delayMs: 0 });
    link.ports[0].send([numbered(1)]);
    await clock.advance(20);
    expect(numbers).toEqual([0, 1]);
  });

  test('keeps the order on a clock whose timers know whole milliseconds only', async () => {
    // As the system's do: 10.9 ms asked for now come after 9.95 ms asked for 0.95 ms later.
    const virtual = createVirtualClock();
    const coarse: VirtualClock = {
      ...virtual,
      setTimer: (callback, delayMs) =>
        virtual.setTimer(callback, delayMs > 0 ? Math.max(1, Math.trunc(delayMs)) : 0),
    };
    const { link, clock, numbers } = await numberedLink(coarse, { delayMs: 10.9 });
    link.ports[0].send([numbered(0)]);
    await clock.advance(0.95);
    link.setImpairments({ delayMs: 5 });
    link.ports[0].send([numbered(1)]);
    await clock.advance(20);
    expect(numbers).toEqual([0, 1]);
  });

  test('can be impaired while it runs, and drops what nobody receives', async () => {
    const clock = createVirtualClock();
    const link = createLink({ clock, random: seededRandom(1), name: 'test', mtuOctets: 1500 });
    let count = 0;
    await link.ports[1].start((frames) => {
      count += frames.length;
    });
    link.ports[0].send([new Uint8Array(60)]);
    await clock.advance(1);
    link.setImpairments({ lossRatio: 1 });
    link.ports[0].send([new Uint8Array(60)]);
    await clock.advance(1);
    link.setImpairments({ lossRatio: 0 });
    await link.ports[1].close();
    link.ports[0].send([new Uint8Array(60)]);
    await clock.advance(1);
    expect(count).toBe(1);
    expect(link.counters[0]).toMatchObject({ sent: 3, delivered: 1, lost: 1, closed: 1 });
  });
});
