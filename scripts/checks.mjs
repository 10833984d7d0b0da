// What the scripts of tests have in common: lint, types, C++ style, and vitest with what it counted.
import { spawn, spawnSync } from 'node:child_process';
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

const program = (name) => join(ROOT, 'node_modules', '.bin', name);

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

/** What is checked of the sources besides the style of native/: program and arguments, and what is wrong when it does not end well. */
const CHECKS = [
  ['biome', ['ci', '--error-on-warnings', '.'], 'lint failed'],
  ['knip', ['--no-progress'], 'there are exports, files or packages that nothing uses'],
  ['tsc', ['-p', 'tsconfig.check.json'], 'type check failed'],
];

/** Whether it ended well. What it prints is shown when it has ended: several at once would mix their lines. */
function runBeside(command, args) {
  const child = spawn(command, args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  const printed = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => printed.push(chunk));
  return new Promise((resolve) => {
    child.once('error', ({ message }) => printed.push(`${command}: ${message}\n`));
    child.once('close', (status) => {
      for (const chunk of printed) process.stdout.write(chunk);
      resolve(status === 0);
    });
  });
}

/**
 * What is wrong with the sources: lint, types, what nothing uses. The checks begin at once, side by side, since each of them uses
 * one processor; whoever awaits the promise later has them run beside other work.
 */
export async function problemsOfSources() {
  const ended = CHECKS.map(async ([name, args, problem]) =>
    (await runBeside(program(name), args)) ? [] : [problem],
  );
  return (await Promise.all(ended)).flat();
}

/** What is wrong with the style of native/, where clang-format is there. */
export const problemsOfNativeStyle = () =>
  clangFormat('--dry-run', '-Werror') ? [] : ['the style of native/ is not its own: npm run format'];

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
  const ok = run(program('vitest'), [
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
