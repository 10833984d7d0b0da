/** Running gateways, asked and steered by the commands for that: the same over both HALs, with traffic of real workloads. */
import { existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { askedAlone } from '../support/asked-within.js';
import { readDocument } from '../support/document-blocks.js';
import { describeOnKernel } from '../support/kernel.js';
import { loopback } from '../support/loopback.js';
import { Program } from '../support/program.js';
import { ROOT } from '../support/root.js';
import { type Kind, type Side, World } from './namespaces.js';

const MAIN = join(ROOT, 'dist/cli/main.js');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-admin-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...argv: string[]) => askedAlone(argv, ROOT);

/** What docs/operations.md shows of a command; `begin`: of its line. */
function sampleOf(begin: string): string {
  const document = readDocument('docs/operations.md');
  return new RegExp(`^\`psp-gateway ${begin}[^\\n]*:\\n\\n\`\`\`text\\n([^]*?)\\n\`\`\`$`, 'm').exec(
    document,
  )![1]!;
}

/** The labels of a first block, and the heads of tables: what does not depend on the gateway that is asked. */
function labelsOf(text: string): string[] {
  const [first = '', ...rest] = text.split('\n\n');
  const heads = [first, ...rest].flatMap((block) => /^[A-Z]{4,} {2,}.*/m.exec(block)?.[0] ?? []);
  return [
    ...[...first.matchAll(/^([A-Za-z]+(?: [a-z]+)?) {2,}\S/gm)].map(([, label]) => label!),
    ...heads.map((line) => line.replace(/ +/g, ' ')),
  ];
}

/** Addresses of no other test's gateway. */
const HOSTS = [loopback(61), loopback(62)] as const;

/** A gateway between a workload of its own and a peer; over UDP on loopback addresses. */
function gatewayAt(host: string, peer: string, ...more: string[]): Program {
  return new Program([
    ...[process.execPath, MAIN, '--outer-ip-type=ipv4', `-s${host}:3961`, '--insecure'],
    ...[`-t${peer}:3961:192.168.6.${peer.slice(-2)}`, `--sim-wire=udp:${host}:10961`],
    ...[`--sim-vf=host:192.168.6.${host.slice(-2)}`, ...more],
  ]);
}

/** What becomes of packets of a tunnel that is up, and of one for an address that nobody owns, with the reasons. */
function expectsExplained(own: Side, other: Side, explain: (...argv: string[]) => string): void {
  const peer = `${other.oob}:3000`;
  const out = explain(own.vip4, other.vip4);
  expect(out).toContain(`\n- ${other.vip4} belongs to peer ${peer}\n`);
  expect(out).toContain(`\n- peer ${peer} was last heard of `);
  expect(out).toContain('\n- the tunnel is established: SPI out 0x');
  expect(out).toMatch(/^EGR_ACL_IPV4 +an entry +uplink +.*encrypt/m);
  const back = explain(other.vip4, own.vip4, '--in');
  expect(back).toMatch(/^A packet of the peer is given to the workload\.$/m);
  expect(back).toMatch(/^PSP_DECRYPT +psp +.* decrypt$/m);
  expect(back).toMatch(/^INGR_ACL_IPV4 +an entry +workload +/m);
  const missing = explain(own.vip4, '192.168.1.9', '--proto', 'tcp', '--dport', '443');
  expect(missing).toContain(`\n- no peer owns 192.168.1.9; nearest: peer ${peer} owns ${other.vip4}\n`);
  expect(missing).toMatch(/^EGR_ACL_IPV4 +miss +RSS_MISS +no entry has outer\.ip4\.src_ip/m);
}

