/** The README's two terminals: two gateway processes, real gRPC over mutual TLS, PSP over UDP sockets of the kernel. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeCertificates } from '../../src/cli/certificates.js';
import { loopback } from '../support/loopback.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const HOSTS = [loopback(12), loopback(13)] as const;
const VIPS = ['192.168.1.33', '192.168.1.55'] as const;
const VIPS6 = ['fd00::33', 'fd00::55'] as const;

let folder: string;
let children: ChildProcess[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-two-'));
  children = [];
  await writeCertificates({ out: folder, host: HOSTS, force: true });
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

interface Finished {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Starts a gateway; `ready` resolves when its log says so, `finished` when it has ended. */
function start(index: 0 | 1, more: readonly string[]) {
  const own = HOSTS[index];
  const other = index === 0 ? 1 : 0;
  const argv = [
    ...['--outer-ip-type=ipv4', '--inner=both', `-s${own}:3900`],
    `-t${HOSTS[other]}:3900:${VIPS[other]},${VIPS6[other]}`,
    ...[`--sim-wire=udp:${own}:10900`, `--sim-vf=host:${VIPS[index]},${VIPS6[index]}`],
    ...[`--tls-ca=${folder}/ca.pem`, `--tls-cert=${folder}/${own}.pem`, `--tls-key=${folder}/${own}.key`],
    ...more,
  ];
  const child = spawn(process.execPath, [MAIN, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let out = '';
  let err = '';
  let isReady: () => void;
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
    if (err.includes('gateway started')) isReady();
  });
  const finished = new Promise<Finished>((resolve) => {
    child.on('close', (status) => {
      isReady();
      resolve({ status, out, err });
    });
  });
  return { child, ready, finished };
}

describe('two gateways, started by hand', () => {
  test.each([
    ['IPv4', VIPS[0]],
    ['IPv6', VIPS6[0]],
  ])('a workload of one pings a workload of the other, %s; both stop cleanly', async (_, target) => {
    const first = start(0, []);
    await first.ready;
    const second = start(1, [`--ping=${target}`, '--ping-count=2']);
    const { status, out, err } = await second.finished;
    expect({ status, err }).toMatchObject({ status: 0 });
    expect(out).toContain('2 sent, 2 received, 0 % lost');
    first.child.kill('SIGTERM');
    expect(await first.finished).toMatchObject({
      status: 0,
      err: expect.stringContaining('SIGTERM: stopping'),
    });
  });

  test('wrong flags end it with status 2 and every reason', async () => {
    const { status, err } = await start(0, ['--max-tunnels=0', '--mode=bridge', '--sim-wire=carrier-pigeon'])
      .finished;
    expect(status).toBe(2);
    expect(err).toContain('--max-tunnels');
    expect(err).toContain('--mode');
    expect(err).toContain('is given twice');
  });

  test('an address that another gateway has ends it with status 1 and the address', async () => {
    const first = start(0, []);
    await first.ready;
    const { status, err } = await start(0, []).finished;
    expect(status).toBe(1);
    expect(err).toContain(HOSTS[0]);
  });
});
