/** Fields that a program defines: native/doca-soft/test/definitions.cc, a process per case. */
import { existsSync } from 'node:fs';
import { describe } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { ringDevice, testBuiltProgram, testCases, writeMapping } from '../support/ring-programs.js';
import { folderOfPrograms, sanitizedProgram, softIsBuilt } from '../support/soft-program.js';

const RELEASE = '3.3';
const SANITIZED = sanitizedProgram('definitions');
const CASES = ['refused', 'entries', 'templates', 'written-alone', 'control', 'none'];

function body(): void {
  const folder = folderOfPrograms('definitions');
  const mapping = writeMapping(
    folder,
    ringDevice({ representor: 'pf0vf0', lines: ['completions = queued'] }),
  );

  describe(`DOCA ${RELEASE}`, () => {
    testBuiltProgram('definitions', RELEASE, folder, mapping, CASES);
  });

  describe('DOCA 3.1 under sanitizers', () => {
    testCases(() => SANITIZED, mapping, CASES);
  });
}

describeOnNative('definitions', softIsBuilt([RELEASE]) && existsSync(SANITIZED), body);
