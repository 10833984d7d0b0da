// `npm run build:native`: the native parts in build/, as `psp-gateway build-native` makes them; what they need is installed by apt
// on Debian and Ubuntu. It runs what is compiled in dist/, so that others load it once that is there.
//
// With --tests also what only tests need: the software DOCA with its defects, the same of the other releases, rings, fuzzing and
// sanitizer builds; among them
//
//   build/native/addon-sanitized  addon and software DOCA with gcc's sanitizers
//   build/arm64                   all for arm64, with tests that qemu runs and the Node that loads the addons
//
// With --arch arm64 the last of these alone. Other flags are refused with exit status 2.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_FOLDER, SOFT_RELEASE, SOFT_RELEASES } from '../dist/hal/native-parts.js';
import {
  buildAddon,
  buildOverInstalledDoca,
  buildPorts,
  buildSoft,
  cmake,
  crossBuild,
  installedDoca,
} from '../dist/native-build/build.js';
import { NativeBuildError } from '../dist/native-build/errors.js';
import { installMissing } from '../dist/native-build/packages.js';
import { PARTS, printed, requirementsOf, succeeds } from '../dist/native-build/requirements.js';
import { NODE_PACKAGE } from '../dist/native-build/sysroot.js';
import { readFlags } from './native-flags.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** Besides SOFT_RELEASE, the one that the long tests run over; through the others a few packets go. */
const RELEASE_OF_TESTS = '3.3';
const CLANG_PROCESSOR = process.arch === 'arm64' ? 'aarch64' : 'x86_64';

const say = (text) => process.stderr.write(`native: ${text}\n`);
const BUILD = { folder: BUILD_FOLDER, say };

const REQUIREMENTS_OF_TESTS = [
  { name: 'clang', what: 'clang', isThere: () => succeeds('clang++', ['--version']) },
  { name: 'clang-tidy', what: 'clang-tidy', isThere: () => succeeds('clang-tidy', ['--version']) },
  { name: 'clang-format', what: 'clang-format', isThere: () => succeeds('clang-format', ['--version']) },
  { name: 'libclang-rt-dev', what: 'what -fsanitize links with', isThere: hasClangRuntime },
  { name: 'dpkg-dev', what: 'dpkg-shlibdeps', isThere: () => succeeds('dpkg-shlibdeps', ['--version']) },
  { name: 'iproute2', what: 'ip', isThere: () => succeeds('ip', ['-V']) },
  { name: 'iputils-ping', what: 'ping', isThere: () => succeeds('ping', ['-V']) },
  { name: 'tcpdump', what: 'tcpdump', isThere: () => succeeds('tcpdump', ['--version']) },
  { name: 'iperf3', what: 'iperf3', isThere: () => succeeds('iperf3', ['--version']) },
  { name: 'zsh', what: 'zsh', isThere: () => succeeds('zsh', ['--version']) },
  { name: 'fish', what: 'fish', isThere: () => succeeds('fish', ['--version']) },
  { name: 'man-db', what: 'man', isThere: () => succeeds('man', ['--version']) },
  { name: 'tshark', what: 'tshark', isThere: () => succeeds('tshark', ['--version']) },
];

/** On a machine of this kind all other tests are run already. */
const HAS_ARM64_TESTS = process.arch !== 'arm64';
const ARM64 = { folder: join(BUILD_FOLDER, 'arm64'), say };
const REQUIREMENTS_OF_ARM64 = [
  ...requirementsOf(PARTS, 'arm64'),
  { name: 'qemu-user-static', what: 'qemu', isThere: () => succeeds('qemu-aarch64-static', ['--version']) },
];

/** Where a library of clang's is not there, clang++ prints its bare name. */
function hasClangRuntime() {
  return ['fuzzer', 'asan', 'tsan'].every((name) => {
    const file = `libclang_rt.${name}-${CLANG_PROCESSOR}.a`;
    return existsSync(printed('clang++', [`-print-file-name=${file}`]));
  });
}

/** Fuzz targets and unit tests under sanitizers. */
function buildRobustness() {
  const variables = { CMAKE_CXX_COMPILER: 'clang++', DOCA_SOFT_ROBUSTNESS: 'ON' };
  cmake(BUILD, 'the fuzz targets', 'native/doca-soft', join(BUILD_FOLDER, 'native', 'robustness'), variables);
}

