import { describeOnDoca } from '../support/on-doca.js';
import { describeSegment } from './segment.js';

describeOnDoca('3.3', describeSegment);
