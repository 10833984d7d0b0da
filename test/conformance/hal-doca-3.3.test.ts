import { describeOnDoca } from '../support/on-doca.js';
import { describeProperties } from './properties.js';

describeOnDoca('3.3', describeProperties);
