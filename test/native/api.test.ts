/** The software DOCA's calls in the wrong order, too large or too late: native/doca-soft/test/api.cc, a process per case. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';
import { buildSoftProgram } from '../support/soft-program.js';

const CASES = ['no-slots', 'no-memory', 'not-there', 'failures', 'gone-pipes', 'old-keys'];
/** Memory is shared out and looked through: not what a sanitizer's process is for. */
const NOT_UNDER_SANITIZERS = ['no-memory', 'old-keys'];

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-api-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function run(program: string, name: string, crypto = 'auto'): void {
    const mapping = join(folder, 'mapping.conf');
    writeFileSync(
      mapping,
      `[device 03:00.0]\nport = net_null0\nmtu = 1500\nbuffers = 1024\nderived-keys = 64\ncrypto = ${crypto}\n` +
        '[representor vf0]\nport = net_null1\nmtu = 1500\n',
    );
    const env = { ...process.env, DOCA_SOFT_CONFIG: mapping };
    const { status, signal, stdout, stderr } = spawnSync(program, [name], {
      env,
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect({ status, signal, stdout, ...(status === 0 ? {} : { stderr }) }).toEqual({
      status: 0,
      signal: null,
      stdout: 'all is as it should be\n',
    });
    expect(stderr).not.toMatch(/\b(4294967295|18446744073709551615)\b/);
  }

  describe.each([
    { release: '3.1', cases: [...CASES, 'mirrors'] },
    { release: '3.3', cases: [...CASES, 'put-twice'] },
  ])('DOCA $release', ({ release, cases }) => {
    let program: string;

    test('builds', () => {
      program = buildSoftProgram('api.cc', release, folder);
    }, 60_000);

    test.each(cases)('%s', (name) => run(program, name), 90_000);
    test('old-keys, of OpenSSL', () => run(program, 'old-keys', 'openssl'), 90_000);
  });

  describe('DOCA 3.1 under sanitizers', () => {
    const cases = [...CASES, 'mirrors'].filter((name) => !NOT_UNDER_SANITIZERS.includes(name));
    test.each(cases)('%s', (name) => run(join(ROOT, 'build/native/robustness/api'), name), 90_000);
  });
}

describeOnNative('the API of the software DOCA', existsSync(join(ROOT, 'build/native/robustness/api')), body);
