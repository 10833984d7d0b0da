import { describeOnDoca } from '../support/on-doca.js';
import { describeIdentity } from './identity.js';

describeOnDoca('3.3', (implementation) => describeIdentity(implementation, 15));
