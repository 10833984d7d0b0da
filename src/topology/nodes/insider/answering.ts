/** What an insider answers to gateways that ask it. */
import { sleep } from '../../../base/clock.js';
import { RpcError, type RpcMethod } from '../../../gateway/rpc/transport.js';
import {
  decodeMultiTunnelRequest,
  decodeNewTunnelRequest,
  encodeMultiTunnelResponse,
  encodeNewTunnelResponse,
  type TunnelParameters,
  type TunnelRequest,
} from '../../../gateway/rpc/tunnel-messages.js';
import type { PspVersion } from '../../../psp/header.js';
import type { InsiderContext } from './context.js';
import { elsewhereParameters, ownParameters } from './tunnels.js';

type Answer = 'honest' | 'never' | 'late' | 'refusal' | 'rubbish' | 'elsewhere';
const STALLS: readonly Answer[] = ['never', 'late', 'refusal', 'rubbish'];
const LATE_MS = 3000;

export class Answering {
  #answer: Answer = 'honest';

  constructor(private readonly context: InsiderContext) {}

  /** As an honest peer answers. */
  beHonest(): void {
    this.#answer = 'honest';
  }

  /** Never, late, with a refusal or with rubbish. */
  stall(): void {
    this.#answer = this.context.pick(STALLS);
  }

  /** With somebody else's underlay address. */
  lie(): void {
    this.#answer = 'elsewhere';
  }

  async serve(method: RpcMethod, request: Uint8Array): Promise<Uint8Array> {
    this.context.counters.received++;
    switch (this.#answer) {
      case 'never':
        return new Promise(() => undefined);
      case 'late':
        await sleep(this.context.deps.clock, LATE_MS);
        break;
      case 'refusal':
        throw new RpcError('UNAVAILABLE', 'no');
      case 'rubbish':
        return Uint8Array.of(0xff, 0xff, 0xff);
    }
    if (method === 'RequestTunnelParams') {
      const asked = decodeNewTunnelRequest(request);
      const [answer] = this.#answers(asked.tunnels, asked.versionsAccepted);
      return encodeNewTunnelResponse(asked.requestId, answer!);
    }
    if (method !== 'RequestMultipleTunnelParams') throw new RpcError('UNIMPLEMENTED', 'no');
    const asked = decodeMultiTunnelRequest(request);
    return encodeMultiTunnelResponse(asked.requestId, this.#answers(asked.tunnels, asked.versionsAccepted));
  }

  /** Keys of its own; and it keeps those that were offered. */
  #answers(tunnels: readonly TunnelRequest[], versions: readonly number[]): TunnelParameters[] {
    const version: PspVersion = versions.includes(0) ? 0 : 1;
    return tunnels.map(({ virtSource: remote, virtDestination: own, reverse }) => {
      const target = this.context.deps.targets.find(({ virtualIps }) => virtualIps.includes(remote));
      if (target === undefined) throw new RpcError('PERMISSION_DENIED', 'who is that?');
      if (reverse !== undefined) this.context.hold({ target, parameters: reverse, own, remote });
      const honest = ownParameters(this.context, target, version);
      return this.#answer === 'elsewhere'
        ? { ...elsewhereParameters(this.context, target), pspVersion: version, key: honest.key }
        : honest;
    });
  }
}
