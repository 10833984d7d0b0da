// `npm run check`: lint, types and the fast unit tests, in less than a minute, with nothing but the packages. What must hold in all
// is `npm test`. Arguments go to vitest.
import { conclude, problemsOfNativeStyle, problemsOfSources, vitest } from './checks.mjs';
import { setUp } from './setup.mjs';

/** Those that take longest are named, so that it is seen what makes the minute full. */
const SLOWEST = 5;

const begin = performance.now();
setUp({ build: false });
const problems = [...(await problemsOfSources()), ...problemsOfNativeStyle()];
const report = vitest(['--project', 'fast', ...process.argv.slice(2)]);
problems.push(...report.problems);
const secondsOf = (durationMs) => `${(durationMs / 1000).toFixed(1)} s`;
for (const { path, durationMs } of report.files
  .toSorted((a, b) => b.durationMs - a.durationMs)
  .slice(0, SLOWEST)) {
  process.stdout.write(`slowest: ${secondsOf(durationMs)} ${path}\n`);
}
process.stdout.write(`in all: ${secondsOf(performance.now() - begin)}\n`);
conclude(report, problems);
