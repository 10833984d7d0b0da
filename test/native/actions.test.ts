/**
 * What actions do to packets, and what conditions compare: native/doca-soft/test/actions.cc and layers.cc, a process per case. Every
 * expected frame is the test's own, with checksums that it computes in full.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';
import { buildSoftProgram, CASE_TIMEOUT_MS, runCase, softIsBuilt } from '../support/soft-program.js';

const RELEASES = ['3.1', '3.3'];
const CASES: Readonly<Record<string, readonly string[]>> = {
  actions: [
    'templates',
    'ip4',
    'ip6',
    'copies',
    'additions',
    'metadata',
    'conditions',
    'left-open',
    'limits',
  ],
  layers: ['tags', 'misses', 'nat64', 'lists', 'list-limits', 'shared-in-lists'],
};
/** Lists have it from 3.3 on. */
const ONLY_OF_3_3 = ['nat64-in-lists'];
const sanitized = (program: string) => join(ROOT, 'build/native/robustness', program);

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-actions-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const mapping = join(folder, 'mapping.conf');
  writeFileSync(
    mapping,
    [
      ...['[device 03:00.0]', 'port = net_ring_wire', 'mtu = 1500', 'buffers = 1024', 'completions = queued'],
      ...['[representor vf0]', 'port = net_ring_vf', 'mtu = 1500', ''],
    ].join('\n'),
  );

  for (const [name, cases] of Object.entries(CASES)) {
    describe.each(RELEASES)(`${name}, DOCA %s`, (release) => {
      let program: string;

      test('builds', () => {
        program = buildSoftProgram(`${name}.cc`, release, folder, ['-lrte_net_ring']);
      }, 60_000);

      test.each([...cases, ...(name === 'layers' && release === '3.3' ? ONLY_OF_3_3 : [])])(
        '%s',
        (one) => {
          runCase(program, one, mapping);
        },
        CASE_TIMEOUT_MS,
      );
    });

    describe(`${name}, under sanitizers`, () => {
      test.each(cases)(
        '%s',
        (one) => {
          runCase(sanitized(name), one, mapping);
        },
        CASE_TIMEOUT_MS,
      );
    });
  }
}

const isBuilt = softIsBuilt(RELEASES) && Object.keys(CASES).every((name) => existsSync(sanitized(name)));
describeOnNative('actions on packets', isBuilt, body);
