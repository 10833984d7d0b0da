/** Peers without a directory. */
import { PeerBudget } from '../../src/gateway/doors/peer-budget.js';
import { Peer } from '../../src/gateway/peers.js';
import { parseIp } from '../../src/packet/address.js';

/** Of one SPI and one rotation. */
export const TEST_BUDGETS = { tunnelsPerSecond: 1, tunnelsBurst: 1, spisPerHour: 1, rotationIntervalMs: 1 };

/** The peer at 10.0.0.`number`. */
export function testPeer(number: number): Peer {
  const serviceAddress = { host: parseIp(`10.0.0.${number}`), port: 3000 };
  return new Peer({ serviceAddress, virtualIps: [] }, new PeerBudget(TEST_BUDGETS, () => 0), false);
}

/** A gateway that makes new tunnels. */
export const NOT_DRAINING = { isDraining: false, assertNew: () => {} };
