/**
 * The addon against the headers of every release that it is written for. The software DOCA is built as 3.1 and as
 * 3.3; in the others' shape there are its headers only, and the addon is compiled without being linked.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';

const RELEASES = ['2.9', '2.10', '3.0', '3.2'];
const ADDON = join(ROOT, 'native/addon');
const HEADERS = join(ROOT, 'native/doca-soft/include');
const PREFIX = join(ROOT, 'build/native/prefix-3.1');
const { resolve } = createRequire(import.meta.url);

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-releases-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const dpdk = spawnSync('pkg-config', ['--cflags', 'libdpdk'], { encoding: 'utf8' })
    .stdout.trim()
    .split(/\s+/);
  const node = ['node-api-headers/package.json', 'node-addon-api/package.json'].map((path) =>
    dirname(resolve(path)),
  );
  const options = [
    ...['-std=c++17', '-fsyntax-only', '-Wall', '-Wextra', '-Werror'],
    ...['-DNAPI_VERSION=8', '-DNODE_ADDON_API_CPP_EXCEPTIONS'],
    ...['-DDOCA_ALLOW_EXPERIMENTAL_API', '-DALLOW_EXPERIMENTAL_API'],
    ...['-isystem', join(node[0]!, 'include'), '-isystem', node[1]!, ...dpdk],
  ];
  const sources = readdirSync(ADDON).filter((name) => name.endsWith('.cc'));

  test.each(RELEASES)('compiles for DOCA %s', (release) => {
    const [major, minor] = release.split('.') as [string, string];
    const version = readFileSync(join(HEADERS, 'doca_version.h.in'), 'utf8')
      .replaceAll('@DOCA_VERSION_MAJOR@', major)
      .replaceAll('@DOCA_VERSION_MINOR@', minor)
      .replaceAll('@DOCA_VERSION_PATCH@', '0');
    writeFileSync(join(folder, 'doca_version.h'), version);
    const paths = sources.map((name) => join(ADDON, name));
    const { status, stderr } = spawnSync('g++', [...options, '-I', folder, '-I', HEADERS, ...paths], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
}

describeOnNative('the addon, by release', existsSync(PREFIX), body);
