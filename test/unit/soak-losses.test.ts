import { expect, test } from 'vitest';
import { attributeLosses, type Kill } from '../e2e/soak/losses.js';

const first: Kill = { index: 0, killedMs: 100_000, upMs: 102_000 };
const second: Kill = { index: 1, killedMs: 105_000, upMs: 107_000 };

function attributed(lostMs: readonly number[], kills: readonly Kill[]) {
  const { byKill, outside } = attributeLosses(lostMs, kills);
  return { byKill: kills.map((kill) => byKill.get(kill)), outside };
}

test('a kill accounts for what was sent from a second before it until five after its return', () => {
  const around = [99_000, 100_000, 101_000, 102_000, 107_000];
  const outside = [98_999, 107_001];
  expect(attributed([...around, ...outside], [first])).toEqual({ byKill: [around], outside });
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
