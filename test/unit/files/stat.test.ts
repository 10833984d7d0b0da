/** What is looked up, and that Node finds modules afterwards as before. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fstatOf, lstatIfThere, lstatOf, statIfThere, statOf } from '../../../src/files/stat.js';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'psp-stat-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a link is followed or not, and what is missing throws or is undefined', () => {
  const [file, link, missing] = ['file', 'link', 'missing'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(file, 'abc');
  symlinkSync(file, link);
  const descriptor = openSync(file, 'r');
  try {
    for (const stats of [
      statOf(link),
      statIfThere(link),
      lstatOf(file),
      lstatIfThere(file),
      fstatOf(descriptor),
    ])
      expect([stats?.isFile(), stats?.size]).toEqual([true, 3n]);
  } finally {
    closeSync(descriptor);
  }
  for (const stats of [lstatOf(link), lstatIfThere(link)]) expect(stats?.isSymbolicLink()).toBe(true);
  expect([statIfThere(missing), lstatIfThere(missing)]).toEqual([undefined, undefined]);
  expect(() => statOf(missing)).toThrow('ENOENT');
  expect(() => lstatOf(missing)).toThrow('ENOENT');
});

test('after a look at a socket or a pipe, modules behind links are found where they are', async () => {
  const packages = join(folder, 'real');
  const linked = join(folder, 'linked');
  mkdirSync(packages);
  symlinkSync(packages, linked);
  const [socket, pipe] = [join(folder, 'socket'), join(folder, 'pipe')];
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  execFileSync('mkfifo', [pipe]);
  const end = openSync(pipe, 'r+');
  const found = createRequire(import.meta.url);
  // What is on the way to the link is known to Node after the first one.
  const looks: (() => unknown)[] = [
    () => undefined,
    ...[socket, pipe].flatMap((path) =>
      [statOf, statIfThere, lstatOf, lstatIfThere].map((look) => () => look(path)),
    ),
    () => fstatOf(end),
  ];
  try {
    for (const [index, look] of looks.entries()) {
      writeFileSync(join(packages, `${index}.js`), '');
      look();
      expect(found.resolve(join(linked, `${index}.js`))).toBe(join(packages, `${index}.js`));
    }
  } finally {
    closeSync(end);
    server.close();
  }
});
