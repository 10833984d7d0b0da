/** Where a gateway that is run has its admin socket, and what becomes of it where it cannot be there. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AdminClient, NoGatewayError } from '../../../src/admin/admin-client.js';
import type { AdminServer } from '../../../src/admin/admin-server.js';
import { liveSockets } from '../../../src/admin/socket-place.js';
import { type AdminOptions, startAdmin } from '../../../src/cli/admin-socket.js';
import { isServed, SocketPathError } from '../../../src/files/unix-socket.js';
import type { GatewayControl, GatewayInsight } from '../../../src/gateway/view.js';
import { parseIp } from '../../../src/packet/address.js';

/** Nobody asks it here. */
const GATEWAY = { watch: () => () => {} } as unknown as GatewayInsight & GatewayControl;

let folder: string;
let servers: AdminServer[];
let lines: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-admin-socket-'));
  servers = [];
  lines = [];
});
afterEach(async () => {
  for (const server of servers) await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const file = (name: string) => join(folder, name);

async function start(admin?: AdminOptions['admin'], host = '10.0.0.1'): Promise<AdminServer | undefined> {
  const server = await startAdmin(GATEWAY, {
    admin,
    service: { host: parseIp(host), port: 3000 },
    hasTls: false,
    logger: {
      log: (level: string, text: string) => lines.push(`${level}: ${text}`),
    } as unknown as AdminOptions['logger'],
    reload: async () => ({ problems: [] }),
    surroundings: surroundings(),
  });
  if (server !== undefined) servers.push(server);
  return server;
}

const surroundings = () => ({
  systemFolder: file('system'),
  userId: process.getuid!(),
  environment: { XDG_RUNTIME_DIR: folder },
});

/** The folder of the usual place, of root and of others. */
const usualFolder = () => (process.getuid!() === 0 ? file('system') : file('psp-gateway'));

/** A socket whose process was killed. */
function leaveDead(path: string): void {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
}

test('at a usual place that cannot be had costs a warning, at one that was named the start', async () => {
  writeFileSync(usualFolder(), '');
  expect(await start()).toBeUndefined();
  expect(lines).toEqual([expect.stringMatching(/^warning: no admin socket: .*is a file/)]);
  await expect(start({ path: join(usualFolder(), 'a.sock') })).rejects.toThrow(SocketPathError);
  await expect(start({ path: file('x'.repeat(120)) })).rejects.toThrow(/has 107 at most/);
  expect(lines).toHaveLength(1);
});

test('of several gateways are beside each other in one folder; each is gone with its own', async () => {
  const all = [await start(), await start(undefined, '10.0.0.2'), await start(undefined, 'fd00::1')];
  expect(readdirSync(usualFolder())).toEqual([
    '10.0.0.1-3000.sock',
    '10.0.0.2-3000.sock',
    'fd00::1-3000.sock',
  ]);
  expect(await liveSockets(surroundings())).toEqual(all.map((one) => one!.path));
  expect(lines).toEqual(all.map((one) => `info: admin socket: ${one!.path}`));
  await all[1]!.close();
  expect(await liveSockets(surroundings())).toEqual([all[0]!.path, all[2]!.path]);
});

test('of another gateway that lives is left to it, and one of a dead one taken over', async () => {
  const { path } = (await start())!;
  lines = [];
  // The same service address, as of a second start by mistake.
  expect(await start()).toBeUndefined();
  expect(lines).toEqual([
    `warning: no admin socket: ${path}: another program answers there; end it, or name another path`,
  ]);
  await expect(start({ path })).rejects.toThrow(/another program answers there/);
  expect(await isServed(path)).toBe(true);
  await servers.pop()!.close();
  leaveDead(path);
  leaveDead(file('dead.sock'));
  expect(readdirSync(usualFolder())).toEqual(['10.0.0.1-3000.sock']);
  expect((await start())!.path).toBe(path);
  expect(await isServed(path)).toBe(true);
  expect((await start({ path: file('dead.sock') }))!.path).toBe(file('dead.sock'));
});

test('that a command is to ask says whether it is none, nobody’s any more, or not there', async () => {
  writeFileSync(file('file'), '');
  mkdirSync(file('folder'));
  leaveDead(file('dead'));
  const refusalOf = (name: string) => AdminClient.connect(file(name)).catch((error: unknown) => error);
  for (const [name, words] of [
    ['file', /it is no socket; say --socket/],
    ['folder', /it is no socket; say --socket/],
    ['dead', /the one that made this socket has ended/],
    ['none', /there is no such socket/],
  ] as const) {
    const refusal = await refusalOf(name);
    expect(refusal).toBeInstanceOf(NoGatewayError);
    expect((refusal as Error).message).toMatch(words);
  }
});
