/** Every field by itself, as in fields.ts, over the simulator alone: it counts what the packets were made for. */
import { expect, test } from 'vitest';
import { Choose } from '../../src/base/choose.js';
import { FIELDS, type FieldName } from '../../src/hal/fields.js';
import { UPLINK_PORT } from '../../src/hal/program.js';
import { MASTER_KEYS } from '../../src/verify/master-keys.js';
import { openSimHarness } from '../../src/verify/sim-harness.js';
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

const NAMES = Object.keys(FIELDS) as FieldName[];

/** How often all looks together have hit and missed. */
async function runCase(choose: Choose, field: FieldName, one: FieldCase) {
  const { hal, inject, settle, takeRss } = await openSimHarness({ random: choose, masterKeys: MASTER_KEYS });
  const looks = looksAt(choose, field, one.target);
  await hal.build(programOf(field, one, looks));
  for (const { port, frame } of one.packets) inject(port, [frame.slice()]);
  await settle();
  // Each of them has been looked at to the end.
  expect(takeRss()).toHaveLength(one.packets.length);
  const counted = { hits: 0, misses: 0 };
  for (const look of looks) {
    const { hits, misses } = await countsOf(look, (selectors) => hal.counters(selectors));
    const expected = expectedHits(one.packets, look);
    if (expected !== undefined) expect(hits, `${look.name} of ${field}`).toBe(expected);
    expect(hits + misses, `${look.name} of ${field}`).toBe(one.packets.length);
    counted.hits += hits;
    counted.misses += misses;
  }
  await hal.close();
  return counted;
}

test.each(NAMES)('%s alone decides what hits and what misses', async (field) => {
  const choose = new Choose(NAMES.indexOf(field) + 1);
  const counted = { hits: 0, misses: 0 };
  for (const one of FIELD_CASES[field](choose)) {
    const { hits, misses } = await runCase(choose, field, one);
    counted.hits += hits;
    counted.misses += misses;
  }
  expect(counted.hits).toBeGreaterThan(0);
  expect(counted.misses).toBeGreaterThan(0);
});

test.each(INSIDE)('a copy has inside what the packet itself has: %o', async ({ decap, innerL3Type }) => {
  const { hal, inject, settle } = await openSimHarness({ masterKeys: MASTER_KEYS });
  const look = lookInside(innerL3Type);
  await hal.build(copyingProgram(look, decap));
  const { packets } = FIELD_CASES['inner.ip4.src_ip'](new Choose(1))[0]!;
  inject(UPLINK_PORT, [packets[0]!.frame.slice()]);
  await settle();
  expect(await countsOf(look, (selectors) => hal.counters(selectors))).toEqual({ hits: 2, misses: 0 });
});

test('a copy has the PSP header that was opened, behind whatever port', async () => {
  const { hal, inject, settle } = await openSimHarness({ masterKeys: MASTER_KEYS });
  const { frame, spi } = sealedToOtherPort(new Choose(1));
  const look = lookAtSpi(spi);
  await hal.build(copyingProgram(look, false));
  inject(UPLINK_PORT, [frame]);
  await settle();
  expect(await countsOf(look, (selectors) => hal.counters(selectors))).toEqual({ hits: 2, misses: 0 });
});
