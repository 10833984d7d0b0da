import { openSimHarness } from '../../src/verify/sim-harness.js';
import { describeTables } from './tables.js';

describeTables({ name: 'hal-sim', open: (options) => openSimHarness(options ?? {}) });
