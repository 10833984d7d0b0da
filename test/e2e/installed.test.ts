/**
 * The package as its users get it: packed from a clone, installed into an empty folder, and walked through from another one, with
 * a home of its own and without network.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { blocksOf, isOfCommands, readDocument } from '../support/document-blocks.js';
import { describeNeeding, inPath } from '../support/needs.js';
import { inTime, Program } from '../support/program.js';
import { ROOT } from '../support/root.js';

/** Nothing takes so long on a machine that has anything else to do. */
const TIMEOUT_MS = 300_000;
vi.setConfig({ testTimeout: TIMEOUT_MS });
const PROGRAMS = join(ROOT, 'node_modules/.bin');
/** What a clone has not, and what is of no use to it here. */
const NOT_CLONED =
  /^(?:\.git|bench|build|dist|man|node_modules|out|src\/gateway\/generated|test|tools\/docs\/node_modules)(?:\/|$)/;
/** Programs of the system: what the package's user has, and no npm. */
const SYSTEM_PATH = `${dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin`;
/** A network of its own, that reaches nothing but itself. */
const CUT_OFF = ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
const cutOff = spawnSync(CUT_OFF[0]!, [...CUT_OFF.slice(1), 'true']).status === 0 ? CUT_OFF : [];

const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-installed-'));
chmodSync(folder, 0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [clone, prefix, home] = ['clone', 'prefix', 'home'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
const installed = join(prefix, 'lib/node_modules/psp-gateway');
const PSP_GATEWAY = join(prefix, 'bin/psp-gateway');
let tarball: string;

beforeAll(async () => {
  makeClone();
  for (const path of [prefix, home]) mkdirSync(path);
  await ran(['npm', 'pack', '--pack-destination', folder], { cwd: clone });
  tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz'))!);
  // What comes from the registry is in the cache, or is fetched as `npm ci` did.
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund'];
  await ran(['npm', 'install', '--global', '--prefix', prefix, ...quiet, tarball]);
}, TIMEOUT_MS);

/** A checkout in which nothing has been built, but for what an earlier version has left. */
function makeClone(): void {
  // Otherwise the packages would be installed anew, under the other tests.
  const stamp = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
  if (readFileSync(join(ROOT, 'node_modules/.setup-stamp'), 'utf8') !== stamp)
    throw new Error('the packages are not those of package-lock.json: npm run build');
  cpSync(ROOT, clone, {
    recursive: true,
    filter: (path) => !NOT_CLONED.test(relative(ROOT, path)),
  });
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  mkdirSync(join(clone, 'dist'));
  writeFileSync(join(clone, 'dist/gone.js'), '');
}

interface Surroundings {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs it to its end. Not spawnSync: whoever runs the tests wants to hear of this file now and then. */
function run(
  [program, ...args]: readonly string[],
  { cwd = home, env = process.env }: Surroundings = {},
): Promise<Ended> {
  const child = spawn(program!, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
  const ended = { status: null, out: '', err: '' } as { -readonly [Key in keyof Ended]: Ended[Key] };
  child.stdout.on('data', (chunk) => {
    ended.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    ended.err += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ ...ended, status }));
  });
}

/** Ends well, or the test ends with all that was said. */
async function ran(command: readonly string[], surroundings: Surroundings = {}): Promise<string> {
  const { status, out, err } = await run(command, surroundings);
  if (status !== 0) throw new Error(`${command.join(' ')} ends with ${status}:\n${out}${err}`);
  return out;
}

/** A user's command, who has nothing set, no network, and stands in his home. */
function use(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const own = { HOME: home, PATH: `${dirname(PSP_GATEWAY)}:${SYSTEM_PATH}`, NO_COLOR: '1' };
  return run([...cutOff, ...command], { env: { ...own, ...env } });
}

const pspGateway = (line: string, env?: Readonly<Record<string, string>>) =>
  use(['psp-gateway', ...line.split(' ')], env);

/** Files below a folder, from there. */
function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)))
    .sort();
}

