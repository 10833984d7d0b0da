import { TestNetwork } from '../support/gateways.js';
import { describeGateways } from './gateways.js';

describeGateways({
  name: 'hal-sim',
  network: (seed) => new TestNetwork(seed),
  runs: { sessions: 60, noise: 400, tables: 12 },
});
