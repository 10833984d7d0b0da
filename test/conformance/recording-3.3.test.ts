import { describeOnDoca } from '../support/on-doca.js';
import { describeRecordings } from './recording.js';

describeOnDoca('3.3', describeRecordings);
