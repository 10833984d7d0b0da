import { expect, test } from 'vitest';
import { loneReturnsProblem } from '../../../src/base/lone-returns.js';

test.each([
  ['# all of it\rname: x', 11],
  ['a: 1\nb: 2\rc: 3\n', 9],
  ['a\r\n\rb', 3],
])('%j has a line that ends with a carriage return alone', (text, offset) => {
  expect(loneReturnsProblem(text)).toEqual({
    offset,
    reason: 'a line ends with a carriage return alone (CR); save the file with LF or CRLF',
  });
});

test.each(['', 'a', 'a\nb\n', 'a\r\nb\r\n', 'a\r', 'a\r\r\nb'])('%j has none', (text) => {
  expect(loneReturnsProblem(text)).toBeUndefined();
});
