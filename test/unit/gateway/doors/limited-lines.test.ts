import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { LimitedLines } from '../../../../src/gateway/doors/limited-lines.js';
import type { LogFields } from '../../../../src/gateway/log.js';

test('ten lines at once and one a second, and each says how many were left out before it', async () => {
  const clock = createVirtualClock(0);
  const fields: (LogFields | undefined)[] = [];
  const lines = new LimitedLines(
    { log: (_level, _message, one) => fields.push(one), enabled: () => true },
    () => clock.nowMs(),
  );
  for (let second = 0; second < 3; second++) {
    for (let i = 0; i < 100; i++) lines.log('warning', 'what failed', { second, i });
    await clock.advance(1000);
  }
  expect(fields).toEqual([
    ...Array.from({ length: 10 }, (_, i) => ({ second: 0, i })),
    { second: 1, i: 0, leftOut: 90 },
    { second: 2, i: 0, leftOut: 99 },
  ]);
});
