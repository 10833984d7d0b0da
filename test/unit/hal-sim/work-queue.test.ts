import { expect, test } from 'vitest';
import { WorkQueue } from '../../../src/hal-sim/work-queue.js';
import { stepClock } from '../../support/step-clock.js';

/** A job of so many slices, which writes what it does. */
function job(queue: WorkQueue, name: string, slices: number, done: string[]): Promise<string> {
  return queue.run(
    (i) => {
      done.push(`${name}${i}`);
      return i + 1 < slices;
    },
    () => name,
  );
}

test('jobs run one after the other, a slice in each turn, and the first one at once', async () => {
  const clock = stepClock();
  const queue = new WorkQueue(clock);
  const done: string[] = [];
  const jobs = [job(queue, 'a', 3, done), job(queue, 'b', 1, done), job(queue, 'c', 2, done)];
  expect(done).toEqual(['a0']);
  clock.step();
  expect(done).toEqual(['a0', 'a1']);
  // What comes while others are under way comes after them, and makes none of them any faster.
  jobs.push(job(queue, 'd', 1, done));
  expect(done).toEqual(['a0', 'a1']);
  clock.step();
  expect(done).toEqual(['a0', 'a1', 'a2', 'b0', 'c0']);
  clock.step();
  expect(done).toEqual(['a0', 'a1', 'a2', 'b0', 'c0', 'c1', 'd0']);
  expect(clock.step()).toBe(false);
  expect(await Promise.all(jobs)).toEqual(['a', 'b', 'c', 'd']);
  // And once more, when nothing is under way.
  expect(await job(queue, 'e', 1, done)).toBe('e');
});

test('a job that fails in a slice, or at its end, is rejected with the reason, and does not stop the others', async () => {
  const clock = stepClock();
  const queue = new WorkQueue(clock);
  const done: string[] = [];
  const first = job(queue, 'a', 2, done);
  const fails = queue.run(
    () => {
      throw new Error('in a slice');
    },
    () => 'never',
  );
  const failsAtEnd = queue.run(
    () => false,
    () => {
      throw new Error('at its end');
    },
  );
  const last = job(queue, 'b', 1, done);
  clock.step();
  expect(await Promise.allSettled([first, fails, failsAtEnd, last])).toEqual([
    { status: 'fulfilled', value: 'a' },
    { status: 'rejected', reason: new Error('in a slice') },
    { status: 'rejected', reason: new Error('at its end') },
    { status: 'fulfilled', value: 'b' },
  ]);
});

test('what has not finished when the queue is closed is rejected, and does nothing more', async () => {
  const clock = stepClock();
  const queue = new WorkQueue(clock);
  const done: string[] = [];
  const jobs = [job(queue, 'a', 3, done), job(queue, 'b', 1, done)];
  queue.close(new Error('closed'));
  clock.step();
  const closed = { status: 'rejected', reason: new Error('closed') };
  expect(await Promise.allSettled(jobs)).toEqual([closed, closed]);
  expect(done).toEqual(['a0']);
});
