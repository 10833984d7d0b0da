import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { QUIET_MS, RefusalLog } from '../../../../src/gateway/doors/refusal-log.js';
import type { LogFields, LogLevel } from '../../../../src/gateway/log.js';

function setUp() {
  const clock = createVirtualClock(1_000_000);
  const lines: [LogLevel, string, LogFields | undefined][] = [];
  const logger = {
    log: (level: LogLevel, message: string, fields?: LogFields) => lines.push([level, message, fields]),
    enabled: () => true,
  };
  const log = new RefusalLog({ clock, logger, texts: { a: 'what is a', b: 'what is b' } });
  return { clock, lines, logger, log, taken: () => lines.splice(0) };
}

test('says when refusals begin and, with their count, when there have been none for a while', async () => {
  const { clock, log, taken } = setUp();
  for (let i = 0; i < 1000; i++) {
    log.note('a', `10.0.0.${i}`);
    await clock.advance(30);
  }
  expect(taken()).toEqual([['warning', 'refused: what is a', { kind: 'a', from: '10.0.0.0' }]]);
  await clock.advance(2 * QUIET_MS);
  expect(taken()).toEqual([
    ['info', 'no longer refused: what is a', { kind: 'a', count: 1000, seconds: 30 }],
  ]);
  expect(clock.pending).toBe(0);
  log.note('a', '10.0.0.7');
  expect(taken()).toEqual([['warning', 'refused: what is a', { kind: 'a', from: '10.0.0.7' }]]);
});

test('says once a minute that they go on', async () => {
  const { clock, log, taken } = setUp();
  for (let second = 0; second < 600; second++) {
    log.note('a', 'x');
    await clock.advance(1000);
  }
  const lines = taken();
  expect(lines.map(([level, message]) => `${level} ${message}`)).toEqual([
    'warning refused: what is a',
    ...Array.from({ length: 10 }, () => 'warning still refused: what is a'),
  ]);
  expect(lines.at(-1)![2]).toEqual({ kind: 'a', count: 600, seconds: 599 });
});

test('kinds are told apart, and whatever comes there are two lines of each in ten seconds at most', async () => {
  const { clock, log, lines } = setUp();
  // As bad as it gets: one more whenever the one before has just been told to be over.
  for (let ms = 0; ms < 3_600_000; ms += 100) {
    if (ms % (QUIET_MS + 100) === 0) log.note('a', 'x');
    log.note('b', 'y');
    await clock.advance(100);
  }
  const of = (kind: string) => lines.filter(([, , fields]) => fields!.kind === kind).length;
  expect(of('a')).toBeLessThanOrEqual((2 * 3_600_000) / QUIET_MS);
  expect(of('a')).toBeGreaterThan(3_600_000 / QUIET_MS);
  expect(of('b')).toBe(1 + 60);
});

test('after stop there are no lines and no timers', async () => {
  const { clock, log, taken } = setUp();
  log.note('a', 'x');
  taken();
  log.stop();
  await clock.advance(10 * QUIET_MS);
  expect([taken(), clock.pending]).toEqual([[], 0]);
});
