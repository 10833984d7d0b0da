/** Keys that devices make and senders use, and the ends of a device's packets. */
import { describe, expect, test } from 'vitest';
import type { SpiKeyBatch } from '../../../../src/hal/hal.js';
import { build, device, gateway, h1, h2, h3 } from '../../../support/invariants.js';

describe('key-reuse', () => {
  test('keys that are all different, set once or again by their user, are sound', async () => {
    const { watch, seen } = build();
    const [one, two] = [device(watch, h1), device(watch, h2)];
    await one.make(1, 2, 3);
    await two.make(4, 5);
    await one.use(4);
    await one.use(4);
    await two.use(1, 2);
    expect(one.slots).toHaveLength(2);
    expect(seen()).toEqual([]);
  });

  test('a key that a device makes twice: in a batch, in two, or after another device', async () => {
    for (const [first, second] of [
      [[1, 2, 1], []],
      [
        [1, 2],
        [3, 2],
      ],
    ] as const) {
      const { watch, seen } = build();
      const one = device(watch, h1);
      await one.make(...first);
      await one.make(...second);
      expect(seen()).toEqual(['key-reuse h1']);
    }
    const { watch, seen } = build();
    await device(watch, h1).make(9);
    await device(watch, h2).make(8, 9);
    expect(seen()).toEqual(['key-reuse h2']);
  });

  test('a key that two senders encrypt with, or two incarnations of one', async () => {
    const { watch, seen } = build();
    await device(watch, h1).use(1);
    await device(watch, h3).use(2, 1);
    expect(seen()).toEqual(['key-reuse h3']);
    const again = gateway(2);
    await device(watch, again).use(5);
    again.incarnations = 2;
    await device(watch, again).use(5);
    expect(seen()).toEqual(['key-reuse h2']);
  });

  test('keys that differ in one of their first 53 bits are different', async () => {
    const { watch, seen } = build();
    const { hal } = device(watch, h1);
    const other = device(watch, h2);
    for (let bit = 11; bit < 64; bit++) {
      const key = new Uint8Array(16);
      key[bit >>> 3]! ^= 0x80 >>> (bit & 7);
      await (bit % 2 === 0 ? hal : other.hal).setKeys([{ cryptoId: 1, key } as never]);
    }
    expect(seen()).toEqual([]);
  });

  test('who wants to see the keys sees each batch once, with the gateway that made it', async () => {
    const shown: [string, SpiKeyBatch][] = [];
    const { watch } = build({ onKeys: (node, batch) => void shown.push([node.name, batch]) });
    const batch = await device(watch, h1).make(1, 2);
    expect(shown).toEqual([['h1', batch]]);
  });
});

describe('unaccounted', () => {
  const fates = { in: 10, copies: 2, uplink: 5, vf: 3, rss: 1, drop: 2, lost: 1 };

  test('packets in and copies that come to as many ends are sound', () => {
    const { watch, seen } = build();
    watch.checkDevice('h1', fates);
    watch.checkDevice('h1', {});
    expect(seen()).toEqual([]);
  });

  test.each(Object.keys(fates))('one too many or too few in "%s" is found', (key) => {
    for (const change of [1, -1]) {
      const { watch, seen } = build();
      watch.checkDevice('h1', { ...fates, [key]: fates[key as keyof typeof fates] + change });
      expect(seen()).toEqual(['unaccounted h1']);
    }
  });
});
