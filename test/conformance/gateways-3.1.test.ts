import { describeOnDoca } from '../support/on-doca.js';
import { describeGatewaysOn } from './gateways.js';

describeOnDoca('3.1', describeGatewaysOn);
