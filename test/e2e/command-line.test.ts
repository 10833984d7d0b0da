/** The program as users call it: statuses, streams, and what it says. */
import { spawnSync } from 'node:child_process';
import {
  createReadStream,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pcapHeader, pcapRecord, readCapture } from '../../src/packet/pcap.js';
import { askedAlone, askedWithin } from '../support/asked-within.js';
import { loopback } from '../support/loopback.js';
import { Program } from '../support/program.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const alone = (...argv: string[]) => askedAlone(argv, ROOT);
/** Within this process; mistakes.test.ts shows that it makes no difference. */
const run = (...argv: string[]) => askedWithin(argv, ROOT);

describe('help and versions', () => {
  test('--help names the commands, each command its flags, and nothing is coloured in a pipe', async () => {
    const { status, out } = await run('--help');
    expect(status).toBe(0);
    for (const command of ['run', 'demo', 'pcap', 'pipes', 'topology', 'certs', 'certificates']) {
      expect(out).toContain(command);
      const help = await run(command, '--help');
      expect(help).toMatchObject({ status: 0, err: '' });
      expect(help.out).toContain(`Usage: psp-gateway ${command}`);
      expect(help.out).not.toContain('\x1b[');
    }
    expect((await run('run', '--help')).out).toContain('--max-tunnels');
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect((await run('--version')).out).toBe(`psp-gateway ${version}\n`);
  });

  test('what it does not know ends with status 2 and a word about it', async () => {
    expect(await run('frobnicate')).toMatchObject({ status: 2, err: expect.stringContaining('frobnicate') });
    expect(await run('--frobnicate')).toMatchObject({
      status: 2,
      err: expect.stringContaining('--frobnicate'),
    });
    expect((await run('pcap', 'encrypt', '--frobnicate')).status).toBe(2);
    expect(await run('pcap', 'inspect', '/nowhere.pcap')).toMatchObject({
      status: 2,
      err: expect.stringContaining('nowhere'),
    });
  });

  test('--hal=doca says what is missing: the addon, or a device', () => {
    const { status, err } = alone('--hal=doca', '-p', '03:00.0', '--insecure');
    expect(status).toBe(1);
    expect(err).toMatch(/--hal=doca: .*(npm run build:native|the list of devices|03:00.0)/);
    // With the software DOCA, of which the mapping file is wrong, the mistake is the caller's.
    const argv = [join(ROOT, 'dist/cli/main.js'), '--hal=doca', '-p', '03:00.0', '--insecure'];
    const env = { ...process.env, DOCA_SOFT_CONFIG: folder };
    const wrong = spawnSync(process.execPath, argv, { encoding: 'utf8', env });
    if (wrong.stderr.includes('doca-soft')) {
      expect(wrong.stderr).toContain(`${folder}: Is a directory`);
      expect(wrong.status).toBe(2);
    }
  });
});

describe('what is said at start of protections that are off', () => {
  const TRAFFIC = join(ROOT, 'examples/traffic/v1-v2.pcap');

  /** A gateway that pings an address that nobody owns, once, and ends; its lines that name a protection. */
  function protectionLines(...flags: string[]): string[] {
    const address = loopback(41);
    const { err, out } = alone(
      ...['--outer-ip-type=ipv4', '-s', `${address}:3000`, '-t', `${loopback(42)}:192.168.1.55`],
      ...['--sim-wire', `pcap:${TRAFFIC}`, '--sim-vf', 'host:192.168.1.33'],
      ...['--ping', '192.168.1.99', '--ping-count', '1', '--insecure', ...flags],
    );
    const lines = `${out}${err}`.split('\n');
    const started = lines.findIndex((line) => line.includes('gateway started'));
    expect(started).toBeGreaterThan(0);
    return lines.slice(0, started).filter((line) => line.includes('protection off'));
  }

  test('each one has its line, with the flag that switched it off, before the gateway starts', () => {
    const flags = [
      '--disable-ingress-acl',
      '--debug-keys',
      '--sampled-octets',
      '--aead=noble',
      '--mode=transport',
      '--psp-version=3',
    ];
    const lines = protectionLines(...flags, '--sample-rate=1');
    for (const flag of ['--insecure', ...flags]) {
      expect(lines.filter((line) => line.includes(`(${flag})`))).toHaveLength(1);
    }
  });

  test('what is on is not named', () => {
    expect(protectionLines()).toEqual([expect.stringContaining('(--insecure)')]);
  });
});

