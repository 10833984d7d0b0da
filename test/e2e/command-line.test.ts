/** The program as users call it: statuses, streams, and what it says. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...argv: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'dist/cli/main.js'), ...argv], {
    encoding: 'utf8',
    cwd: ROOT,
    timeout: 50_000,
  });
  return { status, out: stdout, err: stderr };
}

describe('help and versions', () => {
  test('--help names the commands, each command its flags, and nothing is coloured in a pipe', () => {
    const { status, out } = run('--help');
    expect(status).toBe(0);
    for (const command of ['run', 'demo', 'pcap', 'pipes', 'certificates']) {
      expect(out).toContain(command);
      const help = run(command, '--help');
      expect(help).toMatchObject({ status: 0, err: '' });
      expect(help.out).toContain(`Usage: psp-gateway ${command}`);
      expect(help.out).not.toContain('\x1b[');
    }
    expect(run('run', '--help').out).toContain('--max-tunnels');
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(run('--version').out).toBe(`psp-gateway ${version}\n`);
  });

  test('what it does not know ends with status 2 and a word about it', () => {
    expect(run('frobnicate')).toMatchObject({ status: 2, err: expect.stringContaining('frobnicate') });
    expect(run('--frobnicate')).toMatchObject({ status: 2, err: expect.stringContaining('--frobnicate') });
    expect(run('pcap', 'encrypt', '--frobnicate').status).toBe(2);
    expect(run('pcap', 'inspect', '/nowhere.pcap')).toMatchObject({
      status: 2,
      err: expect.stringContaining('nowhere'),
    });
  });

  test('--hal=doca says what is missing: the addon, or a device', () => {
    const { status, err } = run('--hal=doca', '-p', '03:00.0', '--insecure');
    expect(status).toBe(1);
    expect(err).toMatch(/--hal=doca: .*(npm run build:native|the list of devices|03:00.0)/);
  });
});

describe('pipes', () => {
  test.each([
    ['mermaid', /^flowchart LR\n/],
    ['dot', /^digraph /],
    ['svg', /^<svg /],
    ['json', /^\{\n/],
  ])('--format %s', (format, pattern) => {
    const { status, out } = run('pipes', '--format', format, '--inner=both', '--sample-rate', '4', '-c');
    expect(status).toBe(0);
    expect(out).toMatch(pattern);
    for (const name of ['ROOT', 'PSP_DECRYPT', 'EGR_SAMPL', 'PSP_ENCRYPT']) expect(out).toContain(name);
  });

  test('wrong gateway flags are refused', () => {
    expect(run('pipes', '--mode=bridge')).toMatchObject({
      status: 2,
      err: expect.stringContaining('--mode'),
    });
    expect(run('pipes', '--format=png').status).toBe(2);
  });
});

test('the demo succeeds, is plain text in a pipe, and leaves its files', () => {
  const { status, out, err } = run('demo', '--output', folder);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  expect(out).not.toContain('\x1b[');
  expect(out.match(/ {2}ok {2}V\d to V\d IPv\d/g)).toHaveLength(4);
  for (const name of ['wire.pcap', 'delivered.pcap', 'pipes.svg', 'pipes.mmd', 'sequence.mmd']) {
    expect(readFileSync(join(folder, name)).length).toBeGreaterThan(100);
  }
  // Only PSP was on the wire.
  const inspected = run('pcap', 'inspect', '--json', join(folder, 'wire.pcap'));
  const layers = inspected.out
    .trim()
    .split('\n')
    .map((line) =>
      (JSON.parse(line) as { layers: { layer: string }[] }).layers.map(({ layer }) => layer).join(' '),
    );
  expect(layers.length).toBeGreaterThan(1000);
  expect(new Set(layers)).toEqual(new Set(['Ethernet IPv6 UDP PSP']));
});
