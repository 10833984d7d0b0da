/** Requests for tunnels in the name of a peer, without a gateway behind it. */
import type { RpcError } from '../../src/gateway/rpc/transport.js';
import { encodeMultiTunnelRequest } from '../../src/gateway/rpc/tunnel-messages.js';
import { type IpAddress, parseIp } from '../../src/packet/address.js';
import type { TestNetwork, TestNode } from './gateways.js';

/** Source and destination of the tunnel that is asked for. */
export type AskedPair = readonly [source: IpAddress, destination: IpAddress];

/** Sends one request for some tunnels as the peer at 10.0.0.`number`, and gives the status. */
export async function askAsPeer(
  net: TestNetwork,
  number: number,
  to: TestNode,
  pairs: readonly AskedPair[],
  versionsAccepted: readonly number[] = [1],
): Promise<string> {
  const client = net.network.transport({ host: parseIp(`10.0.0.${number}`), port: 3000 });
  const request = encodeMultiTunnelRequest('3.x', {
    requestId: 1n,
    versionsAccepted,
    tunnels: pairs.map(([virtSource, virtDestination]) => ({
      virtSource,
      virtDestination,
      reverse: undefined,
    })),
  });
  let status: string | undefined;
  void client.call(to.service, 'RequestMultipleTunnelParams', request, { deadlineMs: 5000 }).then(
    () => {
      status = 'OK';
    },
    (error: unknown) => {
      status = (error as RpcError).code;
    },
  );
  await net.run(50);
  while (status === undefined) await net.run(50);
  return status;
}
