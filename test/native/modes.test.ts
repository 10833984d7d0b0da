/**
 * Modes of the software DOCA, ports on their own and several managers, and where packets go: native/doca-soft/test/modes.cc and
 * forwards.cc, a process per case.
 */
import { existsSync } from 'node:fs';
import { describe } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { ringDevice, testBuiltProgram, testCases, writeMapping } from '../support/ring-programs.js';
import { folderOfPrograms, sanitizedProgram, softIsBuilt } from '../support/soft-program.js';

const RELEASES = ['3.1', '3.3'];
const PROGRAMS = [
  {
    name: 'modes',
    cases: [
      ...['words', 'vnf', 'vnf-egress', 'vnf-queues', 'vnf-stop', 'vnf-crypto'],
      ...['managers', 'switch-sends', 'expert-sends', 'states'],
    ],
  },
  {
    name: 'forwards',
    cases: ['rss-flags', 'rss-shared', 'misses', 'own-forwards', 'transport', 'roce', 'entropy', 'trains'],
  },
];

function body(): void {
  const folder = folderOfPrograms('modes');
  const lines = ['completions = queued'];
  const mapping = writeMapping(
    folder,
    ringDevice({ representor: 'pf0vf0', lines }),
    ringDevice({ pci: '03:00.1', representor: 'pf1vf0', suffix: '1', lines }),
  );

  describe.each(PROGRAMS)('$name', ({ name, cases }) => {
    describe.each(RELEASES)('DOCA %s', (release) => {
      testBuiltProgram(name, release, folder, mapping, cases);
    });

    describe('DOCA 3.1 under sanitizers', () => {
      testCases(() => sanitizedProgram(name), mapping, cases);
    });
  });
}

describeOnNative('modes', softIsBuilt(RELEASES) && existsSync(sanitizedProgram('forwards')), body);
