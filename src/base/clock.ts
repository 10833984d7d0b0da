import { onAbort } from './abort.js';

/** Time as the code sees it; injected, so that a whole run can be on a virtual clock. */
export interface Clock {
  /**
   * Milliseconds since the Unix epoch, with fraction: the wall clock's at the start of the process, and monotonic from
   * there on, whatever is done to the wall clock.
   */
  nowMs(): number;
  /** Calls back once after `delayMs`, unless cancelled. */
  setTimer(callback: () => void, delayMs: number): Timer;
}

/** What a clock has been asked to do later. */
export interface Timer {
  /** It will not be done. */
  cancel(): void;
}

/** Node's longest timeout, 24.8 days; a longer one would fire at once. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => performance.timeOrigin + performance.now(),
  setTimer(callback, delayMs) {
    if (delayMs <= 0) {
      // A timeout of 0 waits a whole millisecond.
      const handle = setImmediate(callback);
      return { cancel: () => clearImmediate(handle) };
    }
    let handle: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      handle =
        leftMs > TIMEOUT_MAX_MS
          ? setTimeout(() => wait(leftMs - TIMEOUT_MAX_MS), TIMEOUT_MAX_MS)
          : setTimeout(callback, leftMs);
    };
    wait(delayMs);
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
