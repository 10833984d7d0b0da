import { openSimHarness } from '../../src/verify/sim-harness.js';
import { describeDoors } from './doors.js';

describeDoors({ name: 'hal-sim', open: (options) => openSimHarness(options ?? {}) });