describeOnKernel('a gateway that carries traffic', ['ip', 'ping'], () => {
  test.each<[Kind]>([['sim'], ['doca']])(
    'over %s: tells of its tunnels, its peers and its device what is so',
    async (kind) => {
      await using world = await World.open();
      const [own, other] = world.sides as [(typeof world.sides)[number], (typeof world.sides)[number]];
      const socket = join(world.folder, 'admin.sock');
      const gateway = await world.startGateway(0, kind, [`--admin=${socket}`]);
      const otherSocket = join(world.folder, 'other.sock');
      await world.startGateway(1, kind, [`--admin=${otherSocket}`]);
      await world.run(own.workload, ['ping', '-n', '-c', '3', '-i', '0.2', '-w', '20', other.vip4]);
      const ask = (...argv: string[]) => {
        const { status, out, err } = run(...argv, '--socket', socket, '--json');
        expect({ status, err }).toEqual({ status: 0, err: '' });
        return JSON.parse(out) as Record<string, never>;
      };
      const status = ask('status');
      expect(status).toMatchObject({
        device: { hal: kind },
        service: `${own.oob}:3000`,
        sessions: [{ state: 'established', sessions: 1 }],
        keySlotsUsed: 1,
        certificates: [{ role: 'own', state: 'valid' }, { role: 'authority' }],
        problems: [],
      });
      const { ports } = status.device as unknown as { ports: { kind: string; mtuOctets: number }[] };
      expect(ports.map((port) => port.kind)).toEqual(expect.arrayContaining(['uplink', 'vf']));
      expect(ask('tunnels', '--vip', other.vip4)).toMatchObject({
        leftOut: 0,
        tunnels: [
          {
            localVip: own.vip4,
            remoteVip: other.vip4,
            peer: `${other.oob}:3000`,
            state: 'established',
            out: { packets: expect.any(Number) },
          },
        ],
      });
      // Over DOCA counters may be a second old.
      await expect
        .poll(() => Number((ask('tunnels').tunnels as { in: { packets: number } }[])[0]!.in.packets), {
          timeout: 10_000,
        })
        .toBeGreaterThanOrEqual(3);
      expect(ask('peers')).toMatchObject({
        peers: [{ summary: { name: `${other.oob}:3000`, reach: 'answers' }, failure: '' }],
      });
      expect(run('status', '--socket', socket)).toMatchObject({
        status: 0,
        out: expect.stringContaining('nothing is wrong'),
      });
      expectsExplained(own, other, (...argv) => run('explain', ...argv, '--socket', socket).out);
      for (const [command, ...argv] of [
        ['status'],
        ['tunnels'],
        ['peers'],
        ['explain', own.vip4, '192.168.1.9'],
      ] as const) {
        const labels = labelsOf(sampleOf(command));
        expect(labels.length, command).toBeGreaterThan(0);
        expect(labelsOf(run(command, ...argv, '--socket', socket).out), command).toEqual(labels);
      }
      for (const argv of [['tunnels', 'rekey', '--all'], ['reload'], ['rotate']])
        expect(run(...argv, '--socket', socket).out).toBe(`${sampleOf(argv.slice(0, 2).join(' '))}\n`);
      // It drains: its peer knows, what is there goes on, and when nothing passes any more it ends.
      expect(ask('drain', '--no-wait', '--timeout', '600')).toMatchObject({
        done: false,
        drain: { stops: true },
      });
      await expect
        .poll(() => run('peers', '--socket', otherSocket).out, { timeout: 20_000 })
        .toMatch(/ drains /);
      await world.run(own.workload, ['ping', '-n', '-c', '2', '-i', '0.2', '-w', '20', other.vip4]);
      expect(run('status', '--socket', otherSocket).out).toContain(`! peer ${own.oob}:3000 drains`);
      expect(ask('drain', '--cancel')).toEqual({ cancelled: true });
      await expect
        .poll(() => run('peers', '--socket', otherSocket).out, { timeout: 20_000 })
        .not.toMatch(/ drains /);
      // Without a tunnel there is nothing to wait for.
      if (kind === 'sim') ask('tunnels', 'remove', '--all');
      expect(ask('drain')).toEqual({ done: true, end: 'stopped' });
      expect(await gateway.ended).toBe(0);
      expect(existsSync(socket)).toBe(false);
      expect(run('status', '--socket', socket)).toMatchObject({
        status: 3,
        err: expect.stringContaining('there is no such socket'),
      });
    },
    180_000,
  );
});

