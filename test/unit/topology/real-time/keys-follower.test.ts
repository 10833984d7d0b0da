import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { formatSaKey } from '../../../../src/psp/keys-file.js';
import { KeysFollower } from '../../../../src/topology/real-time/keys-follower.js';

const line = (n: number) => formatSaKey({ spi: n, version: 0, key: new Uint8Array(16).fill(n) });

function follow() {
  const clock = createVirtualClock(0);
  const got: number[] = [];
  const state: { text: string | undefined } = { text: undefined };
  const follower = new KeysFollower(
    { name: 'dpu', keysPath: 'k.jsonl' },
    { clock, readText: () => state.text, onKey: (key) => got.push(key[0]!) },
  );
  return { clock, got, state, follower };
}

test('keys are taken as they come, each once, and no line before it is whole', async () => {
  const { clock, got, state, follower } = follow();
  await clock.advance(1000);
  state.text = line(1) + line(2).slice(0, 10);
  await clock.advance(1000);
  expect(got).toEqual([1]);
  state.text = line(1) + line(2);
  await clock.advance(1000);
  expect(got).toEqual([1, 2]);
  state.text += line(3);
  expect(follower.end()).toEqual([]);
  expect(got).toEqual([1, 2, 3]);
});

test('a file that never comes, and one that is none, are told', async () => {
  expect(follow().follower.end()).toEqual(['dpu: k.jsonl has never been there']);
  const { clock, state, follower } = follow();
  state.text = 'no keys\n';
  await clock.advance(1000);
  expect(follower.end()).toEqual([
    expect.stringMatching(/^dpu: its keys are not checked any more: k\.jsonl:1: /),
  ]);
});
