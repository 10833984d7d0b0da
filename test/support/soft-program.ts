/** C programs of tests, over the public API of the software DOCA. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './root.js';

const SOURCES = join(ROOT, 'native/doca-soft/test');
const MODULES = ['doca-common', 'doca-flow', 'doca-dpdk-bridge', 'libdpdk'];
const prefixOf = (release: string) => join(ROOT, `build/native/prefix-${release}`);

export function softIsBuilt(releases: readonly string[]): boolean {
  return releases.every((release) => existsSync(prefixOf(release)));
}

/** Builds native/doca-soft/test/NAME.c against a release, in `folder`; returns the program's path. */
export function buildSoftProgram(name: string, release: string, folder: string): string {
  const program = join(folder, `${name}-${release}`);
  const { stdout } = spawnSync('pkg-config', ['--cflags', '--libs', ...MODULES], {
    env: { ...process.env, PKG_CONFIG_PATH: join(prefixOf(release), 'lib/pkgconfig') },
    encoding: 'utf8',
  });
  const { status, stderr } = spawnSync(
    'cc',
    [
      ...['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Werror', '-DDOCA_ALLOW_EXPERIMENTAL_API'],
      ...['-o', program, join(SOURCES, `${name}.c`)],
      ...stdout.trim().split(/\s+/),
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return program;
}
