/** Topologies with gateways over the software DOCA, as a user runs them: processes, cables, events, keys, and what is left. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/topology/report.js';
import { docaIsBuilt } from '../support/doca-harness.js';
import { describeNeeding } from '../support/needs.js';
import { Program } from '../support/program.js';
import { PORTS_ADDON, ROOT } from '../support/root.js';
import { MAIN, topologyFolder } from './topology-folder.js';

const { path, topologyAlone } = topologyFolder();

const missing = [
  ...(process.getuid?.() === 0 ? [] : ['root']),
  ...(existsSync(PORTS_ADDON) && docaIsBuilt('3.1') && docaIsBuilt('3.3')
    ? []
    : ['the native parts (npm run build:native -- --tests)']),
];

/** A simulated gateway, two over the software DOCA of different releases, and an insider. */
const MIXED = `name: mixed
topology:
  nodes:
    s1: {kind: gateway, workloads: {a: [192.168.1.1]}}
    d31: {kind: gateway, hal: doca, release: 3.1, mapping: {completions: late}, workloads: {b: [192.168.1.2]}}
    d33: {kind: gateway, hal: doca, release: 3.3, workloads: {c: [192.168.1.3]}}
    m: {kind: insider}
    leaf1: {kind: switch}
  links:
    - {endpoints: ["s1:p0", "leaf1:eth1"], loss: 1%}
    - {endpoints: ["d31:p0", "leaf1:eth2"], loss: 1%}
    - {endpoints: ["d33:p0", "leaf1:eth3"], loss: 1%}
    - {endpoints: ["m:p0", "leaf1:eth4"]}
`;

function file(name: string, scenario: string): string {
  writeFileSync(path(name), `${MIXED}scenario:\n${scenario}`);
  return path(name);
}

/** Interfaces and folders of runs that this machine has now. */
const interfacesOf = (pid: number) =>
  readdirSync('/sys/class/net').filter((name) => name.startsWith(`pg${pid.toString(36)}-`));
const foldersOf = (pid: number) => readdirSync(tmpdir()).filter((name) => name.includes(`-${pid}-`));

/** Whether a workload's namespace is there, with its way to everybody. */
const isUp = (namespace: string) =>
  existsSync(`/run/netns/${namespace}`) &&
  spawnSync('ip', ['-n', namespace, 'route'], { encoding: 'utf8' }).stdout.includes('default dev vf0');

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 300 && !isSo(); i++) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isSo()).toBe(true);
}

