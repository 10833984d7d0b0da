/** An honest peer for benches and tests: asks a gateway for its tunnel, and says how long that took. */

import type { Clock } from '../../src/base/clock.js';
import { createGrpcTransport, type TlsMaterial } from '../../src/gateway/rpc/grpc-transport.js';
import type { ServiceAddress } from '../../src/gateway/rpc/transport.js';
import { encodeMultiTunnelRequest } from '../../src/gateway/rpc/tunnel-messages.js';
import type { IpAddress } from '../../src/packet/address.js';
import { peersAt } from './doorkeepers.js';

/**
 * Connections that it has under way at one time: one less than a peer may have, since the gateway sees the end of one a
 * moment after we do. With more, a gateway that is slow to answer would refuse them, and rightly.
 */
export const CONNECTIONS_AT_ONCE = 3;
const MESSAGE_OCTETS = 4 << 20;

export interface AskingPeerOptions {
  readonly tls: TlsMaterial;
  /** Its service address, from which it calls. */
  readonly from: IpAddress;
  readonly gateway: ServiceAddress;
  readonly clock: Clock;
  readonly deadlineMs: number;
  /** What it asks for: a tunnel from an address of its own to one of the gateway's. */
  readonly virtualIp: IpAddress;
  readonly gatewayVirtualIp: IpAddress;
  /** Whether each time it connects anew. */
  readonly connectsAnew: boolean;
}

export interface AskingPeer {
  /** From when an answer was due to be asked for to its arrival, of those that came. */
  readonly latenciesMs: number[];
  /** What the others failed with. */
  readonly failures: string[];
  /** Resolves when the answer is there, or has failed. Waits while CONNECTIONS_AT_ONCE are under way. */
  ask(): Promise<void>;
  close(): Promise<void>;
}

export async function askingPeer(options: AskingPeerOptions): Promise<AskingPeer> {
  const { tls, from, gateway, clock, deadlineMs, virtualIp, gatewayVirtualIp, connectsAnew } = options;
  const latenciesMs: number[] = [];
  const failures: string[] = [];
  // To connect anew each call under way has one for itself.
  const transports = Array.from({ length: connectsAnew ? CONNECTIONS_AT_ONCE : 1 }, () =>
    createGrpcTransport({ tls, messageOctetsMax: MESSAGE_OCTETS, clock }),
  );
  const idle = [...transports];
  for (const one of transports)
    await one.listen({ host: from, port: 0 }, async (_method, octets) => octets, peersAt());
  const request = encodeMultiTunnelRequest('3.x', {
    requestId: 1n,
    versionsAccepted: [1],
    tunnels: [{ virtSource: virtualIp, virtDestination: gatewayVirtualIp, reverse: undefined }],
  });
  let underWay = 0;
  const waiting: (() => void)[] = [];
  return {
    latenciesMs,
    failures,
    async ask() {
      const dueMs = clock.nowMs();
      if (underWay === CONNECTIONS_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
      else underWay++;
      const transport = connectsAnew ? idle.pop()! : transports[0]!;
      if (connectsAnew) transport.forget(gateway);
      try {
        await transport.call(gateway, 'RequestMultipleTunnelParams', request, { deadlineMs });
        latenciesMs.push(clock.nowMs() - dueMs);
      } catch (error) {
        failures.push((error as Error).message);
      }
      if (connectsAnew) idle.push(transport);
      // The place goes to whoever waits longest.
      const next = waiting.shift();
      if (next === undefined) underWay--;
      else next();
    },
    close: async () => {
      for (const one of transports) await one.close();
    },
  };
}
