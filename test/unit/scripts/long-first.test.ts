/** The order in which files of tests begin. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { TestSpecification, Vitest } from 'vitest/node';
import { LONG, LongFirst } from '../../support/long-first.js';
import { ROOT } from '../../support/root.js';

/** As before a first run: nothing is known of any file. */
const unknown = { getFileTestResults: () => undefined, getFileStats: () => undefined };
const sequencer = new LongFirst({ cache: unknown, config: { root: ROOT } } as unknown as Vitest);
const fileOf = (name: string, isolate: boolean, path: string, groupOrder: number) =>
  ({
    moduleId: join(ROOT, path),
    project: { name, config: { isolate, root: ROOT, sequence: { groupOrder } } },
  }) as unknown as TestSpecification;
const file = (path: string, groupOrder = 0) => fileOf(`group ${groupOrder}`, true, path, groupOrder);
const sharing = (name: string, path: string) => fileOf(name, false, path, 0);
const orderOf = async (files: TestSpecification[]) =>
  (await sequencer.sort(files)).map(({ moduleId, project }) => [
    moduleId.slice(ROOT.length + 1),
    project.name,
  ]);

test('files that take long are there', () => {
  expect(LONG.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test('they begin first, the longest before all others, each in its group', async () => {
  const [longest, second] = LONG as [string, string];
  const sorted = await orderOf([
    file(longest, 1),
    file('test/unit/psp/header.test.ts'),
    file('test/unit/psp/iv.test.ts', 1),
    file(second),
    file('test/unit/psp/iv.test.ts'),
    file(longest),
  ]);
  expect(sorted).toEqual([
    [longest, 'group 0'],
    [second, 'group 0'],
    ['test/unit/psp/header.test.ts', 'group 0'],
    ['test/unit/psp/iv.test.ts', 'group 0'],
    [longest, 'group 1'],
    ['test/unit/psp/iv.test.ts', 'group 1'],
  ]);
});

test('those that share processes come project by project, before what is short', async () => {
  const [longest, second] = LONG as [string, string];
  const sorted = await orderOf([
    file('test/unit/psp/header.test.ts'),
    sharing('b', 'test/unit/psp/iv.test.ts'),
    sharing('a', 'test/unit/psp/aead.test.ts'),
    sharing('b', second),
    sharing('a', 'test/unit/psp/secret.test.ts'),
    file(longest),
  ]);
  expect(sorted).toEqual([
    [longest, 'group 0'],
    ['test/unit/psp/aead.test.ts', 'a'],
    ['test/unit/psp/secret.test.ts', 'a'],
    [second, 'b'],
    ['test/unit/psp/iv.test.ts', 'b'],
    ['test/unit/psp/header.test.ts', 'group 0'],
  ]);
});
