import { onAbort } from './abort.js';

/** Time as the code sees it; injected, so that a whole run can be on a virtual clock. */
export interface Clock {
  /** Wall time, milliseconds since the Unix epoch, with fraction. */
  nowMs(): number;
  /** Monotonic picoseconds, the time base of IVs. Not below its own earlier values. */
  nowPicoseconds(): bigint;
  /** Calls back once after `delayMs`, unless cancelled. */
  setTimer(callback: () => void, delayMs: number): Timer;
}

export interface Timer {
  cancel(): void;
}

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => performance.timeOrigin + performance.now(),
  nowPicoseconds: () => process.hrtime.bigint() * 1000n,
  setTimer(callback, delayMs) {
    if (delayMs <= 0) {
      // A timeout of 0 waits a whole millisecond.
      const handle = setImmediate(callback);
      return { cancel: () => clearImmediate(handle) };
    }
    const handle = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `delayMs` of the clock; rejects with the signal's reason when aborted before. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = clock.setTimer(() => {
      release?.();
      resolve();
    }, delayMs);
    const release =
      signal &&
      onAbort(signal, () => {
        timer.cancel();
        reject(signal.reason);
      });
  });
}