describe('what is packed from a clone', () => {
  const packed = () => filesBelow(installed).filter((path) => !path.startsWith('node_modules/'));

  test('is compiled from the sources that there are, each with its declarations, and nothing else', () => {
    const compiled = packed().filter((path) => path.startsWith('dist/'));
    const sources = filesBelow(join(ROOT, 'src')).map((path) => path.replace(/\.ts$/, ''));
    const expected = sources.flatMap((path) => [`dist/${path}.d.ts`, `dist/${path}.js`]);
    const generated = 'dist/gateway/generated/';
    expect(compiled.filter((path) => !path.startsWith(generated))).toEqual(
      expected.filter((path) => !path.startsWith(generated) && !path.includes('.stamp')).sort(),
    );
    expect(compiled.some((path) => path.startsWith(generated) && path.endsWith('.js'))).toBe(true);
    for (const path of compiled.filter((one) => one.endsWith('.js')))
      expect(readFileSync(join(installed, path), 'utf8'), path).not.toContain('sourceMappingURL');
  });

  test('has all that is documented, and what the native parts are built from, without their tests', () => {
    const rest = packed().filter((path) => !path.startsWith('dist/'));
    const whole = ['docs', 'examples', 'packaging', 'proto', 'schema', 'wireshark'].flatMap((name) =>
      filesBelow(join(ROOT, name)).map((path) => `${name}/${path}`),
    );
    const native = filesBelow(join(ROOT, 'native'))
      .filter((path) => !/^test\/|^doca-soft\/(?:(?:test|fuzz)\/|(?:robustness|tests)\.cmake$)/.test(path))
      .map((path) => `native/${path}`);
    const papers = ['CHANGELOG', 'CONTRIBUTING', 'HACKING', 'README', 'SECURITY'].map((name) => `${name}.md`);
    const { man } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { man: string[] };
    const single = [...papers, 'CMakeLists.txt', 'LICENSE', 'package.json'];
    expect(rest).toEqual([...whole, ...native, ...man, ...single].sort());
  });

  test('has every file that its documents link to, but for sources and tests, as its README says', () => {
    let links = 0;
    for (const document of packed().filter((path) => path.endsWith('.md'))) {
      const text = readFileSync(join(installed, document), 'utf8');
      for (const [, link] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        const target = join(dirname(document), link!);
        if (/^(?:src|test|native\/doca-soft\/test)\//.test(target)) continue;
        expect(existsSync(join(installed, target)), `${document}: ${link}`).toBe(true);
        links++;
      }
    }
    expect(links).toBeGreaterThan(50);
  });

  test('has its manual pages where man finds them', () => {
    const linked = readdirSync(join(prefix, 'share/man/man1'));
    expect(linked).toEqual(expect.arrayContaining(['psp-gateway.1', 'psp-gateway-status.1']));
    for (const name of linked)
      expect(readFileSync(join(prefix, 'share/man/man1', name), 'utf8'), name).toMatch(/^\.TH PSP/);
  });

  test('runs nothing when it is installed, nor does what it depends on', () => {
    const manifests = filesBelow(installed).filter((path) => /(?:^|\/)package\.json$/.test(path));
    expect(manifests.length).toBeGreaterThan(50);
    for (const path of manifests) {
      const { name, scripts = {} } = JSON.parse(readFileSync(join(installed, path), 'utf8'));
      const run = Object.entries(scripts).filter(([when]) => /^(?:pre|post)?install$/.test(when));
      // It reads the package.json above it and warns of another range of versions; gRPC's library depends on it.
      const known = name === 'protobufjs' ? [['postinstall', 'node scripts/postinstall']] : [];
      expect(run, path).toEqual(known);
    }
    // For which npm would call node-gyp.
    expect(existsSync(join(installed, 'binding.gyp'))).toBe(false);
  });

  test('is right in the eyes of publint and of attw', async () => {
    expect(await ran([join(PROGRAMS, 'publint'), 'run', tarball, '--strict'])).toContain('All good!');
    await ran([join(PROGRAMS, 'attw'), tarball, '--profile', 'esm-only']);
  });
});

describe('the installed program', () => {
  test('has every command of the README', async () => {
    const { out } = await pspGateway('--help');
    const { blocks } = blocksOf('README.md', readDocument('README.md'));
    const commands = new Set(
      blocks
        .filter(isOfCommands)
        .flatMap(({ text }) => [...text.matchAll(/^(?:psp-gateway|node dist\/cli\/main\.js) ([a-z]\S*)/gm)])
        .map(([, command]) => command!),
    );
    expect([...commands]).toEqual(expect.arrayContaining(['topology', 'certificates', 'examples']));
    for (const command of commands) expect(out, command).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  test('runs the demo, whose capture came along, and reads the captures that it leaves', async () => {
    const { status, out } = await pspGateway('demo');
    expect(out).toMatch(/ok {2}V1 to V2 IPv4[\s\S]*ok {2}V2 to V1 IPv6[\s\S]*out\/demo\/opened\.pcapng/);
    expect(status).toBe(0);
    expect(existsSync(join(home, 'out/demo/opened.pcapng'))).toBe(true);
    expect(await pspGateway('pcap inspect out/demo/wire.pcap')).toMatchObject({
      status: 0,
      out: expect.stringContaining('PSP'),
    });
    expect(
      (await pspGateway('pcap decrypt --keys out/demo/keys.jsonl out/demo/wire.pcap opened.pcapng')).status,
    ).toBe(0);
  });

  test('says where its examples are, copies them, and runs the copies and its own', async () => {
    const { out } = await pspGateway('examples');
    expect(out).toMatch(new RegExp(`^${installed}/examples\n`));
    expect(out).toMatch(/^ {2}library\/sim\.mjs$/m);
    expect((await pspGateway('examples --out examples')).status).toBe(0);
    expect(filesBelow(join(home, 'examples'))).toEqual(filesBelow(join(ROOT, 'examples')));
    expect(await pspGateway('examples --out examples')).toMatchObject({
      status: 2,
      out: '',
      err: expect.stringContaining('examples/traffic/v1-v2.pcap exists; --force replaces it'),
    });
    expect(await pspGateway('examples --out examples/two-hosts.yaml')).toMatchObject({
      status: 2,
      err: expect.stringContaining('examples/two-hosts.yaml is a file; name a folder'),
    });
    expect(await pspGateway('topology run examples/two-hosts.yaml')).toMatchObject({
      status: 0,
      out: expect.stringContaining('ok  nothing in clear'),
    });
    const own = join(installed, 'examples/link-cut.yaml');
    expect((await pspGateway(`topology validate ${own}`)).status).toBe(0);
  });

  test('draws, and says its version', async () => {
    expect(await pspGateway('pipes --format svg')).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^<svg /),
    });
    expect((await pspGateway('--version')).out).toBe(
      `psp-gateway ${JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version}\n`,
    );
  });

  test('is two gateways, one of which pings through the other', async () => {
    expect((await pspGateway('certificates --out certs --host 127.0.0.71 --host 127.0.0.72')).status).toBe(0);
    const gateway = (own: string, other: string, ip: string, otherIp: string) =>
      `psp-gateway --outer-ip-type ipv4 -s ${own} -t ${other}:${otherIp} --sim-wire udp:${own}:10000 --sim-vf host:${ip} ` +
      `--tls-ca certs/ca.pem --tls-cert certs/${own}.pem --tls-key certs/${own}.key`;
    const [first, second] = [
      gateway('127.0.0.71', '127.0.0.72', '192.168.1.33', '192.168.1.55'),
      gateway('127.0.0.72', '127.0.0.71', '192.168.1.55', '192.168.1.33'),
    ];
    const script = `cd '${home}'; ${first} & trap 'kill $!' EXIT; ${second} --ping 192.168.1.33`;
    const program = new Program([...cutOff, 'bash', '-c', script], {
      HOME: home,
      PATH: `${dirname(PSP_GATEWAY)}:${SYSTEM_PATH}`,
    });
    expect(await inTime(program.ended, TIMEOUT_MS), program.out).toBe(0);
    expect(program.out).toContain('4 sent, 4 received, 0 % lost');
    // Nothing native was built yet, and a user has no npm script for it.
    expect(program.out).toContain('the native parts are not there (psp-gateway build-native)');
  });

  test('says which native part it misses, and how to get it', async () => {
    const gateway = '--insecure --outer-ip-type=ipv4 -s 127.0.0.71 -t 127.0.0.72:192.168.1.55';
    expect(
      await pspGateway(`${gateway} --sim-wire udp:127.0.0.71:10000 --sim-vf tap:vf0,192.168.1.33`),
    ).toMatchObject({
      status: 1,
      err: expect.stringContaining('--sim-vf: the native ports are not built: psp-gateway build-native'),
    });
    expect(await pspGateway(`${gateway} --hal=doca -p 03:00.0`)).toMatchObject({
      status: 1,
      err: expect.stringContaining(
        '--hal=doca: the parts of --hal=doca are not built: psp-gateway build-native',
      ),
    });
  });

  test.each([
    ['PSP_GATEWAY_PORTS', ''],
    ['PSP_GATEWAY_DOCA_ADDON', ' --hal=doca -p 03:00.0'],
  ])('says what is wrong with %s, with what is wrong besides', async (variable, more) => {
    for (const [path, what] of [
      ['/nonexistent', 'is not there'],
      [home, 'cannot be loaded: cannot read file data: Is a directory'],
      [join(installed, 'package.json'), 'cannot be loaded: invalid ELF header'],
    ] as const) {
      const { status, err } = await pspGateway(`--insecure --no-such${more}`, { [variable]: path });
      expect(err).toContain('--no-such: there is no such flag\n');
      expect(err).toContain(
        `${variable}: ${path} ${what}; name the file that psp-gateway build-native makes\n`,
      );
      expect(status).toBe(2);
    }
  });
});

