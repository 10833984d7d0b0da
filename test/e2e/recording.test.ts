/** Gateways in processes of their own, recorded; and their recordings, replayed by the program. */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeCertificates } from '../../src/cli/certificates.js';
import { askedWithin } from '../support/asked-within.js';
import { loopback } from '../support/loopback.js';
import { ROOT } from '../support/root.js';

const MAIN = join(ROOT, 'dist/cli/main.js');
const HOSTS = [loopback(112), loopback(113)] as const;
const VIPS = ['192.168.1.33', '192.168.1.55'] as const;
/** Of this release. */
const KEPT = join(ROOT, 'test/recordings/0.2.0.rec');

let folder: string;
let logs: string[];
const children: ChildProcess[] = [];

const asked = (cwd: string, ...argv: string[]) => askedWithin(argv, cwd);

function start(index: 0 | 1, more: readonly string[]) {
  const [own, other] = [HOSTS[index], HOSTS[1 - index]!];
  const argv = [
    ...['--outer-ip-type=ipv4', '--admin=off', '--cookie', `-s${own}:3900`, '--debug-keys'],
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
  return { child, ready, finished };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-record-'));
  await writeCertificates({ out: folder, host: HOSTS, force: true });
  const first = start(0, []);
  await first.ready;
  const second = start(1, [`--ping=${VIPS[0]}`, '--ping-count=2']);
  const { status, err } = await second.finished;
  expect({ status, err }).toMatchObject({ status: 0 });
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
