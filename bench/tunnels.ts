/**
 * Tunnel set-up from end to end: two whole gateways in this process over simulated devices, real gRPC over mutual
 * TLS, everything that a session needs installed on both sides. And what a session costs in memory.
 */

import { systemClock } from '../src/base/clock.js';
import { systemRandom } from '../src/base/random.js';
import { readGatewayOptions } from '../src/gateway/config/read-options.js';
import { Gateway } from '../src/gateway/gateway.js';
import { createThrowAwayAuthority } from '../src/gateway/rpc/certificates.js';
import { createGrpcTransport } from '../src/gateway/rpc/grpc-transport.js';
import type { ServiceAddress } from '../src/gateway/rpc/transport.js';
import type { GatewayDeps } from '../src/gateway/surroundings.js';
import { openSimHal } from '../src/hal-sim/device.js';
import { createLink } from '../src/hal-sim/ports/link.js';
import { type IpAddress, parseIp } from '../src/packet/address.js';

export interface TunnelsResult {
  readonly onePerRpcPerSecond: number;
  readonly batchedPerSecond: number;
  /** Heap and buffers of both gateways and devices, divided by sessions and by two. */
  readonly octetsPerSession: number;
}

const LOCAL = parseIp('10.0.0.1');
const LOOPBACK = parseIp('127.0.0.1');
const MAX_TUNNELS = 200_000;
const ONE_PER_RPC_AT_ONCE = 64;

const remoteVip = (i: number): IpAddress => parseIp(`10.${1 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`);

interface Side {
  readonly gateway: Gateway;
  readonly address: ServiceAddress;
}

/** @param single tunnels to make one per RPC; @param batched tunnels to make 1,000 per RPC; @param make both gateways */
export async function benchTunnels(
  single: number,
  batched: number,
  make: (deps: GatewayDeps) => Promise<Gateway> = async (deps) => new Gateway(deps),
): Promise<TunnelsResult> {
  const authority = await createThrowAwayAuthority();
  const issued = await authority.issue({ commonName: 'bench', ips: [LOOPBACK] });
  const link = createLink({ clock: systemClock, random: systemRandom(), name: 'underlay', mtuOctets: 1500 });
  const remotes = Array.from({ length: single + batched }, (_, i) => remoteVip(i));

  /** `peer`: port and addresses of the other side. */
  const start = async (
    index: 0 | 1,
    own: readonly IpAddress[],
    peer: { port: number; virtualIps: readonly IpAddress[] },
  ): Promise<Side> => {
    const vf = createLink({ clock: systemClock, random: systemRandom(), name: 'vf', mtuOctets: 1500 });
    const hal = await openSimHal({
      clock: systemClock,
      random: systemRandom(),
      uplink: { port: link.ports[index], mac: `02:00:00:00:00:0${index}`, ipv6: `2001:db8::${index + 1}` },
      vf: {
        port: vf.ports[0],
        mac: '02:00:00:00:01:00',
        workload: { mac: '02:00:00:00:02:00', addresses: own },
      },
    });
    const { options } = readGatewayOptions(
      ['--insecure', `--max-tunnels=${MAX_TUNNELS}`, '--log-level=10'],
      () => '',
    );
    const transport = createGrpcTransport({
      tls: { caPem: authority.caPem, ...issued },
      messageOctetsMax: options.limits.requestOctetsMax,
      clock: systemClock,
      limits: { requestsPerPeerPerSecond: 1e9 },
    });
    const gateway = await make({
      hal,
      transport,
      clock: systemClock,
      random: systemRandom(),
      logger: { log: () => {}, enabled: () => false },
      options: {
        ...options,
        serviceAddress: { host: LOOPBACK, port: 0 },
        peers: [{ serviceAddress: { host: LOOPBACK, port: peer.port }, virtualIps: peer.virtualIps }],
        limits: { ...options.limits, tunnelsPerPeerPerSecond: 1e8 },
      },
    });
    await gateway.start();
    return { gateway, address: gateway.serviceAddress! };
  };

  const server = await start(1, remotes, { port: 1, virtualIps: [LOCAL] });
  const client = await start(0, [LOCAL], { port: server.address.port, virtualIps: remotes });
  try {
    const pairs = remotes.map((vip) => ({ localVip: LOCAL, remoteVip: vip }));
    const before = memory();
    let at = 0;
    const oneByOne = async (count: number) => {
      const end = at + count;
      await Promise.all(
        Array.from({ length: ONE_PER_RPC_AT_ONCE }, async () => {
          while (at < end) await client.gateway.connectNow([pairs[at++]!]);
        }),
      );
    };
    const inBatches = async (count: number) => {
      await client.gateway.connectNow(pairs.slice(at, at + count));
      at += count;
    };
    // The first tenth is for the compiler.
    const warmUp = (count: number) => Math.floor(count / 10);
    await oneByOne(warmUp(single));
    const singleSeconds = await seconds(() => oneByOne(single - warmUp(single)));
    await inBatches(warmUp(batched));
    const batchedSeconds = await seconds(() => inBatches(batched - warmUp(batched)));
    const after = memory();
    return {
      onePerRpcPerSecond: (single - warmUp(single)) / singleSeconds,
      batchedPerSecond: (batched - warmUp(batched)) / batchedSeconds,
      octetsPerSession: (after - before) / (single + batched) / 2,
    };
  } finally {
    await client.gateway.stop();
    await server.gateway.stop();
  }
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function memory(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
