import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NativeBuildError } from '../../../src/native-build/errors.js';
import { fetchSysroot, pkgConfigEnvironment, whileLinked } from '../../../src/native-build/sysroot.js';

const { PATH } = process.env;
let folder: string;
let sysroot: string;
const path = (...names: string[]) => join(folder, ...names);
const asked = () => (existsSync(path('asked')) ? readFileSync(path('asked'), 'utf8').split('\n') : []);

/** In the place of Debian's: an apt-get that notes what it is asked, and a dpkg-deb that unpacks a file of the package's name. */
function fake(name: string, script: string): void {
  writeFileSync(path('bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-sysroot-'));
  sysroot = path('sysroot');
  mkdirSync(path('bin'));
  fake(
    'apt-get',
    `echo "$@" >> '${path('asked')}'
[ "$1" != install ] || : > '${sysroot}-apt/archives/one_1_arm64.deb'`,
  );
  fake('dpkg-deb', `echo "$2" > "$3/unpacked"`);
  process.env.PATH = `${path('bin')}${delimiter}${PATH}`;
});
afterEach(() => {
  process.env.PATH = PATH;
  rmSync(folder, { recursive: true, force: true });
});

describe('libraries of arm64', () => {
  test('are fetched with lists and a status of their own, and unpacked, once', () => {
    const said: string[] = [];
    fetchSysroot(sysroot, (step) => said.push(step));
    expect(said).toEqual([`fetching arm64 packages (apt-get), to unpack them in ${sysroot}`]);
    expect(asked()).toEqual([
      expect.stringMatching(/^update -o /),
      expect.stringMatching(
        /^install -y --download-only libc6-dev libdpdk-dev libjson-c-dev libssl-dev libuv1-dev -o /,
      ),
      '',
    ]);
    expect(readFileSync(join(sysroot, 'unpacked'), 'utf8')).toMatch(/one_1_arm64\.deb\n$/);
    // Nothing of the machine's own, of which a status that lists amd64's packages is.
    for (const name of ['State', 'State::Lists', 'Cache', 'Cache::Archives'])
      expect(asked()[1]).toContain(` -o Dir::${name}=${sysroot}-apt`);
    expect(asked()[1]).toContain(' -o Dir::State::status=/dev/null');
    expect(asked()[1]).toContain(' -o APT::Architecture=arm64');
    expect(existsSync(`${sysroot}-apt`)).toBe(false);

    fetchSysroot(sysroot, (step) => said.push(step));
    expect(said).toHaveLength(1);
    fetchSysroot(sysroot, (step) => said.push(step), ['nodejs']);
    fetchSysroot(sysroot, (step) => said.push(step));
    expect(said).toHaveLength(2);
    expect(asked().at(-2)).toMatch(/ libuv1-dev nodejs -o /);
  });

  test('that cannot be had: it says what apt-get says, and tries again the next time', () => {
    fake('apt-get', `echo "$1" >> '${path('asked')}'; echo 'E: no such thing' >&2; exit 100`);
    for (let i = 0; i < 2; i++) {
      const fetching = () => fetchSysroot(sysroot, () => {});
      expect(fetching).toThrow(NativeBuildError);
      expect(fetching).toThrow('apt-get update, for arm64, failed\nE: no such thing');
    }
    expect(asked()).toHaveLength(5);
  });

  test('are all that pkg-config finds', () => {
    expect(pkgConfigEnvironment('/sysroot')).toEqual({
      PKG_CONFIG_SYSROOT_DIR: '/sysroot',
      PKG_CONFIG_LIBDIR: '/sysroot/usr/lib/aarch64-linux-gnu/pkgconfig:/sysroot/usr/share/pkgconfig',
      PKG_CONFIG_PATH: '',
    });
  });

  test('have what is built beside them among them, for as long as it is used', () => {
    mkdirSync(sysroot);
    mkdirSync(path('native/prefix/lib'), { recursive: true });
    let linked = '';
    const using = () =>
      whileLinked(sysroot, path('native/prefix'), (at) => {
        linked = at;
        expect(existsSync(join(at, 'lib'))).toBe(true);
        throw new Error('it does not build');
      });
    expect(using).toThrow('it does not build');
    expect(linked.startsWith(`${sysroot}/`)).toBe(true);
    expect(existsSync(linked)).toBe(false);
  });
});
