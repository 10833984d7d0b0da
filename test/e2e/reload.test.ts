/** Real gateways whose files change, told by SIGHUP or by a command: a peer that comes is usable at once; a bad file changes nothing, and is told of. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loopback } from '../support/loopback.js';
import { Program } from '../support/program.js';
import { ROOT } from '../support/root.js';

const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-reload-'));
const programs: Program[] = [];
afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGTERM')));
  rmSync(folder, { recursive: true, force: true });
});

const fileOf = (host: string, vip: string, peers: string, more = '') => `flags:
  insecure: true
  outer-ip-type: ipv4
  svc-addr: ${host}
  sim-wire: udp:${host}:10000
  sim-vf: host:${vip}
  admin: 'off'
${more}peers: [${peers}]
`;

function start(name: string, ...argv: string[]): Program {
  const program = new Program([
    process.execPath,
    join(ROOT, 'dist/cli/main.js'),
    '--config',
    join(folder, name),
    ...argv,
  ]);
  programs.push(program);
  return program;
}

test('a gateway takes a peer on by SIGHUP, and refuses what is wrong or needs a restart', async () => {
  const file = join(folder, 'a.yaml');
  const peer = `{service: ${loopback(94)}, owns: [192.168.9.94]}`;
  writeFileSync(file, fileOf(loopback(93), '192.168.9.93', ''));
  writeFileSync(
    join(folder, 'b.yaml'),
    fileOf(loopback(94), '192.168.9.94', `{service: ${loopback(93)}, owns: [192.168.9.0/24]}`),
  );
  const gateway = start('a.yaml');
  await gateway.says(/gateway started/);
  writeFileSync(file, fileOf(loopback(93), '192.168.9.93', peer, '  cookie: true\n  rekey-grace: soon\n'));
  process.kill(gateway.pid, 'SIGHUP');
  await gateway.says(/reload refused: nothing has changed problems=2/);
  await gateway.says(/a\.yaml:9: flags\.rekey-grace: "soon" is not a whole number/);
  await gateway.says(/a\.yaml:8: flags\.cookie: cannot change while the gateway runs/);
  writeFileSync(file, fileOf(loopback(93), '192.168.9.93', peer));
  process.kill(gateway.pid, 'SIGHUP');
  await gateway.says(/other peers and limits are taken on peersAdded=1 peersRemoved=0/);
  expect(await start('b.yaml', '--ping', '192.168.9.93', '--ping-count', '2').ended).toBe(0);
});

test('psp-gateway reload says what has changed, or all reasons why nothing has', async () => {
  const file = join(folder, 'c.yaml');
  const socket = join(folder, 'c.sock');
  writeFileSync(file, fileOf(loopback(95), '192.168.9.95', ''));
  const gateway = start('c.yaml', '--admin', socket);
  await gateway.says(/gateway started/);
  const reload = (...flags: string[]) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(ROOT, 'dist/cli/main.js'), 'reload', '--socket', socket, ...flags],
      { encoding: 'utf8' },
    );
    return { status, stdout, stderr };
  };
  writeFileSync(
    file,
    fileOf(
      loopback(95),
      '192.168.9.95',
      `{service: ${loopback(96)}, owns: [192.168.9.96]}`,
      '  cookie: true\n',
    ),
  );
  expect(reload()).toEqual({
    status: 1,
    stdout: '',
    stderr: expect.stringMatching(
      /c\.yaml:8: flags\.cookie: cannot change.*\n.*refused: nothing has changed\n$/,
    ),
  });
  expect(JSON.parse(reload('--json').stdout)).toMatchObject({
    peersAdded: 0,
    problems: [expect.any(String)],
  });
  writeFileSync(
    file,
    fileOf(loopback(95), '192.168.9.95', `{service: ${loopback(96)}, owns: [192.168.9.96]}`),
  );
  expect(reload()).toEqual({
    status: 0,
    stdout: 'peers: 1 added, 0 removed, 0 changed; sessions ended: 0\n',
    stderr: '',
  });
});
