import { expect, test } from 'vitest';
import { printable } from '../../../src/base/printable.js';
import { createVirtualClock } from '../../../src/base/virtual-clock.js';
import { createLogger } from '../../../src/cli/log.js';
import { EVENT_LINES } from '../../../src/gateway/event-lines.js';
import { EventLog } from '../../../src/gateway/event-log.js';
import type { Logger } from '../../../src/gateway/log.js';

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

/** What a logger writes. */
function logged(format: 'text' | 'json', ...lines: Parameters<Logger['log']>[]): string {
  let text = '';
  const logger = createLogger(50, format, (octets) => {
    text += Buffer.from(octets).toString();
    return octets.length;
  });
  for (const line of lines) logger.log(...line);
  return text;
}

test('neither a message nor a value ends a line of the text log or drives a terminal', () => {
  const line = logged('text', ['info', 'said \u001b[2J\nforged', { peer: 'a\nb\u202e' }]);
  expect(line).toMatch(/^[^\p{Cc}\u202e]*\n$/u);
  expect(line).toContain('said \\u{1b}[2J\\nforged peer=a\\nb\\u{202e}');
});

test('nor does one of the JSON log, which stays JSON with the same values', () => {
  const peer = 'a\nb\u202e\u009b31m\u2028"\\';
  const line = logged('json', ['info', 'said \u001b[2J', { peer }]);
  expect(line).toMatch(/^[^\p{Cc}\u202e\u2028]*\n$/u);
  expect(JSON.parse(line)).toMatchObject({ level: 'info', msg: 'said \u001b[2J', peer });
});

test('lines of both formats have the whole time with its zone', () => {
  const iso = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
  expect(logged('text', ['warning', 'late', {}])).toMatch(new RegExp(`^${iso} WARNING  late\n$`));
  expect(logged('json', ['warning', 'late', {}])).toMatch(new RegExp(`"time":"${iso}"`));
});

test('values with spaces, quotes, or nothing in them stand in quotes', () => {
  const line = logged('text', [
    'info',
    'm',
    { a: 'two words', b: 'x"y', c: '', d: 1, e: 'a=b', f: '10.0.0.1' },
  ]);
  expect(line.trimEnd().slice(34)).toBe(String.raw`m a="two words" b="x\"y" c="" d=1 e="a=b" f=10.0.0.1`);
});

/** An escape sequence, one in C1, a turned direction, line separators and a line of its own. */
const EVIL = 'x\u001b[2J\u009b31m\u202egpj\u2028\nERROR forged';
const DRIVES = /(?!\n)[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

test.each(Object.keys(EVENT_LINES))(
  'whatever texts of others are in an event, its line is one line: %s',
  (type) => {
    // Every field that any event has; none has a text that is not taken for one of others.
    const names = [
      'peer',
      'from',
      'reason',
      'holder',
      'subject',
      'path',
      'waitsFor',
      'work',
      'kind',
      'why',
      'role',
    ];
    const event = { type, ...Object.fromEntries(names.map((name) => [name, EVIL])), work: 'recovery' };
    for (const format of ['text', 'json'] as const) {
      let text = '';
      const logger = createLogger(70, format, (octets) => {
        text += Buffer.from(octets).toString();
        return octets.length;
      });
      const log = new EventLog({ clock: createVirtualClock(0), logger });
      log.tell(event as never);
      expect(text.match(/\n/g)).toHaveLength(1);
      expect(DRIVES.exec(text)).toBeNull();
      if (format === 'json') expect(JSON.parse(text)).toMatchObject({ event: type, peer: EVIL });
    }
  },
);
