import { openSimHarness } from '../support/sim-harness.js';
import { describeIdentity } from './identity.js';

describeIdentity({ name: 'hal-sim', open: (options) => openSimHarness(options ?? {}) }, 100);
