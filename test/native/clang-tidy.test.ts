/** The checks of native/.clang-tidy over all sources in C++ that users run. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NODE_INCLUDE_FOLDER } from '../../src/native-build/requirements.js';
import { addonFlags, nodeApiFlags, softFlags } from '../support/compile-flags.js';
import { describeNeeding, inPath } from '../support/needs.js';
import { ROOT } from '../support/root.js';

const RELEASE = '3.3';
/** Sources that are empty in the other releases say so in their names, as shape_up_to_3_1.cc does. */
const OF_OTHER_RELEASE = /3_1\.cc$/;
const OTHER_RELEASE = '3.1';
const docaHeaders = (release: string) => join(ROOT, `build/native/prefix-${release}/include`);

const PORTS = ['-std=c++20', '-DNAPI_VERSION=8', '-DNODE_ADDON_API_CPP_EXCEPTIONS_ALL'];

const FOLDERS: Readonly<Record<string, () => string[]>> = {
  'native/addon': addonFlags,
  'native/doca-soft/src': softFlags,
  'native/ports/src': () => [...PORTS, ...nodeApiFlags(), '-isystem', NODE_INCLUDE_FOLDER],
  'native/guard': () => ['-std=c++17'],
};

/** What clang-tidy finds in a file; empty where it finds nothing. */
function findings(path: string, flags: readonly string[]): Promise<string> {
  const release = OF_OTHER_RELEASE.test(path) ? OTHER_RELEASE : RELEASE;
  const args = ['--quiet', path, '--', '-I', docaHeaders(release), ...flags];
  return new Promise((done, fail) => {
    const child = spawn('clang-tidy', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let problems = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      problems += chunk;
    });
    child.on('error', fail);
    child.on('close', (status) => done(status === 0 ? '' : `${output}${problems}`));
  });
}

const needed = [
  ...(inPath('clang-tidy') ? [] : ['clang-tidy (sudo apt-get install clang-tidy)']),
  ...(existsSync(docaHeaders(RELEASE)) && existsSync(docaHeaders(OTHER_RELEASE))
    ? []
    : ['the native parts (npm run build:native -- --tests)']),
];

describeNeeding('clang-tidy', needed, () => {
  describe.each(Object.keys(FOLDERS))('%s', (folder) => {
    test('has nothing that the checks find', async () => {
      const flags = FOLDERS[folder]!();
      const paths = readdirSync(join(ROOT, folder))
        .filter((name) => name.endsWith('.cc'))
        .map((name) => join(folder, name));
      expect(paths).not.toEqual([]);
      const found: string[] = [];
      const waiting = [...paths];
      const work = async () => {
        for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
          found.push(await findings(path, flags));
        }
      };
      await Promise.all(Array.from({ length: availableParallelism() }, work));
      expect(found.filter((text) => text !== '')).toEqual([]);
    }, 600_000);
  });
});
