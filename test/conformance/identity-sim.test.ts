import { openSimHarness } from '../../src/verify/sim-harness.js';
import { describeIdentity } from './identity.js';

describeIdentity({ name: 'hal-sim', open: (options) => openSimHarness(options ?? {}) }, 100);
