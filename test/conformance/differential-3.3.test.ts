import { describeDifferential } from './differential.js';

describeDifferential('3.3', 4000);
