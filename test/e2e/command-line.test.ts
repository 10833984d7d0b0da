/** The program as users call it: statuses, streams, and what it says. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
    for (const command of ['run', 'demo', 'pcap', 'pipes', 'topology', 'certificates']) {
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

describe('topology', () => {
  const example = 'test/support/topology-files/two-hosts.yaml';
  const bad = () => {
    const path = join(folder, 'bad.yaml');
    writeFileSync(path, 'name: t\nsed: 1\ntopology: {full-mesh: 0}\n');
    return path;
  };

  test('validate says what a file makes, as a table and as JSON', () => {
    const { status, out, err } = run('topology', 'validate', example);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toMatch(/^topology +two-hosts\n/);
    expect(out).toMatch(/^gateways +2$/m);
    expect(out).toMatch(/^flows +3$/m);
    const json = run('topology', 'validate', '--json', 'test/support/topology-files/full-mesh.yaml');
    expect(JSON.parse(json.out)).toEqual({
      valid: true,
      name: 'full-mesh',
      seed: 1,
      gateways: 100,
      switches: 1,
      routers: 0,
      links: 100,
      workloads: 100,
      staticTunnels: 9900,
      flows: 200,
      events: 100,
      expectations: 1,
    });
  });

  test('validate takes a scenario from another file', () => {
    const leafSpine = run('topology', 'validate', 'test/support/topology-files/leaf-spine.yaml');
    expect(leafSpine.out).toMatch(/^flows +40$/m);
    const mesh = run('topology', 'validate', 'test/support/topology-files/two-hosts.yaml', bad());
    expect(mesh).toMatchObject({ status: 1, err: expect.stringContaining('bad.yaml:1: name') });
  });

  test('validate ends with 1 and every problem when the file is wrong, with 2 when it is called wrongly', () => {
    const path = bad();
    const problems = [
      `${path}:2: sed: there is no such key here; did you mean "seed"?`,
      `${path}:3: topology.full-mesh: 0 is not from 1 to 1999`,
    ];
    expect(run('topology', 'validate', path)).toEqual({
      status: 1,
      out: '',
      err: `${problems.join('\n')}\n`,
    });
    const json = run('topology', 'validate', path, '--json');
    expect({ ...json, out: JSON.parse(json.out) }).toEqual({
      status: 1,
      out: { valid: false, problems },
      err: '',
    });
    expect(run('topology', 'validate', '/nowhere.yaml')).toMatchObject({
      status: 1,
      err: '/nowhere.yaml:1: there is no file /nowhere.yaml\n',
    });
    expect(run('topology', 'validate').status).toBe(2);
    expect(run('topology', 'validate', '--frobnicate', example).status).toBe(2);
    expect(run('topology', 'frobnicate').status).toBe(2);
  });

  test.each([
    ['mermaid', /^flowchart TD\n/],
    ['dot', /^graph "two-hosts" /],
    ['svg', /^<svg /],
  ])('graph --format %s', (format, pattern) => {
    const { status, out } = run('topology', 'graph', example, '--format', format);
    expect(status).toBe(0);
    expect(out).toMatch(pattern);
    const path = join(folder, 'graph');
    expect(run('topology', 'graph', example, '--format', format, '-o', path)).toMatchObject({
      status: 0,
      out: '',
    });
    expect(readFileSync(path, 'utf8')).toBe(out);
  });

  test('graph refuses wrong files and formats', () => {
    expect(run('topology', 'graph', bad())).toMatchObject({
      status: 2,
      err: expect.stringContaining('seed'),
    });
    expect(run('topology', 'graph', example, '--format=png').status).toBe(2);
    expect(run('topology', 'graph', example, '-o', '/nowhere/graph')).toMatchObject({
      status: 1,
      err: 'cannot write /nowhere/graph: ENOENT\n',
    });
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
