/**
 * The addon against the headers of every release that it is written for. The software DOCA is built as 3.1 and as
 * 3.3; in the others' shape there are its headers only, and the addon is compiled without being linked.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { addonFlags } from '../support/compile-flags.js';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';

/** And what the addon calls in it. */
const RELEASES = [
  { release: '2.9', isolates: true, tellsDefaultRss: true },
  { release: '2.10', isolates: true, tellsDefaultRss: true },
  { release: '3.0', isolates: true, tellsDefaultRss: true },
  { release: '3.2', isolates: false, tellsDefaultRss: false },
];
/** Sources of it that set a device up. */
const BRING_UP = ['device.cc', 'process.cc'];
const ADDON = join(ROOT, 'native/addon');
const HEADERS = join(ROOT, 'native/doca-soft/include');
const PREFIX = join(ROOT, 'build/native/prefix-3.1');

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-releases-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const options = ['-Wall', '-Wextra', '-Werror', ...addonFlags()];
  const sources = readdirSync(ADDON).filter((name) => name.endsWith('.cc'));
  /** What objects that are compiled from these sources ask of libraries. */
  const called = (compile: readonly string[], names: readonly string[]) => {
    const objects = names.map((name) => join(folder, `${name}.o`));
    for (const [i, name] of names.entries()) {
      const { status, stderr } = spawnSync('g++', [...compile, '-c', '-o', objects[i]!, join(ADDON, name)], {
        encoding: 'utf8',
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    }
    const { stdout } = spawnSync('nm', ['-u', ...objects], { encoding: 'utf8' });
    return new Set(stdout.match(/\w+$/gm));
  };

  test.each(RELEASES)(
    'compiles for DOCA $release',
    ({ release, isolates, tellsDefaultRss }) => {
      const [major, minor] = release.split('.') as [string, string];
      const version = readFileSync(join(HEADERS, 'doca_version.h.in'), 'utf8')
        .replaceAll('@DOCA_VERSION_MAJOR@', major)
        .replaceAll('@DOCA_VERSION_MINOR@', minor)
        .replaceAll('@DOCA_VERSION_PATCH@', '0');
      writeFileSync(join(folder, 'doca_version.h'), version);
      const compile = [...options, '-I', folder, '-I', HEADERS];
      const paths = sources.filter((name) => !BRING_UP.includes(name)).map((name) => join(ADDON, name));
      const { status, stderr } = spawnSync('g++', [...compile, '-fsyntax-only', ...paths], {
        encoding: 'utf8',
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const calls = called(compile, BRING_UP);
      expect(calls).toContain('rte_eth_promiscuous_enable');
      expect(calls.has('rte_flow_isolate')).toBe(isolates);
      expect(calls.has('doca_flow_cfg_set_default_rss')).toBe(tellsDefaultRss);
    },
    300_000,
  );
}

describeOnNative('the addon, by release', existsSync(PREFIX), body);
