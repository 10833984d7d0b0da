import { describeSmoke } from './smoke.js';

describeSmoke('2.10', { defaultRss: [0, 1], egressRoot: 'egress' });
