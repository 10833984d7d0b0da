import { describeOnDoca } from '../support/on-doca.js';
import { describeRecovery } from './recovery.js';

describeOnDoca('3.1', describeRecovery);