describe('the admin socket', () => {
  test('of another gateway stays that one’s; a dead one’s is taken over; files are left alone', async () => {
    const path = join(folder, 'one.sock');
    const first = gatewayAt(HOSTS[0], HOSTS[1], `--admin=${path}`);
    await first.says(/gateway started/);
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    const second = gatewayAt(HOSTS[1], HOSTS[0], `--admin=${path}`);
    expect(await second.ended).toBe(1);
    expect(second.out).toContain(`--admin: ${path}: another program answers there`);
    expect(run('status', '--socket', path).out).toContain(`${HOSTS[0]}:3961`);
    await first.stop('SIGKILL');
    expect(run('status', '--socket', path)).toMatchObject({
      status: 3,
      err: expect.stringContaining('has ended'),
    });
    const third = gatewayAt(HOSTS[1], HOSTS[0], `--admin=${path}`);
    await third.says(/gateway started/);
    expect(run('status', '--socket', path).out).toContain(`${HOSTS[1]}:3961`);
    expect(await third.stop('SIGINT')).toBe(0);
    expect(existsSync(path)).toBe(false);
    // With it the folder is made for its owner only.
    const deep = join(folder, 'new/folder/a.sock');
    const fourth = gatewayAt(HOSTS[0], HOSTS[1], `--admin=${deep}`);
    await fourth.says(/gateway started/);
    expect(lstatSync(join(folder, 'new')).mode & 0o777).toBe(0o700);
    await fourth.stop('SIGTERM');
  });

  test('at a path that cannot be is told with all other mistakes, before anything is begun', async () => {
    writeFileSync(join(folder, 'file'), 'precious');
    mkdirSync(join(folder, 'directory'));
    for (const [path, reason] of [
      [join(folder, 'file'), 'is no socket'],
      [join(folder, 'directory'), 'is no socket'],
      [join(folder, 'file/a.sock'), '(ENOTDIR)'],
      [join(folder, 'x'.repeat(120)), 'has 107 at most'],
    ] as const) {
      const { status, err } = run(
        ...['--outer-ip-type=ipv4', `-s${HOSTS[0]}:3961`, '--insecure', '--max-tunnels=0'],
        ...[`-t${HOSTS[1]}:3961:192.168.6.62`, `--sim-wire=udp:${HOSTS[0]}:10961`],
        ...['--sim-vf=host:192.168.6.61', `--admin=${path}`],
      );
      expect(status, path).toBe(2);
      expect(err).toContain('--max-tunnels');
      expect(err).toMatch(/^--admin: /m);
      expect(err).toContain(reason);
    }
  });

  test('that is not there, or is no gateway’s, ends commands with status 3 and says why', () => {
    const nobody = run('tunnels', '--socket', join(folder, 'none.sock'));
    expect(nobody).toMatchObject({ status: 3, out: '' });
    expect(nobody.err.trim().split('\n')).toHaveLength(1);
    expect(run('peers', '--socket', join(folder)).status).toBe(3);
    expect(run('status', '--sokcet', 'x')).toMatchObject({
      status: 2,
      err: expect.stringContaining('did you mean --socket?'),
    });
    expect(run('tunnels', 'more')).toMatchObject({ status: 2 });
    const ports = run(
      'explain',
      '192.168.6.1',
      '192.168.6.2',
      '--sport',
      '5',
      '--dport=6',
      '--socket',
      'none',
    );
    expect(ports).toMatchObject({
      status: 2,
      err: expect.stringMatching(/^--sport: ICMP .*\n--dport: ICMP .*\n$/),
    });
  });
});

describe('a gateway that is steered', () => {
  test('has other keys, another log level and fewer tunnels, as it was told, and its events say so', async () => {
    const [one, other] = [loopback(63), loopback(64)] as const;
    const path = join(folder, 'steered.sock');
    const first = gatewayAt(one, other, `--admin=${path}`);
    await first.says(/gateway started/);
    const events = new Program([process.execPath, MAIN, 'events', '--json', '--socket', path]);
    const ask = (...argv: string[]) => run(...argv, '--socket', path);
    // Events of before it watched are not told.
    const watchers = () => Number(JSON.parse(ask('status', '--json').out).admin.watchers);
    await vi.waitUntil(() => watchers() === 1, { timeout: 60_000, interval: 100 });
    const second = gatewayAt(other, one, '--admin=off', '--ping=192.168.6.63', '--ping-count=200');
    await events.says(/"event":"tunnel-established"/);
    expect(ask('tunnels', 'rekey', '--peer', other)).toMatchObject({
      status: 0,
      out: '1 tunnels re-keyed\n',
    });
    await events.says(/"event":"tunnel-rekeyed"/);
    expect(ask('log-level', '70')).toMatchObject({ status: 0, out: '70\n' });
    expect(ask('log-level', '71').status).toBe(2);
    expect(ask('tunnels', 'remove')).toMatchObject({ status: 2, err: expect.stringContaining('--all') });
    expect(ask('tunnels', 'remove', '--peer', '127.9.9.9').status).toBe(1);
    expect(ask('tunnels', 'remove', '--all')).toMatchObject({ status: 0 });
    await events.says(/"event":"session-removed"/);
    expect(ask('peers', 'disconnect')).toMatchObject({
      status: 2,
      err: expect.stringContaining('which peer'),
    });
    expect(ask('peers', 'disconnect', '127.9.9.9').status).toBe(1);
    expect(ask('peers', 'disconnect', other)).toMatchObject({
      status: 0,
      // A ping may have had one made anew.
      out: expect.stringMatching(/^connections of the peer ended: 1; tunnels removed: [01]\n$/),
    });
    await events.says(/"event":"peer-disconnected"/);
    expect(ask('rotate', '--no-wait').status).toBe(0);
    expect(await events.stop('SIGINT')).toBe(0);
    await Promise.all([first, second].map((gateway) => gateway.stop('SIGTERM')));
  });
});
