/** Fields that a program defines: native/doca-soft/test/definitions.cc, a process per case. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';
import { buildSoftProgram, CASE_TIMEOUT_MS, runCase, softIsBuilt } from '../support/soft-program.js';

const RELEASE = '3.3';
const SANITIZED = join(ROOT, 'build/native/robustness/definitions');
const CASES = ['refused', 'entries', 'templates', 'written-alone', 'control', 'none'];

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-definitions-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const mapping = join(folder, 'mapping.conf');
  writeFileSync(
    mapping,
    '[device 03:00.0]\nport = net_ring_wire\nmtu = 1500\nbuffers = 1024\ncompletions = queued\n' +
      '[representor pf0vf0]\nport = net_ring_vf\nmtu = 1500\n',
  );

  describe(`DOCA ${RELEASE}`, () => {
    let program: string;

    test('builds', () => {
      program = buildSoftProgram('definitions.cc', RELEASE, folder, ['-lrte_net_ring']);
    }, 60_000);

    test.each(CASES)('%s', (name) => void runCase(program, name, mapping), CASE_TIMEOUT_MS);
  });

  describe('DOCA 3.1 under sanitizers', () => {
    test.each(CASES)('%s', (name) => void runCase(SANITIZED, name, mapping), CASE_TIMEOUT_MS);
  });
}

describeOnNative('definitions', softIsBuilt([RELEASE]) && existsSync(SANITIZED), body);