describeNeeding('a topology with gateways over the software DOCA', missing, () => {
  test('rotates, crashes, moves and comes back, with an insider in it, and no invariant is broken', () => {
    const events = `  traffic:
    A: {type: ping, from: "*", to: "*", count: 70, interval: 100ms, timeout: 3s}
    U: {type: udp, from: a, to: b, rate: 200/s, size: 1000, duration: 3s}
  events:
    - {at: 500ms, insider: m, for: 2s, rate: 30}
    - {at: 1s, rotate: "*"}
    - {at: 1500ms, slow-entries: d31, delay: 20ms}
    - {at: 2s, crash: d33, down: 100ms}
    - {at: 2500ms, readdress: d31, ip: "2001:db8::31"}
  expect:
    - {flow: "*", delivered: 10%}
    - {counter: nodes.d33.starts, min: 2, max: 2}
    - {counter: nodes.d31.starts, min: 2, max: 2}
    - {counter: nodes.d31.rotations, min: 1}
    - {counter: nodes.d31.pipes.ROOT.packets, min: 100}
    - {counter: insiders.m.acts, min: 20}
`;
    const out = path('out');
    const input = file('events.yaml', events);
    const run = topologyAlone('run', input, '--real-time', '--write-keys', '-o', out, '--json');
    expect(run.err).toBe('');
    const report = JSON.parse(run.out) as Report;
    expect(report.violations).toEqual([]);
    expect(report.expectations.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.errors).toEqual([]);
    expect(report.notChecked).toEqual([
      'd31: unaccounted: DOCA counts no ends of packets',
      'd33: unaccounted: DOCA counts no ends of packets',
    ]);
    expect(run.status).toBe(0);
    const keys = readFileSync(path('out/keys.jsonl'), 'utf8');
    for (const node of ['s1', 'd31', 'd33']) expect(keys).toContain(`"node":"${node}"`);
    const log = readFileSync(path('out/run.log'), 'utf8');
    for (const node of ['d31', 'd33']) expect(log).toMatch(new RegExp(`${node} info: gateway started`));
    for (const name of ['vf-d31.pcapng', 'link-d33_p0-leaf1_eth3.pcapng', 'pipes-s1.svg'])
      expect(existsSync(path(`out/${name}`)), name).toBe(true);
  });

  test('examples/hardware/mixed.yaml, with a real kernel that pings too, goes as it expects', async () => {
    const out = path('mixed');
    const args = [
      MAIN,
      'topology',
      'run',
      join(ROOT, 'examples/hardware/mixed.yaml'),
      '--real-time',
      '-o',
      out,
    ];
    const run = new Program([process.execPath, ...args]);
    await until(() => isUp('psp-mixed'));
    const ping = ['netns', 'exec', 'psp-mixed', 'ping', '-q', '-c', '40', '-i', '0.2', '192.168.1.2'];
    const pinged = new Program(['ip', ...ping]);
    const status = await run.ended;
    await pinged.ended;
    const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report;
    expect(report.violations).toEqual([]);
    expect(report.expectations.filter(({ ok }) => !ok)).toEqual([]);
    expect(status, run.out).toBe(0);
    // The kernel's own packets, from before there were gateways too.
    expect(Number(/(\d+) received/.exec(pinged.out)?.[1])).toBeGreaterThan(10);
    expect(existsSync('/run/netns/psp-mixed')).toBe(false);
  });

  test('examples/hardware/real-workloads.yaml: two kernels talk over both families through a simulated fabric', async () => {
    const out = path('real');
    const file = join(ROOT, 'examples/hardware/real-workloads.yaml');
    const run = new Program([process.execPath, MAIN, 'topology', 'run', file, '--real-time', '-o', out]);
    await until(() => isUp('psp-left') && isUp('psp-right'));
    const pings = ['192.168.1.2', 'fd00::2'].map((to) => {
      const ping = ['ping', '-q', '-c', '20', '-i', '0.2', to];
      return new Program(['ip', 'netns', 'exec', 'psp-left', ...ping]);
    });
    expect(await run.ended, run.out).toBe(0);
    for (const ping of pings) {
      await ping.ended;
      expect(Number(/(\d+) received/.exec(ping.out)?.[1]), ping.out).toBeGreaterThan(5);
    }
  });

  test('a gateway that somebody else runs, over the software DOCA, takes part, and its keys are checked', async () => {
    const [out, keys] = [path('others'), path('others.jsonl')];
    const input = path('others.yaml');
    writeFileSync(
      input,
      `name: others
topology:
  nodes:
    h1: {kind: gateway, workloads: {a: [192.168.1.1]}}
    dpu:
      kind: external
      at: "tap:psp-e2e-ext"
      service: 127.9.0.9
      underlay: ["2001:db8::9"]
      mac: 02:00:00:00:00:99
      workloads: {b: [192.168.1.9]}
      cookies: false
      version: ours
      keys: ${keys}
    leaf1: {kind: switch}
  links:
    - {endpoints: ["h1:p0", "leaf1:eth1"]}
    - {endpoints: ["tap:psp-e2e-ext", "leaf1:eth2"], loss: 1%}
scenario:
  traffic:
    A: {type: ping, from: a, to: b, count: 60, interval: 200ms}
  events: [{at: 8s, rotate: h1}]
  expect: [{flow: A, delivered: 20%}]
`,
    );
    const namespace = `psp-e2e-${process.pid}`;
    const run = new Program([process.execPath, MAIN, 'topology', 'run', input, '--real-time', '-o', out]);
    const stopping: Program[] = [];
    try {
      await run.says(/dpu: its peers are/);
      const certificates = /its certificate is (\S+)\.pem/.exec(run.out)![1]!;
      expect(statSync(`${certificates}.key`).mode & 0o777).toBe(0o600);
      const peers = /its peers are (\S+)/.exec(run.out)![1]!;
      await until(() => readdirSync('/sys/class/net').includes('psp-e2e-ext'));
      const mapping = path('others.conf');
      writeFileSync(
        mapping,
        `[device 0000:03:00.0]\nport = net_af_packet0,iface=psp-e2e-ext\nmtu = 1500\nmac = 02:00:00:00:00:99\nipv6 = 2001:db8::9
[representor vf0]\nport = net_tap0,iface=pspe2evf0\nmtu = 1500\n`,
      );
      const dpu = new Program(
        [
          ...[process.execPath, MAIN, '--hal=doca', '--pci-addr=03:00.0', '--core-mask=0x1', peers],
          ...['--svc-addr=127.9.0.9', '--local-virt-ip=192.168.1.9', '--debug-keys'],
          ...[`--admin=${path('dpu.sock')}`, `--tls-ca=${join(dirname(certificates), 'ca.pem')}`],
          ...[`--tls-cert=${certificates}.pem`, `--tls-key=${certificates}.key`],
        ],
        { DOCA_SOFT_CONFIG: mapping },
      );
      stopping.push(dpu);
      await dpu.says(/gateway started/);
      const capture = ['capture', '--socket', path('dpu.sock'), '--keys', keys, '-w', path('dpu.pcapng')];
      stopping.push(new Program([process.execPath, MAIN, ...capture]));
      const ip = (...args: string[]) => spawnSync('ip', args);
      ip('netns', 'add', namespace);
      ip('link', 'set', 'pspe2evf0', 'netns', namespace);
      ip('-n', namespace, 'addr', 'add', '192.168.1.9/24', 'dev', 'pspe2evf0');
      ip('-n', namespace, 'link', 'set', 'pspe2evf0', 'up');
      const status = await run.ended;
      const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report;
      expect(report.violations).toEqual([]);
      expect(report.errors).toEqual([]);
      expect(report.notChecked).toEqual([
        'dpu (ours): unauthenticated, delivered-twice, unaccounted: its workloads and its device are not seen',
      ]);
      expect(status, run.out).toBe(0);
      expect(readFileSync(keys, 'utf8').trim().split('\n').length).toBeGreaterThan(1);
    } finally {
      for (const program of stopping) await program.stop('SIGTERM');
      spawnSync('ip', ['netns', 'del', namespace]);
    }
  });

  test('leaves neither interfaces nor files nor processes when it is interrupted', async () => {
    const input = file(
      'long.yaml',
      '  traffic: {A: {type: ping, from: a, to: [b, c], count: 1000, interval: 50ms}}\n',
    );
    const run = spawn(process.execPath, [MAIN, 'topology', 'run', input, '--real-time', '-o', path('int')], {
      cwd: ROOT,
      stdio: 'ignore',
    });
    const pid = run.pid!;
    try {
      await until(() => interfacesOf(pid).length === 4);
      expect(foldersOf(pid)).not.toEqual([]);
    } finally {
      run.kill('SIGINT');
    }
    await once(run, 'exit');
    await until(() => interfacesOf(pid).length === 0);
    expect(foldersOf(pid)).toEqual([]);
    const stays = () => spawnSync('pgrep', ['-f', `topology node ${input}`]).status === 0;
    await until(() => !stays());
  });
});

describe('without what it needs', () => {
  test('in virtual time a gateway over DOCA is refused, at its line', () => {
    const { status, err } = topologyAlone('run', file('virtual.yaml', '  duration: 1s\n'));
    expect(err).toMatch(/virtual\.yaml:5: topology\.nodes\.d31\.hal: .*run it with --real-time/);
    expect(status).toBe(2);
  });
});
