/** Calls of a device that are under way, for gateways on a virtual clock over a device that works in real time. */

import type { VirtualClock } from '../../src/base/virtual-clock.js';
import type { PipeHal } from '../../src/hal/hal.js';

/** Turns of the event loop without a call under way, after which nothing is. */
const QUIET_TURNS = 3;

export class CallsUnderWay {
  #count = 0;

  /** The same device, whose calls are counted. */
  wrap(hal: PipeHal): PipeHal {
    return new Proxy(hal, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          const result: unknown = value.apply(target, args);
          if (result instanceof Promise) {
            this.#count++;
            result.finally(() => this.#count--).catch(() => {});
          }
          return result;
        };
      },
    });
  }

  /** Resolves when none is left, those included that follow from others. */
  async ended(): Promise<void> {
    while (this.#count > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Resolves when all that can happen without that time passes on the clock has happened. */
  async quiet(clock: VirtualClock): Promise<void> {
    for (let turns = 0; turns < QUIET_TURNS; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(0);
      if (this.#count > 0) turns = -1;
    }
  }
}
