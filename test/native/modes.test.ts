/**
 * Modes of the software DOCA: ports on their own, and several managers; native/doca-soft/test/modes.cc, a process per case.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';
import { buildSoftProgram, CASE_TIMEOUT_MS, runCase, softIsBuilt } from '../support/soft-program.js';

const RELEASES = ['3.1', '3.3'];
const SANITIZED = join(ROOT, 'build/native/robustness/modes');
const CASES = [
  ...['words', 'vnf', 'vnf-egress', 'vnf-queues', 'vnf-stop', 'vnf-crypto'],
  ...['managers', 'switch-sends', 'expert-sends', 'states'],
];

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-modes-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const mapping = join(folder, 'mapping.conf');
  const device = (number: number, suffix: string): string =>
    `[device 03:00.${number}]\nport = net_ring_wire${suffix}\nmtu = 1500\nbuffers = 1024\ncompletions = queued\n` +
    `[representor pf${number}vf0]\nport = net_ring_vf${suffix}\nmtu = 1500\n`;
  writeFileSync(mapping, device(0, '') + device(1, '1'));

  describe.each(RELEASES)('DOCA %s', (release) => {
    let program: string;

    test('builds', () => {
      program = buildSoftProgram('modes.cc', release, folder, ['-lrte_net_ring']);
    }, 60_000);

    test.each(CASES)('%s', (name) => void runCase(program, name, mapping), CASE_TIMEOUT_MS);
  });

  describe('DOCA 3.1 under sanitizers', () => {
    test.each(CASES)('%s', (name) => void runCase(SANITIZED, name, mapping), CASE_TIMEOUT_MS);
  });
}

describeOnNative('modes', softIsBuilt(RELEASES) && existsSync(SANITIZED), body);
