/** `psp-gateway verify` as users run it: over the simulator, and over the software DOCA between interfaces of the kernel's. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report, Result } from '../../src/verify/report.js';
import { askedWithin } from '../support/asked-within.js';
import { docaAddon, docaIsBuilt, type LongRelease } from '../support/doca-harness.js';
import { describeOnKernel, nameOfThisRun } from '../support/kernel.js';
import { ROOT } from '../support/root.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-verify-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ask = (...args: string[]) => askedWithin(['verify', ...args], folder);
const reportOf = (name: string) => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Report;

describe('psp-gateway verify', () => {
  test('over the simulator asks everything, and writes both reports', async () => {
    const { status, out, err } = await ask('--hal=sim', '--quick');
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toMatch(/^passed {8}sessions-sender: 12 cases$/m);
    expect(out).toMatch(/^\d+ passed, 0 failed, 0 not possible, \d+ measured in [\d.]+ s$/m);
    const report = reportOf('verify');
    expect(report.counts).toMatchObject({ failed: 0, 'not-possible': 0 });
    expect(report.machine.map(({ what }) => what)).toContain('kernel');
    expect(readFileSync(join(folder, 'verify.html'), 'utf8')).toContain('psp-gateway verify: the simulator');
  });

  test('compares with an earlier report, and prints one as JSON', async () => {
    const only = ['--only', 'key-slots', 'iv'];
    const { status, out } = await ask(
      '--hal=sim',
      ...only,
      '--baseline',
      'verify.json',
      '-O',
      'second',
      '--json',
    );
    expect(status).toBe(0);
    const { comparison, results } = JSON.parse(out) as Report;
    expect(results.map(({ name }) => name)).toEqual(['counter-age', 'key-slots', 'iv']);
    const differences = comparison!.differences.filter(({ now }) => now !== 'not asked');
    expect(differences).toEqual([]);
    expect(comparison!.differences).not.toEqual([]);
  });

  test('says what is wrong with its flags, all at once, and asks nothing', async () => {
    writeFileSync(join(folder, 'mine.json'), '{"mine": true}');
    const cases: [string[], RegExp[]][] = [
      [[], [/--pci-addr: --hal=doca needs it/, /--repr:/, /--uplink:/, /--vf:/]],
      [['--hal=sim', '--uplink=eth0'], [/--uplink: the simulator has its ports in memory/]],
      [
        ['--hal=sim', '--only', 'nothing', '--quick', '--cases=3', '--seed=x'],
        [/--only: there is no question "nothing"/, /--quick: does not go with --cases/, /--seed/],
      ],
      [['--hal=sim', '--case=3'], [/--case: needs one name with --only/]],
      [['--hal=sim', '--baseline=mine.json'], [/mine\.json is no report of psp-gateway verify/]],
      [['--hal=sim', '--baseline=none.json'], [/none\.json/]],
      [['--hal=sim', '--baseline=./verify.json'], [/--output: would replace the report of --baseline/]],
      [['--hal=sim', '--output=mine'], [/--output: mine\.json is there and is no report/]],
      [
        ['--pci-addr=03:00.0', '--repr=[0]', '--uplink=lo', '--vf=lo', '--output=other'],
        [/--vf: is the same interface/, /--uplink: lo has addresses/],
      ],
    ];
    for (const [args, lines] of cases) {
      const { status, out, err } = await ask(...args);
      expect({ status, out }, args.join(' ')).toEqual({ status: 2, out: '' });
      for (const line of lines) expect(err, args.join(' ')).toMatch(line);
    }
    expect(existsSync(join(folder, 'other.json'))).toBe(false);
    expect(readFileSync(join(folder, 'mine.json'), 'utf8')).toBe('{"mine": true}');
  });

  test('lists what it asks', async () => {
    const { status, out } = await ask('--list');
    expect(status).toBe(0);
    expect(out).toMatch(/^acl-cookie +Who is let in +An authentic packet/m);
  });
});

const RELEASES: readonly LongRelease[] = ['3.1', '3.3'];

describeOnKernel('psp-gateway verify of a device on real interfaces', ['ip'], () => {
  const space = nameOfThisRun('v');
  const ip = (...commands: string[]) =>
    execFileSync('ip', ['-n', space, '-batch', '-'], { input: commands.join('\n') });
  beforeAll(() => {
    execFileSync('ip', ['netns', 'add', space]);
    const settings = ['default', 'all'].map((name) => `net.ipv6.conf.${name}.disable_ipv6=1`);
    execFileSync('ip', ['netns', 'exec', space, 'sysctl', '-qw', ...settings]);
    ip('link add up0 type veth peer name up1', 'link add vf0 type veth peer name vf1');
    ip(...['up0', 'up1', 'vf0', 'vf1'].map((name) => `link set ${name} up`));
    // What the mapping file says otherwise, and what somebody has set before: both are to be found again.
    ip('link set up0 mtu 1600', 'link set vf0 promisc on');
  });
  afterAll(() => execFileSync('ip', ['netns', 'del', space]));

  /** The interfaces at both ends of the cables, as the kernel tells them. */
  const ends = () => {
    const links = execFileSync('ip', ['-n', space, '-j', '-d', 'link'], { encoding: 'utf8' });
    type Link = { ifname: string; flags: string[]; promiscuity: number; mtu: number };
    return (JSON.parse(links) as Link[])
      .filter(({ ifname }) => ifname !== 'lo')
      .map(({ ifname, flags, promiscuity, mtu }) => ({ ifname, flags, promiscuity, mtu }));
  };

  /** The software DOCA between the cables. */
  function verify(release: LongRelease, mapping: readonly string[], ...args: string[]) {
    writeFileSync(
      join(folder, 'mapping.conf'),
      [
        '[device 0000:03:00.0]',
        'port = net_af_packet0,iface=up0',
        'mtu = 1500',
        'mac = 02:00:00:00:00:a0',
        'ipv4 = 192.0.2.1',
        'ipv6 = 2001:db8::1',
        ...mapping,
        '[representor vf0]',
        'port = net_af_packet1,iface=vf0',
        'mtu = 1500',
      ].join('\n'),
    );
    const flags = ['--pci-addr=03:00.0', '--repr=[0]', '--uplink=up1', '--vf=vf1', '--settle=30'];
    const command = [process.execPath, join(ROOT, 'dist/cli/main.js'), 'verify', '--hal=doca', ...flags];
    return spawnSync('ip', ['netns', 'exec', space, ...command, ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: {
        ...process.env,
        DOCA_SOFT_CONFIG: join(folder, 'mapping.conf'),
        PSP_GATEWAY_DOCA_ADDON: docaAddon(release),
      },
    });
  }

  test.each(RELEASES)(
    'the software DOCA %s holds what is asked, and is described',
    (release) => {
      expect(docaIsBuilt(release)).toBe(true);
      const before = ends();
      const only = ['sessions-sender', 'sessions-receiver', 'counters', 'sampling-egress', 'transmit', 'iv'];
      const behaviours = ['completions = late', 'equal-keys = refused'];
      const { status, stdout, stderr } = verify(
        release,
        behaviours,
        '--cases=1',
        '-O',
        release,
        '--only',
        ...only,
      );
      expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' });
      const { counts, device } = reportOf(release);
      expect(counts).toEqual({ passed: 5, failed: 0, 'not-possible': 0, measured: 2 });
      const told = Object.fromEntries(device.map(({ what, value }) => [what, value]));
      expect(told).toMatchObject({
        device: expect.stringContaining(`DOCA ${release}`),
        'DOCA Flow': expect.stringContaining(`libdoca_flow.so.${release}`),
        interfaces: 'up1 at the uplink, vf1 at the VF',
      });
      // It leaves them as they were: neither promiscuous nor down.
      expect(ends()).toEqual(before);
    },
    60_000,
  );

  test('a defect is named, ends with 1, and its capture can be looked at', async () => {
    const only = ['--only', 'acl-cookie', 'acl-spi'];
    const { status, stdout } = verify(
      '3.3',
      ['test-defect = cookies-ignored'],
      '--cases=1',
      '-O',
      'defect',
      ...only,
    );
    expect(status, stdout).toBe(1);
    expect(stdout).toMatch(/^FAILED {8}acl-cookie: delivered with another cookie: how many: 1, and not 0$/m);
    expect(stdout).toMatch(/^passed {8}acl-spi: 1 case$/m);
    expect(stdout).toMatch(/again: --only acl-cookie --seed 1 --case 0$/m);
    const failed = reportOf('defect').results.find(({ name }) => name === 'acl-cookie');
    const { capture, frames } = failed as Extract<Result, { state: 'failed' }>;
    writeFileSync(join(folder, 'smallest.pcapng'), Buffer.from(capture, 'base64'));
    const shown = await askedWithin(['pcap', 'inspect', 'smallest.pcapng'], folder);
    expect(shown.status).toBe(0);
    expect(shown.out.match(/PSP/g)!.length).toBeGreaterThanOrEqual(frames / 2);
  }, 60_000);
});
