/**
 * The software DOCA's calls in the wrong order, too large or too late, and its RSS queues: native/doca-soft/test/api.cc, a
 * process per case.
 */
import { existsSync } from 'node:fs';
import { describe, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { API_CASES, runApiCase } from '../support/soft-cases.js';
import {
  buildSoftProgram,
  CASE_TIMEOUT_MS,
  folderOfPrograms,
  sanitizedProgram,
} from '../support/soft-program.js';

/** Memory is shared out and looked through: not what a sanitizer's process is for. */
const NOT_UNDER_SANITIZERS = ['no-memory', 'old-keys'];

function body(): void {
  const folder = folderOfPrograms('api');

  describe.each([
    { release: '3.1', cases: [...API_CASES, 'mirrors'] },
    { release: '3.3', cases: [...API_CASES, 'put-twice'] },
  ])('DOCA $release', ({ release, cases }) => {
    let program: string;

    test('builds', () => {
      program = buildSoftProgram('api.cc', release, folder);
    }, 60_000);

    test.each(cases)('%s', (name) => runApiCase(program, name, folder), CASE_TIMEOUT_MS);
    test('old-keys, of OpenSSL', () => runApiCase(program, 'old-keys', folder, 'openssl'), CASE_TIMEOUT_MS);
  });

  describe('DOCA 3.1 under sanitizers', () => {
    const program = sanitizedProgram('api');
    const cases = [...API_CASES, 'mirrors'].filter((name) => !NOT_UNDER_SANITIZERS.includes(name));
    test.each(cases)('%s', (name) => runApiCase(program, name, folder), CASE_TIMEOUT_MS);
  });
}

describeOnNative('the API of the software DOCA', existsSync(sanitizedProgram('api')), body);
