/** The addon's operations on entries, by when DOCA calls back: native/test/operations.cc, with sanitizers. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';
import { buildSoftProgram, softIsBuilt } from '../support/soft-program.js';

const RELEASE = '3.1';
const ADDON = join(ROOT, 'native/addon');

describeOnNative("the addon's operations on entries", softIsBuilt([RELEASE]), () => {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-operations-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('are counted once, whenever they are reported and whatever their calls return', () => {
    const program = buildSoftProgram(join(ROOT, 'native/test/operations.cc'), RELEASE, folder, [
      ...['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'],
      ...['-I', ADDON, join(ADDON, 'operations.cc')],
    ]);
    const { status, stdout, stderr } = spawnSync(program, { encoding: 'utf8', timeout: 60_000 });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'all is as it should be\n', stderr: '' });
  }, 120_000);
});
