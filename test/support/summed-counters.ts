/** Holds what is summed of pipes, where a device cannot count it, against what the simulator counts itself. */
import { expect } from 'vitest';
import { readDeviceCounters } from '../../src/gateway/pipeline/device-counters.js';
import { delegateHal } from '../../src/hal/delegate.js';
import type { TestNode } from './gateways.js';

/** Of a node over the simulator that has received packets: both are the same. */
export async function expectSumsLikeDevice({ hal, gateway }: TestNode): Promise<void> {
  const own = await hal.statistics();
  expect(Number(own.rxPackets)).toBeGreaterThan(0);
  const tellsNothing = delegateHal(hal, {
    statistics: async () => ({
      ...own,
      ...{ rxPackets: null, rxBytes: null, rxAuthFail: null, rxError: null },
      ...{ txPackets: null, txBytes: null },
    }),
  });
  const { psp } = await readDeviceCounters(tellsNothing, gateway.pipelineOptions);
  expect(psp).toEqual(own);
}
