/** Tells of peers' requests that are refused: whose, what for, and why. */
import type { GatewayObserver } from '../events.js';
import { type RpcCode, RpcError, type RpcHandler } from './transport.js';

/** Refusals for limits and rights. The others are of a moment, or a fault of ours, and told where they happen. */
const TOLD: readonly RpcCode[] = ['RESOURCE_EXHAUSTED', 'PERMISSION_DENIED', 'INVALID_ARGUMENT'];

/** The handler, with what it refuses told. */
export function tellingRefusals(handler: RpcHandler, observe: GatewayObserver): RpcHandler {
  return async (method, request, caller) => {
    try {
      return await handler(method, request, caller);
    } catch (error) {
      if (error instanceof RpcError && TOLD.includes(error.code)) {
        const { code, message: reason } = error;
        observe({ type: 'request-refused', from: caller.from, method, code, reason });
      }
      throw error;
    }
  };
}
