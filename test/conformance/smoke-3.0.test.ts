import { describeSmoke } from './smoke.js';

describeSmoke('3.0', { defaultRss: [0, 1], egressRoot: 'egress' });
