// `npm run build:native`: the native parts. On Debian and Ubuntu it installs what they need by apt.
//
//   build/ports                  TAP interfaces for --sim-vf tap:NAME; needs no DPDK
//   build/native/prefix-3.1      the software DOCA, and its sources' build tree beside it
//   build/native/addon-3.1       the addon of --hal=doca over it
//   build/native/addon           the addon over NVIDIA's DOCA, where the machine has that
//
// With --tests also what only tests need: the same of release 3.3, rings, fuzzing and sanitizer builds; among them
//
//   build/native/addon-sanitized  addon and software DOCA with gcc's sanitizers
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const OUT = join(ROOT, 'build', 'native');
const RELEASE = '3.1';
const RELEASE_OF_TESTS = '3.3';
const CLANG_PROCESSOR = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
/** Without a number, make compiles everything at once. */
const PROCESSORS = String(availableParallelism());

/** Debian's packages, and for each how to know that what it has is there. */
const PACKAGES = [
  { name: 'g++', has: () => succeeds('g++', ['--version']) },
  { name: 'make', has: () => succeeds('make', ['--version']) },
  { name: 'cmake', has: () => succeeds('cmake', ['--version']) },
  { name: 'pkg-config', has: () => succeeds('pkg-config', ['--version']) },
  library('libdpdk-dev', 'libdpdk', '22.11'),
  library('libssl-dev', 'libcrypto', '3'),
  // Intel's; elsewhere AES-GCM is OpenSSL's.
  ...(process.arch === 'x64'
    ? [{ name: 'libipsec-mb-dev', has: () => existsSync('/usr/include/intel-ipsec-mb.h') }]
    : []),
];
const PACKAGES_OF_TESTS = [
  { name: 'clang', has: () => succeeds('clang++', ['--version']) },
  // What -fsanitize links with.
  { name: 'libclang-rt-dev', has: () => clangRuntime() },
  { name: 'iproute2', has: () => succeeds('ip', ['-V']) },
  { name: 'iputils-ping', has: () => succeeds('ping', ['-V']) },
  { name: 'tcpdump', has: () => succeeds('tcpdump', ['--version']) },
  { name: 'iperf3', has: () => succeeds('iperf3', ['--version']) },
  { name: 'tshark', has: () => succeeds('tshark', ['--version']) },
];

/** A package whose library must not be older than `version`. */
function library(name, module, version) {
  const has = () => succeeds('pkg-config', [`--atleast-version=${version}`, module]);
  return { name, has, version: ` (${version} or later)` };
}

function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function printed(command, args) {
  return (spawnSync(command, args, { encoding: 'utf8' }).stdout ?? '').trim();
}

/** Where a library of clang's is not there, clang++ prints its bare name. */
function clangRuntime() {
  return ['fuzzer', 'asan', 'tsan'].every((name) => {
    const file = `libclang_rt.${name}-${CLANG_PROCESSOR}.a`;
    return existsSync(printed('clang++', [`-print-file-name=${file}`]));
  });
}

/** What keeps the native parts from being built; undefined: nothing. */
export function installPackages(tests) {
  if (process.platform !== 'linux') return `they are for Linux, this is ${process.platform}`;
  const wanted = [...PACKAGES, ...(tests ? PACKAGES_OF_TESTS : [])];
  const lacking = wanted.filter(({ has }) => !has());
  const missing = lacking.map(({ name }) => name);
  const described = (packages) => packages.map(({ name, version = '' }) => name + version).join(', ');
  if (missing.length === 0) return undefined;
  if (!existsSync('/usr/bin/apt-get')) return `install ${described(lacking)} (there is no apt-get here)`;
  const root = process.getuid() === 0;
  if (!root && !succeeds('sudo', ['-n', 'true'])) {
    return `install ${missing.join(', ')}: sudo apt-get install ${missing.join(' ')}`;
  }
  const apt = (...args) =>
    spawnSync(root ? 'apt-get' : 'sudo', root ? args : ['-n', 'apt-get', ...args], {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  process.stderr.write(`native: installing ${missing.join(' ')} (apt-get)\n`);
  const install = () => apt('install', '-y', '--no-install-recommends', ...missing);
  let result = install();
  if (result.status !== 0) {
    apt('update');
    result = install();
  }
  const left = lacking.filter(({ has }) => !has());
  if (left.length === 0) return undefined;
  const said = (result.stderr ?? '').trim().split('\n').at(-1) || 'it has no such version, or another one';
  return `apt-get could not install ${described(left)}: ${said}`;
}

/** Runs quietly; on failure shows what was printed and throws. */
function run(what, command, args, environment = {}) {
  process.stderr.write(`native: ${what}\n`);
  const result = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: {
      ...process.env,
      ...environment,
      PATH: join(ROOT, 'node_modules', '.bin') + delimiter + process.env.PATH,
    },
  });
  if (result.status !== 0) {
    throw new Error(`${what} failed\n${result.stdout}${result.stderr}${result.error?.message ?? ''}`);
  }
}

