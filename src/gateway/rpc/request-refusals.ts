/** Tells the operator of peers' requests that are refused, by status; see RefusalLog. */
import { RefusalLog, type RefusalLogDeps } from '../doors/refusal-log.js';
import { type RpcCode, RpcError, type RpcHandler } from './transport.js';

/** Refusals for limits and rights. The others are of a moment, or a fault of ours, and told where they happen. */
const TEXTS = {
  RESOURCE_EXHAUSTED: 'requests of peers over a limit or a budget',
  PERMISSION_DENIED: 'requests of peers for what is not theirs',
  INVALID_ARGUMENT: 'requests of peers that are malformed, or do not fit this gateway',
} as const;

type Told = keyof typeof TEXTS;

export class RequestRefusals {
  readonly #log: RefusalLog<Told>;

  constructor(deps: Pick<RefusalLogDeps<Told>, 'clock' | 'logger'>) {
    this.#log = new RefusalLog({ ...deps, texts: TEXTS });
  }

  /** The handler, with what it refuses told. */
  watch(handler: RpcHandler): RpcHandler {
    return async (method, request, caller) => {
      try {
        return await handler(method, request, caller);
      } catch (error) {
        if (error instanceof RpcError && isTold(error.code)) this.#log.note(error.code, caller.from);
        throw error;
      }
    };
  }

  stop(): void {
    this.#log.stop();
  }
}

function isTold(code: RpcCode): code is Told {
  return code in TEXTS;
}
