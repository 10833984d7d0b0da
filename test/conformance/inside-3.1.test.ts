/**
 * Operations on entries of control pipes end inside their calls, as on NVIDIA's library, others later; entries that go with
 * their pipe are told of later still. Random programs have control pipes, with entries that come, go and are replaced.
 */
import { behave } from '../support/doca-harness.js';
import { describeDifferential } from './differential.js';
import { describeFaults } from './faults.js';

behave({ completions: 'control' });
describeFaults('3.1');
describeDifferential('differential', '3.1', 250, 'inside');
describeDifferential('faults', '3.1', 250, 'inside');
