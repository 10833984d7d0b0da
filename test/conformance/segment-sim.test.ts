import { openSimHarness } from '../support/sim-harness.js';
import { describeSegment } from './segment.js';

describeSegment({ name: 'hal-sim', open: (options) => openSimHarness(options ?? {}) });
