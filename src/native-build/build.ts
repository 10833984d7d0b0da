/**
 * Builds the native parts from native/, with CMake, into a folder:
 *
 *   ports                TAP interfaces for --sim-vf tap:NAME, interfaces for topologies; needs no DPDK
 *   native/prefix-3.1    the software DOCA of a release, and its sources' build tree beside it
 *   native/addon-3.1     the addon of --hal=doca over it
 *   native/addon         the addon over NVIDIA's DOCA, where the machine has that
 *
 * For arm64 on a machine of another kind the folder is another one, with the libraries in it:
 *
 *   sysroot              Debian's packages for arm64, fetched and unpacked; no addon over NVIDIA's DOCA is built
 *
 * Node-API's headers come with the package (node-api-headers, node-addon-api): nothing else is fetched.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { PACKAGE_FOLDER, type SoftRelease } from '../hal/native-parts.js';
import { NativeBuildError } from './errors.js';
import { NODE_INCLUDE_FOLDER, type Part, printed } from './requirements.js';
import { fetchSysroot, pkgConfigEnvironment, whileLinked } from './sysroot.js';

/** Number of jobs: without one, make compiles everything at once. */
const PROCESSORS = String(availableParallelism());
const OUTPUT_OCTETS_MAX = 1 << 28;
const SOFT_SOURCES = 'native/doca-soft';

export interface NativeBuild {
  /** Folder of everything that is built. */
  readonly folder: string;
  /** Hears of each step before it begins. */
  readonly say: (step: string) => void;
  /** Of arm64 libraries (crossBuild()); absent: it is built for this machine. */
  readonly sysroot?: string;
}

export interface AddonVariant {
  /** Folder below native/. */
  readonly folder: string;
  /** Prefix of the software DOCA's installation; absent: the DOCA that pkg-config finds. */
  readonly prefix?: string;
  /** Whether to build parts that tests over the software DOCA need. */
  readonly rings?: boolean;
  readonly sanitize?: boolean;
  /** Compiles each source by itself, which takes three times as long, and notices one that lacks an include. */
  readonly apart?: boolean;
  /** Compiled in half the time, for a few packets. */
  readonly unoptimized?: boolean;
}

export interface SoftVariant {
  readonly release: SoftRelease;
  /** Names the folders; the release when absent. */
  readonly name?: string;
  /** Knows the defects that tests put back on purpose. */
  readonly defects?: boolean;
  readonly sanitize?: boolean;
  /** Compiled in half the time; packets take longer. */
  readonly quickly?: boolean;
  /** Compiled in half of that, for a few packets. */
  readonly unoptimized?: boolean;
  /** Builds tests of its parts too. */
  readonly tests?: boolean;
}

/** A build for arm64, whose libraries are fetched into its folder before. `more`: packages beside them. Throws NativeBuildError. */
export function crossBuild(build: NativeBuild, more: readonly string[] = []): NativeBuild {
  const sysroot = join(build.folder, 'sysroot');
  fetchSysroot(sysroot, build.say, more);
  return { ...build, sysroot };
}

/** Builds the parts as users have them, the software DOCA as a release. Throws NativeBuildError. */
export function buildParts(build: NativeBuild, parts: readonly Part[], release: SoftRelease): void {
  if (parts.includes('ports')) buildPorts(build);
  if (!parts.includes('doca')) return;
  const prefix = buildSoft(build, { release });
  buildAddon(build, { folder: `addon-${release}`, prefix });
  if (build.sysroot === undefined) buildOverInstalledDoca(build);
}

export function buildPorts(build: NativeBuild): void {
  const variables = { NODE_INCLUDE_DIR: NODE_INCLUDE_FOLDER };
  cmakeAddon(build, 'the ports', 'native/ports', join(build.folder, 'ports'), variables);
}

/** Builds and installs the software DOCA; where to. */
export function buildSoft(build: NativeBuild, variant: SoftVariant): string {
  const { release, name = release, defects = false, sanitize = false } = variant;
  const { quickly = false, unoptimized = false, tests = false } = variant;
  const tree = join(build.folder, 'native', `soft-${name}`);
  const prefix = join(build.folder, 'native', `prefix-${name}`);
  cmake(build, `the software DOCA ${name}`, SOFT_SOURCES, tree, {
    DOCA_SOFT_RELEASE: release,
    DOCA_SOFT_DEFECTS: onOff(defects),
    DOCA_SOFT_SANITIZE: onOff(sanitize),
    DOCA_SOFT_TESTS: onOff(tests),
    CMAKE_BUILD_TYPE: unoptimized ? 'None' : 'RelWithDebInfo',
    CMAKE_UNITY_BUILD: onOff(quickly || unoptimized),
    CMAKE_INSTALL_PREFIX: prefix,
    CMAKE_INSTALL_LIBDIR: 'lib',
  });
  run(build, `installing the software DOCA ${name} to ${prefix}`, ['--install', tree]);
  return prefix;
}

