/** Sockets in the file system, among files of others. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  isServed,
  listenAtPath,
  SOCKET_PATH_OCTETS_MAX,
  SocketPathError,
} from '../../../src/files/unix-socket.js';

let folder: string;
let servers: Server[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-socket-'));
  servers = [];
});
afterEach(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

function newServer(): Server {
  const server = createServer((socket) => socket.on('error', () => {}).end('hello'));
  servers.push(server);
  return server;
}
const path = (name = 'admin.sock') => join(folder, name);
const listen = (where = path()) => listenAtPath(newServer(), where);
const refusalOf = (where = path()) =>
  listen(where).then(
    () => undefined,
    (error: unknown) => error,
  );

/** A socket whose process was killed. */
function leaveDead(where = path()): void {
  const script = `require('node:net').createServer().listen(${JSON.stringify(where)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
}

test('is its owner’s only from its first moment, whatever the umask, and nothing else is left beside it', async () => {
  const before = process.umask(0);
  let mode: number | undefined;
  try {
    const server = newServer();
    const listening = listenAtPath(server, path());
    // The name that it is bound to is there before the promise settles.
    await new Promise((resolve) => setImmediate(resolve));
    for (const name of readdirSync(folder)) mode = lstatSync(join(folder, name)).mode & 0o777;
    await listening;
    expect(process.umask()).toBe(0);
  } finally {
    process.umask(before);
  }
  expect(mode).toBe(0o600);
  expect(lstatSync(path()).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['admin.sock']);
  expect(await isServed(path())).toBe(true);
});

test('of a dead program is replaced, that of a live one is not', async () => {
  leaveDead();
  expect(lstatSync(path()).isSocket()).toBe(true);
  expect(await isServed(path())).toBe(false);
  const remove = await listen();
  expect(await isServed(path())).toBe(true);
  const refusal = await refusalOf();
  expect(refusal).toBeInstanceOf(SocketPathError);
  expect(refusal).toMatchObject({
    isWrongPath: false,
    message: expect.stringContaining('another program answers'),
  });
  expect(await isServed(path())).toBe(true);
  expect(readdirSync(folder)).toEqual(['admin.sock']);
  remove();
  expect(readdirSync(folder)).toEqual([]);
});

test('takes the place of no file, folder or link, and leaves what it leads to alone', async () => {
  writeFileSync(path('file'), 'precious');
  mkdirSync(path('folder'));
  symlinkSync(path('file'), path('link'));
  symlinkSync(path('nowhere'), path('dangling'));
  leaveDead(path('dead'));
  symlinkSync(path('dead'), path('link-to-socket'));
  const before = readdirSync(folder).sort();
  for (const name of ['file', 'folder', 'link', 'dangling', 'link-to-socket']) {
    const refusal = await refusalOf(path(name));
    expect(refusal, name).toMatchObject({
      isWrongPath: true,
      message: expect.stringContaining('is no socket'),
    });
  }
  expect(readdirSync(folder).sort()).toEqual(before);
  expect(readFileSync(path('file'), 'utf8')).toBe('precious');
  expect(existsSync(path('nowhere'))).toBe(false);
});

test('goes at the end, but not what has come into its place, be it a file or another program’s socket', async () => {
  const server = newServer();
  const remove = await listenAtPath(server, path());
  renameSync(path(), path('moved'));
  writeFileSync(path(), 'precious');
  await new Promise((resolve) => server.close(resolve));
  remove();
  expect(readFileSync(path(), 'utf8')).toBe('precious');
  rmSync(path());
  const first = await listen();
  renameSync(path(), path('first'));
  const second = await listen();
  first();
  expect(await isServed(path())).toBe(true);
  second();
  expect(existsSync(path())).toBe(false);
  // Twice is once.
  second();
});

test('has a path of 107 octets, and one of more is refused by saying so', async () => {
  const longest = path('x'.repeat(SOCKET_PATH_OCTETS_MAX - folder.length - 1));
  expect(Buffer.byteLength(longest)).toBe(107);
  (await listen(longest))();
  const tooLong = await refusalOf(`${longest}x`);
  expect(tooLong).toMatchObject({
    isWrongPath: true,
    message: expect.stringMatching(/108 octets.*107 at most/),
  });
  // An umlaut has two octets.
  expect(await refusalOf(`${longest.slice(0, -1)}ä`)).toBeInstanceOf(SocketPathError);
});

test('in a folder that is not there is refused by the file system, and nothing is made', async () => {
  expect(await refusalOf(path('no/admin.sock'))).toMatchObject({ syscall: 'listen' });
  expect(readdirSync(folder)).toEqual([]);
});
