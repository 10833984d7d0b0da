import { describeDifferential } from './differential.js';
import { describeFields } from './fields.js';

describeFields('3.3');
describeDifferential('differential', '3.3', 2500);
