/**
 * The control plane in memory: the same bytes and the same service code as over gRPC, on an injected clock, with
 * delay, loss and partitions. For simulations and tests.
 */
import { Callbacks, onAbort } from '../../base/abort.js';
import type { Clock } from '../../base/clock.js';
import {
  type CallerIdentity,
  type CertificateName,
  type ControlTransport,
  type Doorkeeper,
  RpcError,
  type RpcHandler,
  type ServiceAddress,
  serviceText,
} from './transport.js';

/** The network's treatment of one RPC, decided when it is sent. */
export interface RpcFate {
  /** One way, each way. */
  readonly delayMs: number;
  /** Which half never arrives; the caller then runs into its deadline. */
  readonly lost?: 'request' | 'response';
}

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  /** Decides for every RPC; absent: half a millisecond each way, nothing lost. */
  readonly fate?: (from: ServiceAddress, to: ServiceAddress) => RpcFate;
}

/** A listening gateway. */
interface Served {
  readonly handler: RpcHandler;
  readonly doorkeeper: Doorkeeper;
}

const DEFAULT_FATE: RpcFate = { delayMs: 0.5 };

/** The meeting place of the gateways of one simulation. */
export class MemoryNetwork {
  readonly #served = new Map<string, Served>();
  readonly #clock: Clock;
  fate: (from: ServiceAddress, to: ServiceAddress) => RpcFate;

  constructor(options: MemoryNetworkOptions) {
    this.#clock = options.clock;
    this.fate = options.fate ?? (() => DEFAULT_FATE);
  }

  /**
   * The transport of the gateway at `own`, which comes from there and is known to others by `names`; none: not
   * authenticated, as with --insecure.
   */
  transport(
    own: ServiceAddress,
    names: readonly CertificateName[] = [{ type: 'ip', value: own.host }],
  ): ControlTransport {
    const clock = this.#clock;
    const network = this.#served;
    const fate = (to: ServiceAddress) => this.fate(own, to);
    const caller: CallerIdentity = {
      authenticated: names.length > 0,
      names,
      source: own.host,
      from: `${own.host}:${own.port}`,
    };
    /** Functions that end each call under way, by the peer that is called. */
    const underWay = new Map<string, Callbacks>();
    const callsTo = (key: string) => {
      let calls = underWay.get(key);
      if (calls === undefined) {
        calls = new Callbacks();
        underWay.set(key, calls);
      }
      return calls;
    };
    let closed = false;
    let served: string | undefined;

    return {
      async listen(address, handler, doorkeeper) {
        const key = serviceText(address);
        if (network.has(key)) throw new Error(`${address.host}:${address.port} is in use`);
        network.set(key, { handler, doorkeeper });
        served = key;
        return address;
      },

      call(peer, method, request, { deadlineMs, signal }) {
        return new Promise<Uint8Array>((resolve, reject) => {
          if (closed || signal?.aborted) {
            reject(new RpcError('CANCELLED', 'the call was cancelled'));
            return;
          }
          const finish = (action: () => void) => {
            deadline.cancel();
            release();
            releaseSignal?.();
            action();
          };
          const cancel = () => finish(() => reject(new RpcError('CANCELLED', 'the call was cancelled')));
          const deadline = clock.setTimer(
            () =>
              finish(() => reject(new RpcError('DEADLINE_EXCEEDED', `no answer within ${deadlineMs} ms`))),
            deadlineMs,
          );
          const key = serviceText(peer);
          const release = callsTo(key).add(cancel);
          const releaseSignal = signal && onAbort(signal, cancel);
          const { delayMs, lost } = fate(peer);
          if (lost === 'request') return;
          const bytes = request.slice();
          clock.setTimer(async () => {
            const answer = await handle(network.get(key), method, bytes, caller);
            if (lost === 'response') return;
            clock.setTimer(
              () => finish(() => (answer instanceof RpcError ? reject(answer) : resolve(answer))),
              delayMs,
            );
          }, delayMs);
        });
      },

      forget(peer) {
        underWay.get(serviceText(peer))?.call();
      },

      async close() {
        closed = true;
        for (const calls of underWay.values()) calls.call();
        if (served !== undefined) network.delete(served);
        served = undefined;
      },
    };
  }
}

async function handle(
  served: Served | undefined,
  method: Parameters<RpcHandler>[0],
  request: Uint8Array,
  caller: CallerIdentity,
): Promise<Uint8Array | RpcError> {
  if (served === undefined) return new RpcError('UNAVAILABLE', 'nobody serves there');
  try {
    served.doorkeeper.admit(caller);
    return (await served.handler(method, request, caller)).slice();
  } catch (error) {
    return error instanceof RpcError ? error : new RpcError('INTERNAL', 'internal error');
  }
}
