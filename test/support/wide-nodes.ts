/** Gateways whose workloads have many addresses, 10.NODE.0.1 and on, for tests of tables that fill. */

import type { PipeHal } from '../../src/hal/hal.js';
import type { IpAddress } from '../../src/packet/address.js';
import { parseIp } from '../../src/packet/address.js';
import { frameOf } from '../../src/verify/inner-packets.js';
import type { GatewayNetwork, NodeOptions, TestNode } from './gateways.js';

/** Address `index` of node `node`, from 0 on. */
export function addressOf(node: number, index: number): IpAddress {
  return parseIp(`10.${node}.${(index + 1) >> 8}.${(index + 1) & 255}`);
}

const octetsOf = (address: IpAddress) => Uint8Array.from(address.split('.'), Number);

/** A started gateway with `counts[number]` addresses of its own, which knows all other nodes of `counts`. */
export function startWide<Hal extends PipeHal>(
  net: GatewayNetwork<Hal>,
  number: number,
  counts: Readonly<Record<number, number>>,
  options: NodeOptions = {},
): Promise<TestNode<Hal>> {
  const addresses = (node: number) => Array.from({ length: counts[node]! }, (_, i) => addressOf(node, i));
  const others = Object.keys(counts)
    .map(Number)
    .filter((node) => node !== number);
  return net.start(number, [], {
    localVirtualIps: addresses(number),
    peers: others.map((node) => ({
      serviceAddress: { host: parseIp(`10.0.0.${node}`), port: 3000 },
      virtualIps: addresses(node),
    })),
    innerFamilies: [4],
    ...options,
  });
}

/** A packet between two addresses, told apart by `id`. */
export function wideFrame(source: IpAddress, destination: IpAddress, id: number): Uint8Array {
  const payload = new Uint8Array(64).fill(0x77);
  payload.set([0x9c, 0x40, 0x13, 0x88, 0, 64, 0, 0]);
  new DataView(payload.buffer).setUint32(12, id);
  return frameOf({
    family: 4,
    source: octetsOf(source),
    destination: octetsOf(destination),
    protocol: 17,
    payload,
    trafficClass: 0,
    ttl: 64,
  });
}
