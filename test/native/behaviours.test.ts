/**
 * What a mapping file can have the software DOCA do otherwise: native/doca-soft/test/behaviours.cc, a process per case. With
 * `control` and `inside` test/native/api.test.ts does.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';
import { buildSoftProgram, CASE_TIMEOUT_MS, runCase, softIsBuilt } from '../support/soft-program.js';

const RELEASE = '3.3';
/** With another default of `nr-entries`. What is left when a port stops is given back. */
const SANITIZED = join(ROOT, 'build/native/robustness/behaviours');
/** A case, and the line of the mapping file. */
const CASES = [
  ['late', 'completions = late'],
  ['one', 'completions = one'],
  ['shuffled', 'completions = shuffled'],
  ['refused', 'equal-keys = refused'],
  ['hint', 'nr-entries = hint'],
  ['limit', 'nr-entries = limit'],
] as const;

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-behaviours-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  let built: string;

  test('builds', () => {
    built = buildSoftProgram('behaviours.cc', RELEASE, folder, ['-lrte_net_ring']);
  }, 60_000);

  describe.each([
    [`DOCA ${RELEASE}`, () => built],
    ['DOCA 3.1 under sanitizers', () => SANITIZED],
  ] as const)('%s', (_, program) => {
    test.each(CASES)(
      '%s, by %s',
      (name, line) => {
        const mapping = join(folder, `${name}.conf`);
        // Where completions are not what it is about, control entries wait for the queue in all releases.
        const lines = line.startsWith('completions') ? [line] : ['completions = queued', line];
        writeFileSync(
          mapping,
          [
            ...['[device 03:00.0]', 'port = net_ring_wire', 'mtu = 1500', 'buffers = 1024', ...lines],
            ...['[representor vf0]', 'port = net_ring_vf', 'mtu = 1500', ''],
          ].join('\n'),
        );
        runCase(program(), name, mapping);
      },
      CASE_TIMEOUT_MS,
    );
  });
}

const isBuilt = softIsBuilt([RELEASE]) && existsSync(SANITIZED);
describeOnNative('what the mapping file has the library do', isBuilt, body);
