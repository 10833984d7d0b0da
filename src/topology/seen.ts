/** What is seen of the keys of a gateway in a process of its own, and how it is checked. */
import type { RpcMethod } from '../gateway/rpc/transport.js';
import type { SpiKeyBatch } from '../hal/hal.js';
import type { Given } from './given-keys.js';
import type { InvariantChecker } from './invariant-checker.js';
import type { GatewayNode } from './nodes/gateway-node.js';

export type Seen =
  /** An incarnation starts. */
  | { readonly what: 'starts' }
  | { readonly what: 'made'; readonly batch: SpiKeyBatch }
  | { readonly what: 'used'; readonly keys: readonly Uint8Array[] }
  | { readonly what: 'given'; readonly given: Given }
  | {
      readonly what: 'request';
      readonly caller: string;
      readonly callee: string | undefined;
      readonly method: RpcMethod;
      readonly request: Uint8Array;
    }
  | {
      readonly what: 'granted';
      readonly caller: string;
      readonly callee: string;
      readonly method: RpcMethod;
      readonly keys: number;
    };

export function checkSeen(invariants: InvariantChecker, node: GatewayNode, seen: Seen): void {
  switch (seen.what) {
    case 'starts':
      invariants.starts(node);
      break;
    case 'made':
      invariants.keysMade(node, seen.batch);
      break;
    case 'used':
      for (const key of seen.keys) invariants.keyUsed(node, key);
      break;
    case 'given':
      invariants.onGiven(seen.given);
      break;
    case 'request':
      invariants.onRequest(seen.caller, seen.callee, seen.method, seen.request);
      break;
    case 'granted':
      invariants.onGranted(seen.caller, seen.callee, seen.method, seen.keys);
      break;
  }
}
