import { openSimHarness } from '../../src/verify/sim-harness.js';
import { describeConfirmUnderlay } from './confirm-underlay.js';

describeConfirmUnderlay({ name: 'hal-sim', open: (options) => openSimHarness(options ?? {}) });
