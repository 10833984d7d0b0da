import { openSimHarness } from '../support/sim-harness.js';
import { describeRecovery } from './recovery.js';

describeRecovery({ name: 'hal-sim', open: (options) => openSimHarness(options ?? {}) });
