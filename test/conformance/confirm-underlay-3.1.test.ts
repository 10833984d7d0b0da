import { describeOnDoca } from '../support/on-doca.js';
import { describeConfirmUnderlay } from './confirm-underlay.js';

describeOnDoca('3.1', describeConfirmUnderlay);
