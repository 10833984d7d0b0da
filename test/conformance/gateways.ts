/**
 * What holds of whole gateways between each other over any device: the bodies, and how often each is run. A case on a device that
 * works in real time takes longer than a simulated one.
 */
import { describe } from 'vitest';
import type { HalUnderTest } from '../../src/verify/harness.js';
import { GatewayNetwork } from '../support/gateways.js';
import { RealTimeDevices } from '../support/node-devices.js';
import { describeExtensionOf } from './gateway-extension.js';
import { describeNoise } from './gateway-noise.js';
import { describeSessions } from './gateway-sessions.js';
import { describeSteps } from './gateway-steps.js';
import { describeTables } from './gateway-tables.js';
import { describeVersions } from './gateway-versions.js';

/** Devices between which gateways are put. */
export interface GatewaysUnderTest {
  readonly name: string;
  network(seed?: number): GatewayNetwork;
  readonly runs: Runs;
}

/** Cases of each property. */
interface Runs {
  readonly sessions: number;
  readonly noise: number;
  readonly tables: number;
}

export function describeGateways(gateways: GatewaysUnderTest): void {
  describe(`gateways over ${gateways.name}`, () => {
    describeSessions(gateways);
    describeSteps(gateways);
    describeNoise(gateways);
    describeTables(gateways);
    describeVersions(gateways);
    describeExtensionOf(gateways);
  });
}

const RUNS_IN_REAL_TIME: Runs = { sessions: 10, noise: 60, tables: 2 };

export function describeGatewaysOn(implementation: HalUnderTest): void {
  describeGateways({
    name: implementation.name,
    network: (seed) => new GatewayNetwork(new RealTimeDevices(implementation), seed),
    runs: RUNS_IN_REAL_TIME,
  });
}
