import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stampsOf } from '../../../src/files/file-stamp.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-stamps-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);
const textOf = async (...names: string[]) => (await stampsOf(names.map(at))).text;

test('files that nobody touches have the same stamps', async () => {
  writeFileSync(at('a'), 'one');
  expect(await textOf('a', 'b')).toBe(await textOf('a', 'b'));
});

test.each<[string, () => void]>([
  [
    'written, with as many octets, and the time set back',
    () => {
      const { atime, mtime } = statSync(at('a'));
      writeFileSync(at('a'), 'two');
      utimesSync(at('a'), atime, mtime);
    },
  ],
  [
    'replaced by another one of the same content',
    () => {
      writeFileSync(at('new'), 'one');
      renameSync(at('new'), at('a'));
    },
  ],
  ['removed', () => rmSync(at('a'))],
])('a file that is %s has another stamp', async (_, change) => {
  writeFileSync(at('a'), 'one');
  writeFileSync(at('b'), 'one');
  const before = await textOf('a', 'b');
  // The clock of files goes in steps.
  await new Promise((resolve) => setTimeout(resolve, 20));
  change();
  expect(await textOf('a', 'b')).not.toBe(before);
});

test('a folder that is swapped under a link is seen, as cert-manager and kubelet do it', async () => {
  mkdirSync(at('..one'));
  mkdirSync(at('..two'));
  for (const name of ['..one', '..two']) writeFileSync(join(at(name), 'tls.crt'), name);
  symlinkSync('..one', at('..data'));
  symlinkSync('..data/tls.crt', at('tls.crt'));
  const before = await textOf('tls.crt');
  symlinkSync('..two', at('..data_tmp'));
  renameSync(at('..data_tmp'), at('..data'));
  expect(await textOf('tls.crt')).not.toBe(before);
  rmSync(at('..two'), { recursive: true });
  expect(await textOf('tls.crt')).toBe('["ENOENT"]');
});

test('what is no regular file is named, and what is missing is not', async () => {
  writeFileSync(at('a'), 'one');
  execFileSync('mkfifo', [at('pipe')]);
  expect((await stampsOf([at('a'), at('pipe'), folder])).special).toBe(at('pipe'));
  expect((await stampsOf([at('a'), at('none')])).special).toBeUndefined();
});
