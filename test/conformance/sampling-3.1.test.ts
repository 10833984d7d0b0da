import { describeOnDoca } from '../support/on-doca.js';
import { describeSampling } from './sampling.js';

describeOnDoca('3.1', describeSampling);
