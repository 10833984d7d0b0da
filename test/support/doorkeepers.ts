import { Peers } from '../../src/gateway/peers.js';
import type { Doorkeeper } from '../../src/gateway/rpc/transport.js';
import { type IpAddress, parseIp } from '../../src/packet/address.js';
import { TEST_BUDGETS } from './peers.js';

/** Lets everybody in, all as one peer at 192.0.2.255: for tests that are about something else. */
export const ANYBODY: Doorkeeper = {
  peersAt: () => 1,
  admit: () => '192.0.2.255' as IpAddress,
};

/** A directory of peers at these addresses, the n-th of which owns 10.1.0.n. */
export function peersAt(...hosts: readonly string[]): Peers {
  return new Peers({
    peers: hosts.map((host, i) => ({
      serviceAddress: { host: parseIp(host), port: 3000 + i },
      virtualIps: [parseIp(`10.1.0.${i + 1}`)],
    })),
    localVips: [parseIp('10.0.0.1')],
    budgets: TEST_BUDGETS,
    mayRotate: true,
    nowMs: () => 0,
  });
}
