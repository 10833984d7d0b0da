/**
 * What NVIDIA's own programs rely on beyond what is written, in the software DOCA: native/doca-soft/test/reliance.cc, a process
 * per case.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { SOFT_RELEASES } from '../../src/hal/native-parts.js';
import { describeOnNative } from '../support/needs.js';
import { buildSoftProgram, CASE_TIMEOUT_MS, runCase, softIsBuilt } from '../support/soft-program.js';

const CASES = [
  ...['tune-server', 'next-proto', 'no-actions', 'equal-keys', 'hint', 'control-entries', 'queues'],
  ...['short-time', 'port-number'],
];
/** From 3.1 on. */
const CASES_OF_RSS = ['queues-of-entries'];
const WITHOUT_RSS = ['2.9', '2.10', '3.0'];

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-reliance-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const mapping = join(folder, 'mapping.conf');
  writeFileSync(
    mapping,
    '[device 03:00.0]\nport = net_ring_wire\nmtu = 1500\nbuffers = 1024\n' +
      '[representor vf0]\nport = net_ring_vf\nmtu = 1500\n',
  );

  describe.each(SOFT_RELEASES)('DOCA %s', (release) => {
    let program: string;

    test('builds', () => {
      program = buildSoftProgram('reliance.cc', release, folder, ['-lrte_net_ring']);
    }, 60_000);

    test.each([...CASES, ...(WITHOUT_RSS.includes(release) ? [] : CASES_OF_RSS)])(
      '%s',
      (name) => {
        runCase(program, name, mapping);
      },
      CASE_TIMEOUT_MS,
    );
  });
}

describeOnNative('what programs rely on', softIsBuilt(SOFT_RELEASES), body);