describeNeeding(
  'psp-gateway build-native',
  [
    ...['cmake', 'c++', 'cc', 'make', 'pkg-config'].filter((program) => !inPath(program)),
    ...(spawnSync('pkg-config', ['--exists', 'libdpdk']).status === 0 ? [] : ['libdpdk-dev']),
    ...(spawnSync('pkg-config', ['--exists', 'json-c']).status === 0 ? [] : ['libjson-c-dev']),
  ],
  () => {
    const build = (line: string, env?: Readonly<Record<string, string>>) =>
      pspGateway(`build-native ${line}`.trim(), env);

    test('says what it needs, and what of it is missing, and installs nothing', async () => {
      expect(await build('--check --only ports')).toMatchObject({
        status: 0,
        out: expect.stringMatching(/^needed[\s\S]*^ {2}cmake +there +CMake 3\.22 or later$/m),
      });
      // A system without anything, but for an apt-get that would be noticed.
      const [nothing, asked] = [join(folder, 'nothing'), join(folder, 'asked')];
      mkdirSync(nothing);
      symlinkSync(process.execPath, join(nothing, 'node'));
      for (const name of ['apt-get', 'sudo'])
        writeFileSync(join(nothing, name), `#!/bin/sh\necho "$@" >> ${asked}\n`, { mode: 0o755 });
      const env = { HOME: home, PATH: nothing };
      const { status, out, err } = await run([PSP_GATEWAY, 'build-native'], { env });
      expect(out.match(/MISSING/g)!.length).toBeGreaterThanOrEqual(6);
      expect(err).toMatch(/^psp-gateway: install what is missing.*g\+\+.*cmake.*libdpdk-dev/);
      expect(err).not.toContain('building');
      expect(status).toBe(1);
      expect(existsSync(asked)).toBe(false);
      if (!existsSync('/usr/bin/apt-get')) return;
      expect(await run([PSP_GATEWAY, 'build-native', '--install'], { env })).toMatchObject({
        status: 1,
        err: expect.stringContaining('psp-gateway: apt-get could not install g++ (compilers'),
      });
      expect(readFileSync(asked, 'utf8')).toMatch(/install -y --no-install-recommends g\+\+ .*cmake/);
    });

    test('refuses parts and folders that are none, before it does anything', async () => {
      expect(await build('--only everything')).toMatchObject({
        status: 2,
        err: expect.stringContaining('expected one of ports, doca'),
      });
      expect(await build('--release 3.4')).toMatchObject({
        status: 2,
        err: expect.stringContaining('--release: expected one of 2.9, 2.10, 3.0, 3.1, 3.2, 3.3, not "3.4"'),
      });
      writeFileSync(join(home, 'file'), '');
      expect(await build('--output file')).toMatchObject({
        status: 2,
        err: expect.stringContaining(`${join(home, 'file')} is a file; name a folder`),
      });
    });

    test('says what to do where the package is for somebody else to write', async () => {
      const isRoot = process.getuid?.() === 0;
      const asNobody = isRoot ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
      if (!isRoot) chmodSync(installed, 0o555);
      try {
        const { status, err } = await use([...asNobody, 'psp-gateway', 'build-native', '--only', 'ports']);
        expect(err).toContain(`${installed}: no permission`);
        expect(err).toContain(
          'build as the user whose package it is, or into another folder: --output FOLDER',
        );
        expect(status).toBe(2);
      } finally {
        if (!isRoot) chmodSync(installed, 0o755);
      }
    });

    test('builds the ports, which gateways then find; elsewhere, where they are told', async () => {
      const built = await build('--only ports');
      const file = join(installed, 'build/ports/Release/psp_ports.node');
      expect(built, built.err).toMatchObject({
        status: 0,
        out: expect.stringContaining(`built, and found there by gateways:\n  ${file}\n`),
      });
      // A gateway without workload address ends before anything else; what it does not say is what counts.
      expect((await pspGateway('--insecure', { PSP_GATEWAY_PORTS: file })).err).not.toContain(
        'PSP_GATEWAY_PORTS',
      );
      expect(
        (await pspGateway('--insecure --hal=doca -p 03:00.0', { PSP_GATEWAY_DOCA_ADDON: file })).err,
      ).toContain('is another addon than the parts of --hal=doca');
      // What another package has made is left alone.
      const other = join(home, 'native/ports');
      mkdirSync(other, { recursive: true });
      writeFileSync(join(other, 'CMakeCache.txt'), 'CMAKE_HOME_DIRECTORY:INTERNAL=/elsewhere\n');
      expect(await build('--only ports --output native')).toMatchObject({
        status: 1,
        err: expect.stringContaining(`${other} was built from /elsewhere; remove it first`),
      });
      // What is to be copied is right for a shell.
      const { out } = await use(['psp-gateway', 'build-native', '--only', 'ports', '--output', 'my parts']);
      const told = await use(['sh', '-c', `${/export .*/.exec(out)![0]} && echo "$PSP_GATEWAY_PORTS"`]);
      expect(told.out).toBe(`${join(home, 'my parts/ports/Release/psp_ports.node')}\n`);
    });

    test('builds the software DOCA as the release that is asked for, and says where it is not the one that is found', async () => {
      // A CMake that makes what is to come out, and notes what it is asked.
      const [bin, asked] = [join(folder, 'cmake-of-tests'), join(folder, 'asked-of-cmake')];
      mkdirSync(bin);
      writeFileSync(
        join(bin, 'cmake'),
        `#!/bin/sh
case $1 in
--version) echo 'cmake version 3.25.1' ;;
-S) echo "$@" >> '${asked}' ;;
--build) mkdir -p "$2/Release" && : > "$2/Release/psp_gateway_doca.node" ;;
esac
`,
        { mode: 0o755 },
      );
      const env = { PATH: `${bin}:${dirname(PSP_GATEWAY)}:${SYSTEM_PATH}` };
      const parts = (release: string) =>
        join(home, `parts/native/addon-${release}/Release/psp_gateway_doca.node`);
      const own = (release: string) =>
        join(installed, `build/native/addon-${release}/Release/psp_gateway_doca.node`);
      const out = async (line: string) => {
        const { status, out: text, err } = await build(`--only doca ${line}`, env);
        expect(status, err).toBe(0);
        return text.slice(text.indexOf('built'));
      };
      try {
        expect(await out('--release 3.3')).toBe(`built, and found there by gateways:\n  ${own('3.3')}\n`);
        expect(await out('--release 2.10')).toBe(`built, and found there by gateways:\n  ${own('2.10')}\n`);
        expect(await out('--release 3.2')).toBe(
          `built; say where, for gateways to find it:\n  export PSP_GATEWAY_DOCA_ADDON=${own('3.2')}\n`,
        );
        expect(await out('')).toBe(`built, and found there by gateways:\n  ${own('3.1')}\n`);
        expect(await out('--release 2.9 --output parts')).toBe(
          `built; say where, for gateways to find it:\n  export PSP_GATEWAY_DOCA_ADDON=${parts('2.9')}\n`,
        );
        const releases = readFileSync(asked, 'utf8').match(/(?<=-DDOCA_SOFT_RELEASE=)\S+/g);
        expect(releases).toEqual(['3.3', '2.10', '3.2', '3.1', '2.9']);
      } finally {
        rmSync(join(installed, 'build/native'), { recursive: true, force: true });
      }
    });

    test('builds for arm64, and says what of it is to be copied', async () => {
      // Compilers, a CMake that notes what it is asked, and an apt-get and a dpkg-deb that have nothing.
      const [bin, asked] = [join(folder, 'tools-of-arm64'), join(folder, 'asked-for-arm64')];
      mkdirSync(bin);
      const tool = (name: string, script: string) =>
        writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      for (const name of ['aarch64-linux-gnu-gcc', 'aarch64-linux-gnu-g++', 'dpkg-deb']) tool(name, 'exit 0');
      tool(
        'cmake',
        `[ "$1" = -S ] && echo "$PKG_CONFIG_LIBDIR $@" >> '${asked}'; echo 'cmake version 3.25.1'`,
      );
      const env = { PATH: `${bin}:${dirname(PSP_GATEWAY)}:${SYSTEM_PATH}` };

      tool('apt-get', '[ "$1" = --version ] || { echo "E: no network" >&2; exit 100; }');
      expect(await build('--arch arm64 --output there', env)).toMatchObject({
        status: 1,
        err: expect.stringContaining('psp-gateway: apt-get update, for arm64, failed\nE: no network\n'),
      });
      expect(existsSync(asked)).toBe(false);

      tool('apt-get', 'exit 0');
      const { status, out, err } = await build('--arch arm64 --output there --release 3.3', env);
      expect(status, err).toBe(0);
      const there = join(home, 'there');
      expect(out.slice(out.indexOf('built'))).toBe(
        `built in ${there}; copy, with their paths, into the folder build of the package over there:\n` +
          ['ports/Release', 'native/addon-3.3/Release', 'native/prefix-3.3']
            .map((path) => `  ${path}\n`)
            .join(''),
      );
      const toolchain = join(installed, 'native/arm64.cmake');
      expect(existsSync(toolchain)).toBe(true);
      const configured = readFileSync(asked, 'utf8').trimEnd().split('\n');
      expect(configured).toHaveLength(3);
      for (const line of configured) {
        expect(line.startsWith(join(there, 'sysroot/usr/lib'))).toBe(true);
        expect(line).toContain(`-DCMAKE_TOOLCHAIN_FILE=${toolchain} -DPSP_GATEWAY_SYSROOT=${there}/sysroot `);
      }
      expect(configured[2]).toContain(' -DCMAKE_BUILD_RPATH=$ORIGIN/../../prefix-3.3/lib');
    });

    test('has all sources of the software DOCA', async () => {
      // CMake looks for each source; that headers are there, the list of what is packed says.
      const sources = join(installed, 'native/doca-soft');
      expect(await use(['cmake', '-S', sources, '-B', join(folder, 'soft')])).toMatchObject({ status: 0 });
    });
  },
);

