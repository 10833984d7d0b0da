/**
 * What NVIDIA's own programs rely on beyond what is written, in the software DOCA: native/doca-soft/test/reliance.cc, a process
 * per case.
 */
import { describe } from 'vitest';
import { SOFT_RELEASES } from '../../src/hal/native-parts.js';
import { describeOnNative } from '../support/needs.js';
import { ringDevice, testBuiltProgram, writeMapping } from '../support/ring-programs.js';
import { folderOfPrograms, softIsBuilt } from '../support/soft-program.js';

const CASES = [
  ...['tune-server', 'next-proto', 'no-actions', 'equal-keys', 'hint', 'control-entries', 'queues'],
  ...['short-time', 'port-number'],
];
/** From 3.1 on. */
const CASES_OF_RSS = ['queues-of-entries'];
const WITHOUT_RSS = ['2.9', '2.10', '3.0'];

function body(): void {
  const folder = folderOfPrograms('reliance');
  const mapping = writeMapping(folder, ringDevice());

  describe.each(SOFT_RELEASES)('DOCA %s', (release) => {
    const ofRss = WITHOUT_RSS.includes(release) ? [] : CASES_OF_RSS;
    testBuiltProgram('reliance', release, folder, mapping, [...CASES, ...ofRss]);
  });
}

describeOnNative('what programs rely on', softIsBuilt(SOFT_RELEASES), body);
