/** The tunnel service's messages, as anybody may send them. */
import {
  decodeAnnouncement,
  decodeAnnouncementAnswer,
  encodeAnnouncement,
  encodeAnnouncementAnswer,
} from '../../src/gateway/rpc/announcement-messages.js';
import { RpcError } from '../../src/gateway/rpc/transport.js';
import {
  decodeKeyRotationRequest,
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
  decodeNewTunnelRequest,
  decodeNewTunnelResponse,
  encodeKeyRotationRequest,
  encodeMultiTunnelRequest,
  encodeMultiTunnelResponse,
  encodeNewTunnelRequest,
  encodeNewTunnelResponse,
  type TunnelParameters,
  type TunnelRequest,
} from '../../src/gateway/rpc/tunnel-messages.js';
import { parseIp, parseMac } from '../../src/packet/address.js';
import type { FuzzTarget } from './engine.js';
import { must, mustBeEqual, orRefused } from './oracle.js';

const parameters: TunnelParameters = {
  mac: parseMac('02:00:00:00:00:01'),
  underlayIp: parseIp('2001:db8::1'),
  pspVersion: 1,
  spi: 0x80000001,
  key: new Uint8Array(32).fill(7),
  cookie: 1n,
};
const tunnel: TunnelRequest = {
  virtSource: parseIp('192.168.1.1'),
  virtDestination: parseIp('192.168.1.2'),
  reverse: parameters,
};
const request = {
  requestId: 3n,
  versionsAccepted: [0, 1],
  tunnels: [tunnel, { ...tunnel, reverse: undefined }],
};

/** Tags of fields, alone and with a length. */
const dictionary = [8, 10, 16, 18, 26, 34, 42, 50].map((tag) => Uint8Array.of(tag, 2));
const common = { dictionary, octetsMax: 2048, executions: 4000 };

/** A message of the same meaning in the other dialect is the same. */
function again(read: ReturnType<typeof decodeMultiTunnelRequest>, dialect: '2.8' | '3.x'): void {
  const { dialect: _, ...meaning } = read;
  const { dialect: __, ...same } = decodeMultiTunnelRequest(encodeMultiTunnelRequest(dialect, meaning));
  mustBeEqual(same, meaning);
}

export const MESSAGE_TARGETS: readonly FuzzTarget[] = [
  {
    ...common,
    name: 'grpc-tunnels-request',
    seeds: (['2.8', '3.x'] as const).map((dialect) => encodeMultiTunnelRequest(dialect, request)),
    run(octets) {
      const read = orRefused(() => decodeMultiTunnelRequest(octets), RpcError);
      if (read === undefined) return;
      must(read.tunnels.length <= octets.length / 2, 'more tunnels than octets have room for');
      again(read, '2.8');
      again(read, '3.x');
    },
  },
  {
    ...common,
    name: 'grpc-tunnels-response',
    seeds: [encodeMultiTunnelResponse(3n, [parameters, parameters])],
    run(octets) {
      const read = orRefused(() => decodeMultiTunnelResponse(octets, 2), RpcError);
      if (read !== undefined)
        mustBeEqual(decodeMultiTunnelResponse(encodeMultiTunnelResponse(3n, read), 2), read);
    },
  },
  {
    ...common,
    name: 'grpc-tunnel-request-2.7',
    seeds: [encodeNewTunnelRequest(3n, [0, 1], tunnel)],
    run(octets) {
      const read = orRefused(() => decodeNewTunnelRequest(octets), RpcError);
      if (read === undefined) return;
      const { requestId, versionsAccepted, tunnels } = read;
      mustBeEqual(
        decodeNewTunnelRequest(encodeNewTunnelRequest(requestId, versionsAccepted, tunnels[0]!)),
        read,
      );
    },
  },
  {
    ...common,
    name: 'grpc-tunnel-response-2.7',
    seeds: [encodeNewTunnelResponse(3n, parameters)],
    run(octets) {
      const read = orRefused(() => decodeNewTunnelResponse(octets), RpcError);
      if (read !== undefined) mustBeEqual(decodeNewTunnelResponse(encodeNewTunnelResponse(3n, read)), read);
    },
  },
  {
    ...common,
    name: 'grpc-rotation-request',
    seeds: [encodeKeyRotationRequest(3n, true)],
    run(octets) {
      const read = orRefused(() => decodeKeyRotationRequest(octets), RpcError);
      if (read !== undefined)
        mustBeEqual(
          decodeKeyRotationRequest(encodeKeyRotationRequest(read.requestId, read.issueNewKeys)),
          read,
        );
    },
  },
  {
    ...common,
    name: 'grpc-announcement',
    seeds: [
      encodeAnnouncement({ ageMs: 1500, servicePort: 3000, packetsFail: true }),
      encodeAnnouncement({ ageMs: 1, servicePort: 3000, packetsFail: false, drain: { endsInMs: 60_000 } }),
      encodeAnnouncementAnswer({ sessions: 7, drain: { endsInMs: 0 } }),
    ],
    run(octets) {
      const read = orRefused(() => decodeAnnouncement(octets), RpcError);
      // A longer age than a number can have to the unit is no age.
      if (read !== undefined && read.ageMs <= Number.MAX_SAFE_INTEGER)
        mustBeEqual(decodeAnnouncement(encodeAnnouncement(read)), read);
      const sessions = orRefused(() => decodeAnnouncementAnswer(octets), RpcError);
      if (sessions !== undefined)
        mustBeEqual(decodeAnnouncementAnswer(encodeAnnouncementAnswer(sessions)), sessions);
    },
  },
];
