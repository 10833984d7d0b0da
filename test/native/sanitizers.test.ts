/**
 * The addon and the software DOCA under AddressSanitizer and UndefinedBehaviorSanitizer (gcc's, whose runtime Node loads first),
 * with live traffic and faults: those conformance tests run again over such a build that have gateways which re-key and rotate under
 * traffic, entries that fail in the middle of batches, mirrors, crafted packets, full queues, and devices closed under traffic.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DOCA_ADDON } from '../../src/hal/native-parts.js';
import { isBuilt, TEST_BUILD_ENVIRONMENT, TEST_COMPLETIONS_ENVIRONMENT } from '../support/doca-harness.js';
import { leakCheckerOptions } from '../support/leak-checker.js';
import { describeOnNative } from '../support/needs.js';
import { ROOT } from '../support/root.js';

const BUILD = 'addon-sanitized';
const TESTS = ['rotation', 'load', 'faults', 'sessions', 'differential'];
/** And with operations that end inside their calls. */
const TESTS_INSIDE = ['faults', 'load'];
/** Of each kind of random case; PSP_DIFFERENTIAL_CASES says another number. */
const CASES = process.env.PSP_DIFFERENTIAL_CASES ?? '25';
/** In all of TESTS, and of TESTS_INSIDE. */
const TESTS_MIN = 11;
const TESTS_INSIDE_MIN = 6;
const OUT_MAX = 20_000;

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-sanitizers-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const leakOptions = leakCheckerOptions(folder);
  const runtime = spawnSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).stdout.trim();

  /** Leaks are looked for where Node does little besides: compilers and runners of tests leave theirs. */
  const sanitized = (
    args: readonly string[],
    leaks: boolean,
    environment: Readonly<Record<string, string>>,
  ) =>
    new Promise<{ status: number | null; out: string }>((resolve, reject) => {
      const child = spawn(process.execPath, args, {
        cwd: ROOT,
        env: {
          ...process.env,
          LD_PRELOAD: runtime,
          ASAN_OPTIONS: `detect_leaks=${leaks ? 1 : 0}`,
          LSAN_OPTIONS: leakOptions,
          ...environment,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let out = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk) => {
          out = (out + chunk).slice(-OUT_MAX);
        });
      }
      child.on('error', reject);
      child.on('close', (status) => resolve({ status, out }));
    });
  const life = (...mapping: string[]) =>
    sanitized([join(ROOT, 'test/native/addon-life.mjs'), folder, ...mapping], true, {
      [DOCA_ADDON.variable]: join(ROOT, 'build/native', BUILD, 'Release/psp_gateway_doca.node'),
    });

  test.each([
    { completions: 'queued', tests: TESTS, testsMin: TESTS_MIN },
    { completions: 'inside', tests: TESTS_INSIDE, testsMin: TESTS_INSIDE_MIN },
  ])(
    'do not stop at devices with live traffic and faults, with operations $completions',
    async ({ completions, tests, testsMin }) => {
      const report = join(folder, `report-${completions}.json`);
      const { status, out } = await sanitized(
        [
          join(ROOT, 'node_modules/vitest/vitest.mjs'),
          ...['run', '--pool=forks', '--maxWorkers=1', '--no-color'],
          ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
          ...tests.map((name) => `test/conformance/${name}-3.3.test.ts`),
        ],
        false,
        {
          [TEST_BUILD_ENVIRONMENT]: BUILD,
          [TEST_COMPLETIONS_ENVIRONMENT]: completions,
          PSP_DIFFERENTIAL_CASES: CASES,
        },
      );
      expect(status, out).toBe(0);
      const { numPassedTests, numTotalTests } = JSON.parse(readFileSync(report, 'utf8'));
      expect(numPassedTests).toBe(numTotalTests);
      expect(numPassedTests).toBeGreaterThanOrEqual(testsMin);
    },
    600_000,
  );

  test.each(['queued', 'control', 'inside'])(
    'do not stop at devices that are opened, used wrongly and closed, with operations %s, and find no leak',
    async (completions) => {
      expect(await life(`completions = ${completions}`)).toEqual({
        status: 0,
        out: '5 devices opened and closed\n',
      });
    },
    120_000,
  );

  test('stop at an octet that the library writes beyond what the addon has room for', async () => {
    const { status, out } = await life('test-defect = overflow');
    expect(status).not.toBe(0);
    // Found by a check in the library, between two variables of the addon: both are watched.
    expect(out).toContain('stack-buffer-overflow');
    // What programs call is the traced function, around the one that writes.
    expect(out).toMatch(/WRITE of size 1 .*\s+#0 .* untraced_doca_flow_crypto_psp_spi_key_bulk_get /);
    expect(out).toMatch(/in frame\s+#0 .* Device::generate_keys/);
  }, 120_000);
}

describeOnNative('sanitizers over the addon', isBuilt(BUILD), body);
