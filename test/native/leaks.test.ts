/** The addon leaks nothing: a leak checker (gcc's, as a library under Node) looks at what is left of five devices. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DOCA_ADDON } from '../../src/hal/native-parts.js';
import { docaIsBuilt } from '../support/doca-harness.js';
import { leakCheckerOptions } from '../support/leak-checker.js';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';

const RELEASES = ['3.1', '3.3'] as const;
const LIFE = join(ROOT, 'test/native/addon-life.mjs');

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-leaks-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const leakOptions = leakCheckerOptions(folder);
  const checker = spawnSync('g++', ['-print-file-name=liblsan.so'], { encoding: 'utf8' }).stdout.trim();

  test.each(RELEASES)('over DOCA %s', (release) => {
    expect(existsSync(checker), `${checker} is not there: a g++ without its leak checker`).toBe(true);
    const env = {
      ...process.env,
      LD_PRELOAD: checker,
      LSAN_OPTIONS: leakOptions,
      [DOCA_ADDON.variable]: join(ROOT, `build/native/addon-${release}/Release/psp_gateway_doca.node`),
    };
    const { status, stdout, stderr } = spawnSync(process.execPath, [LIFE, folder], { env, encoding: 'utf8' });
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: '5 devices opened and closed\n',
      stderr: '',
    });
  });
}

describeOnNative(
  'the addon, under a leak checker',
  RELEASES.every((release) => docaIsBuilt(release)),
  body,
);
