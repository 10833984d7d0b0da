import { describeOnDoca } from '../support/on-doca.js';
import { describeDefects } from './defects.js';

describeOnDoca('3.1', describeDefects('3.1'));
