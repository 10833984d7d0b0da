import { describeLoad } from './load.js';

describeLoad('3.3');
