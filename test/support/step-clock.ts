import type { Clock } from '../../src/base/clock.js';

/** Timers that run one by one, in the order in which they were set, when the test says so. */
export function stepClock(): Clock & { step(): boolean } {
  const due: (() => void)[] = [];
  return {
    nowMs: () => 0,
    setTimer(callback) {
      due.push(callback);
      return { cancel: () => void due.splice(due.indexOf(callback), 1) };
    },
    step() {
      const next = due.shift();
      next?.();
      return next !== undefined;
    },
  };
}