describe('the library', () => {
  const runExample = (name: string) => use(['node', join(installed, 'examples/library', name)]);

  test.each([
    ['packet.mjs', /^IPv4 192\.168\.1\.33 > 192\.168\.1\.55 \| UDP 40000 > 7/],
    ['psp.mjs', /^50 octets became 110, and again the same packet: true\nwith one bit changed: auth-fail\n$/],
    ['capture.mjs', /ARP who has[\s\S]*^1571 frames, .* are a pcap of 1036 octets\n$/m],
    ['hal.mjs', /^problems: 0\nflowchart LR[\s\S]*pipe COUNT, field forward: there is no pipe NOWHERE\n$/],
    ['sim.mjs', /^2 ms: .*PSP SPI 0x00000001.*\nencrypted: 1 packet of 50 octets/],
    ['topology.mjs', /^flowchart TD[\s\S]*ping4: 30 sent, 30 delivered, 0 lost[\s\S]*^ok {2}tunnels is 4/m],
  ])('has an example that runs: %s', async (name, prints) => {
    const { status, out, err } = await runExample(name);
    expect(out).toMatch(prints);
    expect({ status, err }).toEqual({ status: 0, err: '' });
  });

  test('has an example of each part, and each part in its whole', async () => {
    const { exports } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    const parts = Object.keys(exports)
      .filter((name) => /^\.\/\w+$/.test(name))
      .map((name) => name.slice(2))
      .sort();
    const examples = readdirSync(join(ROOT, 'examples/library')).filter((name) => name.endsWith('.mjs'));
    expect(examples.sort()).toEqual(parts.map((name) => `${name}.mjs`));
    const script = `import * as all from 'psp-gateway';
      console.log(Object.keys(all).sort().join());
      await import('psp-gateway/dist/hal/hal.js').catch((error) => console.log(error.code));`;
    const program = join(installed, 'whole.mjs');
    writeFileSync(program, script);
    expect((await use(['node', program])).out).toBe(`${parts.join()}\nERR_PACKAGE_PATH_NOT_EXPORTED\n`);
    rmSync(program);
  });

  test('has declarations that stand on nothing that users do not have', async () => {
    const project = join(folder, 'typed');
    mkdirSync(join(project, 'node_modules'), { recursive: true });
    symlinkSync(installed, join(project, 'node_modules/psp-gateway'));
    cpSync(join(installed, 'examples/library'), project, { recursive: true });
    const parts = ['', '/capture', '/hal', '/packet', '/psp', '/sim', '/topology'];
    writeFileSync(
      join(project, 'all.ts'),
      parts.map((part) => `export type {} from 'psp-gateway${part}';`).join('\n'),
    );
    const compilerOptions = {
      ...{ target: 'es2023', lib: ['es2023', 'esnext.disposable', 'dom'], module: 'nodenext' },
      // Every declaration is looked at, and no package of types is there.
      ...{ strict: true, skipLibCheck: false, types: [], noEmit: true },
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['all.ts'] }));
    await ran([join(PROGRAMS, 'tsc'), '-p', project]);
  });

  test('has a docstring for everything that it exports', async () => {
    await ran([process.execPath, 'scripts/api-docs.mjs', join(folder, 'api')], { cwd: ROOT });
    expect(existsSync(join(folder, 'api/modules/hal.html'))).toBe(true);
  });
});
