// Everything that must hold: lint, types, tests. The last line tells the true counts:
// `N passed, N failed`, with `, N skipped` where tests were skipped. Arguments go to vitest.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNative } from './build-native.mjs';
import { setUp } from './setup.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(ROOT, 'node_modules', '.bin', name);

function run(command, args) {
  const result = spawnSync(command, args, {
    cwd: ROOT,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  return result.status === 0;
}

/** Counts of the tests that ran, from vitest's JSON report; none when it could not be written. */
function counts(report) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    // A file that could not be loaded, or prepared, has no failed test to count, and has failed all the same.
    const broken = testResults.filter(
      (file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'),
    );
    return {
      passed: numPassedTests,
      failed: numFailedTests + broken.length,
      skipped: numPendingTests + numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

/** Why the native parts cannot be tested here; undefined: they can. */
function nativeProblem() {
  try {
    return buildNative({ tests: true });
  } catch (error) {
    problems.push('the native parts do not build');
    process.stdout.write(`${error.message}\n`);
    return 'they do not build';
  }
}

const problems = [];
setUp({ build: true });
const noNative = nativeProblem();
if (noNative !== undefined) process.stderr.write(`SKIPPING the native tests: ${noNative}\n`);
const lintOk = run(bin('biome'), ['ci', '--error-on-warnings', '.']);
const nothingUnused = run(bin('knip'), ['--no-progress']);
const typesOk = run(bin('tsc'), ['-p', 'tsconfig.check.json']);
const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-test-'));
const report = join(folder, 'report.json');
const testsOk = run(bin('vitest'), [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
]);
const { passed, failed, skipped } = counts(report);
rmSync(folder, { recursive: true, force: true });

if (noNative !== undefined && process.env.CI === 'true') problems.push(`no native tests: ${noNative}`);
if (!lintOk) problems.push('lint failed');
if (!nothingUnused) problems.push('there are exports, files or packages that nothing uses');
if (!typesOk) problems.push('type check failed');
if (!testsOk && failed === 0) problems.push('the test run failed');
if (passed + failed === 0) problems.push('no test ran');
if (skipped > 0 && process.env.CI === 'true') problems.push('tests were skipped, which CI does not allow');
for (const problem of problems) process.stdout.write(`error: ${problem}\n`);
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exitCode = problems.length > 0 || failed > 0 ? 1 : 0;
