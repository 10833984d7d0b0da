/** The requests that an insider sends. */
import { encodeAnnouncement } from '../../../gateway/rpc/announcement-messages.js';
import { RpcError, type RpcMethod } from '../../../gateway/rpc/transport.js';
import {
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
  decodeNewTunnelRequest,
  decodeNewTunnelResponse,
  encodeKeyRotationRequest,
  encodeMultiTunnelRequest,
  encodeNewTunnelRequest,
  type TunnelRequest,
} from '../../../gateway/rpc/tunnel-messages.js';
import { type Held, type InsiderContext, type InsiderTarget, KEPT_MAX, keep } from './context.js';
import { batchOfTunnels } from './tunnels.js';

/** Limit on its requests that are under way; further ones are not made. */
const CALLS_MAX = 64;
const DEADLINE_MS = 2000;
const ABANDONED_AFTER_MS = 20;
const ANNOUNCED_AGE_MS = 5000;

interface Request {
  readonly target: InsiderTarget;
  readonly method: RpcMethod;
  readonly octets: Uint8Array;
}

export class Asking {
  readonly #requests: Request[] = [];
  #calls = 0;
  #requestId = 0n;

  constructor(private readonly context: InsiderContext) {}

  /** A rotation of the target's master key. */
  rotate(target: InsiderTarget, issueNewKeys: boolean): Promise<readonly Held[]> {
    return this.#call(
      target,
      'RequestKeyRotation',
      encodeKeyRotationRequest(++this.#requestId, issueNewKeys),
    );
  }

  /** One of the requests that it sent before, once more. */
  repeat(): void {
    if (this.#requests.length === 0) return;
    const { target, method, octets } = this.context.pick(this.#requests);
    void this.#call(target, method, octets);
  }

  /** The keys that it was given. */
  async ask(target: InsiderTarget, tunnels: readonly TunnelRequest[]): Promise<readonly Held[]> {
    if (tunnels.length === 0) return [];
    const versions = this.context.pick([[0], [1], [0, 1], [1, 0], [3, 1]] as const);
    if (tunnels.length === 1 && this.context.chance(0.2)) {
      const octets = encodeNewTunnelRequest(++this.#requestId, versions, tunnels[0]!);
      return this.#call(target, 'RequestTunnelParams', octets);
    }
    const request = { requestId: ++this.#requestId, versionsAccepted: versions, tunnels };
    const octets = encodeMultiTunnelRequest(this.context.chance(0.2) ? '2.8' : '3.x', request);
    return this.#call(target, 'RequestMultipleTunnelParams', octets);
  }

  /** The keys that it was given; none when it was refused, or not made as too many are under way. */
  async #call(target: InsiderTarget, method: RpcMethod, octets: Uint8Array): Promise<readonly Held[]> {
    if (this.#calls >= CALLS_MAX) return [];
    this.#calls++;
    this.context.counters.asked++;
    keep(this.#requests, { target, method, octets }, KEPT_MAX);
    try {
      const { transport } = this.context.deps;
      const response = await transport.call(target.serviceAddress, method, octets, {
        deadlineMs: DEADLINE_MS,
      });
      this.context.counters.granted++;
      return this.#keepKeys(target, method, octets, response);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      this.context.counters.refused++;
      return [];
    } finally {
      this.#calls--;
    }
  }

  #keepKeys(target: InsiderTarget, method: RpcMethod, request: Uint8Array, response: Uint8Array): Held[] {
    if (method === 'RequestKeyRotation') return [];
    const { tunnels } =
      method === 'RequestTunnelParams' ? decodeNewTunnelRequest(request) : decodeMultiTunnelRequest(request);
    const answers =
      method === 'RequestTunnelParams'
        ? [decodeNewTunnelResponse(response)]
        : decodeMultiTunnelResponse(response, tunnels.length);
    const given = answers.map((parameters, i): Held => {
      const { virtSource: own, virtDestination: remote } = tunnels[i]!;
      return { target, parameters, own, remote };
    });
    for (const held of given) this.context.hold(held);
    return given;
  }

  /** Asks, and hangs up before the answer or in the middle of it. */
  abandon(target: InsiderTarget): void {
    const { clock } = this.context.deps;
    const hangUp = new AbortController();
    const request = {
      requestId: ++this.#requestId,
      versionsAccepted: [0, 1],
      tunnels: batchOfTunnels(this.context, target),
    };
    this.#begin(
      target,
      'RequestMultipleTunnelParams',
      encodeMultiTunnelRequest('3.x', request),
      hangUp.signal,
    );
    clock.setTimer(() => hangUp.abort(), this.context.below(ABANDONED_AFTER_MS));
  }

  /** Says that it has started, or that packets do not get in: neither is so. */
  announce(target: InsiderTarget): void {
    const { port } = this.context.plan.serviceAddress;
    const octets = encodeAnnouncement({
      ageMs: this.context.below(ANNOUNCED_AGE_MS),
      servicePort: port,
      packetsFail: this.context.chance(0.5),
    });
    this.#begin(target, 'Announce', octets);
  }

  /** A call whose answer it has no use for. */
  #begin(target: InsiderTarget, method: RpcMethod, octets: Uint8Array, signal?: AbortSignal): void {
    if (this.#calls >= CALLS_MAX) return;
    this.#calls++;
    this.context.counters.asked++;
    const options = { deadlineMs: DEADLINE_MS, ...(signal === undefined ? {} : { signal }) };
    this.context.deps.transport
      .call(target.serviceAddress, method, octets, options)
      .then(
        () => {
          this.context.counters.granted++;
        },
        () => {
          this.context.counters.refused++;
        },
      )
      .finally(() => {
        this.#calls--;
      });
  }
}