/** What it makes has `name`. */
function buildSoft(release, tests, name, sanitize) {
  const tree = join(OUT, `soft-${name}`);
  const prefix = join(OUT, `prefix-${name}`);
  run(`configuring the software DOCA ${name}`, 'cmake', [
    ...['-S', 'native/doca-soft', '-B', tree, `-DDOCA_SOFT_RELEASE=${release}`],
    `-DDOCA_SOFT_DEFECTS=${tests ? 'ON' : 'OFF'}`,
    `-DDOCA_SOFT_SANITIZE=${sanitize ? 'ON' : 'OFF'}`,
    ...[`-DCMAKE_INSTALL_PREFIX=${prefix}`, '-DCMAKE_INSTALL_LIBDIR=lib'],
  ]);
  run(`building the software DOCA ${name}`, 'cmake', ['--build', tree, '--parallel', PROCESSORS]);
  run(`installing it to ${prefix}`, 'cmake', ['--install', tree]);
  return prefix;
}

/** Fuzz targets and unit tests under sanitizers. */
function buildRobustness() {
  const tree = join(OUT, 'robustness');
  run('configuring the fuzz targets', 'cmake', [
    ...['-S', 'native/doca-soft', '-B', tree, '-DCMAKE_CXX_COMPILER=clang++', '-DDOCA_SOFT_ROBUSTNESS=ON'],
  ]);
  run('building the fuzz targets', 'cmake', ['--build', tree, '--parallel', PROCESSORS]);
}

function buildAddon(folder, environment, rings, sanitize = false) {
  const option = (name, on) => `--CD${name}=${on ? 'ON' : 'OFF'}`;
  const where = [
    ...['-O', join(OUT, folder)],
    option('PSP_GATEWAY_TEST_RINGS', rings),
    option('PSP_GATEWAY_SANITIZE', sanitize),
  ];
  // compile alone leaves a folder configured as it was, with or without what tests need.
  run(`configuring the addon in build/native/${folder}`, 'cmake-js', ['configure', ...where], environment);
  run(`building the addon in build/native/${folder}`, 'cmake-js', ['compile', ...where], environment);
}

function addonOverSoft(release, tests, sanitize = false) {
  const name = sanitize ? 'sanitized' : release;
  const prefix = buildSoft(release, tests, name, sanitize);
  const path = [join(prefix, 'lib', 'pkgconfig'), process.env.PKG_CONFIG_PATH].filter(Boolean).join(':');
  buildAddon(`addon-${name}`, { PKG_CONFIG_PATH: path }, tests, sanitize);
}

/** When anything that is built from was changed last. */
function newest(folder) {
  let time = 0;
  for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) time = Math.max(time, statSync(join(entry.parentPath, entry.name)).mtimeMs);
  }
  return time;
}

/**
 * Builds what is not built yet. `tests`: also what only tests need. Returns why it could not be done, in one line;
 * undefined: it is done. A build that fails throws.
 */
export function buildNative({ tests }) {
  const missing = installPackages(tests);
  if (missing !== undefined) return missing;
  // One for both kinds of build: they share folders, and the later one has changed what the earlier one made.
  const stamp = join(OUT, '.stamp');
  const sources = Math.max(newest('native'), statSync(join(ROOT, 'CMakeLists.txt')).mtimeMs);
  // NVIDIA's, where there is one.
  const doca = printed('pkg-config', ['--modversion', '--variable=libdir', 'doca-flow']);
  const state = `${tests ? 'with' : 'without'} tests ${sources} ${process.version} ${doca.replaceAll('\n', ' ')}`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return undefined;
  rmSync(stamp, { force: true });
  run('building the ports', 'cmake-js', [
    'compile',
    '-d',
    'native/ports',
    '-O',
    join(ROOT, 'build', 'ports'),
  ]);
  addonOverSoft(RELEASE, tests);
  if (tests) {
    addonOverSoft(RELEASE_OF_TESTS, tests);
    // One release is enough: this one has ordered lists, where an entry is two or three of DOCA's with lives of their own; what the
    // other one has instead, mirrors and keys in actions, is less of the same code.
    addonOverSoft(RELEASE_OF_TESTS, tests, true);
    buildRobustness();
  }
  if (doca === '') rmSync(join(OUT, 'addon'), { recursive: true, force: true });
  else buildAddon('addon', {}, false);
  mkdirSync(OUT, { recursive: true });
  writeFileSync(stamp, state);
  return undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const missing = buildNative({ tests: process.argv.includes('--tests') });
    if (missing !== undefined) {
      process.stderr.write(`native: the native parts cannot be built: ${missing}\n`);
      process.exitCode = 1;
    }
  } catch (error) {
    process.stderr.write(`native: ${error.message}\n`);
    process.exitCode = 1;
  }
}
