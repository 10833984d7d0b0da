/**
 * Modes of the software DOCA, ports on their own and several managers, and where packets go: native/doca-soft/test/modes.cc and
 * forwards.cc, a process per case.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';
import { buildSoftProgram, CASE_TIMEOUT_MS, runCase, softIsBuilt } from '../support/soft-program.js';

const RELEASES = ['3.1', '3.3'];
const SANITIZED = join(ROOT, 'build/native/robustness');
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
    cases: ['rss-flags', 'rss-shared', 'misses', 'own-forwards', 'transport', 'roce', 'entropy'],
  },
];

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-modes-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const mapping = join(folder, 'mapping.conf');
  const device = (number: number, suffix: string): string =>
    `[device 03:00.${number}]\nport = net_ring_wire${suffix}\nmtu = 1500\nbuffers = 1024\ncompletions = queued\n` +
    `[representor pf${number}vf0]\nport = net_ring_vf${suffix}\nmtu = 1500\n`;
  writeFileSync(mapping, device(0, '') + device(1, '1'));

  describe.each(PROGRAMS)('$name', ({ name, cases }) => {
    describe.each(RELEASES)('DOCA %s', (release) => {
      let program: string;

      test('builds', () => {
        program = buildSoftProgram(`${name}.cc`, release, folder, ['-lrte_net_ring']);
      }, 60_000);

      test.each(cases)('%s', (one) => void runCase(program, one, mapping), CASE_TIMEOUT_MS);
    });

    describe('DOCA 3.1 under sanitizers', () => {
      test.each(cases)('%s', (one) => void runCase(join(SANITIZED, name), one, mapping), CASE_TIMEOUT_MS);
    });
  });
}

describeOnNative('modes', softIsBuilt(RELEASES) && existsSync(join(SANITIZED, 'forwards')), body);
