/** The header to the bit, by hand (PSP Architecture Specification, "PSP Header"), and what of it is refused. */
import { describe, expect, test } from 'vitest';
import {
  builtHeaderLengthOctets,
  checkPspHeader,
  encryptStart,
  framingProblem,
  type PspHeader,
  parsePspHeader,
  pspHeaderLengthOctets,
  writePspHeader,
} from '../../../src/psp/header.js';
import { fromHex, toHex } from '../../support/reference-vectors.js';

const PLAIN: PspHeader = {
  nextHeader: 4,
  cryptOffsetWords: 0,
  version: 1,
  spi: 0x80000005,
  iv: 0x0102030405060708n,
};
const PLAIN_HEX = '04010005800000050102030405060708';

const cases: [string, Partial<PspHeader>, string][] = [
  ['plain', {}, PLAIN_HEX],
  ['another next header', { nextHeader: 41 }, '29010005800000050102030405060708'],
  ['the largest crypt offset', { cryptOffsetWords: 63 }, '04013f05800000050102030405060708'],
  ['reserved bits', { reserved: 2, cryptOffsetWords: 1 }, '04018105800000050102030405060708'],
  ['S', { sample: true }, '04010085800000050102030405060708'],
  ['D', { drop: true }, '04010045800000050102030405060708'],
  ['version 15', { version: 15 }, '0401003d800000050102030405060708'],
  ['the lowest SPI', { spi: 1 }, '04010005000000010102030405060708'],
  ['a cookie', { cookie: 0x1112131415161718n }, '040200078000000501020304050607081112131415161718'],
  [
    'extension fields',
    { extension: fromHex('a1a2a3a4a5a6a7a8') },
    '04020005800000050102030405060708a1a2a3a4a5a6a7a8',
  ],
  [
    'a cookie and extension fields',
    { cookie: 1n, extension: fromHex('a1a2a3a4a5a6a7a8b1b2b3b4b5b6b7b8') },
    '040400078000000501020304050607080000000000000001a1a2a3a4a5a6a7a8b1b2b3b4b5b6b7b8',
  ],
];

describe.each(cases)('a header with %s', (_, fields, hex) => {
  const header: PspHeader = { ...PLAIN, ...fields };

  test('is written so, and nothing beside it', () => {
    const octets = new Uint8Array(hex.length / 2 + 4).fill(0xee);
    expect(builtHeaderLengthOctets(header)).toBe(hex.length / 2);
    expect(writePspHeader(octets, 2, header)).toBe(hex.length / 2);
    expect(toHex(octets)).toBe(`eeee${hex}eeee`);
  });

  test('is read so, wherever it stands', () => {
    const octets = fromHex(`eeee${hex}eeee`).subarray(1);
    expect(pspHeaderLengthOctets(octets, 1)).toBe(hex.length / 2);
    expect(parsePspHeader(octets, 1)).toEqual({ reserved: 0, sample: false, drop: false, ...header });
  });
});

test('extension fields of half a unit are refused', () => {
  expect(() => writePspHeader(new Uint8Array(64), 0, { ...PLAIN, extension: new Uint8Array(4) })).toThrow(
    'PSP extension fields of 4 octets: not a multiple of 8',
  );
});

describe('what is encrypted begins', () => {
  test.each([
    [0, 16],
    [5, 36],
    [63, 268],
  ])('behind the IV and %i words, with a key that encrypts', (cryptOffsetWords, start) => {
    const octets = new Uint8Array(320);
    for (const version of [0, 1]) {
      writePspHeader(octets, 3, { ...PLAIN, version, cryptOffsetWords });
      expect(encryptStart(octets, 3, 300)).toBe(3 + start);
    }
    for (const version of [2, 3]) {
      writePspHeader(octets, 3, { ...PLAIN, version, cryptOffsetWords });
      expect(encryptStart(octets, 3, 300)).toBe(300);
    }
  });
});

describe('a datagram', () => {
  /** Header, so many octets of payload, and the ICV; what stands before and behind is of others. */
  const check = (fields: Partial<PspHeader>, payloadOctets: number, extLen?: number) => {
    const header = { ...PLAIN, ...fields };
    const octets = new Uint8Array(400).fill(0xff);
    const end = 7 + writePspHeader(octets, 7, header) + payloadOctets + 16;
    if (extLen !== undefined) octets[8] = extLen;
    const problem = checkPspHeader(octets, 7, end);
    if (problem === undefined || problem === 'error') {
      expect(framingProblem(octets, 7, end - 16)).toBe(problem);
    }
    return problem;
  };

  test.each([
    ['of header and ICV', {}, 0, undefined, undefined],
    ['an octet too short for them', {}, -1, undefined, 'truncated'],
    ['of version 3', { version: 3 }, 0, undefined, undefined],
    ['of version 4', { version: 4 }, 0, undefined, 'bad'],
    ['of SPI 0', { spi: 0 }, 0, undefined, 'bad'],
    ['of SPI 0 under the other master key', { spi: 0x80000000 }, 0, undefined, 'bad'],
    ['of SPI 1', { spi: 1 }, 0, undefined, undefined],
    ['whose header ends with the payload', { cookie: 0n }, 0, undefined, undefined],
    ['whose header ends behind the payload', {}, 7, 2, 'error'],
    ['whose header just fits', {}, 8, 2, undefined],
    ['whose header is shorter than what is in every one', {}, 8, 0, 'error'],
    ['with a cookie that its header has no room for', { cookie: 0n }, 8, 1, 'error'],
    ['whose crypt offset is the whole payload', { cryptOffsetWords: 2 }, 8, undefined, undefined],
    ['whose crypt offset is behind the payload', { cryptOffsetWords: 2 }, 7, undefined, 'error'],
    [
      'that is not encrypted, whatever its crypt offset',
      { version: 2, cryptOffsetWords: 63 },
      0,
      undefined,
      undefined,
    ],
  ] as const)('%s', (_, fields, payloadOctets, extLen, problem) => {
    expect(check(fields, payloadOctets, extLen)).toBe(problem);
  });
});
