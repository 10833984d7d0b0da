// `npm run test:native`: builds the native parts with all that tests need, and runs the tests of them: those of test/native, and
// those of test/conformance that run over them. Arguments go to vitest.
import { conclude, vitest } from './checks.mjs';
import { setUp } from './setup.mjs';
import { nativeFiles } from './test-files.mjs';

setUp({ build: true });
const { buildNative } = await import('./build-native.mjs');
const missing = buildNative({ tests: true });
if (missing === undefined) {
  const report = vitest([...nativeFiles(), ...process.argv.slice(2)]);
  conclude(report, report.problems);
} else {
  process.stderr.write(`test:native: the native parts cannot be built: ${missing}\n`);
  process.exitCode = 1;
}
