import { describeSmoke } from './smoke.js';

describeSmoke('3.2', { defaultRss: [], egressRoot: 'secure-egress' });
