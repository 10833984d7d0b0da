import { describeDifferential } from './differential.js';

describeDifferential('differential', '3.1', 10000);
