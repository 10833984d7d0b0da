/**
 * What commands load. Loading hundreds of modules takes longer than most of what commands do, help first of all, and nobody sees
 * one import more: so the modules are counted, which is the same on every machine.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loopback } from '../support/loopback.js';
import { Program } from '../support/program.js';
import { ROOT } from '../support/root.js';

const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-modules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Modules of packages by package, and those of our own in "". */
function loadedBy(line: string): Map<string, number> {
  const coverage = mkdtempSync(join(folder, 'coverage-'));
  execFileSync(process.execPath, [join(ROOT, 'dist/cli/main.js'), ...line.split(' ')], {
    env: { ...process.env, NODE_V8_COVERAGE: coverage },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return modulesOf(coverage);
}

function modulesOf(coverage: string): Map<string, number> {
  const [report] = readdirSync(coverage);
  const { result } = JSON.parse(readFileSync(join(coverage, report!), 'utf8')) as {
    result: { url: string }[];
  };
  const counts = new Map<string, number>();
  for (const { url } of result.filter(({ url: from }) => from.startsWith('file:'))) {
    const [, name = ''] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? [];
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** What calls a running gateway, makes certificates, serves metrics, and reads topologies. */
const LARGE = ['@grpc/grpc-js', '@peculiar/x509', 'prom-client', 'ajv', 'typebox', 'yaml'];

test.each([
  { line: '--help', modulesMax: 20 },
  { line: 'status --help', modulesMax: 40 },
  { line: 'tunnels --help', modulesMax: 40 },
  { line: 'capture --help', modulesMax: 50 },
  { line: 'top --help', modulesMax: 40 },
  { line: 'topology --help', modulesMax: 30 },
  { line: 'pcap --help', modulesMax: 90 },
  { line: 'certificates --help', modulesMax: 40 },
  { line: 'certs show --help', modulesMax: 50 },
  { line: 'pipes', modulesMax: 120 },
])('psp-gateway $line loads $modulesMax modules at most', ({ line, modulesMax }) => {
  const loaded = loadedBy(line);
  expect(LARGE.filter((name) => loaded.has(name))).toEqual([]);
  const count = [...loaded.values()].reduce((sum, one) => sum + one, 0);
  expect(loaded.get('')).toBeGreaterThan(3);
  expect(count).toBeLessThanOrEqual(modulesMax);
});

test('a topology is read without what runs make certificates with, and without the builders of TypeBox', () => {
  const loaded = loadedBy('topology validate examples/two-hosts.yaml');
  expect(loaded.has('ajv')).toBe(true);
  expect(['@peculiar/x509', 'typebox'].filter((name) => loaded.has(name))).toEqual([]);
});

test('a gateway that nobody asks loads nothing of its admin service’s calls', async () => {
  const coverage = mkdtempSync(join(folder, 'coverage-'));
  const gateway = new Program(
    [
      ...[process.execPath, join(ROOT, 'dist/cli/main.js'), '--insecure', '--outer-ip-type=ipv4'],
      ...[`-s${loopback(66)}:3966`, `-t${loopback(67)}:3966:192.168.7.2`, '--sim-vf=host:192.168.7.1'],
      ...[`--sim-wire=udp:${loopback(66)}:10966`, `--admin=${join(folder, 'admin.sock')}`],
    ],
    { NODE_V8_COVERAGE: coverage },
  );
  await gateway.says(/gateway started/);
  await gateway.stop('SIGTERM');
  const loaded = modulesOf(coverage);
  expect(loaded.get('')).toBeGreaterThan(100);
  expect(LARGE.filter((name) => loaded.has(name))).toEqual([]);
});
