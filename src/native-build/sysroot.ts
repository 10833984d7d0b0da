/**
 * Libraries of arm64 on a machine of another kind: Debian's packages, unpacked into a folder. They are fetched by apt-get with lists and
 * a cache of its own, so that nothing is installed, none of the machine's own packages is touched, and nobody has to be root.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { NativeBuildError } from './errors.js';

/** What the native parts are linked with. Intel's crypto is not there for arm64. */
const PACKAGES = ['libc6-dev', 'libdpdk-dev', 'libjson-c-dev', 'libssl-dev', 'libuv1-dev'];
/** Debian's Node, by which tests load the addons. */
export const NODE_PACKAGE = 'nodejs';
/** Debian's name for where libraries of arm64 are. */
const TRIPLET = 'aarch64-linux-gnu';
const OUTPUT_OCTETS_MAX = 1 << 28;
/** What apt-get says is long; what is wrong is in its end. */
const LINES_SHOWN = 10;

/** Fetches and unpacks what is not there yet. `more`: further packages. Throws NativeBuildError. */
export function fetchSysroot(
  folder: string,
  say: (step: string) => void,
  more: readonly string[] = [],
): void {
  const packages = [...PACKAGES, ...more];
  const stamps = packages.map((name) => join(folder, `.has-${name}`));
  if (stamps.every((stamp) => existsSync(stamp))) return;
  const state = `${folder}-apt`;
  const archives = join(state, 'archives');
  run('cmake', '-E', 'rm', '-rf', folder, state);
  for (const path of [folder, join(state, 'lists/partial'), join(archives, 'partial')])
    mkdirSync(path, { recursive: true });
  say(`fetching arm64 packages (apt-get), to unpack them in ${folder}`);
  const apt = (...args: string[]) => run('apt-get', ...args, ...optionsOf(state));
  apt('update');
  apt('install', '-y', '--download-only', ...packages);
  for (const name of readdirSync(archives)) {
    if (name.endsWith('.deb')) run('dpkg-deb', '-x', join(archives, name), folder);
  }
  run('cmake', '-E', 'rm', '-rf', state);
  run('cmake', '-E', 'touch', ...stamps);
}

/** Sources and keys are the machine's. Where nothing is installed, all that packages depend on comes with them. */
function optionsOf(state: string): string[] {
  const options = {
    'APT::Architecture': 'arm64',
    'APT::Architectures': 'arm64',
    'APT::Install-Recommends': 'false',
    'Acquire::Retries': '3',
    'Dir::State': state,
    'Dir::State::Lists': join(state, 'lists'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': state,
    'Dir::Cache::Archives': join(state, 'archives'),
  };
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

function run(command: string, ...args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: OUTPUT_OCTETS_MAX,
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (status === 0) return;
  const said = `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trimEnd().split('\n');
  throw new NativeBuildError(
    [`${command} ${args[0]}, for arm64, failed`, ...said.slice(-LINES_SHOWN)].join('\n'),
  );
}

/** By which pkg-config finds what is in the folder, and nothing of this machine. */
export function pkgConfigEnvironment(folder: string): Readonly<Record<string, string>> {
  const places = [`usr/lib/${TRIPLET}/pkgconfig`, 'usr/share/pkgconfig'];
  return {
    PKG_CONFIG_SYSROOT_DIR: folder,
    PKG_CONFIG_LIBDIR: places.map((place) => join(folder, place)).join(':'),
    PKG_CONFIG_PATH: '',
  };
}

/**
 * Has `work` done while what is built beside the sysroot, in native/, is in it as well, by a link: pkg-config puts the sysroot before
 * every path that does not begin with it. Gets the path of `place` there.
 */
export function whileLinked(folder: string, place: string, work: (linked: string) => void): void {
  const link = join(folder, 'built');
  run('cmake', '-E', 'create_symlink', '../native', link);
  try {
    work(join(link, relative(join(dirname(folder), 'native'), place)));
  } finally {
    run('cmake', '-E', 'rm', link);
  }
}
