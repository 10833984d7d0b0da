import { openSimHarness } from '../support/sim-harness.js';
import { describeStatistics } from './statistics.js';

describeStatistics({ name: 'hal-sim', open: (options) => openSimHarness(options ?? {}) });
