/** Extension fields of the PSP header, from flags and files. */
import { expect, test } from 'vitest';
import { ConfigError } from '../../../../src/gateway/config/problems.js';
import { readGatewayOptions } from '../../../../src/gateway/config/read-options.js';

const read = (argv: readonly string[], files: Record<string, string> = {}) =>
  readGatewayOptions(['--insecure', ...argv], (path) => files[path]!);

function problemsOf(argv: readonly string[]): readonly string[] {
  try {
    read(argv);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('there are none unless they are given', () => {
  expect(read([]).options.extensionWords).toBeUndefined();
});

test.each([
  ['0x12345678', [0x12345678]],
  ['0xFFFFFFFF,0,4294967295', [0xffffffff, 0, 0xffffffff]],
  ['0x1,0x2,0x3,0x4', [1, 2, 3, 4]],
])('--psp-ext=%s', (text, words) => {
  expect(read([`--psp-ext=${text}`]).options.extensionWords).toEqual(words);
});

test('a number of a JSON file is its value', () => {
  const { options } = read(['-j', 'f.json'], { 'f.json': '{"psp-ext": 305419896}' });
  expect(options.extensionWords).toEqual([0x12345678]);
});

test.each([
  ['0x123456789', '"0x123456789"'],
  ['4294967296', '"4294967296"'],
  ['-1', '"-1"'],
  ['1.5', '"1.5"'],
  ['12ab', '"12ab"'],
  ['0x1,,0x2', '""'],
  ['0x1, 0x2', '" 0x2"'],
])('--psp-ext=%s is told with the word that is wrong', (text, word) => {
  expect(problemsOf([`--psp-ext=${text}`])).toEqual([
    `--psp-ext: ${word} is no word of 32 bits, such as 0x12345678`,
  ]);
});

test('more words than there is room for are told, with other problems', () => {
  expect(problemsOf(['--psp-ext=1,2,3,4,5', '--sample-rate=17'])).toEqual([
    '--psp-ext: 5 words; there is room for 4, from word 6 of the header on',
    expect.stringContaining('--sample-rate'),
  ]);
  expect(problemsOf(['--psp-ext=1,2,3,4', '--cookie'])).toEqual([
    '--psp-ext: 4 words; there is room for 3 beside the cookie, from word 7 of the header on',
  ]);
  expect(problemsOf(['--psp-ext=1,2,3', '--cookie'])).toEqual([]);
});

test('a crypt offset that leaves words encrypted is remarked on', () => {
  const remarks = (...argv: string[]) => read(argv).run.remarks;
  expect(remarks('--psp-ext=1', '--crypt-offset=1')).toEqual([
    '--crypt-offset: 1 leaves words of --psp-ext encrypted on the way; say 2 or more to have them read there',
  ]);
  expect(remarks('--psp-ext=1,2', '--cookie', '--crypt-offset=3')).toEqual([
    expect.stringContaining('say 4 or more'),
  ]);
  expect(remarks('--psp-ext=1', '--crypt-offset=2')).toEqual([]);
  expect(remarks('--psp-ext=1')).toEqual([]);
  // AES-GMAC encrypts nothing.
  expect(remarks('--psp-ext=1', '--crypt-offset=0', '--psp-version=2')).toEqual([]);
  expect(remarks('--crypt-offset=0')).toEqual([]);
});

test('words that peers must send are read as those that we send, and each is told under its flag', () => {
  const { options } = read(['--psp-ext=1', '--psp-ext-required=0x2,3']);
  expect(options).toMatchObject({ extensionWords: [1], extensionRequired: [2, 3] });
  expect(read(['--psp-ext=1']).options.extensionRequired).toBeUndefined();
  expect(problemsOf(['--psp-ext=x', '--psp-ext-required=1,2,3,4', '--cookie'])).toEqual([
    '--psp-ext: "x" is no word of 32 bits, such as 0x12345678',
    '--psp-ext-required: 4 words; there is room for 3 beside the cookie, from word 7 of the header on',
  ]);
});
