import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type IpAddress, parseIp } from '../../../src/packet/address.js';
import { keyLengthOctets, type PspVersion } from '../../../src/psp/header.js';
import { KeyRing } from '../../../src/psp/key-ring.js';
import { formatSaKey, KeysFileError, parseKeysFile, type SaKey } from '../../../src/psp/keys-file.js';
import { ROOT } from '../../support/root.js';

const ADDRESSES = ['2001:db8::1', '2001:db8::2', '192.0.2.1', '192.0.2.2'].map(parseIp);

const saKey: fc.Arbitrary<SaKey> = fc
  .record({
    spi: fc.integer({ min: 0, max: 0xffff_ffff }).filter((spi) => (spi & 0x7fff_ffff) !== 0),
    version: fc.constantFrom<PspVersion>(0, 1, 2, 3),
    octets: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    receivers: fc.option(fc.subarray(ADDRESSES, { minLength: 1 }), { nil: undefined }),
    node: fc.option(fc.string({ minLength: 1, unit: 'binary' }), { nil: undefined }),
  })
  .map(({ spi, version, octets, receivers, node }) => ({
    spi,
    version,
    key: octets.slice(0, keyLengthOctets(version)),
    ...(receivers === undefined ? {} : { receivers }),
    ...(node === undefined ? {} : { node }),
  }));

function problemsOf(text: string): readonly string[] {
  try {
    parseKeysFile(text, 'keys');
  } catch (error) {
    expect(error).toBeInstanceOf(KeysFileError);
    return (error as KeysFileError).problems;
  }
  return [];
}

const K16 = '00112233445566778899aabbccddeeff';
const GOOD = { spi: '0x80000001', version: 0, key: K16, receiver: ['2001:db8::1'], node: 'h2' };
const line = (changes: object) => JSON.stringify({ ...GOOD, ...changes });

describe('the keys file', () => {
  test('what is written is read back', () => {
    fc.assert(
      fc.property(fc.array(saKey), (keys) => {
        expect(parseKeysFile(keys.map(formatSaKey).join(''), 'keys')).toEqual(keys);
      }),
    );
  });

  test('a line is written as the documentation shows it', () => {
    const [key] = parseKeysFile(`\n${JSON.stringify(GOOD)}\r\n`, 'keys');
    expect(key).toEqual({
      spi: 0x8000_0001,
      version: 0,
      key: Uint8Array.from(Buffer.from(K16, 'hex')),
      receivers: ['2001:db8::1'],
      node: 'h2',
    });
    expect(formatSaKey(key!)).toBe(`${JSON.stringify(GOOD)}\n`);
    const { receivers, node, ...bare } = key!;
    expect(formatSaKey({ ...bare, spi: 1 })).toBe(`{"spi":"0x00000001","version":0,"key":"${K16}"}\n`);
  });

  test('addresses may be written in any form', () => {
    const [key] = parseKeysFile(line({ receiver: ['2001:DB8:0:0::1', '192.0.2.1'] }), 'keys');
    expect(key!.receivers).toEqual(['2001:db8::1', '192.0.2.1']);
  });

  test.each([
    ['not JSON', '{"spi":', /^1: not JSON$/],
    [
      'two lines with a return between',
      `${line({})}\r${line({})}`,
      /^1: a line ends with a carriage return alone/,
    ],
    ['not an object', '[]', /^1: not a JSON object$/],
    ['a text', '"x"', /^1: not a JSON object$/],
    ['a number', '7', /^1: not a JSON object$/],
    [
      'a line that is too long',
      `${line({})}${' '.repeat(4096)}`,
      /^1: the line is longer than 4096 characters$/,
    ],
    ['an SPI behind something', line({ spi: 'x0x1' }), /^1: spi: expected/],
    ['an SPI in a list', line({ spi: ['0x1'] }), /^1: spi: expected/],
    ['a key in a list', line({ key: [K16] }), /^1: key: expected/],
    ['17 receivers', line({ receiver: new Array(17).fill('::1') }), /^1: receiver: expected a list/],
    ['null', 'null', /^1: not a JSON object$/],
    [
      'a field too many',
      line({ nodes: 'h2' }),
      /^1: a field that is none of spi, version, key, receiver, node$/,
    ],
    ['an SPI as a number', line({ spi: 0x8000_0001 }), /^1: spi: expected/],
    ['an SPI without 0x', line({ spi: '80000001' }), /^1: spi: expected/],
    ['an SPI of 36 bits', line({ spi: '0x800000001' }), /^1: spi: expected/],
    ['no SPI', line({ spi: undefined }), /^1: spi: expected/],
    ['an SPI whose low 31 bits are zero', line({ spi: '0x80000000' }), /^1: spi: its low 31 bits/],
    ['version 4', line({ version: 4 }), /^1: version: expected a number from 0 to 3$/],
    ['version -1', line({ version: -1 }), /^1: version: expected/],
    ['version 0.5', line({ version: 0.5 }), /^1: version: expected/],
    ['a version in quotes', line({ version: '0' }), /^1: version: expected/],
    ['a short key', line({ key: K16.slice(2) }), /^1: key: expected 32 hex digits in quotes, for version 0$/],
    ['an odd digit', line({ key: `${K16}0` }), /^1: key: expected 32/],
    ['half a key', line({ version: 1 }), /^1: key: expected 64 hex digits in quotes, for version 1$/],
    ['a key that is not hex', line({ key: K16.replace('0', 'x') }), /^1: key: expected/],
    ['no key', line({ key: undefined }), /^1: key: expected/],
    ['a receiver that is no list', line({ receiver: '2001:db8::1' }), /^1: receiver: expected a list/],
    ['no receiver in the list', line({ receiver: [] }), /^1: receiver: expected a list/],
    ['a receiver that is no address', line({ receiver: ['::1', 'h2'] }), /^1: receiver: item 2 is not/],
    ['a receiver that is a number', line({ receiver: [1] }), /^1: receiver: item 1 is not/],
    ['a node without a name', line({ node: '' }), /^1: node: expected/],
    ['a node of 256 characters', line({ node: 'x'.repeat(256) }), /^1: node: expected.*255/],
    ['a node that is a number', line({ node: 2 }), /^1: node: expected/],
  ])('%s is refused, and nothing else said', (_name, text, problem) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  test('all problems are told at once, each with its line', () => {
    const text = [line({}), line({ spi: 1, version: 9 }), '', '{', line({ node: 1 })].join('\n');
    expect(problemsOf(text).map((problem) => problem.replace(/: expected.*/, ''))).toEqual([
      '2: spi',
      '2: version',
      '4: not JSON',
      '5: node',
    ]);
    expect(() => parseKeysFile(text, 'my.keys')).toThrow(/^my\.keys:2: spi/);
  });

  test('a file that is something else does not flood the terminal', () => {
    const text = 'x\n'.repeat(1000);
    expect(problemsOf(text)).toHaveLength(50);
    expect(() => parseKeysFile(text, 'keys')).toThrow(/\nkeys: and 950 more$/);
  });

  test('no octets of what stands in the file are in the error, whatever is wrong with it', () => {
    const secret = '0badc0de1badc0de2badc0de3badc0de';
    const damage = fc.oneof(
      fc.constantFrom(...Object.keys(GOOD)).map((name) => line({ [name]: secret })),
      fc.constantFrom(...Object.keys(GOOD)).map((name) => line({ [name]: [secret] })),
      fc.constant(line({ [secret]: 1 })),
      fc.constant(JSON.stringify(secret)),
      fc.nat(120).map((at) => line({ key: `${secret}${secret}` }).slice(at)),
      fc.nat(80).map((at) => `${line({ key: secret }).slice(0, at)}#${line({ key: secret }).slice(at)}`),
    );
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 3 }), (lines) => {
        try {
          parseKeysFile(lines.join('\n'), 'keys');
        } catch (error) {
          const { stack, cause } = error as Error;
          // But for where the sources are.
          expect(`${stack} ${cause}`.replaceAll(ROOT, '')).not.toMatch(/badc|c0de/);
        }
      }),
    );
    expect(problemsOf(line({ spi: secret }))).toHaveLength(1);
  });
});

