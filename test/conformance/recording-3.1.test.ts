import { describeOnDoca } from '../support/on-doca.js';
import { describeRecordings } from './recording.js';

describeOnDoca('3.1', describeRecordings);
