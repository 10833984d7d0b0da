import { describeDifferential } from './differential.js';

describeDifferential('3.1', 10000);
