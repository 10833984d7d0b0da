/** Compiler flags of the native parts, for tests that look at their sources without CMake. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const { resolve } = createRequire(import.meta.url);
const IPSEC_MB = '/usr/include/intel-ipsec-mb.h';
const DOCA_FLAGS = ['-DDOCA_ALLOW_EXPERIMENTAL_API', '-DALLOW_EXPERIMENTAL_API'];

/** DPDK's, as pkg-config has them. */
function dpdkFlags(): string[] {
  return spawnSync('pkg-config', ['--cflags', 'libdpdk'], { encoding: 'utf8' }).stdout.trim().split(/\s+/);
}

/** Include folders of Node-API, for C and for C++. */
export function nodeApiFlags(): string[] {
  const folder = (name: string) => dirname(resolve(`${name}/package.json`));
  return [
    ...['-isystem', join(folder('node-api-headers'), 'include')],
    ...['-isystem', folder('node-addon-api')],
  ];
}

/** For native/addon, without the folders of DOCA's headers. */
export function addonFlags(): string[] {
  return [
    ...['-std=c++17', '-DNAPI_VERSION=8', '-DNODE_ADDON_API_CPP_EXCEPTIONS'],
    ...DOCA_FLAGS,
    ...nodeApiFlags(),
    ...dpdkFlags(),
  ];
}

/** For native/doca-soft, without the folders of its own headers. */
export function softFlags(): string[] {
  return [
    ...['-std=c++17', '-DSOFT_DEFECTS', '-Wno-invalid-offsetof'],
    ...(existsSync(IPSEC_MB) ? ['-DSOFT_HAVE_IPSEC_MB'] : []),
    ...DOCA_FLAGS,
    ...dpdkFlags(),
  ];
}
