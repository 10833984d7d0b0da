import { describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { FairQueue } from '../../../../src/gateway/sessions/fair-queue.js';

const [A, B, C] = [{}, {}, {}];

/** Work that is done when the test says so, and a list of what has begun. */
function open() {
  const clock = createVirtualClock();
  const queue = new FairQueue(clock);
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  let underWay = 0;
  const run = (lane: object, name: string, waitMs?: () => number) =>
    queue.run(
      lane,
      async () => {
        expect(++underWay).toBe(1);
        begun.push(name);
        await new Promise<void>((resolve) => ends.push(resolve));
        underWay--;
        return name;
      },
      waitMs,
    );
  const turns = async () => {
    await clock.advance(0);
    await clock.advance(0);
  };
  /** Ends what runs until nothing does. */
  const finish = async () => {
    await turns();
    while (ends.length > 0) {
      ends.shift()!();
      await turns();
    }
  };
  return { clock, queue, begun, run, turns, finish };
}

describe('a fair queue', () => {
  test('does one piece at a time, in order within a lane, and the lanes take turns', async () => {
    const { begun, run, finish } = open();
    for (let i = 0; i < 4; i++) void run(A, `a${i}`);
    void run(B, 'b0');
    void run(C, 'c0');
    void run(B, 'b1');
    await finish();
    expect(begun).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'a2', 'a3']);
  });

  test('lets who comes wait for one piece of each other lane at most, however much those have queued', async () => {
    const { begun, run, finish, turns } = open();
    for (let i = 0; i < 100; i++) void run(A, `a${i}`);
    await turns();
    void run(B, 'b');
    await finish();
    expect(begun.indexOf('b')).toBeLessThanOrEqual(2);
    expect(begun).toHaveLength(101);
  });

  test('goes on after a failure, and gives it to whom it belongs', async () => {
    const { queue, run, begun, finish } = open();
    const failed = queue.run(A, () => Promise.reject(new Error('no')));
    const other = run(A, 'a1');
    await expect(failed).rejects.toThrow('no');
    await finish();
    expect(await other).toBe('a1');
    expect(begun).toEqual(['a1']);
  });

  test('a piece that must wait holds up its own lane only', async () => {
    const { clock, begun, run, finish, queue } = open();
    const readyAtMs = 100;
    void run(A, 'a0', () => Math.max(0, readyAtMs - clock.nowMs()));
    void run(A, 'a1');
    void run(B, 'b0');
    await finish();
    expect(begun).toEqual(['b0']);
    await clock.advance(readyAtMs - 1);
    await finish();
    expect(begun).toEqual(['b0']);
    let idle = false;
    void queue.idle().then(() => {
      idle = true;
    });
    await clock.advance(1);
    await finish();
    expect(begun).toEqual(['b0', 'a0', 'a1']);
    expect(idle).toBe(true);
  });

  test('waits for nothing any more once it is told so', async () => {
    const { begun, run, finish, queue } = open();
    void run(A, 'a0', () => 1e9);
    await finish();
    queue.stopWaiting();
    await finish();
    expect(begun).toEqual(['a0']);
    await queue.idle();
  });

  test('is idle when nothing runs and nothing waits, and wakes nobody then', async () => {
    const { clock, run, finish, turns, queue } = open();
    const idleSince: string[] = [];
    const ask = (when: string) => void queue.idle().then(() => idleSince.push(when));
    ask('before');
    await turns();
    expect(idleSince.splice(0)).toEqual(['before']);
    const waitMs = () => Math.max(0, 100 - clock.nowMs());
    void run(A, 'a0');
    void run(B, 'b0', waitMs);
    await turns();
    ask('while a piece runs');
    await finish();
    ask('while a piece waits');
    await turns();
    expect([idleSince, clock.pending]).toEqual([[], 1]);
    await clock.advance(100);
    ask('while the last one runs');
    await turns();
    expect([idleSince, clock.pending]).toEqual([[], 0]);
    await finish();
    expect(idleSince).toEqual(['while a piece runs', 'while a piece waits', 'while the last one runs']);
    expect(clock.pending).toBe(0);
  });
});