/** One release, with defects, rings and tests, and what runs them. */
function buildArm64() {
  const build = crossBuild(ARM64, [NODE_PACKAGE]);
  const release = RELEASE_OF_TESTS;
  buildPorts(build);
  const prefix = buildSoft(build, { release, defects: true, quickly: true, tests: true });
  buildAddon(build, { folder: `addon-${release}`, prefix, rings: true });
}

/** Where its libraries cannot be had, as from sources that have none for arm64, the rest is of use all the same: its tests say what they lack. */
function tryArm64() {
  try {
    buildArm64();
    return true;
  } catch (error) {
    if (!(error instanceof NativeBuildError)) throw error;
    say(`not for arm64: ${error.message}`);
    return false;
  }
}

function buildAddonOverSoft(release, { name = release, tests, sanitize, apart, unoptimized }) {
  // The speed of the one that users have counts.
  const quickly = name !== SOFT_RELEASE;
  const prefix = buildSoft(BUILD, { release, name, defects: tests, sanitize, quickly, unoptimized });
  buildAddon(BUILD, { folder: `addon-${name}`, prefix, rings: tests, sanitize, apart, unoptimized });
}

/** When anything that is built from was changed last. */
function newest(folder) {
  let time = 0;
  for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) time = Math.max(time, statSync(join(entry.parentPath, entry.name)).mtimeMs);
  }
  return time;
}

/** For arm64 alone. Returns why it could not be done; undefined: it is done. */
function buildNativeOfArm64() {
  const missing = installMissing(REQUIREMENTS_OF_ARM64, say);
  if (missing === undefined) buildArm64();
  return missing;
}

/**
 * Builds what is not built yet. `tests`: also what only tests need. Returns why it could not be done, in one line;
 * undefined: it is done. A build that fails throws.
 */
export function buildNative({ tests }) {
  if (process.platform !== 'linux') return `they are for Linux, this is ${process.platform}`;
  const requirements = [
    ...requirementsOf(PARTS),
    ...(tests ? REQUIREMENTS_OF_TESTS : []),
    ...(tests && HAS_ARM64_TESTS ? REQUIREMENTS_OF_ARM64 : []),
  ];
  const missing = installMissing(requirements, say);
  if (missing !== undefined) return missing;
  // One for both kinds of build: they share folders, and the later one has changed what the earlier one made.
  const stamp = join(BUILD_FOLDER, 'native', '.stamp');
  const sources = Math.max(newest('native'), statSync(join(ROOT, 'CMakeLists.txt')).mtimeMs);
  const state = `${tests ? 'with' : 'without'} tests ${sources} ${process.version} ${installedDoca()}`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return undefined;
  rmSync(stamp, { force: true });
  buildPorts(BUILD);
  buildAddonOverSoft(SOFT_RELEASE, { tests });
  if (tests) {
    // The sources of the addon are compiled one by one in this build only; those of the software DOCA among the fuzz targets.
    buildAddonOverSoft(RELEASE_OF_TESTS, { tests, apart: true });
    // One release is enough: this one has ordered lists, where an entry is two or three of DOCA's with lives of their own; what the
    // other one has instead, mirrors and keys in actions, is less of the same code.
    buildAddonOverSoft(RELEASE_OF_TESTS, { name: 'sanitized', tests, sanitize: true });
    for (const release of SOFT_RELEASES) {
      if (release !== SOFT_RELEASE && release !== RELEASE_OF_TESTS)
        buildAddonOverSoft(release, { tests, unoptimized: true });
    }
    buildRobustness();
  }
  const isWhole = !tests || !HAS_ARM64_TESTS || tryArm64();
  buildOverInstalledDoca(BUILD);
  if (!isWhole) return undefined;
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, state);
  return undefined;
}

/** Returns the exit status. */
function main() {
  const { tests, arch, problems } = readFlags(process.argv.slice(2), process.arch);
  for (const problem of problems ?? []) say(problem);
  if (problems !== undefined) return 2;
  try {
    const missing = arch === process.arch ? buildNative({ tests }) : buildNativeOfArm64();
    if (missing === undefined) return 0;
    say(`the native parts cannot be built: ${missing}`);
  } catch (error) {
    say(error.message);
  }
  return 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main();
