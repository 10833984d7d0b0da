/**
 * The software DOCA as others get it: Debian packages, made twice of the tree that tests have built, unpacked into a folder, and the
 * examples that come along built there through pkg-config and run.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { installedDoca } from '../../src/native-build/build.js';
import { describeNeeding, inPath } from '../support/needs.js';
import { ROOT } from '../support/root.js';

const TREE = join(ROOT, 'build/native/soft-3.1');
const SCRIPT = join(ROOT, 'packaging/debian/build-packages.sh');
const SOURCES = join(ROOT, 'native/doca-soft');
/** The same in both, and later than any file: packing only cuts later times. */
const EPOCH = '4000000000';
const VERSION = `${JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version}+doca3.1`;
const PACKETS = 5;
const PROGRAMS = [
  'cmake',
  'cc',
  'make',
  'pkg-config',
  'dpkg-deb',
  'dpkg-shlibdeps',
  'strip',
  'objdump',
  'man',
];

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-installs-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const root = join(folder, 'root');
  const examples = join(root, 'usr/share/doc/libdoca-soft-dev/examples');

  function ran(
    command: readonly string[],
    { cwd = folder, env = {} }: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
  ): string {
    const result = spawnSync(command[0]!, command.slice(1), {
      cwd,
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });
    if (result.status !== 0)
      throw new Error(`${command.join(' ')} ends with ${result.status}:\n${result.stdout}${result.stderr}`);
    return result.stdout;
  }

  /** The packages' paths, the libraries first. */
  const build = (out: string, env: NodeJS.ProcessEnv = {}) =>
    ran([SCRIPT, '--tree', TREE, '--out', join(folder, out)], {
      env: { SOURCE_DATE_EPOCH: EPOCH, DEBFULLNAME: '', DEBEMAIL: '', ...env },
    })
      .trim()
      .split('\n');

  let packages: string[];
  beforeAll(() => {
    packages = build('first');
    mkdirSync(root);
    for (const path of packages) ran(['dpkg-deb', '-x', path, root]);
  }, 120_000);

  const fieldOf = (path: string, field: string) => ran(['dpkg-deb', '-f', path, field]).trim();

  test('as packages that are the same octets when they are made again, elsewhere and by somebody else', () => {
    const again = build('second', { TMPDIR: root, TZ: 'Asia/Tokyo', LC_ALL: 'C.UTF-8', HOME: root });
    expect(again.map((path) => basename(path))).toEqual(packages.map((path) => basename(path)));
    for (const [i, path] of packages.entries())
      expect(readFileSync(again[i]!).equals(readFileSync(path)), path).toBe(true);
  });

  test('as two packages, which say what they need', () => {
    const [library, development] = packages as [string, string];
    expect(packages.map((path) => basename(path).replace(/_[^_]+$/, ''))).toEqual([
      `libdoca-soft3.1_${VERSION}`,
      `libdoca-soft-dev_${VERSION}`,
    ]);
    expect(fieldOf(development, 'Depends')).toBe(`libdoca-soft3.1 (= ${VERSION}), libdpdk-dev (>= 22.11)`);
    // By the names of their libraries, which change with Debian's releases.
    const depends = fieldOf(library, 'Depends')
      .split(', ')
      .map((one) => one.replace(/ .*/, ''));
    for (const need of [/^libc6$/, /^libssl3/, /^libjson-c\d/, /^librte-ethdev\d/, /^librte-mempool\d/])
      expect(depends).toContainEqual(expect.stringMatching(need));
    expect(depends).not.toContainEqual(expect.stringMatching(/doca/));
  });

  test('with all headers, modules, the manual page and the examples, and with links that lead somewhere', () => {
    const headers = readdirSync(join(SOURCES, 'include')).map((name) => name.replace(/\.in$/, ''));
    expect(readdirSync(join(root, 'usr/include')).sort()).toEqual(headers.sort());
    expect(readdirSync(examples).sort()).toEqual(readdirSync(join(SOURCES, 'examples')).sort());
    const lib = join(root, 'usr/lib');
    expect(readdirSync(join(lib, 'pkgconfig')).sort()).toEqual(
      ['doca-argp.pc', 'doca-common.pc', 'doca-dpdk-bridge.pc', 'doca-flow.pc'].sort(),
    );
    const dpdk = join(SOURCES, 'dpdk');
    expect(readdirSync(join(lib, 'doca-soft/dpdk/include')).sort()).toEqual(
      readdirSync(dpdk)
        .filter((name) => name.endsWith('.h'))
        .sort(),
    );
    expect(readdirSync(join(lib, 'doca-soft/dpdk/pkgconfig'))).toEqual(['libdpdk.pc']);
    for (const name of ['libdoca_flow', 'libdoca_argp']) {
      // A link to what is in the other package.
      expect(existsSync(join(lib, `${name}.so`)), name).toBe(true);
      const [, soname] = /SONAME +(\S+)/.exec(ran(['objdump', '-p', join(lib, `${name}.so`)])) ?? [];
      expect(soname).toBe(`${name}.so.3.1`);
    }
    const page = ran(['man', '-l', '--warnings', join(root, 'usr/share/man/man5/doca-soft-mapping.5.gz')], {
      env: { MANWIDTH: '100' },
    });
    expect(page).toMatch(/NAME\n +doca-soft-mapping - the DPDK ports behind/);
  });

  describe('and its examples', () => {
    const env = { PKG_CONFIG_PATH: join(root, 'usr/lib/pkgconfig') };

    test('are built through pkg-config by their Makefile, and run over their capture', () => {
      ran(['make', '-C', examples], { env });
      const mapping = join(folder, 'mapping.conf');
      const back = join(folder, 'back.pcap');
      writeFileSync(
        mapping,
        '[device 03:00.0]\nport = net_ring0\nmtu = 1600\nipv6 = 2001:db8::1\n' +
          `[representor vf0]\nport = net_pcap0,rx_pcap=${examples}/echo.pcap,tx_pcap=${back}\nhold = 1000\n`,
      );
      const eal = ['--no-huge', '--no-shconf', '-m', '256', '--file-prefix', `psp-installs-${process.pid}`];
      const program = join(examples, 'psp_pipeline');
      expect(ran([program, '03:00.0', `${PACKETS}`, ...eal], { env: { DOCA_SOFT_CONFIG: mapping } })).toBe(
        `encrypted ${PACKETS}\ndelivered ${PACKETS}\nrefused 0\n`,
      );
      // Nobody but the program itself says where its libraries are.
      for (const name of ['psp_pipeline', 'argp_flags']) {
        const [, library] = /libdoca_flow\.so\.3\.1 => (\S+)/.exec(ran(['ldd', join(examples, name)])) ?? [];
        expect(realpathSync(library!)).toBe(join(realpathSync(root), 'usr/lib/libdoca_flow.so.3.1'));
      }
      expect(ran([join(examples, 'argp_flags'), '--version'])).toContain('3.1');
    }, 60_000);

    test("are not taken for NVIDIA's DOCA, for which psp-gateway would build an addon", () => {
      vi.stubEnv('PKG_CONFIG_PATH', env.PKG_CONFIG_PATH);
      expect(ran(['pkg-config', '--modversion', 'doca-flow'])).toMatch(/^3\.1\b/);
      expect(installedDoca()).toBe('');
      vi.unstubAllEnvs();
    });
  });

  test('not from a tree of another release, and not with flags that there are not', () => {
    const refused = (...args: string[]) => spawnSync(SCRIPT, args, { encoding: 'utf8' });
    expect(refused('--release', '3.3', '--tree', TREE, '--out', folder)).toMatchObject({
      status: 1,
      stderr: `build-packages: ${TREE} is of release 3.1, not 3.3\n`,
    });
    expect(refused('--nosuch', 'x')).toMatchObject({
      status: 1,
      stderr: 'build-packages: --nosuch is unknown; there are --release, --tree and --out\n',
    });
  });
}

describeNeeding(
  'the software DOCA installed',
  [
    ...PROGRAMS.filter((program) => !inPath(program)),
    ...(existsSync(TREE) ? [] : ['the native parts (npm run build:native -- --tests)']),
  ],
  body,
);
