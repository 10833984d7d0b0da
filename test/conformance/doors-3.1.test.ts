import { describeOnDoca } from '../support/on-doca.js';
import { describeDoors } from './doors.js';

describeOnDoca('3.1', describeDoors);
