/** Parts that gateways are made of, each by itself, at its bounds. */
import { describe, expect, test } from 'vitest';
import { OCTETS_GUARANTEED, OctetBudget } from '../../../src/gateway/doors/octet-budget.js';
import { SOURCES_MAX, SourceRates } from '../../../src/gateway/doors/source-rates.js';
import { HeaderStore } from '../../../src/gateway/pipeline/header-store.js';
import { backoffMs } from '../../../src/gateway/sessions/backoff.js';
import { KeySlots, SLOT_REST_MS } from '../../../src/gateway/sessions/key-slots.js';
import { Turns } from '../../../src/gateway/slow-path/turns.js';
import { LINK_LOCALS_MAX, WorkloadAddresses } from '../../../src/gateway/slow-path/workload-addresses.js';
import { macFromOctets, parseIp } from '../../../src/packet/address.js';

describe('what is held of messages', () => {
  const MANY = 10 * OCTETS_GUARANTEED;

  test('is bounded for each party', () => {
    const budget = new OctetBudget(MANY, 100 * MANY);
    const [one, other] = [budget.share(), budget.share()];
    expect([one.take(MANY - 1), one.take(2), one.take(1), one.take(1)]).toEqual([true, false, true, false]);
    expect(other.take(MANY)).toBe(true);
    expect([budget.held, budget.heldPeak, budget.refused]).toEqual([2 * MANY, 2 * MANY, 2]);
    one.give(10);
    expect([one.held, budget.held, budget.heldPeak]).toEqual([MANY - 10, 2 * MANY - 10, 2 * MANY]);
    expect([one.take(11), one.take(10)]).toEqual([false, true]);
  });

  test('is bounded for all together, but for a little that each may always hold', () => {
    const budget = new OctetBudget(MANY, MANY);
    const [one, other] = [budget.share(), budget.share()];
    expect(one.take(MANY)).toBe(true);
    expect([other.take(OCTETS_GUARANTEED), other.take(1)]).toEqual([true, false]);
    one.give(2 * OCTETS_GUARANTEED);
    expect([other.take(OCTETS_GUARANTEED + 1), other.take(OCTETS_GUARANTEED)]).toEqual([false, true]);
    expect(budget.held).toBe(MANY);
  });

  test('counts what is there without being asked for', () => {
    const budget = new OctetBudget(MANY, MANY);
    const one = budget.share();
    one.add(2 * MANY);
    expect([budget.held, budget.heldPeak, budget.refused]).toEqual([2 * MANY, 2 * MANY, 0]);
    expect(one.take(1)).toBe(false);
  });
});

describe('turns', () => {
  function open(atOnce: number) {
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    const turns = new Turns<string, string>(atOnce, (item) => {
      begun.push(item);
      return new Promise((resolve) => ends.set(item, resolve));
    });
    const end = async (item: string) => {
      ends.get(item)!();
      await Promise.resolve();
    };
    return { turns, begun, end };
  }

  test('so many of a key are worked on, the others wait in order, once each', async () => {
    const { turns, begun, end } = open(2);
    for (const item of ['a', 'b', 'c', 'd', 'c']) turns.take('key', item);
    expect(begun).toEqual(['a', 'b']);
    await end('b');
    expect(begun).toEqual(['a', 'b', 'c']);
    await end('a');
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
    await end('c');
    await end('d');
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
    turns.take('key', 'e');
    turns.take('key', 'f');
    turns.take('key', 'g');
    expect(begun.slice(4)).toEqual(['e', 'f']);
  });

  test('one that ends makes room for one, and not for more, also when nobody waits', async () => {
    const { turns, begun, end } = open(2);
    for (const item of ['a', 'b']) turns.take('key', item);
    await end('a');
    for (const item of ['c', 'd']) turns.take('key', item);
    expect(begun).toEqual(['a', 'b', 'c']);
    await end('b');
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
  });

  test('of other keys do not wait for them, and one that is forgotten does not come', async () => {
    const { turns, begun, end } = open(1);
    for (const item of ['a', 'b', 'c']) turns.take('one', item);
    turns.take('other', 'x');
    turns.forget('one', 'b');
    turns.forget('other', 'b');
    turns.forget('none', 'b');
    expect(begun).toEqual(['a', 'x']);
    await end('x');
    await end('a');
    expect(begun).toEqual(['a', 'x', 'c']);
  });
});

test('attempts wait twice as long each time, half of it at least, up to a bound', () => {
  const draw = (value: number) => ({ fill: () => {}, uint32: () => value });
  const least = (failures: number) => backoffMs(failures, 100, 1000, draw(0));
  expect([1, 2, 3, 4, 5, 6].map(least)).toEqual([50, 100, 200, 400, 500, 500]);
  expect(least(5000)).toBe(500);
  const most = backoffMs(2, 100, 1000, draw(0xffff_ffff));
  expect(most).toBeGreaterThan(199);
  expect(most).toBeLessThanOrEqual(200);
});

