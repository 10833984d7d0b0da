import { openSimHarness } from '../support/sim-harness.js';
import { describeProperties } from './properties.js';

describeProperties({ name: 'hal-sim', open: (options) => openSimHarness(options ?? {}) });
