/**
 * A clock that stands still until it is told to move. Timers fire in the order of their times, equal ones in the
 * order in which they were set; between two of them all promise reactions run.
 */
import type { Clock, Timer } from './clock.js';

interface PendingTimer {
  readonly dueMs: number;
  readonly order: number;
  /** null once cancelled; the timer then leaves the heap when its time comes. */
  callback: (() => void) | null;
}

export interface VirtualClock extends Clock {
  /** Lets `durationMs` pass, firing every timer that becomes due, also those that are set meanwhile. */
  advance(durationMs: number): Promise<void>;
  /** Fires timers until none is left or the next lies beyond `limitMs` from now. */
  runUntilIdle(limitMs: number): Promise<void>;
  /** Timers that wait. */
  readonly pending: number;
}

/** Timers; below it cancelled ones are no matter. */
const SWEEP_MIN = 1024;

// Node empties the queue of promise reactions before it goes to the next tick.
const reactions = () => new Promise<void>((resolve) => process.nextTick(resolve));

/** `drain`: what happens without that time passes; it runs before the first timer, and after each. Absent: all promise reactions. */
export function createVirtualClock(startMs = 0, drain: () => Promise<void> = reactions): VirtualClock {
  let nowMs = startMs;
  let order = 0;
  let heap: PendingTimer[] = [];
  let live = 0;

  const before = (a: PendingTimer, b: PendingTimer) =>
    a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);

  const push = (timer: PendingTimer): void => {
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  };

  /** Without those that were cancelled, once they are most of it: deadlines are set by the million and hardly ever met. */
  const sweep = (): void => {
    if (heap.length < SWEEP_MIN || heap.length < 4 * live) return;
    const rest = heap.filter(({ callback }) => callback !== null);
    // A sorted array is a heap already.
    heap = rest.sort((a, b) => (before(a, b) ? -1 : 1));
  };

  const pop = (): PendingTimer | undefined => {
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  };

  const runUntil = async (endMs: number): Promise<void> => {
    await drain();
    for (let next = heap[0]; next !== undefined && next.dueMs <= endMs; next = heap[0]) {
      pop();
      const { callback } = next;
      if (callback === null) continue;
      next.callback = null;
      live--;
      nowMs = Math.max(nowMs, next.dueMs);
      callback();
      await drain();
    }
  };

  return {
    nowMs: () => nowMs,
    setTimer(callback, delayMs): Timer {
      const timer: PendingTimer = { dueMs: nowMs + Math.max(0, delayMs), order: order++, callback };
      push(timer);
      live++;
      return {
        cancel: () => {
          if (timer.callback === null) return;
          live--;
          timer.callback = null;
          sweep();
        },
      };
    },
    async advance(durationMs) {
      const endMs = nowMs + durationMs;
      await runUntil(endMs);
      nowMs = endMs;
    },
    runUntilIdle: (limitMs) => runUntil(nowMs + limitMs),
    get pending() {
      return live;
    },
  };
}
