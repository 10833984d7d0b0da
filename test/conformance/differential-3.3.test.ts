import { describeDifferential } from './differential.js';

describeDifferential('differential', '3.3', 4000);
