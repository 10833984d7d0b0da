/** One topology on two machines: network namespaces, which share nothing but a cable. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report } from '../../src/topology/report.js';
import { describeOnKernel } from '../support/kernel.js';
import { Program } from '../support/program.js';
import { ROOT } from '../support/root.js';

const MAIN = join(ROOT, 'dist/cli/main.js');
const HERE = '192.0.2.1';
const THERE = '192.0.2.2';
const TOPOLOGY = `name: machines
topology:
  nodes:
    h1: {kind: gateway, workloads: {v1: [192.168.1.1]}}
    h2: {kind: gateway, workloads: {v2: [192.168.1.2]}}
    h3: {kind: gateway, workloads: {v3: [192.168.1.3]}}
    s1: {kind: switch}
  links:
    - {endpoints: ["h1:p0", "s1:e1"]}
    - {endpoints: ["h2:p0", "s1:e2"]}
    - {endpoints: ["h3:p0", "s1:e3"]}
scenario:
  traffic:
    there: {type: ping, from: v1, to: v2, count: 5}
    back: {type: ping, from: v2, to: v3, count: 5}
    here: {type: transfer, from: v3, to: v1, size: 100kB}
  expect:
    - {flow: "*", lost: 0}
`;

describeOnKernel('a topology on two machines', ['ip'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-machines-'));
  const file = join(folder, 'machines.yaml');
  const certificates = join(folder, 'certs');
  const names = [HERE, THERE].map((_, i) => `pspgw-${process.pid}-machine${i + 1}`) as [string, string];
  const ip = (...args: string[]) => execFileSync('ip', args);

  beforeAll(() => {
    for (const name of names) ip('netns', 'add', name);
    ip('-n', names[0], 'link', 'add', 'e0', 'type', 'veth', 'peer', 'name', 'e0', 'netns', names[1]);
    for (const [i, name] of names.entries()) {
      ip('-n', name, 'link', 'set', 'lo', 'up');
      ip('-n', name, 'link', 'set', 'e0', 'up');
      ip('-n', name, 'addr', 'add', `${[HERE, THERE][i]}/24`, 'dev', 'e0');
    }
    writeFileSync(file, TOPOLOGY);
    const made = spawnSync(process.execPath, [
      MAIN,
      'certificates',
      '--out',
      certificates,
      '--host',
      HERE,
      THERE,
    ]);
    expect(made.status).toBe(0);
  });
  afterAll(() => {
    for (const name of names) ip('netns', 'del', name);
    rmSync(folder, { recursive: true, force: true });
  });

  test('carries traffic from and to the other machine', async () => {
    const places = ['--where', `h2=${THERE}`, '--core', HERE, '--certificates', certificates];
    const on = (name: string, ...args: string[]) => [
      'netns',
      'exec',
      name,
      process.execPath,
      MAIN,
      'topology',
      ...args,
    ];
    const node = new Program(['ip', ...on(names[1], 'node', file, 'h2', ...places)]);
    try {
      await node.says(/gateway started/);
      const run = on(names[0], 'run', file, '--processes', ...places, '-o', join(folder, 'out'), '--json');
      const { status, stdout, stderr } = spawnSync('ip', run, { encoding: 'utf8' });
      expect({ status, stderr }).toMatchObject({ status: 0 });
      const { flows, violations } = JSON.parse(stdout) as Report;
      expect(violations).toEqual([]);
      for (const flow of ['there', 'back', 'here']) expect(flows[flow]!.lost).toBe(0);
    } finally {
      await node.stop('SIGTERM');
    }
  });
});
