/** A device whose entries take their time, as a loaded one's do. The order of operations stays. */
import { type Clock, sleep } from '../../base/clock.js';
import { delegateHal } from '../../hal/delegate.js';
import type { EntryOperation, EntryResult, PipeHal } from '../../hal/hal.js';

export function slowEntries(hal: PipeHal, clock: Clock, delayMs: () => number): PipeHal {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  const apply = (operations: readonly EntryOperation[]): Promise<EntryResult[]> => {
    const delay = delayMs();
    if (delay === 0 && waiting === 0) return hal.apply(operations);
    waiting++;
    const applied = last
      .then(() => sleep(clock, delay))
      .then(() => hal.apply(operations))
      .finally(() => waiting--);
    last = applied.catch(() => undefined);
    return applied;
  };
  return delegateHal(hal, { apply });
}
