/** Names that programs for the software DOCA only need to link, in C and in C++: native/doca-soft/test/linked.c. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { buildSoftProgram, softIsBuilt } from '../support/soft-program.js';

const RELEASES = ['3.1', '3.3'];

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-linked-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe.each(RELEASES)('DOCA %s', (release) => {
    test.each(['linked.c', 'linked.cc'])(
      '%s',
      (file) => {
        const program = buildSoftProgram(file, release, folder);
        const { status, stdout } = spawnSync(program, { encoding: 'utf8' });
        expect({ status, stdout }).toEqual({ status: 0, stdout: '33 calls, progress 0\n' });
      },
      60_000,
    );
  });
}

describeOnNative('what only needs to link', softIsBuilt(RELEASES), body);
