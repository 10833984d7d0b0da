import { expect, test } from 'vitest';
import { printable } from '../../../src/cli/log.js';

test.each([
  ['a forged line', 'x\n12:00:00.000 ERROR    all keys lost', 'x\\n12:00:00.000 ERROR    all keys lost'],
  ['a carriage return', 'x\rERROR', 'x\\u{d}ERROR'],
  ['a terminal sequence', '\u001b[2J\u001b]0;owned\u0007', '\\u{1b}[2J\\u{1b}]0;owned\\u{7}'],
  ['C1 controls and DEL', '\u009b31m\u007f', '\\u{9b}31m\\u{7f}'],
  ['a turned direction', 'abc\u202egpj', 'abc\\u{202e}gpj'],
  ['line separators', 'a\u2028b\u2029', 'a\\u{2028}b\\u{2029}'],
  ['what people write', 'Zürich, 東京 – ok', 'Zürich, 東京 – ok'],
])('the log shows %s as it is', (_, text, shown) => {
  expect(printable(text)).toBe(shown);
});
