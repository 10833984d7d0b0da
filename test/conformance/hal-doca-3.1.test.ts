import { describeOnDoca } from '../support/on-doca.js';
import { describeCallOrder } from './call-order.js';
import { describeEarlierKeys } from './earlier-keys.js';
import { describeExtension } from './extension.js';
import { describeKernel } from './kernel.js';
import { describeProperties } from './properties.js';

describeOnDoca('3.1', describeProperties);
describeOnDoca('3.1', describeCallOrder);
describeOnDoca('3.1', describeExtension);
describeOnDoca('3.1', () => describeEarlierKeys('3.1'));
describeOnDoca('3.1', describeKernel);
