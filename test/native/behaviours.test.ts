/**
 * What a mapping file can have the software DOCA do otherwise: native/doca-soft/test/behaviours.cc, a process per case. With
 * `control` and `inside` test/native/api.test.ts does.
 */
import { existsSync } from 'node:fs';
import { describe, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { BEHAVIOUR_CASES, runBehaviourCase } from '../support/soft-cases.js';
import {
  buildSoftProgram,
  CASE_TIMEOUT_MS,
  folderOfPrograms,
  sanitizedProgram,
  softIsBuilt,
} from '../support/soft-program.js';

const RELEASE = '3.3';
/** With another default of `nr-entries`. What is left when a port stops is given back. */
const SANITIZED = sanitizedProgram('behaviours');
function body(): void {
  const folder = folderOfPrograms('behaviours');

  let built: string;

  test('builds', () => {
    built = buildSoftProgram('behaviours.cc', RELEASE, folder, ['-lrte_net_ring']);
  }, 60_000);

  describe.each([
    [`DOCA ${RELEASE}`, () => built],
    ['DOCA 3.1 under sanitizers', () => SANITIZED],
  ] as const)('%s', (_, program) => {
    test.each(BEHAVIOUR_CASES)(
      '%s, by %s',
      (...one) => runBehaviourCase(program(), one, folder),
      CASE_TIMEOUT_MS,
    );
  });
}

const isBuilt = softIsBuilt([RELEASE]) && existsSync(SANITIZED);
describeOnNative('what the mapping file has the library do', isBuilt, body);