test('each slot keeps its header while the store grows', () => {
  const store = new HeaderStore();
  const header = (slot: number) => Uint8Array.of(slot & 0xff, slot >> 8, 7);
  const slots = [1, 63, 64, 2, 65, 500, 127, 128, 501];
  for (const slot of slots) store.set(slot, header(slot));
  for (const slot of slots) expect(store.get(slot)).toEqual(header(slot));
  store.set(64, header(9));
  expect([store.get(63), store.get(64), store.get(65)]).toEqual([header(63), header(9), header(65)]);
});

test('key slots come back in the order in which they were freed, each after its rest, however often', () => {
  let nowMs = 0;
  const slots = new KeySlots(3000, { nowMs: () => nowMs } as never);
  const freed: { slot: number; at: number }[] = [];
  for (let slot = 1; slot <= 3000; slot++) expect(slots.take()).toBe(slot);
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 2500; i++) {
      const slot = freed.length > 0 && i % 2 === 0 ? freed[0]!.slot : ((i + round) % 3000) + 1;
      if (freed.some((one) => one.slot === slot)) continue;
      slots.release(slot);
      freed.push({ slot, at: nowMs });
      if (i % 100 === 0) nowMs++;
    }
    expect([slots.used, slots.free]).toEqual([3000 - freed.length, freed.length]);
    expect(slots.waitMs(freed.length + 1)).toBe(0);
    const last = freed.at(-1)!;
    expect(slots.waitMs(freed.length)).toBe(Math.max(0, last.at + SLOT_REST_MS - nowMs));
    nowMs += SLOT_REST_MS;
    for (const { slot } of freed.splice(0)) expect(slots.take()).toBe(slot);
    expect(slots.take()).toBeUndefined();
  }
});

describe('rates by source', () => {
  const open = (perSource: number, total: number) => {
    const clock = { nowMs: 0 };
    return { clock, rates: new SourceRates(perSource, total, () => clock.nowMs) };
  };

  test('give each source its own, and all together no more than the total', () => {
    const { clock, rates } = open(2, 5);
    expect(['a', 'a', 'a', 'b', 'b', 'c', 'c'].map((source) => rates.take(source))).toEqual([
      true,
      true,
      false,
      true,
      true,
      true,
      false,
    ]);
    clock.nowMs = 500;
    expect([rates.take('a'), rates.take('a'), rates.take('d'), rates.take('e')]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test('remember so many sources, and forget the one that was seen longest ago', () => {
    const { rates } = open(1, 1e6);
    for (let i = 0; i < SOURCES_MAX; i++) expect(rates.take(`${i}`)).toBe(true);
    expect(rates.take('0')).toBe(false);
    expect([rates.take('another'), rates.size]).toEqual([true, SOURCES_MAX]);
    // 1 has made room, 0 has been seen since.
    expect([rates.take('0'), rates.take('1')]).toEqual([false, true]);
  });
});

describe('the addresses of a workload', () => {
  const given = parseIp('fd00::1');
  const mac = macFromOctets(Uint8Array.from([2, 0, 0, 0, 0, 0x11]));
  const ofMac = parseIp('fe80::ff:fe00:11');
  const foreign = parseIp('fd00::2');
  const linkLocal = (number: number) => parseIp(`fe80::${number}`);
  const open = () => {
    const clock = { nowMs: 0 };
    return { clock, addresses: new WorkloadAddresses(new Set([given]), mac, () => clock.nowMs) };
  };

  test('are those that it was given and the one that follows from its MAC', () => {
    const { addresses } = open();
    const all = [given, ofMac, foreign, linkLocal(1), parseIp('169.254.0.1')];
    expect(all.map((ip) => addresses.has(ip))).toEqual([true, true, false, false, false]);
    expect(all.map((ip) => addresses.mayProbe(ip))).toEqual([true, true, false, true, false]);
    expect(all.map((ip) => addresses.maySpeakFor(ip))).toEqual([true, true, false, true, false]);
    expect(all.map((ip) => addresses.has(ip))).toEqual([true, true, false, true, false]);
  });

  test('are learnt from what it says, some at once and then one a minute; the one used longest ago goes', () => {
    const { clock, addresses } = open();
    const numbers = Array.from({ length: LINK_LOCALS_MAX }, (_, i) => i + 1);
    for (const number of numbers) expect(addresses.maySpeakFor(linkLocal(number))).toBe(true);
    expect(addresses.maySpeakFor(linkLocal(99))).toBe(false);
    // Those that are known cost nothing.
    for (let i = 0; i < 100; i++) expect(addresses.maySpeakFor(linkLocal(1))).toBe(true);
    clock.nowMs = 60_000;
    expect(addresses.maySpeakFor(linkLocal(99))).toBe(true);
    expect([1, 2, 3, 99].map((number) => addresses.has(linkLocal(number)))).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });
});
