// `npm run test:one -- PATTERN`: the files of tests whose paths have PATTERN in them, after what they need has been built.
import { conclude, vitest } from './checks.mjs';
import { setUp } from './setup.mjs';
import { needsMachine, needsProgram, testFiles } from './test-files.mjs';

const USAGE = `usage: npm run test:one -- PATTERN ... [OPTIONS OF VITEST]

  PATTERN   a part of the path of the files to run: test/unit/psp, link.test, test/e2e/pcap.test.ts
  OPTIONS   such as -t 'a part of the names of tests'

What the files need is built before: nothing, the program, or the native parts (minutes, the first time).
`;

function fail(...lines) {
  for (const line of lines) process.stderr.write(`test:one: ${line}\n`);
  process.stderr.write(`\n${USAGE}`);
  process.exit(2);
}

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const firstOption = args.findIndex((arg) => arg.startsWith('-'));
// As a shell completes paths.
const patterns = (firstOption < 0 ? args : args.slice(0, firstOption)).map((arg) =>
  arg.replace(/^(\.\/+)+/, ''),
);
// An empty one is in every path.
if (patterns.length === 0 || patterns.includes('')) fail('a PATTERN is missing');
const all = testFiles();
const withoutFiles = patterns.filter((pattern) => !all.some((path) => path.includes(pattern)));
if (withoutFiles.length > 0)
  fail(...withoutFiles.map((pattern) => `no file of test/ has ${JSON.stringify(pattern)} in its path`));

const files = all.filter((path) => patterns.some((pattern) => path.includes(pattern)));
setUp({ build: files.some((file) => needsProgram(file) || needsMachine(file)) });
if (files.some(needsMachine)) {
  const { buildNative } = await import('./build-native.mjs');
  const missing = buildNative({ tests: true });
  if (missing !== undefined) process.stderr.write(`SKIPPING what needs the native parts: ${missing}\n`);
}
const report = vitest([...files, ...args.slice(patterns.length)]);
conclude(report, report.problems);
