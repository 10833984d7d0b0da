import { describeDifferential } from './differential.js';
import { describeFaults } from './faults.js';

describeFaults('3.1');
describeDifferential('faults', '3.1', 500);
