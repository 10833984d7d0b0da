/**
 * What actions do to packets, and what conditions compare: native/doca-soft/test/actions.cc and layers.cc, a process per case. Every
 * expected frame is the test's own, with checksums that it computes in full.
 */
import { existsSync } from 'node:fs';
import { describe } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { ringDevice, testBuiltProgram, testCases, writeMapping } from '../support/ring-programs.js';
import { folderOfPrograms, sanitizedProgram, softIsBuilt } from '../support/soft-program.js';

const RELEASES = ['3.1', '3.3'];
const CASES: Readonly<Record<string, readonly string[]>> = {
  actions: [
    'templates',
    'ip4',
    'ip6',
    'copies',
    'additions',
    'metadata',
    'conditions',
    'left-open',
    'limits',
  ],
  layers: ['tags', 'misses', 'nat64', 'lists', 'list-limits', 'shared-in-lists'],
};
/** Lists have it from 3.3 on. */
const ONLY_OF_3_3 = ['nat64-in-lists'];

function body(): void {
  const folder = folderOfPrograms('actions');
  const mapping = writeMapping(folder, ringDevice({ lines: ['completions = queued'] }));

  for (const [name, cases] of Object.entries(CASES)) {
    describe.each(RELEASES)(`${name}, DOCA %s`, (release) => {
      const ofRelease = name === 'layers' && release === '3.3' ? ONLY_OF_3_3 : [];
      testBuiltProgram(name, release, folder, mapping, [...cases, ...ofRelease]);
    });

    describe(`${name}, under sanitizers`, () => {
      testCases(() => sanitizedProgram(name), mapping, cases);
    });
  }
}

const isBuilt =
  softIsBuilt(RELEASES) && Object.keys(CASES).every((name) => existsSync(sanitizedProgram(name)));
describeOnNative('actions on packets', isBuilt, body);
