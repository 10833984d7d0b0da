/** The structure of protobuf messages, octet by octet: what passes, and what is said of what does not, with its place. */
import { describe, expect, test } from 'vitest';
import { checkMessageStructure, type MessageShape } from '../../../../src/gateway/rpc/message-structure.js';

const LEAF: MessageShape = new Map();
const ITEM: MessageShape = new Map([[1, { field: 'one', shape: LEAF, countMax: 1 }]]);
/** Field 1 is a message, field 2 two of them, which have one each. */
const SHAPE: MessageShape = new Map([
  [1, { field: 'child', shape: LEAF, countMax: 1 }],
  [2, { field: 'items', shape: ITEM, countMax: 2 }],
]);

/** What is said of octets in hex; undefined: nothing. */
function problemOf(hex: string): string | undefined {
  try {
    checkMessageStructure(Buffer.from(hex.replaceAll(' ', ''), 'hex'), SHAPE);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Fields 3: a number, 8 octets, 4 octets and a text. */
const [NUMBER, EIGHT, FOUR, TEXT] = ['18 01', `19 ${'00'.repeat(8)}`, `1d ${'00'.repeat(4)}`, '1a 03 aabbcc'];

describe('passes', () => {
  test.each([
    ['nothing', ''],
    ['a number of ten octets', `18 ${'80'.repeat(9)} 01`],
    ['each kind of field', NUMBER + EIGHT + FOUR + TEXT + NUMBER],
    ['an empty text', '1a 00'],
    ['the largest field number', 'f8ffffff0f 01'],
    ['a length that is written longer than it needs to be', '1a 8380808000 aabbcc'],
    ['sixty-four fields, and messages besides', `${NUMBER.repeat(64)} 0a02 ${NUMBER} 1200 1200`],
    ['as many fields again in a message inside', `0a 8001 ${NUMBER.repeat(64)} ${NUMBER}`],
    ['messages inside each other', `12 04 0a02 ${NUMBER} 12 04 0a02 ${NUMBER}`],
    ['a field that should be a message and is a number', '08 01 08 01 10 01 10 01 10 01'],
  ])('%s', (_, hex) => {
    expect(problemOf(hex)).toBeUndefined();
  });
});

describe('is refused', () => {
  test.each([
    ['a field without a number', '00 01', 'message: a field has number 0'],
    ['the same inside', '0a 02 00 01', 'child: a field has number 0'],
    ['the same further inside', '1200 12 04 0a02 00 01', 'items[1].one: a field has number 0'],
    ['behind each kind of field', `${NUMBER + EIGHT + FOUR + TEXT} 00`, 'message: a field has number 0'],
    ['behind a message', `0a 02 ${NUMBER} 00 01`, 'message: a field has number 0'],
    ['a number of eleven octets', `18 ${'80'.repeat(10)} 01`, 'message: a number does not end'],
    ['a number that is cut', '18 80', 'message: a number does not end'],
    ['a number that is cut by the end of its message', '0a 02 18 80 01', 'child: a number does not end'],
    ['a tag that is cut', '98', 'message: a tag or length does not end'],
    ['a tag that is cut by the end of its message', '0a 01 98 01 01', 'child: a tag or length does not end'],
    ['a tag of six octets', '988080808000 01', 'message: a tag or length does not end'],
    ['a tag of more than 32 bits', 'f8ffffff1f 01', 'message: a tag or length is too large'],
    ['a length that is missing', '1a', 'message: a tag or length does not end'],
    ['a length of more than 32 bits', '1a 8080808010', 'message: a tag or length is too large'],
    ['the largest length', '1a ffffffff0f', 'message: a field runs over the end'],
    ['eight octets of which one is missing', '19 00000000000000', 'message: a field runs over the end'],
    ['four octets of which one is missing', '1d 000000', 'message: a field runs over the end'],
    ['a text of which one octet is missing', '1a 04 aabbcc', 'message: a field runs over the end'],
    ['a message of which one octet is missing', '0a 03 18 01', 'message: a field runs over the end'],
    ['a field that runs over the end of its message', `0a 03 ${EIGHT}`, 'child: a field runs over the end'],
    ['a text that does', '0a 03 1a 02 aa bb', 'child: a field runs over the end'],
    ['a message that does', `12 02 0a 02 ${NUMBER}`, 'items[0]: a field runs over the end'],
    ...[3, 4, 6, 7].map((type) => [
      `a field of the kind ${type}`,
      `1${(8 + type).toString(16)} 01`,
      `message: a field has wire type ${type}, which is not in use`,
    ]),
    ['sixty-five fields', NUMBER.repeat(65), 'message: more than 64 fields'],
    ['sixty-five fields inside', `1200 12 8201 ${NUMBER.repeat(65)}`, 'items[1]: more than 64 fields'],
    ['a message that is there twice', '0a00 0a00', 'child: more than 1'],
    ['a third one of two', '1200 1200 1200', 'items: more than 2'],
    ['one that is there twice inside', '1200 12 04 0a00 0a00', 'items[1].one: more than 1'],
  ])('%s', (_, hex, problem) => {
    expect(problemOf(hex!)).toBe(problem);
  });
});
