/** Every operation on an entry ends inside its call, and entries that go with their pipe are told of inside that call. */
import { completeEntries } from '../support/doca-harness.js';
import { describeOnDoca } from '../support/on-doca.js';
import { describeDifferential } from './differential.js';
import { describeFaults } from './faults.js';
import { describeProperties } from './properties.js';

completeEntries('inside');
describeOnDoca('3.3', describeProperties);
describeFaults('3.3');
describeDifferential('faults', '3.3', 250, 'inside');
