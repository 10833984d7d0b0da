/**
 * What gateways of this program ask each other about the packets between them (proto/psp_gateway_peer.proto, Compare), as checked
 * values.
 */
import { AddressError, type IpAddress, parseIp } from '../../packet/address.js';
import { ComparisonAnswer, Comparison as WireComparison } from '../generated/psp_gateway_peer.js';
import { decodeMessage, type MessageShape, NO_CHILDREN } from './message-structure.js';
import { RpcError } from './transport.js';

/** Pairs that one request may be about. */
export const PAIRS_COMPARED_MAX = 16;
/** SPIs that a session has at the most, with some to spare. */
const SPIS_MAX = 16;

export interface Comparison {
  /** Port of the sender's service: several peers may share an address. */
  readonly servicePort: number;
  readonly pairs: readonly ComparedPair[];
}

/** Addresses behind the sender and behind the receiver. */
export interface ComparedPair {
  readonly sender: IpAddress;
  readonly receiver: IpAddress;
}

/** What a gateway has counted of the packets of a pair, under its present entries. */
export interface PairUse {
  /** Which entries those are; counters under others are not to be compared with these. */
  readonly epoch: string;
  readonly outPackets: number;
  readonly outOctets: number;
  readonly inPackets: number;
  readonly inOctets: number;
}

/** What a peer has counted. */
export interface PeerUse extends PairUse {
  /** Whether it has an entry that counts what leaves: without one 0 packets say nothing of what its workload sends. */
  readonly countsOut: boolean;
  /** Likewise of what is let in: without the ingress ACL nothing counts it. */
  readonly countsIn: boolean;
}

/** A PeerUse as it is told. */
export interface ToldUse extends Omit<PairUse, 'epoch'> {
  /** That of what leaves, 0 where nothing counts it, and then those of what is let in. */
  readonly spis: readonly number[];
}

export type GatewayMode = 'tunnel' | 'transport';

export interface Compared {
  /** The receiver's clock, wall time. */
  readonly nowMs: number;
  /** undefined: one that we do not know. */
  readonly mode: GatewayMode | undefined;
  /** One for each pair of the request. */
  readonly uses: readonly PeerUse[];
}

const REQUEST: MessageShape = new Map([
  [2, { field: 'pairs', shape: NO_CHILDREN, countMax: PAIRS_COMPARED_MAX }],
]);
const ANSWER: MessageShape = new Map([
  [3, { field: 'uses', shape: NO_CHILDREN, countMax: PAIRS_COMPARED_MAX }],
]);

export function encodeComparison({ servicePort, pairs }: Comparison): Uint8Array {
  return WireComparison.encode({
    servicePort,
    pairs: pairs.map(({ sender, receiver }) => ({ virtSrcIp: sender, virtDstIp: receiver })),
  }).finish();
}

/** Throws RpcError INVALID_ARGUMENT. */
export function decodeComparison(octets: Uint8Array): Comparison {
  const { servicePort, pairs } = decodeMessage(WireComparison, octets, 'a Comparison', REQUEST);
  return {
    servicePort,
    pairs: pairs.map(({ virtSrcIp, virtDstIp }, i) => ({
      sender: addressOf(virtSrcIp, `pairs[${i}].virt_src_ip`),
      receiver: addressOf(virtDstIp, `pairs[${i}].virt_dst_ip`),
    })),
  };
}

export function encodeCompared(nowMs: number, mode: GatewayMode, uses: readonly ToldUse[]): Uint8Array {
  return ComparisonAnswer.encode({
    nowMs: BigInt(Math.max(0, Math.round(nowMs))),
    mode,
    uses: uses.map(({ spis, outPackets, outOctets, inPackets, inOctets }) => ({
      spis: [...spis].slice(0, SPIS_MAX),
      outPackets: BigInt(outPackets),
      outOctets: BigInt(outOctets),
      inPackets: BigInt(inPackets),
      inOctets: BigInt(inOctets),
    })),
  }).finish();
}

/** @param pairs how many were asked about. Throws RpcError INVALID_ARGUMENT. */
export function decodeCompared(octets: Uint8Array, pairs: number): Compared {
  const { nowMs, mode, uses } = decodeMessage(ComparisonAnswer, octets, 'a ComparisonAnswer', ANSWER);
  if (uses.length !== pairs)
    throw new RpcError('INVALID_ARGUMENT', `uses: ${uses.length} for ${pairs} pairs`);
  return {
    nowMs: Number(nowMs),
    mode: mode === 'tunnel' || mode === 'transport' ? mode : undefined,
    uses: uses.map(({ spis, outPackets, outOctets, inPackets, inOctets }) => ({
      epoch: spis.slice(0, SPIS_MAX).join(),
      countsOut: (spis[0] ?? 0) !== 0,
      countsIn: spis.length > 1,
      outPackets: Number(outPackets),
      outOctets: Number(outOctets),
      inPackets: Number(inPackets),
      inOctets: Number(inOctets),
    })),
  };
}

function addressOf(text: string, field: string): IpAddress {
  try {
    return parseIp(text);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new RpcError('INVALID_ARGUMENT', `${field}: no address`);
  }
}
