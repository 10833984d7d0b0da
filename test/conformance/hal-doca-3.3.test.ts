import { describeOnDoca } from '../support/on-doca.js';
import { describeCallOrder } from './call-order.js';
import { describeEarlierKeys } from './earlier-keys.js';
import { describeExtension } from './extension.js';
import { describeKernel } from './kernel.js';
import { describeProperties } from './properties.js';

describeOnDoca('3.3', describeProperties);
describeOnDoca('3.3', describeCallOrder);
describeOnDoca('3.3', describeExtension);
describeOnDoca('3.3', () => describeEarlierKeys('3.3'));
describeOnDoca('3.3', describeKernel);
