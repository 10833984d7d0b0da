/**
 * Shared counters, meters and aging of the software DOCA: native/doca-soft/test/shared_counters.cc, entry_meters.cc and aging.cc, a
 * process per case. What meters say of packets alone is held against the RFCs by test/native/robustness.test.ts.
 */
import { describe } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { ringDevice, testBuiltProgram, writeMapping } from '../support/ring-programs.js';
import { folderOfPrograms, softIsBuilt } from '../support/soft-program.js';

const RELEASES = ['3.1', '3.3'];
const PROGRAMS = {
  shared_counters: ['shared-counters', 'bound', 'counters-of-pipes', 'resources-of-ports', 'limits'],
  entry_meters: ['own-meters', 'shared-meters', 'no-color', 'copies', 'colors-of-the-rfcs'],
  aging: ['aging', 'aged-entries', 'aging-limits'],
};

function body(): void {
  const folder = folderOfPrograms('monitors');
  const mapping = writeMapping(folder, ringDevice());

  describe.each(RELEASES)('DOCA %s', (release) => {
    describe.each(Object.entries(PROGRAMS))('%s', (name, cases) => {
      testBuiltProgram(name, release, folder, mapping, cases);
    });
  });
}

describeOnNative('what entries monitor', softIsBuilt(RELEASES), body);
