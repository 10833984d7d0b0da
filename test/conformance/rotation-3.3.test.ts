import { describeOnDoca } from '../support/on-doca.js';
import { describeRotation } from './rotation.js';

describeOnDoca('3.3', (implementation) => describeRotation(implementation, 1));
