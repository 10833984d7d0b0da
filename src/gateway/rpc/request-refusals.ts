/** Counts and tells of peers' requests that are refused: whose, what for, and why. */
import type { GatewayObserver } from '../events.js';
import type { Peers } from '../peers.js';
import {
  type CallerIdentity,
  OwnLimitError,
  type RpcCode,
  RpcError,
  type RpcHandler,
  type RpcMethod,
} from './transport.js';

/** Refusals for limits, rights, and what state we are in. The others are of a moment, or a fault of ours, and told where they happen. */
const TOLD: readonly RpcCode[] = [
  'RESOURCE_EXHAUSTED',
  'PERMISSION_DENIED',
  'INVALID_ARGUMENT',
  'FAILED_PRECONDITION',
];

export class RequestRefusals {
  /** All of them, and of these the requests for a rotation of the master key. */
  requests = 0;
  rotations = 0;

  constructor(
    private readonly peers: Pick<Peers, 'peerOf'>,
    private readonly observe: GatewayObserver,
  ) {}

  /** The handler, with what it refuses counted and told. */
  watched(handler: RpcHandler): RpcHandler {
    return async (method, request, caller) => {
      try {
        return await handler(method, request, caller);
      } catch (error) {
        if (error instanceof RpcError && TOLD.includes(error.code)) this.#refused(method, caller, error);
        throw error;
      }
    };
  }

  #refused(method: RpcMethod, caller: CallerIdentity, error: RpcError): void {
    const { code, message: reason } = error;
    const limit = error instanceof OwnLimitError ? { ownLimit: true as const } : {};
    const { from } = caller;
    const peer = this.peers.peerOf(caller);
    const whose = peer === undefined ? {} : { peer: peer.name };
    const isRotation = method === 'RequestKeyRotation';
    for (const counts of peer === undefined ? [this] : [this, peer.refused]) {
      counts.requests++;
      if (isRotation) counts.rotations++;
    }
    if (isRotation) this.observe({ type: 'rotation-refused', ...whose, from, code, reason });
    else this.observe({ type: 'request-refused', ...whose, from, method, code, reason, ...limit });
  }
}
