/** Every operation on an entry ends inside its call, and entries that go with their pipe are told of inside that call. */
import { behave } from '../support/doca-harness.js';
import { describeOnDoca } from '../support/on-doca.js';
import { describeDifferential } from './differential.js';
import { describeFaults } from './faults.js';
import { ownPipeline } from './own-pipeline.js';
import { describeProperties } from './properties.js';

behave({ completions: 'inside' });
// How operations end makes no difference to packets, which hal-doca-3.3.test.ts sends through both pipelines: here one is enough to
// have every method of PipeHAL called. Entries of the gateway's pipeline, added, changed and removed inside calls, are in
// describeFaults, and with gateways and traffic in test/native/sanitizers.test.ts.
describeOnDoca('3.3', (implementation) => describeProperties(implementation, [ownPipeline]));
describeFaults('3.3');
describeDifferential('faults', '3.3', 250, 'inside');
