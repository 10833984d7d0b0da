import { describeVerification } from './verify.js';

describeVerification('3.1');
