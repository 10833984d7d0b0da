import { openSimHarness } from '../../src/verify/sim-harness.js';
import { describeRotation } from './rotation.js';

describeRotation({ name: 'hal-sim', open: (options) => openSimHarness(options ?? {}) }, 40);
