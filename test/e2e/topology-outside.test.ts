/**
 * A topology with cables to real kernels, as a user runs it: the run in a namespace, with two veth pairs that stand for the cables,
 * and a TAP interface that the run makes.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report } from '../../src/topology/report.js';
import { describeOnKernel, nameOfThisRun } from '../support/kernel.js';
import { Program } from '../support/program.js';
import { MAIN } from './topology-folder.js';

const RUN = nameOfThisRun('r');
/** Kernels, each behind a cable: the interface that the run has, and the kernel's own. */
const KERNELS = ['a', 'b'].map((letter, i) => ({
  space: nameOfThisRun(letter),
  cable: `cable${i}`,
  own: 'eth0',
  /** Always the same: others keep it for half a minute. */
  mac: `02:00:00:18:00:0${i + 1}`,
  ip4: `10.18.0.${i + 1}`,
  ip6: `fd18::${i + 1}`,
}));
const [A, B] = KERNELS as [(typeof KERNELS)[0], (typeof KERNELS)[0]];
const TAP = 'tap0';
const TAP_IP4 = '10.18.0.3';

const file = (scenario: string) => `name: cables
seed: 18
topology:
  nodes: {s1: {kind: switch}}
  links:
    - {endpoints: ["s1:e1", "host:${A.cable}"], loss: 1%, delay: 20ms}
    - {endpoints: ["host:${B.cable}", "s1:e2"]}
    - {endpoints: ["s1:e3", "tap:${TAP}"], mac: "02:00:00:00:18:03"}
scenario:
${scenario}`;

describeOnKernel('topology run with interfaces of this machine', ['ip', 'ping', 'iperf3', 'sysctl'], () => {
  let folder: string;
  const ip = (...args: string[]) => execFileSync('ip', args);
  const inRun = (...command: string[]) => ['ip', 'netns', 'exec', RUN, ...command];
  const run = (name: string, scenario: string) => {
    writeFileSync(join(folder, `${name}.yaml`), file(scenario));
    const flags = ['--real-time', '--json', '-o', join(folder, name), '--captures'];
    return new Program(
      inRun(process.execPath, MAIN, 'topology', 'run', join(folder, `${name}.yaml`), ...flags),
    );
  };
  const inside = (space: string, ...command: string[]) =>
    new Promise<string>((resolve) => {
      const child = spawn('ip', ['netns', 'exec', space, ...command]);
      let out = '';
      child.stdout.on('data', (chunk) => {
        out += chunk;
      });
      child.stderr.resume();
      child.on('close', () => resolve(out));
    });
  const received = (out: string) => Number(/(\d+) received/.exec(out)?.[1]);
  const reaches = (target: string) =>
    expect
      .poll(async () => received(await inside(A.space, 'ping', '-n', '-c', '1', '-W', '1', target)), {
        timeout: 30_000,
      })
      .toBe(1);

  /** With the kernel's addresses at its other end. */
  const addCable = ({ space, cable, own, mac, ip4, ip6 }: (typeof KERNELS)[0]) => {
    ip('link', 'add', cable, 'netns', RUN, 'type', 'veth', 'peer', 'name', own, 'netns', space);
    ip('-n', space, 'link', 'set', own, 'address', mac);
    ip('-n', RUN, 'link', 'set', cable, 'up');
    ip('-n', space, 'addr', 'add', `${ip4}/24`, 'dev', own);
    ip('-n', space, 'addr', 'add', `${ip6}/64`, 'dev', own, 'nodad');
    ip('-n', space, 'link', 'set', own, 'up');
  };

  const promiscuous = () =>
    (JSON.parse(ip('-n', RUN, '-d', '-j', 'link').toString()) as { ifname: string; promiscuity: number }[])
      .filter(({ promiscuity }) => promiscuity > 0)
      .map(({ ifname }) => ifname)
      .sort();

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'psp-gateway-outside-'));
    ip('netns', 'add', RUN);
    execFileSync('ip', ['netns', 'exec', RUN, 'sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1']);
    ip('-n', RUN, 'link', 'set', 'lo', 'up');
    for (const kernel of KERNELS) {
      ip('netns', 'add', kernel.space);
      addCable(kernel);
    }
  });
  afterAll(() => {
    for (const space of [RUN, A.space, B.space]) spawnSync('ip', ['netns', 'del', space]);
    rmSync(folder, { recursive: true, force: true });
  });

  test('kernels reach each other through it, whatever happens to interfaces, and find theirs as they were', async () => {
    const program = run('kernels', '  duration: 300s\n');
    await reaches(B.ip4);
    const pings = await inside(A.space, 'ping', '-n', '-i', '0.002', '-c', '400', B.ip6);
    // 1 % of the requests and of the answers.
    expect(received(pings)).toBeLessThan(400);
    expect(received(pings)).toBeGreaterThan(370);
    // 20 ms there and back.
    expect(Number(/min\/avg\/max\/mdev = ([\d.]+)/.exec(pings)?.[1])).toBeGreaterThan(40);
    const server = inside(B.space, 'iperf3', '--server', '--one-off');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { end } = JSON.parse(
      await inside(A.space, 'iperf3', '--json', '--time', '1', '--client', B.ip4),
    ) as { end: { sum_received: { bytes: number } } };
    await server;
    expect(end.sum_received.bytes).toBeGreaterThan(200_000);
    ip('-n', RUN, 'addr', 'add', `${TAP_IP4}/24`, 'dev', TAP);
    await reaches(TAP_IP4);

    ip('-n', RUN, 'link', 'set', A.cable, 'down');
    ip('-n', RUN, 'link', 'del', TAP);
    ip('-n', RUN, 'link', 'del', B.cable);
    await new Promise((resolve) => setTimeout(resolve, 400));
    ip('-n', RUN, 'link', 'set', A.cable, 'up');
    addCable(B);
    await reaches(B.ip4);
    expect(promiscuous()).toEqual([A.cable, B.cable]);
    await program.stop('SIGTERM');
    expect(promiscuous()).toEqual([]);
  }, 120_000);

  test('a report has what passed, what became of it, and what interfaces went through', async () => {
    const program = run(
      'report',
      `  duration: 3s
  events:
    - {at: 0, cut: "tap:${TAP}"}
  expect:
    - {counter: "outside.host:${A.cable}.received", min: 5}
    - {counter: "outside.host:${B.cable}.sent", min: 5}
    - {counter: "outside.host:${A.cable}.notUnderstood", max: 0}
    - {counter: "outside.tap:${TAP}.sent", max: 0}
    - {counter: "links.s1:e3 tap:${TAP}.s1:e3.lost", min: 1}
    - {counter: "links.s1:e1 host:${A.cable}.host:${A.cable}.delivered", min: 5}
    - {counter: "outside.host:${A.cable}.interruptions", max: 0}
`,
    );
    const pings = new Program(['ip', 'netns', 'exec', A.space, 'ping', '-n', '-i', '0.05', B.ip6]);
    const status = await program.ended;
    await pings.stop('SIGINT');
    expect(status, program.out).toBe(0);
    expect(JSON.parse(program.out) as Report).toMatchObject({ violations: [], errors: [], ok: true });
    expect(readdirSync(join(folder, 'report'))).toContain(`link-s1_e1-host_${A.cable}.pcapng`);
    const markdown = readFileSync(join(folder, 'report', 'report.md'), 'utf8');
    expect(markdown).toMatch(new RegExp(`Interfaces of this machine[^]*host:${A.cable} . received`));
  }, 60_000);
});
