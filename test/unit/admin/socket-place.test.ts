/** Where gateways have their sockets, and how commands find them. */
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  defaultSocketPath,
  liveSockets,
  type Surroundings,
  socketFolders,
} from '../../../src/admin/socket-place.js';
import { listenAtPath, SocketPathError } from '../../../src/files/unix-socket.js';
import { parseIp } from '../../../src/packet/address.js';

const userId = process.getuid!();
const service = (host: string) => ({ host: parseIp(host), port: 3000 });
let folder: string;
let around: Surroundings;
let servers: Server[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-place-'));
  mkdirSync(join(folder, 'run'));
  around = {
    systemFolder: join(folder, 'system'),
    userId,
    environment: { XDG_RUNTIME_DIR: join(folder, 'run') },
  };
  servers = [];
});
afterEach(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});
const ordinary = () => ({ ...around, userId: 12345 });

async function serveAt(path: string): Promise<() => void> {
  const server = createServer((socket) => socket.on('error', () => {}));
  servers.push(server);
  return listenAtPath(server, path);
}

test('root’s are in the system’s folder, others’ in that of their session, which is made for its owner only', () => {
  const root = { ...around, userId: 0 };
  expect(socketFolders(root)[0]).toBe(around.systemFolder);
  expect(socketFolders(ordinary())).toEqual([join(folder, 'run/psp-gateway')]);
  const before = process.umask(0);
  try {
    const path = defaultSocketPath(service('10.0.0.1'), {
      ...around,
      // As if we were no root, whoever runs this.
      systemFolder: join(folder, 'nowhere'),
      ...(userId === 0 ? { systemFolder: join(folder, 'run/psp-gateway') } : {}),
    });
    expect(path).toBe(join(folder, 'run/psp-gateway/10.0.0.1-3000.sock'));
  } finally {
    process.umask(before);
  }
  expect(lstatSync(join(folder, 'run/psp-gateway')).mode & 0o777).toBe(0o700);
});

test('are told apart by the service address and its port', () => {
  const names = [service('10.0.0.1'), { ...service('10.0.0.1'), port: 3001 }, service('fd00::1')].map((one) =>
    defaultSocketPath(one, around),
  );
  expect(new Set(names).size).toBe(3);
  expect(names[2]).toMatch(/fd00::1-3000\.sock$/);
});

test('are nowhere without a folder of our own, and in none that others could write to, or that a link leads to', () => {
  expect(() => defaultSocketPath(service('10.0.0.1'), { ...ordinary(), environment: {} })).toThrow(
    /XDG_RUNTIME_DIR names no folder; say --admin PATH/,
  );
  expect(() =>
    defaultSocketPath(service('10.0.0.1'), { ...ordinary(), environment: { XDG_RUNTIME_DIR: 'relative' } }),
  ).toThrow(SocketPathError);
  const [own] = socketFolders(around);
  mkdirSync(own!);
  chmodSync(own!, 0o777);
  expect(() => defaultSocketPath(service('10.0.0.1'), around)).toThrow(/we alone may write to/);
  rmSync(own!, { recursive: true });
  mkdirSync(join(folder, 'elsewhere'), { mode: 0o700 });
  symlinkSync(join(folder, 'elsewhere'), own!);
  expect(() => defaultSocketPath(service('10.0.0.1'), around)).toThrow(/we alone may write to/);
  rmSync(own!);
  writeFileSync(own!, '');
  expect(() => defaultSocketPath(service('10.0.0.1'), around)).toThrow(/is a file/);
});

test('are found where a gateway answers, and not where one has ended or something else lies', async () => {
  expect(await liveSockets(around)).toEqual([]);
  const first = defaultSocketPath(service('10.0.0.1'), around);
  const second = defaultSocketPath(service('10.0.0.2'), around);
  const end = await serveAt(first);
  writeFileSync(second, 'no socket');
  expect(await liveSockets(around)).toEqual([first]);
  rmSync(second);
  await serveAt(second);
  expect(await liveSockets(around)).toEqual([first, second]);
  end();
  expect(await liveSockets(around)).toEqual([second]);
});
