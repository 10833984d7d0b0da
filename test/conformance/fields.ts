/**
 * Every field by itself: pipes that look at nothing else, in each of the ways in which one can look, and packets of which the
 * field alone decides whether they hit. The simulator and hal-doca must both count what the packets were made for.
 */
import { expect, test } from 'vitest';
import { Choose } from '../../src/base/choose.js';
import { FIELDS, type FieldName } from '../../src/hal/fields.js';
import type { CounterSelector } from '../../src/hal/hal.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import type { DocaRelease } from '../support/doca-harness.js';
import { describeOnDoca } from '../support/on-doca.js';
import {
  copyingProgram,
  countsOf,
  expectedHits,
  INSIDE,
  lookAtSpi,
  lookInside,
  looksAt,
  programOf,
} from './field-looks.js';
import { FIELD_CASES, type FieldCase, sealedToOtherPort } from './field-packets.js';
import { openPair } from './open-pair.js';
import { Pair } from './pair.js';

const NAMES = Object.keys(FIELDS) as FieldName[];

export function describeFields(release: DocaRelease): void {
  describeOnDoca(release, () => {
    test.each(NAMES)('%s alone decides what hits and what misses', async (field) => {
      const choose = new Choose(NAMES.indexOf(field) + 1);
      const cases = FIELD_CASES[field]?.(choose) ?? [];
      const counted = { hits: 0, misses: 0 };
      for (const one of cases) {
        const { hits, misses } = await runCase(release, choose, field, one);
        counted.hits += hits;
        counted.misses += misses;
      }
      // A field without packets of its own fails here.
      expect(counted.hits).toBeGreaterThan(0);
      expect(counted.misses).toBeGreaterThan(0);
    });

    test.each(INSIDE)('a copy has inside what the packet itself has: %o', async ({ decap, innerL3Type }) => {
      await withPair(release, 1, async (pair) => {
        const look = lookInside(innerL3Type);
        await pair.both(({ hal }) => hal.build(copyingProgram(look, decap)));
        const packets = FIELD_CASES['inner.ip4.src_ip'](new Choose(1))[0]!.packets;
        const { frame } = packets[0]!;
        for (const harness of [pair.sim, pair.doca]) harness.inject(UPLINK_PORT, [frame.slice()]);
        await pair.compareTraffic();
        expect(await countsOf(look, countersOf(pair))).toEqual({ hits: 2, misses: 0 });
      });
    });

    test('a copy has the PSP header that was opened, behind whatever port', async () => {
      await withPair(release, 1, async (pair) => {
        const { frame, spi } = sealedToOtherPort(new Choose(1));
        const look = lookAtSpi(spi);
        await pair.both(({ hal }) => hal.build(copyingProgram(look, false)));
        for (const harness of [pair.sim, pair.doca]) harness.inject(UPLINK_PORT, [frame.slice()]);
        await pair.compareTraffic();
        expect(await countsOf(look, countersOf(pair))).toEqual({ hits: 2, misses: 0 });
      });
    });
  });
}

async function withPair<Result>(
  release: DocaRelease,
  randomSeed: number,
  run: (pair: Pair) => Promise<Result>,
): Promise<Result> {
  const { sim, doca } = await openPair(release, {
    randomSeed,
    firstSpi: 1,
    uplinkMtuOctets: 1500,
    vfMtuOctets: 1500,
    keySlots: 1,
    burst: 1,
    rssQueues: 1,
  });
  try {
    return await run(new Pair(sim, doca, 1));
  } finally {
    await sim.hal.close();
    await doca.hal.close();
  }
}

function runCase(release: DocaRelease, choose: Choose, field: FieldName, one: FieldCase) {
  return withPair(release, choose.uint32(), async (pair) => {
    const looks = looksAt(choose, field, one.target);
    await pair.both(({ hal }) => hal.build(programOf(field, one, looks)));
    for (const port of [UPLINK_PORT, VF_PORT]) {
      const frames = one.packets.filter((packet) => packet.port === port).map(({ frame }) => frame);
      for (const harness of [pair.sim, pair.doca]) {
        harness.inject(
          port,
          frames.map((frame) => frame.slice()),
        );
      }
      await pair.compareTraffic();
    }
    // Each of them has been looked at to the end.
    expect(pair.outputs).toBe(one.packets.length);
    const counted = { hits: 0, misses: 0 };
    for (const look of looks) {
      const { hits, misses } = await countsOf(look, countersOf(pair));
      const expected = expectedHits(one.packets, look);
      if (expected !== undefined) expect(hits, `${look.name} of ${field}`).toBe(expected);
      expect(hits + misses, `${look.name} of ${field}`).toBe(one.packets.length);
      counted.hits += hits;
      counted.misses += misses;
    }
    return counted;
  });
}

const countersOf = (pair: Pair) => (selectors: readonly CounterSelector[]) =>
  pair.both(({ hal }) => hal.counters(selectors));
