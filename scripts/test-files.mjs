// Which files of tests there are, and what each needs: for vitest.config.ts and the scripts that run some of them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const END = '.test.ts';
const [UNIT, CONFORMANCE, NATIVE, END_TO_END] = ['unit', 'conformance', 'native', 'e2e'].map(
  (name) => `test/${name}/`,
);

/** Unit tests that take too long for `npm run check`. */
export const SLOW_UNIT_TESTS = [
  'gateway/doors/door-sockets',
  'gateway/diagnosis/twenty-faults',
  'gateway/recovery/recovery',
  'topology/events',
  'topology/file/limits',
  'topology/file/schema',
  'topology/fuzz',
].map((name) => UNIT + name + END);

/**
 * Where tests say what they need that not every machine has: native parts, programs, root. A test that comes by one of
 * these may need any of it.
 */
const NEEDS = ['test/support/needs.ts', 'test/support/on-doca.ts'];

/** All, as paths in the checkout, with slashes. */
export function testFiles() {
  return readdirSync(join(ROOT, 'test'), { recursive: true })
    .map((path) => posix.join('test', path.replaceAll('\\', '/')))
    .filter((path) => path.endsWith(END))
    .sort();
}

/** What a file imports of test/, itself and through others. */
export function importsOf(path, seen = new Set()) {
  if (seen.has(path) || !path.startsWith('test/') || !existsSync(join(ROOT, path))) return seen;
  seen.add(path);
  for (const [, name] of readFileSync(join(ROOT, path), 'utf8').matchAll(
    /\b(?:from|import)\s*\(?'(\.[^']+)'/g,
  )) {
    importsOf(posix.join(posix.dirname(path), name).replace(/\.js$/, '.ts'), seen);
  }
  return seen;
}

/** Whether it may need native parts, or programs that are installed with them. */
export function needsMachine(path) {
  const imports = importsOf(path);
  return NEEDS.some((one) => imports.has(one));
}

/** Whether it may run the compiled program. */
export const needsProgram = (path) => path.startsWith(END_TO_END) || path.startsWith(NATIVE);

/** Tests of the native parts, and conformance tests over them. */
export function nativeFiles() {
  return testFiles().filter(
    (path) => path.startsWith(NATIVE) || (path.startsWith(CONFORMANCE) && needsMachine(path)),
  );
}

/** Unit tests that need nothing but the packages, and do not take long. */
export function fastFiles() {
  return testFiles().filter(
    (path) => path.startsWith(UNIT) && !SLOW_UNIT_TESTS.includes(path) && !needsMachine(path),
  );
}
