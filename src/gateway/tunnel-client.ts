/**
 * Asks peers for tunnels. One exchange: open SPIs of our own, offer them to the peer in the request, install what
 * the peer answers. A failed exchange leaves nothing behind, except when nobody knows whether the peer took the
 * offer: then the SPI stays open until an exchange that succeeds says which ones the peer has.
 */
import type { Clock } from '../hal/clock.js';
import { reasonOf } from '../hal/errors.js';
import type { Random } from '../hal/random.js';
import { backoffMs } from './backoff.js';
import type { GatewayObserver } from './events.js';
import type { GatewayLimits } from './options.js';
import type { Peer } from './peers.js';
import type { Retirement } from './retirement.js';
import { mayAsk, type Session, transition } from './session.js';
import type { Offer, SessionInstaller } from './session-installer.js';
import { type ControlTransport, RpcError, type RpcMethod } from './transport.js';
import {
  decodeMultiTunnelResponse,
  decodeNewTunnelResponse,
  encodeMultiTunnelRequest,
  encodeNewTunnelRequest,
  type TunnelParameters,
  type TunnelRequest,
} from './tunnel-messages.js';

/** After these the peer may have taken our offer, although we do not know it. */
const OUTCOME_UNKNOWN: readonly string[] = [
  'DEADLINE_EXCEEDED',
  'UNAVAILABLE',
  'CANCELLED',
  'UNKNOWN',
  'INTERNAL',
];

export interface TunnelClientDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly installer: SessionInstaller;
  readonly retirement: Retirement;
  readonly transport: ControlTransport;
  readonly limits: GatewayLimits;
  readonly pspVersion: 0 | 1;
  /** Throws RpcError when a peer's parameters do not fit our pipeline. */
  readonly checkParameters: (parameters: TunnelParameters) => void;
  /** Some sessions have got a way out. */
  readonly onEstablished: (sessions: readonly Session[]) => void;
  readonly observe: GatewayObserver;
  readonly signal: AbortSignal;
}

export class TunnelClient {
  #requestId = 0n;

  constructor(private readonly deps: TunnelClientDeps) {}

  /**
   * One exchange for sessions of one peer, at most limits.tunnelsPerRequest of them, all of which mayAsk. Rejects
   * with RpcError or HalError when it failed, for all of them.
   */
  async exchange(peer: Peer, sessions: readonly Session[]): Promise<void> {
    const { installer, retirement, pspVersion, observe, limits, clock, random } = this.deps;
    if (!sessions.every(mayAsk))
      throw new RpcError('ABORTED', 'a session is being asked for already, or gone');
    for (const session of sessions) {
      transition(session, 'request');
      session.asking = true;
    }
    let offers: Offer[] = [];
    let answered = false;
    try {
      offers = await installer.offer(sessions, pspVersion);
      const answers = await this.#ask(peer, offers);
      answered = true;
      peer.failures = 0;
      peer.answeredAtMs = clock.nowMs();
      observe({ type: 'request-answered', peer: peer.name, tunnels: answers.length });
      for (const answer of answers) this.#checkAnswer(answer);
      await installer.connect(offers.map(({ session }, i) => ({ session, parameters: answers[i]! })));
      for (const { session, ingress } of offers) retirement.supersede(session, ingress);
      await installer.close(offers.filter(({ session }) => session.state === 'removed'));
      this.deps.onEstablished(sessions.filter(({ egress }) => egress !== undefined));
    } catch (error) {
      peer.failures++;
      observe({ type: 'request-failed', peer: peer.name, reason: reasonOf(error) });
      for (const { ingress } of offers) ingress.state = 'doubtful';
      const mayBeInUse = answered || (error instanceof RpcError && OUTCOME_UNKNOWN.includes(error.code));
      await installer.close(
        mayBeInUse ? offers.filter(({ session }) => session.state === 'removed') : offers,
      );
      for (const session of sessions) {
        if (session.state === 'removed' || session.state === 'backing-off') continue;
        session.failures++;
        const { backoffMinMs, backoffMaxMs } = limits;
        session.retryAtMs = clock.nowMs() + backoffMs(session.failures, backoffMinMs, backoffMaxMs, random);
        // A request of the peer may have established the session in the meantime.
        transition(session, 'failed');
      }
      throw error;
    } finally {
      for (const session of sessions) session.asking = false;
      for (const { parameters } of offers) parameters.key.fill(0);
    }
  }

  /**
   * The peer's answers, one per offer, in the dialect that it understands. It is taken for 3.x until it shows another:
   * by not knowing the plural RPC (2.7), or by its own requests (2.8). One of 2.8 takes the fields of 3.x for unknown
   * ones: it answers, but does not see our offer and has to ask back, once, for the other direction.
   */
  async #ask(peer: Peer, offers: readonly Offer[]): Promise<TunnelParameters[]> {
    const tunnels = offers.map(
      ({ session, parameters }): TunnelRequest => ({
        virtSource: session.localVip,
        virtDestination: session.remoteVip,
        reverse: parameters,
      }),
    );
    if (peer.dialect !== '2.7') {
      try {
        return await this.#askForMany(peer, peer.dialect ?? '3.x', tunnels);
      } catch (error) {
        const unknownRpc = error instanceof RpcError && error.code === 'UNIMPLEMENTED';
        if (!unknownRpc || peer.dialectFixed) throw error;
        // DOCA 2.7 knows the singular RPC only.
        peer.dialect = '2.7';
      }
    }
    return Promise.all(tunnels.map((tunnel) => this.#askForOne(peer, tunnel)));
  }

  async #askForMany(
    peer: Peer,
    dialect: '2.8' | '3.x',
    tunnels: readonly TunnelRequest[],
  ): Promise<TunnelParameters[]> {
    const request = encodeMultiTunnelRequest(dialect, {
      requestId: ++this.#requestId,
      versionsAccepted: [this.deps.pspVersion],
      tunnels,
    });
    const response = await this.#call(peer, 'RequestMultipleTunnelParams', request, tunnels.length);
    return decodeMultiTunnelResponse(response, tunnels.length);
  }

  async #askForOne(peer: Peer, tunnel: TunnelRequest): Promise<TunnelParameters> {
    const request = encodeNewTunnelRequest(++this.#requestId, [this.deps.pspVersion], tunnel);
    return decodeNewTunnelResponse(await this.#call(peer, 'RequestTunnelParams', request, 1));
  }

  #call(peer: Peer, method: RpcMethod, request: Uint8Array, tunnels: number): Promise<Uint8Array> {
    const { transport, limits, signal, observe } = this.deps;
    if (peer.serviceAddress === undefined) {
      return Promise.reject(new RpcError('FAILED_PRECONDITION', 'the peer has no service address'));
    }
    observe({ type: 'request-sent', peer: peer.name, tunnels, method });
    return transport.call(peer.serviceAddress, method, request, { deadlineMs: limits.rpcDeadlineMs, signal });
  }

  #checkAnswer(answer: TunnelParameters): void {
    const { pspVersion, checkParameters } = this.deps;
    if (answer.pspVersion !== pspVersion) {
      throw new RpcError('INVALID_ARGUMENT', `psp_version ${answer.pspVersion} was not asked for`);
    }
    checkParameters(answer);
  }
}
