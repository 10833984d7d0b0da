/** Programs of tests in C and C++, over the public API of the software DOCA. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, parse, resolve } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { SoftRelease } from '../../src/hal/native-parts.js';
import { ROOT } from './root.js';

/** The version that modules and headers of a release say. */
export const SOFT_VERSIONS: Readonly<Record<SoftRelease, string>> = {
  '2.9': '2.9.0072',
  '2.10': '2.10.0087',
  '3.0': '3.0.0058',
  '3.1': '3.1.0105',
  '3.2': '3.2.2',
  '3.3': '3.3.0',
};

const SOURCES = join(ROOT, 'native/doca-soft/test');
const MODULES = ['doca-common', 'doca-flow', 'doca-dpdk-bridge', 'libdpdk'];
const prefixOf = (release: string) => join(ROOT, `build/native/prefix-${release}`);

export function softIsBuilt(releases: readonly string[]): boolean {
  return releases.every((release) => existsSync(prefixOf(release)));
}

/** A folder for the programs of a test file, gone after its tests. */
export function folderOfPrograms(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `psp-gateway-${name}-`));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A program of native/doca-soft/test that is built with sanitizers (robustness.cmake). */
export const sanitizedProgram = (name: string): string => join(ROOT, 'build/native/robustness', name);

/** A limit for one case, for a test that runs it with a machine that does much else. */
export const CASE_TIMEOUT_MS = 90_000;

/**
 * Runs one case of a program of cases (native/doca-soft/test/cases.h) over the devices of a mapping file; it must end well. Returns
 * what it said on standard error. `program`: the program, or a command that runs it.
 */
export function runCase(program: string | readonly string[], name: string, mapping: string): string {
  const [command, ...args] = [program, name].flat();
  const { status, signal, stdout, stderr } = spawnSync(command!, args, {
    env: { ...process.env, DOCA_SOFT_CONFIG: mapping },
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect({ status, signal, stdout, ...(status === 0 ? {} : { stderr }) }).toEqual({
    status: 0,
    signal: null,
    stdout: 'all is as it should be\n',
  });
  return stderr;
}

const COMPILERS: Readonly<Record<string, readonly string[]>> = {
  '.c': ['cc', '-std=gnu11'],
  '.cc': ['g++', '-std=c++17'],
};

/**
 * Builds a file of native/doca-soft/test, or of another folder, against a release, in `folder`; returns the program's path.
 * `more`: for the compiler.
 */
export function buildSoftProgram(
  file: string,
  release: string,
  folder: string,
  more: readonly string[] = [],
): string {
  const { name, ext } = parse(file);
  const program = join(folder, `${name}-${release}`);
  const [compiler, standard] = COMPILERS[ext]!;
  const { stdout } = spawnSync('pkg-config', ['--cflags', '--libs', ...MODULES], {
    env: { ...process.env, PKG_CONFIG_PATH: join(prefixOf(release), 'lib/pkgconfig') },
    encoding: 'utf8',
  });
  const { status, stderr } = spawnSync(
    compiler!,
    [
      ...[standard!, '-O1', '-g', '-Wall', '-Wextra', '-Werror'],
      ...['-DDOCA_ALLOW_EXPERIMENTAL_API', '-DALLOW_EXPERIMENTAL_API'],
      ...['-o', program, resolve(SOURCES, file), ...more],
      ...stdout.trim().split(/\s+/),
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0 || stderr !== '') throw new Error(stderr);
  return program;
}
