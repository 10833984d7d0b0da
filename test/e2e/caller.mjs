/**
 * Calls gateways with certificates of somebody's, without a gateway behind it, and prints how each call has ended, as JSON.
 *
 *     node caller.mjs '[{"tls": FOLDER/NAME, "ca": PATH, "service": [HOST, PORT], "server": IDENTITIES, "tunnels": [[SOURCE, DESTINATION]]}]'
 *
 * Without `tunnels` it asks for a rotation of the master key.
 */
import { readFileSync, writeSync } from 'node:fs';
import { systemClock } from '../../dist/base/clock.js';
import { createGrpcTransport } from '../../dist/gateway/rpc/grpc-transport.js';
import {
  encodeKeyRotationRequest,
  encodeMultiTunnelRequest,
} from '../../dist/gateway/rpc/tunnel-messages.js';

const text = (path) => readFileSync(path, 'utf8');
const outcomes = [];
for (const { tls, ca, service, server, tunnels } of JSON.parse(process.argv[2])) {
  const transport = createGrpcTransport({
    clock: systemClock,
    messageOctetsMax: 65_536,
    tls: { caPem: text(ca), certificatePem: text(`${tls}.pem`), keyPem: text(`${tls}.key`) },
    identitiesOf: () => server,
  });
  const [host, port] = service;
  const [method, request] =
    tunnels === undefined
      ? ['RequestKeyRotation', encodeKeyRotationRequest(1n, true)]
      : [
          'RequestMultipleTunnelParams',
          encodeMultiTunnelRequest('3.x', {
            requestId: 1n,
            versionsAccepted: [0, 1],
            tunnels: tunnels.map(([virtSource, virtDestination]) => ({ virtSource, virtDestination })),
          }),
        ];
  outcomes.push(
    await transport.call({ host, port }, method, request, { deadlineMs: 60_000 }).then(
      () => 'OK',
      ({ code, details }) => `${code}: ${details}`,
    ),
  );
  await transport.close();
}
writeSync(1, JSON.stringify(outcomes));
