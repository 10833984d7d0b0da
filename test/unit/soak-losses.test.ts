import { expect, test } from 'vitest';
import { attributeLosses, type Kill, type Loss } from '../e2e/soak/losses.js';

const first: Kill = { index: 0, killedMs: 100_000, upMs: 102_000 };
const second: Kill = { index: 1, killedMs: 105_000, upMs: 107_000 };

/** Attributes packets that were sent at these times, each overtaken at the given one, or never; gives their times. */
function attributed(lostMs: readonly number[], kills: readonly Kill[], overtakenMs: number | null = null) {
  const losses = lostMs.map((sentMs): Loss => ({ sentMs, family: 4, overtakenMs }));
  const { byKill, outside } = attributeLosses(losses, kills);
  const timesOf = (some: readonly Loss[]) => some.map(({ sentMs }) => sentMs);
  return { byKill: kills.map((kill) => timesOf(byKill.get(kill)!)), outside: timesOf(outside) };
}

test('a kill accounts for what was sent until five seconds after the return', () => {
  const around = [100_000, 101_000, 102_000, 107_000];
  const outside = [107_001];
  expect(attributed([...around, ...outside], [first])).toEqual({ byKill: [around], outside });
});

test('a kill accounts for what was sent before it and had not been overtaken when it came', () => {
  expect(attributed([93_000, 99_999], [first], 100_000)).toEqual({ byKill: [[93_000, 99_999]], outside: [] });
  expect(attributed([93_000, 99_999], [first], 99_999)).toEqual({ byKill: [[]], outside: [93_000, 99_999] });
});

test('what was sent after a kill is put down to it although others came back before the return', () => {
  expect(attributed([100_500], [first], 101_000)).toEqual({ byKill: [[100_500]], outside: [] });
});

test('a loss around two kills counts once, for the nearer one', () => {
  const ofFirst = [103_000, 103_500];
  const ofSecond = [104_100, 104_900, 105_000, 106_999];
  expect(attributed([...ofFirst, ...ofSecond], [first, second])).toEqual({
    byKill: [ofFirst, ofSecond],
    outside: [],
  });
});

test('a loss as near to either of two kills counts for the earlier one', () => {
  const close: Kill = { index: 1, killedMs: 103_000, upMs: 104_000 };
  expect(attributed([102_500], [first, close])).toEqual({ byKill: [[102_500], []], outside: [] });
});

test('a gateway that is not back yet accounts for all since its kill', () => {
  expect(attributed([99_500, 500_000], [{ ...first, upMs: Infinity }])).toEqual({
    byKill: [[99_500, 500_000]],
    outside: [],
  });
});

test('without kills every loss is one too many', () => {
  expect(attributed([1, 2], [])).toEqual({ byKill: [], outside: [1, 2] });
});
