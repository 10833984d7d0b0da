// Everything that must hold: lint, types, tests. The last line tells the true counts:
// `N passed, N failed`, with `, N skipped` where tests were skipped. Arguments go to vitest.
import { conclude, problemsOfNativeStyle, problemsOfSources, vitest } from './checks.mjs';
import { setUp } from './setup.mjs';

/** Why the native parts cannot be tested here; undefined: they can. */
async function nativeProblem() {
  const { buildNative } = await import('./build-native.mjs');
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
// Beside the compilers, which leave some of the processors' time.
const sources = problemsOfSources();
const noNative = await nativeProblem();
if (noNative !== undefined) process.stderr.write(`SKIPPING the native tests: ${noNative}\n`);
// clang-format comes with what the native parts need.
problems.push(...(await sources), ...problemsOfNativeStyle());
const report = vitest(process.argv.slice(2));
problems.push(...report.problems);
if (noNative !== undefined && process.env.CI === 'true') problems.push(`no native tests: ${noNative}`);
if (report.skipped > 0 && process.env.CI === 'true') {
  problems.push('tests were skipped, which CI does not allow');
}
conclude(report, problems);
