import { describeOnDoca } from '../support/on-doca.js';
import { describeDefects } from './defects.js';

describeOnDoca('3.3', describeDefects('3.3'));
