import { openSimHarness } from '../../src/verify/sim-harness.js';
import { describeSegment } from './segment.js';

describeSegment({ name: 'hal-sim', open: (options) => openSimHarness(options ?? {}) });
