import { DOMAINS, describeBringUp, QUEUES } from './bring-up.js';

describeBringUp('3.1', { promiscuous: true, defaultRss: QUEUES, egressRootDomain: DOMAINS.egress });
