/** The table of flags: how one is found by its names, and which short forms mean another in later releases of DOCA. */
import { expect, test } from 'vitest';
import {
  FLAGS,
  flagNamed,
  flagNames,
  flagOfLater,
  flagWithShort,
} from '../../../../src/gateway/config/flags.js';

test('a flag is found by its name, its aliases and its short form, and by nothing else', () => {
  for (const flag of FLAGS) {
    for (const name of [flag.name, ...(flag.aliases ?? []), ...(flag.formerNames ?? [])])
      expect(flagNamed(name)).toBe(flag);
    if (flag.short !== undefined) expect(flagWithShort(flag.short)).toBe(flag);
  }
  expect(flagNamed('device')?.name).toBe('pci-addr');
  expect([flagNamed(''), flagNamed('p'), flagWithShort(''), flagWithShort('pci-addr')]).toEqual(
    new Array(4).fill(undefined),
  );
  expect([...flagNames()].sort()).toEqual(
    FLAGS.flatMap(({ name, aliases = [], formerNames = [] }) => [name, ...aliases, ...formerNames]).sort(),
  );
});

test.each([
  ['c', 'peers.json', 'config'],
  ['c', '', 'config'],
  ['c', 'true', undefined],
  ['c', 'false', undefined],
  ['c', undefined, undefined],
  ['s', 'pci/0000:03:00.0', 'pci-addr'],
  ['s', '10.0.0.1:3000', undefined],
  ['s', undefined, undefined],
  ['p', 'pci/0000:03:00.0', undefined],
  ['t', 'peers.json', undefined],
] as const)('-%s %s means in later releases: %s', (letter, value, name) => {
  expect(flagOfLater(letter, value)?.name).toBe(name);
});
