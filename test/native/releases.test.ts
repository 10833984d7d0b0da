/**
 * The addon against the headers of every release that it is written for. The software DOCA is built as 3.1 and as
 * 3.3; in the others' shape there are its headers only, and the addon is compiled without being linked: all sources as one, so
 * that the headers of Node-API and of DPDK, most of what there is to read, are read once for each release and not once for each
 * source. That each source stands by itself the build of 3.3 shows, with the same warnings.
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
const ADDON = join(ROOT, 'native/addon');
const HEADERS = join(ROOT, 'native/doca-soft/include');
const PREFIX = join(ROOT, 'build/native/prefix-3.1');

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-releases-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const options = ['-Wall', '-Wextra', '-Werror', ...addonFlags()];
  const sources = readdirSync(ADDON).filter((name) => name.endsWith('.cc'));
  const [whole, object] = ['addon.cc', 'addon.o'].map((name) => join(folder, name)) as [string, string];
  writeFileSync(whole, sources.map((name) => `#include "${join(ADDON, name)}"\n`).join(''));

  test.each(RELEASES)(
    'compiles for DOCA $release',
    ({ release, isolates, tellsDefaultRss }) => {
      const [major, minor] = release.split('.') as [string, string];
      const version = readFileSync(join(HEADERS, 'doca_version.h.in'), 'utf8')
        .replaceAll('@DOCA_VERSION_MAJOR@', major)
        .replaceAll('@DOCA_VERSION_MINOR@', minor)
        .replaceAll('@DOCA_VERSION_PATCH@', '0');
      writeFileSync(join(folder, 'doca_version.h'), version);
      const compile = [...options, '-I', folder, '-I', HEADERS, '-c', '-o', object, whole];
      const { status, stderr } = spawnSync('g++', compile, { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      // What the object asks of libraries.
      const { stdout } = spawnSync('nm', ['-u', object], { encoding: 'utf8' });
      const calls = new Set(stdout.match(/\w+$/gm));
      expect(calls).toContain('rte_eth_promiscuous_enable');
      expect(calls.has('rte_flow_isolate')).toBe(isolates);
      expect(calls.has('doca_flow_cfg_set_default_rss')).toBe(tellsDefaultRss);
    },
    300_000,
  );
}

describeOnNative('the addon, by release', existsSync(PREFIX), body);
