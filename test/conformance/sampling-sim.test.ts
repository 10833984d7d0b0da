import { expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { openGatewayRig } from '../../src/verify/gateway-pipeline.js';
import type { HalUnderTest } from '../../src/verify/harness.js';
import { idsOf } from '../../src/verify/packets.js';
import { openSimHarness } from '../../src/verify/sim-harness.js';
import { describeSampling, flow, PACKETS } from './sampling.js';

let opened = 0;
const simulated = (mirrorsLate: boolean): HalUnderTest => ({
  name: 'hal-sim',
  open: (options) => openSimHarness({ random: seededRandom(++opened), mirrorsLate, ...options }),
});

describeSampling(simulated(false));

const IN_ORDER = Array.from({ length: PACKETS }, (_, id) => id);

// Where mirrors hold packets up, those that are not sampled overtake the others, unless they go through one as well.
test.each([false, true])(
  '--maintain-order keeps the order where mirrors take their time, and nothing else does (before encryption: %s)',
  async (sampleBeforeEncryption) => {
    const deliver = async (maintainOrder: boolean) => {
      const options = { sampleRateLog2: 2, maintainOrder, sampleBeforeEncryption };
      await using rig = await openGatewayRig(simulated(true), options);
      const wire = await rig.encapsulate(flow(4));
      // One by one: the receiver's mirrors are late, too.
      const delivered = [];
      for (const frame of wire) delivered.push(...(await rig.decapsulate([frame])));
      return idsOf(delivered);
    };
    const overtaken = await deliver(false);
    expect(overtaken).not.toEqual(IN_ORDER);
    expect(overtaken.toSorted((a, b) => a - b)).toEqual(IN_ORDER);
    expect(await deliver(true)).toEqual(IN_ORDER);
  },
);
