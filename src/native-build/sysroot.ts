/**
 * Libraries of arm64 on a machine of another kind: Debian's packages, unpacked into a folder. They are fetched by apt-get with lists and
 * a cache of its own, so that nothing is installed, none of the machine's own packages is touched, and nobody has to be root.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { NativeBuildError } from './errors.js';

/** What the native parts are linked with, and Debian's Node, whose Node-API tests run them by. Intel's crypto is not there for arm64. */
const PACKAGES = ['libc6-dev', 'libdpdk-dev', 'libjson-c-dev', 'libssl-dev', 'libuv1-dev'];
export const NODE_PACKAGE = 'nodejs';
/** Written when all is there: what that is. */
const STAMP = '.packages';
const OUTPUT_OCTETS_MAX = 1 << 28;

/** Names of Debian's own for where an architecture's libraries are. */
export const TRIPLET = 'aarch64-linux-gnu';

/** Fetches and unpacks what is not there yet. `more`: further packages. Throws NativeBuildError. */
export function fetchSysroot(
  folder: string,
  say: (step: string) => void,
  more: readonly string[] = [],
): void {
  const packages = [...PACKAGES, ...more];
  const stamp = join(folder, STAMP);
  if (existsSync(stamp)) {
    const there = readFileSync(stamp, 'utf8').split('\n');
    if (packages.every((name) => there.includes(name))) return;
  }
  rmSync(folder, { recursive: true, force: true });
  const state = `${folder}-apt`;
  const archives = join(state, 'archives');
  for (const path of [folder, join(state, 'lists/partial'), join(archives, 'partial')])
    mkdirSync(path, { recursive: true });
  writeFileSync(join(state, 'status'), '');
  const config = join(state, 'apt.conf');
  writeFileSync(config, configOf(state));
  say(`fetching arm64 packages (apt-get), to unpack them in ${folder}`);
  const apt = (...args: string[]) => run('apt-get', args, { APT_CONFIG: config });
  apt('update');
  apt('install', '-y', '--download-only', ...packages);
  for (const name of readdirSync(archives)) {
    if (name.endsWith('.deb')) run('dpkg-deb', ['-x', join(archives, name), folder]);
  }
  rmSync(state, { recursive: true });
  writeFileSync(stamp, packages.join('\n'));
}

/** Sources and keys are the machine's. Of an empty status all that packages depend on is missing, and so comes with them. */
function configOf(state: string): string {
  return [
    'APT::Architecture "arm64";',
    'APT::Architectures { "arm64"; };',
    'APT::Install-Recommends "false";',
    `Dir::State "${state}";`,
    `Dir::State::Lists "${state}/lists";`,
    `Dir::State::status "${state}/status";`,
    `Dir::Cache "${state}";`,
    `Dir::Cache::Archives "${state}/archives";`,
    '',
  ].join('\n');
}

function run(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: OUTPUT_OCTETS_MAX,
    env: { ...process.env, LC_ALL: 'C', ...environment },
  });
  if (status === 0) return;
  // What apt-get says is long; what is wrong is in its last lines.
  const said = `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`
    .trimEnd()
    .split('\n')
    .slice(-10)
    .join('\n');
  throw new NativeBuildError(`${command} ${args[0]} of arm64 packages failed\n${said}`);
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
  rmSync(link, { force: true });
  symlinkSync('../native', link);
  try {
    work(join(link, relative(join(dirname(folder), 'native'), place)));
  } finally {
    rmSync(link);
  }
}
