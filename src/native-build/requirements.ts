/** Requirements of the native parts: Debian's packages, and how to know that their contents are there. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** `ports`: TAP interfaces for the simulator. `doca`: the software DOCA, and the addon of --hal=doca over it. */
export const PARTS = ['ports', 'doca'] as const;
export type Part = (typeof PARTS)[number];

/** Processors that it can be built for on machines of another kind, by Node's names. */
export const ARCHES = ['arm64'] as const;
export type Arch = (typeof ARCHES)[number];

export interface Requirement {
  /** Debian's package. */
  readonly name: string;
  /** For people, who may have it from elsewhere. */
  readonly what: string;
  readonly isThere: () => boolean;
}

/** Node's own headers, where it was installed with them. */
export const NODE_INCLUDE_FOLDER = resolve(process.execPath, '../../include/node');
/** The version that native/ports/CMakeLists.txt requires. */
const CMAKE_MINIMUM = [3, 22];

const BASE: readonly Requirement[] = [
  {
    name: 'g++',
    what: 'compilers for C and for C++20',
    isThere: () => anyRuns(process.env.CXX, 'c++', 'g++') && anyRuns(process.env.CC, 'cc', 'gcc'),
  },
  { name: 'make', what: 'make', isThere: () => anyRuns('make') },
  { name: 'cmake', what: `CMake ${CMAKE_MINIMUM.join('.')} or later`, isThere: hasCmake },
];

const OF_PORTS: readonly Requirement[] = [
  { name: 'libuv1-dev', what: "uv.h, of libuv or in Node's own headers", isThere: hasUvHeader },
];

const PKG_CONFIG = { name: 'pkg-config', what: 'pkg-config', isThere: () => anyRuns('pkg-config') };

const OF_DOCA: readonly Requirement[] = [
  PKG_CONFIG,
  library('libdpdk-dev', 'DPDK', 'libdpdk', '22.11'),
  library('libssl-dev', 'OpenSSL', 'libcrypto', '3'),
  library('libjson-c-dev', 'json-c', 'json-c', '0.15'),
  // Intel's; elsewhere AES-GCM is OpenSSL's.
  ...(process.arch === 'x64'
    ? [
        {
          name: 'libipsec-mb-dev',
          what: "Intel's multi-buffer crypto",
          isThere: () => hasHeader('intel-ipsec-mb.h'),
        },
      ]
    : []),
];

/** For arm64, on a machine of another kind: the libraries are fetched (sysroot.ts). */
const OF_ARM64: readonly Requirement[] = [
  {
    name: 'g++-aarch64-linux-gnu',
    what: 'compilers for arm64',
    isThere: () => anyRuns('aarch64-linux-gnu-g++') && anyRuns('aarch64-linux-gnu-gcc'),
  },
  ...BASE.filter(({ name }) => name !== 'g++'),
  PKG_CONFIG,
  { name: 'apt', what: 'apt-get, which fetches libraries for arm64', isThere: () => anyRuns('apt-get') },
  { name: 'dpkg', what: 'dpkg-deb, which unpacks them', isThere: () => anyRuns('dpkg-deb') },
];

/** `arch`: for which it is built, where that is not the machine's own. */
export function requirementsOf(parts: readonly Part[], arch?: Arch): readonly Requirement[] {
  if (arch !== undefined) return OF_ARM64;
  return [...BASE, ...(parts.includes('ports') ? OF_PORTS : []), ...(parts.includes('doca') ? OF_DOCA : [])];
}

/** A package whose library must not be older than `version`. */
function library(name: string, what: string, module: string, version: string): Requirement {
  return {
    name,
    what: `${what} ${version} or later`,
    isThere: () => succeeds('pkg-config', [`--atleast-version=${version}`, module]),
  };
}

/** Whether a command is there and ends well. */
export function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** The output of a command; empty where the command is not there. */
export function printed(command: string, args: readonly string[]): string {
  return (spawnSync(command, args, { encoding: 'utf8' }).stdout ?? '').trim();
}

/** Whether one of the commands is there, each perhaps with arguments, as CXX may have them. */
function anyRuns(...commands: readonly (string | undefined)[]): boolean {
  return commands.some((command) => {
    const [program, ...args] = (command ?? '').split(/\s+/);
    return program !== undefined && program !== '' && succeeds(program, [...args, '--version']);
  });
}

function hasCmake(): boolean {
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(printed('cmake', ['--version'])) ?? [])
    .slice(1)
    .map(Number);
  const [wantMajor, wantMinor] = CMAKE_MINIMUM as [number, number];
  return major > wantMajor || (major === wantMajor && minor >= wantMinor);
}

/** Whether a header is where compilers look without being told. */
function hasHeader(name: string): boolean {
  return ['/usr/include', '/usr/local/include'].some((folder) => existsSync(resolve(folder, name)));
}

function hasUvHeader(): boolean {
  return hasHeader('uv.h') || existsSync(resolve(NODE_INCLUDE_FOLDER, 'uv.h'));
}