test('with a version that is none, a key may have either length, and no other', () => {
  for (const key of [K16, K16 + K16]) expect(problemsOf(line({ version: 4, key }))).toHaveLength(1);
  expect(problemsOf(line({ version: 4, key: K16.slice(2) }))[1]).toBe(
    '1: key: expected 32 or 64 hex digits in quotes',
  );
});

test('a line may have 4096 characters, a list 16 receivers, and a file as many keys as its reader takes', () => {
  const full = line({ receiver: new Array(16).fill('::1') });
  const padded = full + ' '.repeat(4096 - full.length);
  const text = [padded, full, '   ', '', full].join('\n');
  expect(parseKeysFile(text, 'keys', 3)).toHaveLength(3);
  expect(parseKeysFile(`${text}\n`, 'keys', 3)).toHaveLength(3);
  expect(parseKeysFile(text, 'keys', 3)[0]!.receivers).toHaveLength(16);
  expect(() => parseKeysFile(text, 'keys', 2)).toThrow('keys:5: more than 2 keys up to here');
  expect(parseKeysFile('', 'keys')).toEqual([]);
  expect(parseKeysFile('\n\n', 'keys')).toEqual([]);
});

test('what is wrong with a file is told with its path, and no more than there is', () => {
  expect(() => parseKeysFile('x\n'.repeat(50), 'k')).toThrow(/^(k:\d+: not JSON\n){49}k:50: not JSON$/);
  expect(() => parseKeysFile('x\n'.repeat(51), 'k')).toThrow(/\nk: and 1 more$/);
});

test('a node may have 255 characters', () => {
  expect(problemsOf(line({ node: 'x'.repeat(255) }))).toEqual([]);
});

describe('the key ring', () => {
  test("gives a receiver's own keys and those for any, of the SPI and the version, and no other", () => {
    // Few SPIs and versions, so that they meet.
    const spis = fc.constantFrom(1, 0x8000_0001);
    const few = fc.tuple(saKey, spis).map(([key, spi]) => ({ ...key, spi }));
    fc.assert(
      fc.property(
        fc.array(few, { minLength: 10, maxLength: 60, size: 'max' }),
        fc.constantFrom<IpAddress>(...ADDRESSES),
        spis,
        fc.constantFrom<PspVersion>(0, 1, 2, 3),
        (keys, receiver, spi, version) => {
          const fitting = keys.filter((key) => key.spi === spi && key.version === version);
          expect(new KeyRing(keys).find({ receiver, spi, version })).toEqual([
            ...fitting.filter(({ receivers }) => receivers?.includes(receiver)),
            ...fitting.filter(({ receivers }) => receivers === undefined),
          ]);
        },
      ),
    );
  });
});
