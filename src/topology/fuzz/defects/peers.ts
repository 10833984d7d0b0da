/** Defects of what peers may do: at the calls, the options and the device. */

import { TokenBucket } from '../../../gateway/doors/token-bucket.js';
import { RpcError, type RpcMethod } from '../../../gateway/rpc/transport.js';
import {
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
  decodeNewTunnelRequest,
  decodeNewTunnelResponse,
  encodeMultiTunnelRequest,
  encodeMultiTunnelResponse,
  encodeNewTunnelRequest,
  encodeNewTunnelResponse,
  type TunnelParameters,
} from '../../../gateway/rpc/tunnel-messages.js';
import { delegateHal } from '../../../hal/delegate.js';
import type { EntryOperation } from '../../../hal/hal.js';
import { type IpAddress, ipFamily, ipToOctets, parseIp } from '../../../packet/address.js';
import { ETHERNET_HEADER_OCTETS } from '../../../packet/ethernet.js';
import { IPV4_DESTINATION } from '../../../packet/ipv4.js';
import { IPV6_DESTINATION } from '../../../packet/ipv6.js';
import { type Defects, UNBOUNDED, withLimits, wrapService } from './defect.js';

/** The limit that all peers shared: four rotations in 32 s. */
const ROTATION_INTERVAL_MS = 8_000;

/**
 * Stand-ins for the addresses that peers say they are at: each is of the right kind and nobody else's, so a gateway finds
 * nothing wrong with it. What stands for what, by caller or callee, and back.
 */
const standIns = new Map<string, IpAddress>();
const standsFor = new Map<string, IpAddress>();

function standInFor(peer: string, { underlayIp }: TunnelParameters): IpAddress {
  const key = `${peer} ${underlayIp}`;
  let standIn = standIns.get(key);
  if (standIn === undefined) {
    const n = standIns.size;
    standIn = parseIp(
      ipFamily(underlayIp) === 4 ? `198.18.${n >>> 8}.${n & 0xff}` : `2001:db8:57a4::${n.toString(16)}`,
    );
    standIns.set(key, standIn);
    standsFor.set(hexOf(ipToOctets(standIn)), underlayIp);
  }
  return standIn;
}

const hexOf = (octets: Uint8Array) =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('hex');

export const PEER_DEFECTS: Defects = {
  'reverse-anywhere': {
    text: 'where a peer says that it is, packets for it are sent, whatever address that is',
    point: 10,
    foundAs: 'misdirected',
    transport: (_node, inner) => ({
      ...wrapService(
        inner,
        (handler) => (method, request, caller) =>
          handler(method, requestFrom(String(caller.source), method, request), caller),
      ),
      call: async (peer, method, request, options) =>
        answerFrom(String(peer.host), method, request, await inner.call(peer, method, request, options)),
    }),
    hal: (_node, hal) =>
      delegateHal(hal, { apply: (operations) => hal.apply(operations.map(toWhereItSaid)) }),
  },
  'one-rotation-limit': {
    text: 'rotations at requests have one limit for all peers together, which one of them can use up',
    point: 11,
    foundAs: 'over-budget',
    options: withLimits({ rotationRequestIntervalMs: 1 }),
    transport: (node, inner) => {
      const rotations = new TokenBucket(1000 / ROTATION_INTERVAL_MS, 1, () => node.clock.nowMs());
      return wrapService(inner, (handler) => async (method, request, caller) => {
        if (method === 'RequestKeyRotation' && !rotations.take())
          throw new RpcError('RESOURCE_EXHAUSTED', 'the master key was rotated a short while ago');
        return handler(method, request, caller);
      });
    },
  },
  'no-budgets': {
    text: 'a peer gets keys without a limit of its own',
    point: 18,
    foundAs: 'over-budget',
    options: withLimits({ tunnelsPerPeerPerSecond: UNBOUNDED, spisPerPeerPerHour: UNBOUNDED }),
  },
};

/** A request as the gateway gets it, with a stand-in in each way back. */
function requestFrom(peer: string, method: RpcMethod, octets: Uint8Array): Uint8Array {
  const change = <T extends { readonly reverse: TunnelParameters | undefined }>(tunnel: T): T =>
    tunnel.reverse === undefined
      ? tunnel
      : { ...tunnel, reverse: { ...tunnel.reverse, underlayIp: standInFor(peer, tunnel.reverse) } };
  if (method === 'RequestMultipleTunnelParams') {
    const { dialect, ...request } = decodeMultiTunnelRequest(octets);
    return encodeMultiTunnelRequest(dialect ?? '3.x', { ...request, tunnels: request.tunnels.map(change) });
  }
  if (method !== 'RequestTunnelParams') return octets;
  const { requestId, versionsAccepted, tunnels } = decodeNewTunnelRequest(octets);
  return encodeNewTunnelRequest(requestId, versionsAccepted, change(tunnels[0]!));
}

/** The same of an answer. */
function answerFrom(peer: string, method: RpcMethod, request: Uint8Array, octets: Uint8Array): Uint8Array {
  const change = (parameters: TunnelParameters) => ({
    ...parameters,
    underlayIp: standInFor(peer, parameters),
  });
  if (method === 'RequestMultipleTunnelParams') {
    const { requestId, tunnels } = decodeMultiTunnelRequest(request);
    return encodeMultiTunnelResponse(
      requestId,
      decodeMultiTunnelResponse(octets, tunnels.length).map(change),
    );
  }
  if (method !== 'RequestTunnelParams') return octets;
  const { requestId } = decodeNewTunnelRequest(request);
  return encodeNewTunnelResponse(requestId, change(decodeNewTunnelResponse(octets)));
}

/** An operation on an egress route, to the address that a stand-in stands for. */
function toWhereItSaid(operation: EntryOperation): EntryOperation {
  if (operation.operation === 'remove') return operation;
  const values = operation.operation === 'add' ? operation.entry.values : operation.values;
  const header = values?.encapHeader;
  if (header === undefined) return operation;
  for (const [at, octets] of [
    [IPV4_DESTINATION, 4],
    [IPV6_DESTINATION, 16],
  ] as const) {
    const from = ETHERNET_HEADER_OCTETS + at;
    const there = standsFor.get(hexOf(header.subarray(from, from + octets)));
    if (there === undefined) continue;
    const encapHeader = header.slice();
    encapHeader.set(ipToOctets(there), from);
    const changed = { ...values, encapHeader };
    return operation.operation === 'add'
      ? { ...operation, entry: { ...operation.entry, values: changed } }
      : { ...operation, values: changed };
  }
  return operation;
}
