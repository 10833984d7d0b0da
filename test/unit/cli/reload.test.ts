/** Files read again: what may change is handed on, anything else is refused whole, with all reasons. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { readRunOptions } from '../../../src/cli/read-run-options.js';
import { Reloader } from '../../../src/cli/reload.js';
import { FLAGS } from '../../../src/gateway/config/flags.js';
import type { GatewayOptions } from '../../../src/gateway/options.js';
import { ROOT } from '../../support/root.js';

const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-reload-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const FILE = join(folder, 'g.yaml');
const text = (flags: string, peers = '  - {service: 10.0.0.2, owns: [192.168.2.0/24]}\n') =>
  `flags:\n  outer-ip-type: ipv4\n  svc-addr: 127.0.0.91\n  sim-vf: host:192.168.1.33\n  sim-wire: udp:127.0.0.91:10000\n${flags}peers:\n${peers}`;

let applied: Pick<GatewayOptions, 'peers' | 'limits'>[];
let levels: number[];
let lines: string[];
beforeEach(() => {
  applied = [];
  levels = [];
  lines = [];
});

async function open(file: string, ...argv: string[]) {
  writeFileSync(FILE, file);
  const all = ['--config', FILE, '--insecure', ...argv];
  return new Reloader({
    argv: all,
    read: await readRunOptions(all),
    gateway: {
      problemsOf: () => [],
      reconfigure: (options) => {
        applied.push(options);
        return Promise.resolve({ peersAdded: 0, peersRemoved: 0, peersChanged: 0, sessionsEnded: 0 });
      },
    },
    logger: { log: (_level, line) => lines.push(line), setLevel: (level) => levels.push(level) },
  });
}

test('peers, limits and the level of the log are taken on', async () => {
  const reloader = await open(text(''));
  writeFileSync(
    FILE,
    text('  rekey-grace: 40000\n  log-level: 60\n', '  - {service: 10.0.0.3, owns: [192.168.3.0/24]}\n'),
  );
  expect(await reloader.reload()).toHaveProperty('changed');
  expect(applied[0]!.limits.rekeyGraceMs).toBe(40_000);
  expect(applied[0]!.peers.map(({ serviceAddress }) => serviceAddress.host)).toEqual(['10.0.0.3']);
  expect(levels).toEqual([60]);
});

test('a bad file is refused whole with all reasons, and a good one later is taken', async () => {
  const reloader = await open(text(''));
  writeFileSync(FILE, text('  rekey-grace: soon\n  cookie: true\n  mode: transport\n  backoff-min: 300\n'));
  const { problems } = (await reloader.reload()) as { problems: string[] };
  const restart = 'cannot change while the gateway runs; restart it for that';
  expect(problems.map((problem) => problem.replace(folder, '')).sort()).toEqual([
    expect.stringMatching(/^\/g\.yaml:6: flags\.rekey-grace: "soon" is not a whole number/),
    `/g.yaml:7: flags.cookie: ${restart}`,
    `/g.yaml:8: flags.mode: ${restart}`,
  ]);
  expect([applied, levels]).toEqual([[], []]);
  expect(lines[0]).toBe('reload refused: nothing has changed');
  expect(lines).toHaveLength(4);
  writeFileSync(FILE, '');
  expect(await reloader.reload()).toEqual({
    problems: expect.arrayContaining([`${FILE}:1: the file is empty; write flags: and peers:`]),
  });
  writeFileSync(FILE, text('  backoff-min: 300\n'));
  expect(await reloader.reload()).toHaveProperty('changed');
  expect(applied).toHaveLength(1);
});

test('flags of the command line stay those of the command line; more peers make no more places', async () => {
  const reloader = await open(text(''), '--rekey-grace=7000');
  writeFileSync(FILE, text('  rekey-grace: 40000\n', '  - {service: 10.0.0.2, owns: [192.168.0.0/17]}\n'));
  expect(await reloader.reload()).toHaveProperty('changed');
  expect(applied[0]!.limits.rekeyGraceMs).toBe(7000);
  expect(applied[0]!.limits.spisPerPeerPerHour).toBe(100_000);
});

test('the flags that may change are those that docs/operations.md lists', () => {
  const names = FLAGS.filter(({ live, group }) => live === true && group !== 'Peers').map(
    ({ name }) => `--${name}`,
  );
  const row = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')
    .split('\n')
    .find((line) => line.includes('`--rekey-grace`') && line.endsWith('| they hold from then on |'));
  expect([...row!.matchAll(/`(--[a-z-]+)`/g)].map(([, name]) => name).sort()).toEqual(names.sort());
});
