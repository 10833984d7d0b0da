/**
 * Shared counters, meters and aging of the software DOCA: native/doca-soft/test/shared_counters.cc, entry_meters.cc and aging.cc, a
 * process per case. What meters say of packets alone is held against the RFCs by test/native/robustness.test.ts.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { buildSoftProgram, CASE_TIMEOUT_MS, runCase, softIsBuilt } from '../support/soft-program.js';

const RELEASES = ['3.1', '3.3'];
const PROGRAMS = {
  shared_counters: ['shared-counters', 'bound', 'counters-of-pipes', 'resources-of-ports', 'limits'],
  entry_meters: ['own-meters', 'shared-meters', 'no-color', 'copies', 'colors-of-the-rfcs'],
  aging: ['aging', 'aged-entries', 'aging-limits'],
};

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-monitors-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const mapping = join(folder, 'mapping.conf');
  writeFileSync(
    mapping,
    '[device 03:00.0]\nport = net_ring_wire\nmtu = 1500\nbuffers = 1024\n' +
      '[representor vf0]\nport = net_ring_vf\nmtu = 1500\n',
  );

  describe.each(RELEASES)('DOCA %s', (release) => {
    describe.each(Object.entries(PROGRAMS))('%s', (name, cases) => {
      let program: string;

      test('builds', () => {
        program = buildSoftProgram(`${name}.cc`, release, folder, ['-lrte_net_ring']);
      }, 60_000);

      test.each(cases)(
        '%s',
        (one) => {
          runCase(program, one, mapping);
        },
        CASE_TIMEOUT_MS,
      );
    });
  });
}

describeOnNative('what entries monitor', softIsBuilt(RELEASES), body);
