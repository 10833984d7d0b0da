import { DOMAINS, describeBringUp } from './bring-up.js';

describeBringUp('3.3', { promiscuous: true, defaultRss: [], egressRootDomain: DOMAINS['secure-egress'] });
