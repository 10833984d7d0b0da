// What the scripts of tests have in common: lint, types, C++ style, and vitest with what it counted.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Whether it ended well. */
export function run(command, args) {
  const result = spawnSync(command, args, {
    cwd: ROOT,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  return result.status === 0;
}

const runPackage = (name, args) => run(join(ROOT, 'node_modules', '.bin', name), args);

const lint = () => runPackage('biome', ['ci', '--error-on-warnings', '.']);
const nothingUnused = () => runPackage('knip', ['--no-progress']);
const types = () => runPackage('tsc', ['-p', 'tsconfig.check.json']);

/** C and C++ by clang-format, where it is there: `args` say what it does. */
export function clangFormat(...args) {
  if (spawnSync('clang-format', ['--version'], { stdio: 'ignore' }).status !== 0) {
    process.stderr.write('C++: clang-format is not there; the style of native/ is left as it is\n');
    return true;
  }
  const files = readdirSync(join(ROOT, 'native'), { recursive: true })
    .filter((path) => /\.(c|cc|h)$/.test(path))
    .map((path) => join('native', path));
  return run('clang-format', [...args, ...files]);
}

const styleOfNative = () => clangFormat('--dry-run', '-Werror');

/** What went wrong in all that is no test of vitest's. */
export function problemsOfSources() {
  const problems = [];
  if (!lint()) problems.push('lint failed');
  if (!nothingUnused()) problems.push('there are exports, files or packages that nothing uses');
  if (!types()) problems.push('type check failed');
  if (!styleOfNative()) problems.push('the style of native/ is not its own: npm run format');
  return problems;
}

/** Counts of the tests that ran, from vitest's JSON report; none when it could not be written. */
function readReport(path) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
      readFileSync(path, 'utf8'),
    );
    // A file that could not be loaded, or prepared, has no failed test to count, and has failed all the same.
    const broken = testResults.filter(
      (file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'),
    );
    return {
      passed: numPassedTests,
      failed: numFailedTests + broken.length,
      skipped: numPendingTests + numTodoTests,
      files: testResults.map(({ name, startTime, endTime }) => ({
        path: relative(ROOT, name),
        durationMs: endTime - startTime,
      })),
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0, files: [] };
  }
}

/** Runs vitest: its counts, its files, and what went wrong besides tests that failed. */
export function vitest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-test-'));
  const path = join(folder, 'report.json');
  const ok = runPackage('vitest', [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${path}`,
    ...args,
  ]);
  const report = readReport(path);
  rmSync(folder, { recursive: true, force: true });
  const problems = [];
  if (!ok && report.failed === 0) problems.push('the test run failed');
  if (report.passed + report.failed === 0) problems.push('no test ran');
  return { ...report, problems };
}

/** The last lines, and the exit status. */
export function conclude({ passed, failed, skipped }, problems) {
  for (const problem of problems) process.stdout.write(`error: ${problem}\n`);
  process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  process.exitCode = problems.length > 0 || failed > 0 ? 1 : 0;
}
