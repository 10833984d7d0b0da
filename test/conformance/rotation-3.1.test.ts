import { describeOnDoca } from '../support/on-doca.js';
import { describeRotation } from './rotation.js';

describeOnDoca('3.1', (implementation) => describeRotation(implementation, 1));
