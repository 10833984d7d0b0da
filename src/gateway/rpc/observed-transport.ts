/** Tells of each RPC how it ended and how long it took, of those that we serve and of those that we ask for. */
import type { Clock } from '../../base/clock.js';
import {
  type ControlTransport,
  type RpcCode,
  RpcError,
  type RpcHandler,
  type RpcMethod,
} from './transport.js';

/** One RPC that has ended. */
export interface RpcEnd {
  /** `server`: a peer's, which our service has handled; `client`: ours, from the call to the answer or the failure. */
  readonly side: 'server' | 'client';
  readonly method: RpcMethod;
  readonly status: RpcCode | 'OK';
  readonly durationMs: number;
}

/**
 * `transport`, with its RPCs told to `observe`. What the transport itself refuses before our service sees it is not among them: the doors
 * count that.
 */
export function observedTransport(
  transport: ControlTransport,
  clock: Clock,
  observe: (end: RpcEnd) => void,
): ControlTransport {
  const observed = async (
    side: RpcEnd['side'],
    method: RpcMethod,
    rpc: () => Promise<Uint8Array>,
  ): Promise<Uint8Array> => {
    const startMs = clock.nowMs();
    const end = (status: RpcEnd['status']) =>
      observe({ side, method, status, durationMs: clock.nowMs() - startMs });
    try {
      const answer = await rpc();
      end('OK');
      return answer;
    } catch (error) {
      end(error instanceof RpcError ? error.code : 'INTERNAL');
      throw error;
    }
  };
  const observing =
    (handler: RpcHandler): RpcHandler =>
    (method, request, caller) =>
      observed('server', method, () => handler(method, request, caller));
  return {
    ...transport,
    listen: (address, handler, ...rest) => transport.listen(address, observing(handler), ...rest),
    call: (peer, method, request, options) =>
      observed('client', method, () => transport.call(peer, method, request, options)),
  };
}
