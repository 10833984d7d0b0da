/** The flags of scripts/build-native.mjs. */
import { describe, expect, test } from 'vitest';
import { readFlags } from '../../../scripts/native-flags.mjs';

const USAGE = 'flags: --tests, --arch arm64; single parts and releases: psp-gateway build-native --help';

describe('the flags of the native build', () => {
  test.each([
    [[], { tests: false, arch: 'x64' }],
    [['--tests'], { tests: true, arch: 'x64' }],
    [['--arch', 'arm64'], { tests: false, arch: 'arm64' }],
    [['--arch=x64', '--tests'], { tests: true, arch: 'x64' }],
  ])('%j', (args, flags) => {
    expect(readFlags(args, 'x64')).toEqual(flags);
  });

  test('all that is wrong is told at once', () => {
    const args = ['--only', 'doca', '3.3', '--tests=yes', '--arch', 'sparc', '-v', '--release=3.3'];
    expect(readFlags(args, 'x64').problems).toEqual([
      '--only: there is no such flag',
      '3.3: expected flags only',
      '--tests: it takes no value',
      '--arch: expected arm64, not sparc',
      '-v: there is no such flag',
      '--release: there is no such flag',
      USAGE,
    ]);
  });

  test('a flag without its value', () => {
    expect(readFlags(['--arch'], 'x64').problems).toEqual(['--arch: expected arm64, not nothing', USAGE]);
  });
});
