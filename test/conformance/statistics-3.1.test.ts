import { describeOnDoca } from '../support/on-doca.js';
import { describeStatistics } from './statistics.js';

describeOnDoca('3.1', describeStatistics);
