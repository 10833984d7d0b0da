import { describeSmoke } from './smoke.js';

describeSmoke('2.9', { defaultRss: [0, 1], egressRoot: 'egress' });
