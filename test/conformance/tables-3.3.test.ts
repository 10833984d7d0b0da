import { describeOnDoca } from '../support/on-doca.js';
import { describeTables } from './tables.js';

describeOnDoca('3.3', describeTables);
