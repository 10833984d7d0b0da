/** Gateways in processes of their own, recorded; and their recordings, replayed by the program. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeCertificates } from '../../src/cli/certificates.js';
import { type Answer, askedWithin } from '../support/asked-within.js';
import { loopback } from '../support/loopback.js';
import { ROOT } from '../support/root.js';

const MAIN = join(ROOT, 'dist/cli/main.js');
const HOSTS = [loopback(112), loopback(113)] as const;
const VIPS = ['192.168.1.33', '192.168.1.55'] as const;
/** Of this release. */
const KEPT = join(ROOT, 'test/recordings/0.2.0.rec');

let folder: string;
let logs: string[];
let reported: Answer;
const children: ChildProcess[] = [];

const asked = (cwd: string, ...argv: string[]) => askedWithin(argv, cwd);

function start(index: 0 | 1, more: readonly string[]) {
  const [own, other] = [HOSTS[index], HOSTS[1 - index]!];
  const argv = [
    ...[
      '--outer-ip-type=ipv4',
      `--admin=${folder}/${index}.sock`,
      '--cookie',
      `-s${own}:3900`,
      '--debug-keys',
    ],
    ...[`-t${other}:3900:${VIPS[1 - index]}`, `--record=${folder}/${index}.rec`],
    ...[
      `--sim-wire=udp:${own}:10900`,
      `--sim-vf=host:${VIPS[index]}`,
      `--state-file=${folder}/${index}.state`,
    ],
    ...[`--tls-ca=${folder}/ca.pem`, `--tls-cert=${folder}/${own}.pem`, `--tls-key=${folder}/${own}.key`],
    ...more,
  ];
  const child = spawn(process.execPath, [MAIN, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let err = '';
  let isReady: () => void;
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
    if (err.includes('gateway started')) isReady();
  });
  const finished = new Promise<{ status: number | null; err: string }>((resolve) => {
    child.on('close', (status) => {
      isReady();
      resolve({ status, err });
    });
  });
  return { child, ready, finished, err: () => err };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-record-'));
  await writeCertificates({ out: folder, host: HOSTS, force: true });
  const first = start(0, []);
  await first.ready;
  const second = start(1, [`--ping=${VIPS[0]}`, '--ping-count=2']);
  const { status, err } = await second.finished;
  expect({ status, err }).toMatchObject({ status: 0 });
  writeFileSync(join(folder, '0.log'), first.err());
  reported = await asked(folder, 'report', `--socket=${folder}/0.sock`, '--log=0.log', '-O', 'report.tar.gz');
  first.child.kill('SIGTERM');
  logs = [(await first.finished).err, err];
});
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

