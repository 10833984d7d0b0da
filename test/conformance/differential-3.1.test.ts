import { describeDifferential } from './differential.js';
import { describeFields } from './fields.js';

describeFields('3.1');
describeDifferential('differential', '3.1', 2500);
