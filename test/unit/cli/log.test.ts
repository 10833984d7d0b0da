import { expect, test, vi } from 'vitest';
import { createLogger } from '../../../src/cli/log.js';
import { printable } from '../../../src/cli/output.js';

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

test('neither a message nor a value ends a line of the text log or drives a terminal', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    createLogger(50, 'text').log('info', 'said \u001b[2J\nforged', { peer: 'a\nb\u202e' });
    expect(write).toHaveBeenCalledTimes(1);
    const line = String(write.mock.calls[0]![0]);
    expect(line).toMatch(/^[^\p{Cc}\u202e]*\n$/u);
    expect(line).toContain('said \\u{1b}[2J\\nforged peer=a\\nb\\u{202e}');
  } finally {
    write.mockRestore();
  }
});
