/** JSON with comments as it is read, and what is said of a text that is none: the place, and what was probably meant. */
import { describe, expect, test } from 'vitest';
import { parseBoundedJson } from '../../../../src/gateway/config/bounded-json.js';
import { JSON_DEPTH_MAX } from '../../../../src/gateway/config/limits.js';
import { Problems } from '../../../../src/gateway/config/problems.js';

function read(text: string) {
  const problems = new Problems();
  return { source: parseBoundedJson(text, 'f', problems), problems: problems.list };
}
const problemsOf = (text: string) => read(text).problems;

test('comments and commas behind the last value are no problem', () => {
  const { source, problems } = read('// one\n{ /* two */ "a": [1, 2,], }');
  expect(problems).toEqual([]);
  expect(source!.root.type).toBe('object');
});

test('each octet has its place, whatever the lines are like', () => {
  const text = '{"a":\n\n 1,\r\n"b": 2}';
  const { source } = read(text);
  const places = ['{', '"a"', '1', '"b"', '}'].map((part) => source!.at(text.indexOf(part)));
  expect(places).toEqual(['f:1:1', 'f:1:2', 'f:3:2', 'f:4:1', 'f:4:7']);
  const long = read(`[\n${'1,\n'.repeat(1000)}1]`).source!;
  expect([0, 2, 2 + 3 * 500, 2 + 3 * 1000].map(long.at)).toEqual(['f:1:1', 'f:2:1', 'f:502:1', 'f:1002:1']);
});

test('what is wrong has no value, and all of it is said', () => {
  expect(read('{"a": 1').source).toBeUndefined();
  expect(read('').source).toBeUndefined();
  expect(problemsOf('{"a" 1,\n"b" 2}')).toEqual([
    'f:1:6: is not JSON: there is no colon behind "a"; did you mean "a": 1?',
    'f:2:5: is not JSON: there is no colon behind "b"; did you mean "b": 2?',
  ]);
});

describe('nesting', () => {
  const lists = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

  test.each([lists, objects])('goes so deep', (nested) => {
    expect(problemsOf(nested(JSON_DEPTH_MAX))).toEqual([]);
    const place = nested === lists ? JSON_DEPTH_MAX + 1 : 5 * JSON_DEPTH_MAX + 1;
    expect(problemsOf(nested(JSON_DEPTH_MAX + 1))).toEqual([
      `f:1:${place}: nests deeper than ${JSON_DEPTH_MAX} levels`,
    ]);
  });

  test.each([lists(2), objects(2)])('counts what is open, not what was: %s again and again', (one) => {
    expect(problemsOf(`[${`${one},`.repeat(100)}]`)).toEqual([]);
  });
});

describe('what was probably meant is said', () => {
  test.each([
    ['{"a"  -5}', 'f:1:7: is not JSON: there is no colon behind "a"; did you mean "a": -5?'],
    ['{"a" "b"}', 'f:1:6: is not JSON: there is no colon behind "a"; did you mean "a": "b"?'],
    ['{"a" true}', 'f:1:6: is not JSON: there is no colon behind "a"; did you mean "a": true?'],
    ['{"a" null}', 'f:1:6: is not JSON: there is no colon behind "a"; did you mean "a": null?'],
    ['{"a" [1]}', 'f:1:6: is not JSON: there is no colon behind "a"; did you mean "a": ...?'],
    [
      `{"a" "${'x'.repeat(58)}"}`,
      `f:1:6: is not JSON: there is no colon behind "a"; did you mean "a": "${'x'.repeat(58)}"?`,
    ],
    [`{"a" "${'x'.repeat(59)}"}`, 'f:1:6: is not JSON: there is no colon behind "a"; did you mean "a": ...?'],
    ['{"a": 0x1F}', 'f:1:8: is not JSON: numbers are decimal; did you mean "0x1F", in quotes, or 31?'],
    ['{"a": 1x1}', 'f:1:8: is not JSON: invalid symbol'],
    ['{"a": 0y1}', 'f:1:8: is not JSON: invalid symbol'],
    ['{"a": 0x1g}', 'f:1:8: is not JSON: invalid symbol'],
    ['{a: 1}', 'f:1:2: is not JSON: keys stand in quotes; did you mean "a"?'],
    ['{a\n : 1}', 'f:1:2: is not JSON: keys stand in quotes; did you mean "a"?'],
    ['{a 1}', 'f:1:2: is not JSON: invalid symbol'],
    [`{${'a'.repeat(60)}: 1}`, `f:1:2: is not JSON: keys stand in quotes; did you mean "${'a'.repeat(60)}"?`],
    [`{${'a'.repeat(61)}: 1}`, 'f:1:2: is not JSON: invalid symbol'],
    ['[1 2]', 'f:1:4: is not JSON: comma expected'],
    ['["a" "b"]', 'f:1:6: is not JSON: comma expected'],
    ['\n{"a" 1}', 'f:2:6: is not JSON: there is no colon behind "a"; did you mean "a": 1?'],
    ['{"a": 0yx1}', 'f:1:8: is not JSON: invalid symbol'],
    ['{a 1 : 2}', 'f:1:2: is not JSON: invalid symbol'],
    ['{"a": }', 'f:1:7: is not JSON: value expected'],
  ])('%s', (text, problem) => {
    expect(problemsOf(text)[0]).toBe(problem);
  });
});