describe('recordings of two gateways', () => {
  test.each([0, 1])('are their owner’s, and have no key in them (%i)', (index) => {
    const path = join(folder, `${index}.rec`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const text = readFileSync(path, 'latin1');
    const keys = [...logs[index]!.matchAll(/ key=([0-9a-f]{32,64})/g)].map(([, key]) =>
      Buffer.from(key!, 'hex'),
    );
    expect(keys.length).toBeGreaterThan(1);
    for (const key of keys) {
      for (const form of [key.toString('hex'), key.toString('base64').slice(0, -4), key.toString('latin1')])
        expect(text.includes(form)).toBe(false);
    }
    for (const line of readFileSync(join(folder, `${HOSTS[index]}.key`), 'utf8')
      .split('\n')
      .slice(1, 3))
      expect(text).not.toContain(line);
  });

  test.each([0, 1])('replay on the simulator, and over the gateway’s own code (%i)', async (index) => {
    const path = join(folder, `${index}.rec`);
    const device = await asked(folder, 'replay', path);
    expect(device).toMatchObject({ status: 0, err: '', out: expect.stringMatching(/\nno difference\n$/) });
    const gateway = await asked(folder, 'replay', path, '--gateway', '--log');
    expect(gateway).toMatchObject({ status: 0, err: '', out: expect.stringMatching(/\nno difference\n$/) });
    expect(gateway.out).toMatch(/ INFO tunnel established .*peer="/);
  });

  test('show their first difference', async () => {
    const path = join(folder, 'changed.rec');
    const lines = readFileSync(join(folder, '0.rec'), 'utf8').split('\n');
    const log = lines.findIndex((line) => line.includes('tunnel established'));
    lines[log] = lines[log]!.replace('established', 'not there');
    writeFileSync(path, lines.join('\n'));
    const { status, out } = await asked(folder, 'replay', path, '--gateway');
    expect(status).toBe(1);
    expect(out).toContain(`the first difference is at record ${log}, `);
    expect(out).toMatch(/recorded: log\.log .*tunnel not there.*\n {2}here: +log\.log .*tunnel established/);
  });

  test('are refused with the reason where they cannot be read', async () => {
    const lines = readFileSync(KEPT, 'utf8').split('\n');
    const path = join(folder, 'wrong.rec');
    const refused = async (text: string, ...flags: string[]) => {
      writeFileSync(path, text);
      const { status, err } = await asked(folder, 'replay', path, ...flags);
      expect(status).toBe(2);
      return err;
    };
    expect(await refused(lines.join('\n').replace('"1.0"', '"2.0"'))).toContain(
      'is of version 2.0 of recordings',
    );
    expect(await refused('{"a":1}\n')).toContain('line 1: is no recording of psp-gateway run --record');
    expect(await refused([lines[0], '{"k":1}', ''].join('\n'))).toContain('line 2: k: is missing');
    expect(await refused('')).toContain('is empty');
    const later = lines
      .join('\n')
      .replace('"recordsBefore":0', '"recordsBefore":9')
      .replace('"part":1', '"part":2');
    expect(await refused(later, '--gateway')).toContain('its first 9 records are lost');
    expect(await refused('', '--gateway', '--hal=sim')).toContain(
      '--hal: does not go together with --gateway',
    );
    expect(await refused(lines.join('\n'), '--hal=doca')).toContain('--pci-addr: is required');
    expect(await refused('', '--hal=doca', '--pci-addr=x')).toContain('--pci-addr: "x" is not a PCI address');
    expect(await refused('', '--log', '--repr=x')).toMatch(
      /--log: is for --gateway.*\n.*--repr: is for --hal=doca/,
    );
  });

  test('of this release is read by later ones, whatever those know besides', async () => {
    const path = join(folder, 'later.rec');
    const text = readFileSync(KEPT, 'utf8')
      .replace('"version":"1.0"', '"version":"1.7","more":{"x":1}')
      .replaceAll('{"k":"call",', '{"k":"call","more":[1],')
      .replace('\n', '\n{"k":"unheard-of","t":0}\n');
    writeFileSync(path, text);
    expect(await asked(folder, 'replay', path)).toMatchObject({ status: 0, err: '' });
    // Later code of the gateway may do other things: that is a difference then.
    const { status, err } = await asked(folder, 'replay', path, '--gateway');
    expect({ isRead: status === 0 || status === 1, err }).toEqual({ isRead: true, err: '' });
  });

  test('stay: the next one of the name sets them aside, and what is no recording is not replaced', async () => {
    const path = join(folder, '0.rec');
    const before = readFileSync(path, 'utf8');
    const again = start(0, []);
    await again.ready;
    again.child.kill('SIGKILL');
    await again.finished;
    expect(readFileSync(`${path}.before`, 'utf8')).toBe(before);
    // The gateway was killed: what it wrote can be replayed.
    expect(await asked(folder, 'replay', path, '--gateway')).toMatchObject({ status: 0 });
    copyFileSync(join(folder, 'ca.pem'), path);
    const { status, err } = await start(0, []).finished;
    expect(status).toBe(2);
    expect(err).toContain('is there and is no recording');
  });
});

/** Names and contents. */
function unpacked(archive: string): Map<string, string> {
  const into = mkdtempSync(join(folder, 'unpacked-'));
  const { status } = spawnSync('tar', ['-xzf', join(folder, archive), '-C', into]);
  expect(status).toBe(0);
  const inside = join(into, 'psp-gateway-report');
  return new Map(readdirSync(inside).map((name) => [name, readFileSync(join(inside, name), 'latin1')]));
}

describe('reports', () => {
  test('of a running gateway have its status, configuration, log and recording, and no key', () => {
    expect(reported).toMatchObject({ status: 0, err: '' });
    expect(statSync(join(folder, 'report.tar.gz')).mode & 0o777).toBe(0o600);
    const files = unpacked('report.tar.gz');
    expect([...files.keys()].sort()).toEqual([
      ...['0.log', '0.rec', 'CONTENTS.txt', 'gateway.txt', 'gateway.yaml', 'peers.json', 'pipes.json'],
      ...['status.json', 'tunnels.json', 'versions.txt'],
    ]);
    expect(files.get('gateway.yaml')).toContain(`record: ${folder}/0.rec`);
    expect(files.get('0.log')).toMatch(/ key=\(left out\)/);
    expect(files.get('0.log')).toContain('gateway started');
    expect(JSON.parse(files.get('tunnels.json')!).tunnels).toHaveLength(1);
    expect(files.get('0.rec')).toContain('tunnel established');
    const keys = [...logs[0]!.matchAll(/ key=([0-9a-f]{32,64})/g)].map(([, key]) => Buffer.from(key!, 'hex'));
    expect(keys.length).toBeGreaterThan(1);
    const all = [...files.values()].join('\n');
    for (const key of keys) {
      for (const form of [key.toString('hex'), key.toString('base64').slice(0, -4), key.toString('latin1')])
        expect(all.includes(form)).toBe(false);
    }
  });

  test('of a folder have what is known in it, and say what is not; the same each time', async () => {
    const evidence = join(folder, 'evidence');
    mkdirSync(evidence);
    copyFileSync(KEPT, join(evidence, '0.rec'));
    for (const name of ['0.log', 'ca.pem', `${HOSTS[0]}.key`])
      copyFileSync(join(folder, name), join(evidence, name));
    writeFileSync(
      join(evidence, 'right.yaml'),
      '# secret\nflags: {insecure: true, sim-vf: "host:10.0.0.1"}\n',
    );
    writeFileSync(join(evidence, 'wrong.yaml'), 'flags: {no-such-flag: 1}\n');
    const { status, out, err } = await asked(folder, 'report', 'evidence', '-O', 'a.tar.gz');
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toMatch(/left out: evidence\/.*\.key: it is no recording, no log/);
    expect(out).toMatch(/left out: evidence\/ca\.pem: /);
    expect(out).toMatch(/left out: evidence\/wrong\.yaml: it is no configuration of a gateway: /);
    const files = unpacked('a.tar.gz');
    expect([...files.keys()].sort()).toEqual([
      '0.log',
      '0.rec',
      'CONTENTS.txt',
      'right.yaml',
      'versions.txt',
    ]);
    expect(files.get('right.yaml')).toContain('insecure: true');
    expect([...files.values()].join('\n')).not.toMatch(/PRIVATE KEY|secret/);
    await asked(folder, 'report', 'evidence', '-O', 'b.tar.gz');
    expect(readFileSync(join(folder, 'b.tar.gz')).equals(readFileSync(join(folder, 'a.tar.gz')))).toBe(true);
  });

  test('take the place of nothing unless that is said, and ask nobody who is not there', async () => {
    const before = readFileSync(join(folder, 'report.tar.gz'));
    const again = ['report', '.', '-O', 'report.tar.gz'];
    const refused = await asked(folder, ...again);
    expect(refused).toMatchObject({
      status: 2,
      err: '--output: report.tar.gz exists; --force replaces it\n',
    });
    expect(readFileSync(join(folder, 'report.tar.gz')).equals(before)).toBe(true);
    expect(await asked(folder, ...again, '--force')).toMatchObject({ status: 0 });
    expect(await asked(folder, 'report', '--socket=nobody.sock', '-O', 'c.tar.gz')).toMatchObject({
      status: 3,
    });
    const wrong = await asked(folder, 'report', 'evidence', '--socket=x', '--log=none.log', '-O', 'c.tar.gz');
    expect(wrong.status).toBe(2);
    expect(wrong.err).toMatch(
      /--socket: does not go together with a folder.*\n--log: none\.log: there is no such/,
    );
    expect(existsSync(join(folder, 'c.tar.gz'))).toBe(false);
  });
});
