/** Tells of the device's operations that fail, and of those that take long. */
import type { Clock } from '../base/clock.js';
import { delegateHal } from '../hal/delegate.js';
import { type DocaErrorName, HalError } from '../hal/errors.js';
import type { PipeHal } from '../hal/hal.js';
import type { DeviceOperation, GatewayObserver } from './events.js';

/** From this time on an operation is slow: packets of a workload wait for it. */
export const SLOW_OPERATION_MS = 1000;

/** What a device may answer without being at fault: the gateway counts on it, or the device is closed. */
const EXPECTED: readonly DocaErrorName[] = ['NOT_FOUND', 'SHUTDOWN'];

/** `hal`, with its failures and slow operations told to `observe`. Results are those of `hal`. */
export function observedHal(hal: PipeHal, clock: Clock, observe: GatewayObserver): PipeHal {
  const failed = (operation: DeviceOperation, error: unknown, count: number) => {
    if (!(error instanceof HalError) || EXPECTED.includes(error.code)) return;
    observe({ type: 'device-failed', operation, code: error.code, reason: error.reason, count });
  };
  const watched = async <T>(
    operation: DeviceOperation,
    count: number,
    work: () => Promise<T>,
    errorsOf: (result: T) => readonly unknown[] = () => [],
  ): Promise<T> => {
    const startMs = clock.nowMs();
    try {
      const result = await work();
      const errors = errorsOf(result);
      if (errors.length > 0) failed(operation, errors[0], errors.length);
      return result;
    } catch (error) {
      failed(operation, error, count);
      throw error;
    } finally {
      const durationMs = Math.round(clock.nowMs() - startMs);
      if (durationMs >= SLOW_OPERATION_MS) {
        observe({ type: 'slow-operation', operation, count, durationMs });
      }
    }
  };
  return delegateHal(hal, {
    apply: (operations) =>
      watched(
        'apply',
        operations.length,
        () => hal.apply(operations),
        (results) => {
          const errors = [];
          for (const result of results) if ('error' in result) errors.push(result.error);
          return errors;
        },
      ),
    setKeys: (slots) =>
      watched(
        'setKeys',
        slots.length,
        () => hal.setKeys(slots),
        (results) => results.filter((result) => result !== null),
      ),
    clearKeys: (cryptoIds) => watched('clearKeys', cryptoIds.length, () => hal.clearKeys(cryptoIds)),
    generateKeys: (octets, count, algorithm) =>
      watched('generateKeys', count, () => hal.generateKeys(octets, count, algorithm)),
    rotateMasterKey: () => watched('rotateMasterKey', 1, () => hal.rotateMasterKey()),
    counters: (selectors) => watched('counters', selectors.length, () => hal.counters(selectors)),
  });
}
