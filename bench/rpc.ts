/**
 * The control plane without the gateway behind it: how many RPCs per second real gRPC over mutual TLS carries when
 * both ends share this process, and how fast tunnel messages are written and checked.
 */
import { performance } from 'node:perf_hooks';
import { systemClock } from '../src/base/clock.js';
import { createThrowAwayAuthority } from '../src/gateway/rpc/certificates.js';
import { createGrpcTransport } from '../src/gateway/rpc/grpc-transport.js';
import {
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
  encodeMultiTunnelRequest,
  encodeMultiTunnelResponse,
  type TunnelParameters,
} from '../src/gateway/rpc/tunnel-messages.js';
import { ipFromOctets, parseIpv4, parseIpv6, parseMac } from '../src/packet/address.js';

export interface RpcResult {
  /** Unary RPCs per second, one tunnel's worth of octets each way. */
  readonly rpcsPerSecond: number;
  /** Tunnels per second through encode, gRPC, decode, both ways, in batches of `TUNNELS_PER_BATCH`. */
  readonly batchedTunnelsPerSecond: number;
  /** Milliseconds to encode and decode request and response of one such batch, without gRPC. */
  readonly messagesMsPerBatch: number;
}

const CONCURRENT_CALLS = 64;
const TUNNELS_PER_BATCH = 1000;
const SMALL_OCTETS = 160;
const MESSAGE_OCTETS_MAX = 4 << 20;
const DEADLINE_MS = 30_000;
const WARM_UP = 0.1;

const LOOPBACK = parseIpv4('127.0.0.1');

/** @param rpcs unary RPCs to make; @param batches batches of tunnels to make */
export async function benchRpcTransport(rpcs = 10_000, batches = 50): Promise<RpcResult> {
  const authority = await createThrowAwayAuthority();
  const issued = await authority.issue({ commonName: LOOPBACK, ips: [LOOPBACK] });
  const options = {
    tls: { caPem: authority.caPem, ...issued },
    messageOctetsMax: MESSAGE_OCTETS_MAX,
    clock: systemClock,
    limits: { requestsPerPeerPerSecond: 1e9 },
  };
  const server = createGrpcTransport(options);
  const client = createGrpcTransport(options);
  const parameters = someTunnels(TUNNELS_PER_BATCH);
  try {
    const address = await server.listen(
      { host: LOOPBACK, port: 0 },
      async (method, request) => {
        if (method !== 'RequestMultipleTunnelParams') return request;
        const { requestId, tunnels } = decodeMultiTunnelRequest(request);
        return encodeMultiTunnelResponse(requestId, parameters.slice(0, tunnels.length));
      },
      { peersAt: () => 1, admit: () => LOOPBACK },
    );
    const small = new Uint8Array(SMALL_OCTETS);
    const one = () => client.call(address, 'RequestTunnelParams', small, { deadlineMs: DEADLINE_MS });
    const batch = async () => {
      const request = encodeBatch(parameters);
      const response = await client.call(address, 'RequestMultipleTunnelParams', request, {
        deadlineMs: DEADLINE_MS,
      });
      decodeMultiTunnelResponse(response, TUNNELS_PER_BATCH);
    };
    await timesPerSecond(one, Math.ceil(rpcs * WARM_UP), CONCURRENT_CALLS);
    const rpcsPerSecond = await timesPerSecond(one, rpcs, CONCURRENT_CALLS);
    await timesPerSecond(batch, Math.ceil(batches * WARM_UP), 2);
    const batchesPerSecond = await timesPerSecond(batch, batches, 2);
    return {
      rpcsPerSecond,
      batchedTunnelsPerSecond: batchesPerSecond * TUNNELS_PER_BATCH,
      messagesMsPerBatch: messagesMsPerBatch(parameters, batches),
    };
  } finally {
    await client.close();
    await server.close();
  }
}

/** Runs `action` `count` times, `concurrent` of them at once. */
async function timesPerSecond(action: () => Promise<unknown>, count: number, concurrent: number) {
  const start = performance.now();
  let left = count;
  const worker = async () => {
    while (left-- > 0) await action();
  };
  await Promise.all(Array.from({ length: concurrent }, worker));
  return (count * 1000) / (performance.now() - start);
}

function messagesMsPerBatch(parameters: readonly TunnelParameters[], rounds: number): number {
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    decodeMultiTunnelRequest(encodeBatch(parameters));
    decodeMultiTunnelResponse(encodeMultiTunnelResponse(1n, parameters), parameters.length);
  }
  return (performance.now() - start) / rounds;
}

function encodeBatch(parameters: readonly TunnelParameters[]): Uint8Array {
  return encodeMultiTunnelRequest('3.x', {
    requestId: 1n,
    versionsAccepted: [1],
    tunnels: parameters.map((reverse, i) => ({
      virtSource: ipFromOctets(Uint8Array.of(10, 1, i >> 8, i), 0, 4),
      virtDestination: ipFromOctets(Uint8Array.of(10, 2, i >> 8, i), 0, 4),
      reverse,
    })),
  });
}

function someTunnels(count: number): TunnelParameters[] {
  return Array.from({ length: count }, (_, i) => ({
    mac: parseMac('02:00:00:00:00:01'),
    underlayIp: parseIpv6('2001:db8::1'),
    pspVersion: 1,
    spi: i + 1,
    key: new Uint8Array(32).fill(i),
    cookie: 0x0123456789abcdefn + BigInt(i),
  }));
}