describe('pipes', () => {
  test.each([
    ['mermaid', /^flowchart LR\n/],
    ['dot', /^digraph /],
    ['svg', /^<svg /],
    ['json', /^\{\n/],
  ])('--format %s', async (format, pattern) => {
    const { status, out } = await run(
      'pipes',
      '--format',
      format,
      '--inner=both',
      '--sample-rate',
      '4',
      '-c',
    );
    expect(status).toBe(0);
    expect(out).toMatch(pattern);
    for (const name of ['ROOT', 'PSP_DECRYPT', 'EGR_SAMPL', 'PSP_ENCRYPT']) expect(out).toContain(name);
  });

  test('wrong gateway flags are refused', async () => {
    expect(await run('pipes', '--mode=bridge')).toMatchObject({
      status: 2,
      err: expect.stringContaining('--mode'),
    });
    expect((await run('pipes', '--format=png')).status).toBe(2);
  });
});

describe('topology', () => {
  const example = 'test/support/topology-files/two-hosts.yaml';
  const bad = () => {
    const path = join(folder, 'bad.yaml');
    writeFileSync(path, 'name: t\nsed: 1\ntopology: {full-mesh: 0}\n');
    return path;
  };

  test('validate says what a file makes, as a table and as JSON', async () => {
    const { status, out, err } = await run('topology', 'validate', example);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toMatch(/^topology +two-hosts\n/);
    expect(out).toMatch(/^gateways +2$/m);
    expect(out).toMatch(/^flows +3$/m);
    const json = await run('topology', 'validate', '--json', 'test/support/topology-files/full-mesh.yaml');
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

  test('validate takes a scenario from another file', async () => {
    const leafSpine = await run('topology', 'validate', 'test/support/topology-files/leaf-spine.yaml');
    expect(leafSpine.out).toMatch(/^flows +40$/m);
    const mesh = await run('topology', 'validate', 'test/support/topology-files/two-hosts.yaml', bad());
    expect(mesh).toMatchObject({ status: 1, err: expect.stringContaining('bad.yaml:1: name') });
  });

  test('validate ends with 1 and every problem when the file is wrong, with 2 when it is called wrongly', async () => {
    const path = bad();
    const problems = [
      `${path}:2: sed: there is no such key here; did you mean "seed"?`,
      `${path}:3: topology.full-mesh: 0 is not from 1 to 1999`,
    ];
    expect(await run('topology', 'validate', path)).toEqual({
      status: 1,
      out: '',
      err: `${problems.join('\n')}\n`,
    });
    const json = await run('topology', 'validate', path, '--json');
    expect({ ...json, out: JSON.parse(json.out) }).toEqual({
      status: 1,
      out: { valid: false, problems },
      err: '',
    });
    expect(await run('topology', 'validate', '/nowhere.yaml')).toMatchObject({
      status: 2,
      err: '/nowhere.yaml:1: there is no file /nowhere.yaml\n',
    });
    expect((await run('topology', 'validate')).status).toBe(2);
    expect((await run('topology', 'validate', '--frobnicate', example)).status).toBe(2);
    expect((await run('topology', 'frobnicate')).status).toBe(2);
  });

  test.each([
    ['mermaid', /^flowchart TD\n/],
    ['dot', /^graph "two-hosts" /],
    ['svg', /^<svg /],
  ])('graph --format %s', async (format, pattern) => {
    const { status, out } = await run('topology', 'graph', example, '--format', format);
    expect(status).toBe(0);
    expect(out).toMatch(pattern);
    const path = join(folder, 'graph');
    expect(await run('topology', 'graph', example, '--format', format, '-o', path)).toMatchObject({
      status: 0,
      out: '',
    });
    expect(readFileSync(path, 'utf8')).toBe(out);
  });

  test('graph refuses wrong files and formats', async () => {
    expect(await run('topology', 'graph', bad())).toMatchObject({
      status: 2,
      err: expect.stringContaining('seed'),
    });
    expect((await run('topology', 'graph', example, '--format=png')).status).toBe(2);
    expect(await run('topology', 'graph', example, '-o', '/nowhere/graph')).toMatchObject({
      status: 2,
      err: '--output: /nowhere/graph: there is no such file or folder (ENOENT)\n',
    });
  });
});

test('the demo succeeds, is plain text in a pipe, and leaves its files', async () => {
  const { status, out, err } = alone('demo', '--output', folder);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  expect(out).not.toContain('\x1b[');
  expect(out.match(/ {2}ok {2}V\d to V\d IPv\d/g)).toHaveLength(4);
  const drawings = ['pipes.svg', 'pipes.mmd', 'sequence.svg', 'sequence.mmd'];
  const captures = ['wire.pcap', 'delivered.pcap', 'opened.pcapng', 'keys.jsonl'];
  for (const name of [...drawings, ...captures]) {
    expect(readFileSync(join(folder, name)).length).toBeGreaterThan(100);
    expect(out).toContain(join(folder, name).split('/').at(-1));
  }
  for (const name of captures) expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
  // Only PSP was on the wire.
  const inspected = await run('pcap', 'inspect', '--json', join(folder, 'wire.pcap'));
  const layers = inspected.out
    .trim()
    .split('\n')
    .map((line) =>
      (JSON.parse(line) as { layers: { layer: string }[] }).layers.map(({ layer }) => layer).join(' '),
    );
  expect(layers.length).toBeGreaterThan(1000);
  expect(new Set(layers)).toEqual(new Set(['Ethernet IPv6 UDP PSP']));
  // Its keys open it, and it lies there opened.
  const [keys, wire, both] = ['keys.jsonl', 'wire.pcap', 'both.pcapng'].map((name) => join(folder, name));
  const opened = await run('pcap', 'decrypt', '--keys', keys!, wire!, both!, '--json');
  expect(opened.status).toBe(0);
  expect(JSON.parse(opened.out)).toMatchObject({ decrypted: layers.length, noKey: 0, authFail: 0 });
  expect(readFileSync(join(folder, 'opened.pcapng')).length).toBeGreaterThan(2_000_000);
  expect((await run('pcap', 'inspect', join(folder, 'opened.pcapng'))).out).toContain(
    'IPv4 192.168.1.33 > 192.168.1.55 | ICMP',
  );
});

test('a demo without anything to replay is refused, with the reasons, and leaves nothing', async () => {
  const [nothing, traffic] = [join(folder, 'nothing'), join(folder, 'traffic.pcap')];
  const arp = new Uint8Array(60);
  arp.set([8, 6], 12);
  for (const [frames, reason] of [
    [[], 'it has no frames'],
    [
      [arp, arp, new Uint8Array(60)],
      'left out are 2: ARP and neighbor discovery; 1: IEEE 802.3 with LLC, not IP',
    ],
  ] as const) {
    writeFileSync(traffic, Buffer.concat([pcapHeader(), ...frames.map((frame) => pcapRecord(0n, frame))]));
    expect(await run('demo', '--output', nothing, '--traffic', traffic)).toEqual({
      status: 2,
      out: '',
      err: `psp-gateway: ${traffic}: nothing to replay: ${reason}; name a capture of what V1 and V2 send each other\n`,
    });
    expect(existsSync(nothing)).toBe(false);
  }
});

test('the demo cuts what it records with --snaplen, and says how long it was', async () => {
  expect((await run('demo', '--output', folder, '--snaplen', '64')).status).toBe(0);
  for (const name of ['wire.pcap', 'delivered.pcap', 'opened.pcapng']) {
    let longest = 0;
    for await (const record of readCapture(createReadStream(join(folder, name)))) {
      expect(record.frame.length).toBe(Math.min(64, record.originalOctets));
      longest = Math.max(longest, record.originalOctets);
    }
    expect(longest, name).toBeGreaterThan(1000);
  }
});

test('a gateway cuts the captures that its ports write with --snaplen', async () => {
  const [input, wire, vf] = ['none.pcap', 'snap-wire.pcap', 'snap-vf.pcap'].map((name) => join(folder, name));
  writeFileSync(input!, pcapHeader());
  const ports = [`--sim-wire=pcap:${input},${wire}`, `--sim-vf=pcap:${input},${vf}`];
  const flags = [
    '--insecure',
    '-s',
    `${loopback(14)}:3000`,
    '--local-virt-ip',
    '192.168.1.1',
    '--snaplen',
    '96',
  ];
  const gateway = new Program([process.execPath, join(ROOT, 'dist/cli/main.js'), ...flags, ...ports]);
  await gateway.says(/gateway started/);
  await gateway.stop('SIGTERM');
  // Files say in their headers what they hold at most.
  expect([wire!, vf!].map((path) => readFileSync(path).readUInt32LE(16))).toEqual([96, 96]);
});

test.each(['13', '65536', '-1', 'all'])(
  '--snaplen %s is refused, and what is taken is said',
  async (octets) => {
    const demo = await run('demo', '--output', folder, '--snaplen', octets);
    expect({ status: demo.status, err: demo.err }).toEqual({
      status: 2,
      err: expect.stringContaining('14 (an Ethernet header) to 65535, or 0 for whole frames'),
    });
    const gateway = await run('--insecure', `--snaplen=${octets}`);
    expect(gateway.status).toBe(2);
    expect(gateway.err).toContain('--snaplen');
  },
);
