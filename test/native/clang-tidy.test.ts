/**
 * The checks of native/.clang-tidy over all sources in C++ that users run. The sources of a folder are looked at as one, so that the
 * headers of Node-API and of DPDK, most of what there is to read, are read once and not once for each source. So names in
 * unnamed namespaces are used once in a folder; what two of its sources need belongs into a header.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { NODE_INCLUDE_FOLDER } from '../../src/native-build/requirements.js';
import { addonFlags, nodeApiFlags, softFlags } from '../support/compile-flags.js';
import { describeNeeding, inPath } from '../support/needs.js';
import { ROOT } from '../support/root.js';

const RELEASE = '3.3';
/** Sources that are empty in the other releases say so in their names, as shape_up_to_3_1.cc does. */
const OF_OTHER_RELEASE = /up_to_3_[012]\.cc$/;
const OTHER_RELEASE = '3.0';
const docaHeaders = (release: string) => join(ROOT, `build/native/prefix-${release}/include`);

const PORTS = ['-std=c++20', '-DNAPI_VERSION=8', '-DNODE_ADDON_API_CPP_EXCEPTIONS_ALL'];

const FOLDERS: Readonly<Record<string, () => string[]>> = {
  'native/addon': addonFlags,
  'native/doca-soft/src': softFlags,
  'native/doca-soft/argp': softFlags,
  'native/ports/src': () => [...PORTS, ...nodeApiFlags(), '-isystem', NODE_INCLUDE_FOLDER],
  'native/guard': () => ['-std=c++17'],
};

const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-clang-tidy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let wholes = 0;

/** What clang-tidy finds in these sources and their headers; empty where it finds nothing. */
function findings(paths: readonly string[], release: string, flags: readonly string[]): Promise<string> {
  const whole = join(folder, `whole-${wholes++}.cc`);
  writeFileSync(whole, paths.map((path) => `#include "${path}"\n`).join(''));
  const config = `--config-file=${join(ROOT, 'native/.clang-tidy')}`;
  const args = [config, '--quiet', whole, '--', '-I', docaHeaders(release), ...flags];
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
  describe.each(Object.keys(FOLDERS))('%s', (name) => {
    const flags = FOLDERS[name]!();
    const paths = readdirSync(join(ROOT, name))
      .filter((file) => file.endsWith('.cc'))
      .map((file) => join(ROOT, name, file));
    const ofOther = paths.filter((path) => OF_OTHER_RELEASE.test(path));
    const others = paths.filter((path) => !ofOther.includes(path));

    test('has nothing that the checks find', async () => {
      expect(others).not.toEqual([]);
      expect(await findings(others, RELEASE, flags)).toBe('');
      if (ofOther.length > 0) expect(await findings(ofOther, OTHER_RELEASE, flags)).toBe('');
    }, 600_000);
  });

  test('what is wrong in a source, and in a header of it, is found, and what is twice', async () => {
    const planted = join(folder, 'native/addon');
    mkdirSync(planted, { recursive: true });
    const [header, source, other] = ['planted.h', 'planted.cc', 'other.cc'].map((name) =>
      join(planted, name),
    );
    writeFileSync(header!, 'inline char *nothing()\n{\n\treturn 0;\n}\n');
    writeFileSync(source!, '#include "planted.h"\nvoid twice()\n{\n\treturn;\n}\n');
    writeFileSync(other!, 'void twice() {}\n');
    const found = await findings([source!, other!], RELEASE, ['-std=c++17']);
    expect(found).toContain('planted.h:3:9: error: use nullptr [modernize-use-nullptr');
    expect(found).toContain('planted.cc:4:2: error: redundant return statement');
    expect(found).toContain("other.cc:1:6: error: redefinition of 'twice'");
  });
});
