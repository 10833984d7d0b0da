import { seededRandom } from '../../src/base/random.js';
import type { HalUnderTest } from '../../src/verify/harness.js';
import { openSimHarness } from '../../src/verify/sim-harness.js';
import { describeCallOrder } from './call-order.js';
import { describeExtension } from './extension.js';
import { describeKernel } from './kernel.js';
import { describeProperties } from './properties.js';

/** Each device has randomness of its own, as devices of the machine's have. */
let opened = 0;
const SIMULATOR: HalUnderTest = {
  name: 'hal-sim',
  open: (options) => openSimHarness({ random: seededRandom(++opened), ...options }),
};
describeProperties(SIMULATOR);
describeCallOrder(SIMULATOR);
describeExtension(SIMULATOR);
describeKernel(SIMULATOR);