export function buildAddon(build: NativeBuild, variant: AddonVariant): void {
  const { folder, prefix, rings = false, sanitize = false, apart = false, unoptimized = false } = variant;
  const tree = join(build.folder, 'native', folder);
  const variables = {
    PSP_GATEWAY_TEST_RINGS: onOff(rings),
    PSP_GATEWAY_SANITIZE: onOff(sanitize),
    CMAKE_UNITY_BUILD: onOff(!apart),
    ...(unoptimized ? { CMAKE_BUILD_TYPE: 'None' } : {}),
  };
  const over = (path: readonly (string | undefined)[], more: Variables = {}) =>
    cmakeAddon(
      build,
      `the addon in ${tree}`,
      '.',
      tree,
      { ...variables, ...more },
      { PKG_CONFIG_PATH: path.filter(Boolean).join(':') },
    );
  const modules = (at: string) => join(at, 'lib', 'pkgconfig');
  if (prefix === undefined) over([process.env.PKG_CONFIG_PATH]);
  else if (build.sysroot === undefined) over([modules(prefix), process.env.PKG_CONFIG_PATH]);
  else {
    // On the machine that it is copied to, the library stands beside it as it does here.
    const beside = `$ORIGIN/${relative(join(tree, 'Release'), join(prefix, 'lib'))}`;
    whileLinked(build.sysroot, prefix, (linked) => over([modules(linked)], { CMAKE_BUILD_RPATH: beside }));
  }
}

/** Over NVIDIA's DOCA. An addon over one that is gone is no use, and would be taken before the one over the software DOCA. */
export function buildOverInstalledDoca(build: NativeBuild): void {
  const folder = 'addon';
  const tree = join(build.folder, 'native', folder);
  if (installedDoca() !== '') buildAddon(build, { folder });
  else if (existsSync(tree)) run(build, `removing ${tree}: its DOCA is gone`, ['-E', 'rm', '-rf', tree]);
}

/** Version and place of NVIDIA's DOCA; empty where there is none. The software DOCA may be installed as well. */
export function installedDoca(): string {
  if (printed('pkg-config', ['--variable=implementation', 'doca-flow']) === 'software') return '';
  return printed('pkg-config', ['--modversion', '--variable=libdir', 'doca-flow']).replaceAll('\n', ' ');
}

type Variables = Readonly<Record<string, string>>;
const onOff = (on: boolean) => (on ? 'ON' : 'OFF');

/** An addon of Node's; it is in Release/ of its tree. */
function cmakeAddon(
  build: NativeBuild,
  what: string,
  sources: string,
  tree: string,
  variables: Variables,
  environment: Variables = {},
): void {
  const own = {
    CMAKE_BUILD_TYPE: 'Release',
    CMAKE_LIBRARY_OUTPUT_DIRECTORY: join(tree, 'Release'),
    NODE_ADDON_INCLUDE: headerFolders().join(';'),
  };
  cmake(build, what, sources, tree, { ...own, ...variables }, environment);
}

/** Configures and builds a tree; it is configured each time, because it may have been for another purpose before. */
export function cmake(
  build: NativeBuild,
  what: string,
  sources: string,
  tree: string,
  variables: Variables,
  environment: Variables = {},
): void {
  const from = resolve(PACKAGE_FOLDER, sources);
  mustBeFrom(from, tree);
  const { sysroot } = build;
  const cross: Variables =
    sysroot === undefined
      ? {}
      : { CMAKE_TOOLCHAIN_FILE: resolve(PACKAGE_FOLDER, 'native/arm64.cmake'), PSP_GATEWAY_SYSROOT: sysroot };
  const around = sysroot === undefined ? environment : { ...pkgConfigEnvironment(sysroot), ...environment };
  const definitions = Object.entries({ ...cross, ...variables }).map(([name, value]) => `-D${name}=${value}`);
  run(build, `configuring ${what}`, ['-S', from, '-B', tree, ...definitions], around);
  run(build, `building ${what}`, ['--build', tree, '--parallel', PROCESSORS], around);
}

/** CMake goes on in no tree that was made of other sources, and what is in one is not ours to remove. */
function mustBeFrom(sources: string, tree: string): void {
  const cache = join(tree, 'CMakeCache.txt');
  if (!existsSync(cache)) return;
  const [, made = ''] = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(readFileSync(cache, 'utf8')) ?? [];
  if (resolve(made) !== sources)
    throw new NativeBuildError(`${tree} was built from ${made || 'other sources'}; remove it first`);
}

/** Include folders of Node-API for C, and for C++. */
function headerFolders(): string[] {
  const folderOf = (name: string) => dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  return [join(folderOf('node-api-headers'), 'include'), folderOf('node-addon-api')];
}

/** Runs CMake quietly. */
function run({ say }: NativeBuild, step: string, args: readonly string[], environment: Variables = {}): void {
  say(step);
  const { status, stdout, stderr, error } = spawnSync('cmake', args, {
    encoding: 'utf8',
    maxBuffer: OUTPUT_OCTETS_MAX,
    env: { ...process.env, ...environment },
  });
  if (status === 0) return;
  throw new NativeBuildError(
    `${step} failed\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trimEnd(),
  );
}
