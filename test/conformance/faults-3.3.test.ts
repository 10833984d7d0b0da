import { describeDifferential } from './differential.js';
import { describeFaults } from './faults.js';

describeFaults('3.3');
describeDifferential('faults', '3.3', 500);
