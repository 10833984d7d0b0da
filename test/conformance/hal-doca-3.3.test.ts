import { describeOnDoca } from '../support/doca-harness.js';
import { describeProperties } from './properties.js';

describeOnDoca('3.3', describeProperties);
