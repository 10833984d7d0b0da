import { openSimHarness } from '../support/sim-harness.js';
import { describeConfirmUnderlay } from './confirm-underlay.js';

describeConfirmUnderlay({ name: 'hal-sim', open: (options) => openSimHarness(options ?? {}) });
