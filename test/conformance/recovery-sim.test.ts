import { openSimHarness } from '../../src/verify/sim-harness.js';
import { describeRecovery } from './recovery.js';

describeRecovery({ name: 'hal-sim', open: (options) => openSimHarness(options ?? {}) });
