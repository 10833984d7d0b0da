import { openSimHarness } from '../../src/verify/sim-harness.js';
import { describeStatistics } from './statistics.js';

describeStatistics({ name: 'hal-sim', open: (options) => openSimHarness(options ?? {}) });
