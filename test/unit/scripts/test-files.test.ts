/** Which tests `npm run check` runs, and what `npm run test:one` builds for those that it is asked for. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  fastFiles,
  importsOf,
  nativeFiles,
  needsMachine,
  needsProgram,
  SLOW_UNIT_TESTS,
  testFiles,
} from '../../../scripts/test-files.mjs';
import { ROOT } from '../../support/root.js';

/** Words of sources that use what is built natively, other than where its place is defined. */
const NATIVE_WORDS = /build\/native|build\/ports|\bPORTS_ADDON\b|\bstartRings\b/;
const DEFINES_PLACES = 'test/support/root.ts';

function usesNative(path: string): boolean {
  return [...importsOf(path)].some(
    (one) => one !== DEFINES_PLACES && NATIVE_WORDS.test(readFileSync(join(ROOT, one), 'utf8')),
  );
}

describe('the fast tests', () => {
  test('are all unit tests but for those that are named as slow, or need the machine to have something', () => {
    const unit = testFiles().filter((path) => path.startsWith('test/unit/'));
    const fast = fastFiles();
    const others = unit.filter((path) => !fast.includes(path));
    expect(others).toEqual(unit.filter((path) => SLOW_UNIT_TESTS.includes(path) || needsMachine(path)));
    expect(fast).toContain('test/unit/psp/header.test.ts');
  });

  test('that are slow are there, and few', () => {
    expect(testFiles()).toEqual(expect.arrayContaining(SLOW_UNIT_TESTS));
    expect(SLOW_UNIT_TESTS.length).toBeLessThan(10);
  });

  test('use nothing that is built natively', () => {
    expect(fastFiles().filter(usesNative)).toEqual([]);
  });

  test('that replace modules leave none behind, as they share their process', () => {
    const replacing = fastFiles().filter((path) =>
      /vi\.(mock|doMock)\(/.test(readFileSync(join(ROOT, path), 'utf8')),
    );
    expect(replacing).toContain('test/unit/psp/master-keys.test.ts');
    for (const path of replacing) {
      const source = readFileSync(join(ROOT, path), 'utf8');
      expect(source.match(/vi\.resetModules\(\)/g)?.length, path).toBe(2);
    }
  });

  test('run no compiled program', () => {
    const runs = (path: string) => /dist\/cli/.test(readFileSync(join(ROOT, path), 'utf8'));
    expect(fastFiles().filter((path) => [...importsOf(path)].some(runs))).toEqual([]);
  });
});

describe('what a test needs', () => {
  test('is found through what it imports', () => {
    expect(needsMachine('test/unit/hal-sim/ports/tap.test.ts')).toBe(true);
    expect(needsMachine('test/conformance/differential-3.1.test.ts')).toBe(true);
    expect(needsMachine('test/conformance/hal-doca-hardware.test.ts')).toBe(true);
    expect(needsMachine('test/conformance/rotation-sim.test.ts')).toBe(false);
    expect(needsMachine('test/unit/psp/header.test.ts')).toBe(false);
  });

  test('is the native parts wherever they are used', () => {
    expect(testFiles().filter((path) => usesNative(path) && !needsMachine(path))).toEqual([]);
  });

  test('is the program for what runs it', () => {
    expect(needsProgram('test/e2e/pcap.test.ts')).toBe(true);
    expect(needsProgram('test/unit/psp/header.test.ts')).toBe(false);
  });

  test('is the native parts for test/native, and for conformance tests over them only', () => {
    const files = nativeFiles();
    expect(files).toContain('test/native/addon.test.ts');
    expect(files).toContain('test/conformance/inside-3.3.test.ts');
    expect(files.filter((path) => path.endsWith('-sim.test.ts'))).toEqual([]);
  });
});

describe('npm run test:one', () => {
  const testOne = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(ROOT, 'scripts/test-one.mjs'), ...args],
      { encoding: 'utf8' },
    );
    return { status, stdout, stderr };
  };

  test.each([
    ['without a pattern', [], 'test:one: a PATTERN is missing\n'],
    ['with a folder alone', ['./'], 'test:one: a PATTERN is missing\n'],
    ['with options only', ['-t', 'header'], 'test:one: a PATTERN is missing\n'],
    [
      'with patterns that match nothing',
      ['psp', './test/unit/psp/header.test.ts', './no-such-thing', 'nor "this"'],
      'test:one: no file of test/ has "no-such-thing" in its path\ntest:one: no file of test/ has "nor \\"this\\"" in its path\n',
    ],
  ])('%s says so, and how it is used', (_, args, said) => {
    const { status, stdout, stderr } = testOne(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.startsWith(`${said}\nusage: npm run test:one -- PATTERN ...`)).toBe(true);
  });

  test('has help', () => {
    expect(testOne('--help')).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^usage: npm run test:one -- PATTERN/),
      stderr: '',
    });
  });
});
