/**
 * Asks peers for tunnels. One exchange: open SPIs of our own, offer them to the peer in the request, install what
 * the peer answers. A failed exchange leaves nothing behind, except when nobody knows whether the peer took the
 * offer: then the SPI stays open until an exchange that succeeds says which ones the peer has.
 */
import type { Clock } from '../../base/clock.js';
import type { Random } from '../../base/random.js';
import { reasonOf } from '../../hal/errors.js';
import type { DrainState } from '../drain-state.js';
import type { GatewayObserver } from '../events.js';
import type { GatewayLimits } from '../options.js';
import type { Peer } from '../peers.js';
import { type ControlTransport, isAnswer, isSilence, RpcError, type RpcMethod } from '../rpc/transport.js';
import {
  decodeMultiTunnelResponse,
  decodeNewTunnelResponse,
  encodeMultiTunnelRequest,
  encodeNewTunnelRequest,
  type TunnelParameters,
  type TunnelRequest,
} from '../rpc/tunnel-messages.js';
import { backoffMs } from './backoff.js';
import type { Offer } from './ingress-spis.js';
import type { PeerListener, RekeyListener, SessionListener } from './listeners.js';
import type { Retirement } from './retirement.js';
import { hasPlace, isNew, mayAsk, type Session, transition } from './session.js';
import type { SessionInstaller } from './session-installer.js';
import { tunnelsBefore } from './tunnel-events.js';
import type { Versions } from './versions.js';

/** After these the peer may have taken our offer, although we do not know it. */
const OUTCOME_UNKNOWN: readonly string[] = [
  'DEADLINE_EXCEEDED',
  'UNAVAILABLE',
  'CANCELLED',
  'UNKNOWN',
  'INTERNAL',
  // One session of the batch was removed after the others had been given their egress routes.
  'ABORTED',
];

/** Who has not answered for so long is told to be silent, although it may answer until the deadline. */
const SILENT_AFTER_MS = 3000;

export interface TunnelClientDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly installer: SessionInstaller;
  readonly retirement: Retirement;
  readonly transport: ControlTransport;
  readonly limits: GatewayLimits;
  readonly versions: Versions;
  /** Throws RpcError when a peer's parameters do not fit our pipeline. */
  readonly checkParameters: (peer: Peer, parameters: TunnelParameters, field: string) => void;
  /** Takes the underlay addresses of answers that were checked for the peer's. */
  readonly claimUnderlay: (peer: Peer, parameters: readonly TunnelParameters[]) => void;
  readonly peerListener: Pick<PeerListener, 'onAnswered' | 'onInstalled' | 'onSilent'>;
  readonly sessionListener: Pick<SessionListener, 'onEstablished'>;
  readonly rekeyListener: Pick<RekeyListener, 'onRekeyNeeded'>;
  readonly observe: GatewayObserver;
  readonly drain: Pick<DrainState, 'isDraining' | 'assertNew'>;
  readonly signal: AbortSignal;
}

export class TunnelClient {
  #requestId = 0n;

  constructor(private readonly deps: TunnelClientDeps) {}

  /** Whether a session may not be asked for now, since it would be a new one, and its peer or this gateway drains. */
  isHeldBack(session: Session): boolean {
    const { drain, clock } = this.deps;
    return isNew(session) && (drain.isDraining || session.peer.drainsAt(clock.nowMs()));
  }

  /**
   * One exchange for sessions of one peer, at most limits.tunnelsPerRequest of them, all of which mayAsk. Rejects
   * with RpcError or HalError when it failed, for all of them.
   */
  async exchange(peer: Peer, sessions: readonly Session[]): Promise<void> {
    const { installer, retirement, versions, observe, limits, clock, random } = this.deps;
    if (!sessions.every(mayAsk))
      throw new RpcError('ABORTED', 'a session is being asked for already, or gone');
    if (sessions.some((session) => this.isHeldBack(session))) {
      this.deps.drain.assertNew();
      throw new RpcError('FAILED_PRECONDITION', `peer ${peer.name} drains`);
    }
    for (const session of sessions) {
      transition(session, 'request');
      session.asking = true;
    }
    const askedAtMs = clock.nowMs();
    let offers: Offer[] = [];
    let answers: TunnelParameters[] = [];
    let answered = false;
    /** Whether what fails is the peer's doing. */
    let peersTurn = false;
    try {
      offers = await installer.offer(sessions, versions.asked);
      peersTurn = true;
      answers = await this.#ask(peer, offers);
      answered = true;
      peer.failures = 0;
      peer.failure = undefined;
      peer.answeredAtMs = clock.nowMs();
      observe({ type: 'request-answered', peer: peer.name, tunnels: answers.length });
      for (const [i, answer] of answers.entries()) this.#checkAnswer(peer, answer, `tunnels_params[${i}]`);
      this.deps.claimUnderlay(peer, answers);
      peersTurn = false;
      const tellUp = tunnelsBefore(offers, clock);
      await installer.connect(offers.map(({ session }, i) => ({ session, parameters: answers[i]! })));
      tellUp('us', observe);
      for (const { session, ingress } of offers) retirement.supersede(session, ingress, askedAtMs);
      this.deps.peerListener.onInstalled(peer, answers);
      await installer.close(offers.filter(({ session }) => session.state === 'removed'));
      const dead = offers.filter((offer) => offer.session.state !== 'removed' && !installer.isOpen(offer));
      this.deps.sessionListener.onEstablished(sessions.filter(({ egress }) => egress !== undefined));
      // The peer has got SPIs whose master key has ended since they were opened.
      if (dead.length > 0) this.deps.rekeyListener.onRekeyNeeded(dead.map(({ session }) => session));
    } catch (error) {
      peer.failures++;
      const code = error instanceof RpcError ? error.code : undefined;
      peer.failure = { atMs: clock.nowMs(), code: peersTurn ? code : undefined, reason: reasonOf(error) };
      observe({ type: 'request-failed', peer: peer.name, reason: peer.failure.reason });
      for (const { ingress } of offers) ingress.state = 'doubtful';
      const mayBeInUse = answered || (code !== undefined && OUTCOME_UNKNOWN.includes(code));
      await installer.close(
        mayBeInUse ? offers.filter(({ session }) => session.state === 'removed') : offers,
      );
      for (const session of sessions) {
        if (!hasPlace(session) || session.state === 'backing-off') continue;
        session.failures++;
        const { backoffMinMs, backoffMaxMs } = limits;
        session.retryAtMs = clock.nowMs() + backoffMs(session.failures, backoffMinMs, backoffMaxMs, random);
        // A request of the peer may have established the session in the meantime.
        transition(session, 'failed');
      }
      throw error;
    } finally {
      for (const session of sessions) session.asking = false;
      for (const { key } of [...offers.map(({ parameters }) => parameters), ...answers]) key.fill(0);
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
    const requestId = ++this.#requestId;
    const request = encodeMultiTunnelRequest(dialect, {
      requestId,
      versionsAccepted: [this.deps.versions.asked],
      tunnels,
    });
    return this.#call(peer, 'RequestMultipleTunnelParams', request, tunnels.length, (response) =>
      decodeMultiTunnelResponse(response, tunnels.length, requestId),
    );
  }

  async #askForOne(peer: Peer, tunnel: TunnelRequest): Promise<TunnelParameters> {
    const requestId = ++this.#requestId;
    const request = encodeNewTunnelRequest(requestId, [this.deps.versions.asked], tunnel);
    return this.#call(peer, 'RequestTunnelParams', request, 1, (response) =>
      decodeNewTunnelResponse(response, requestId),
    );
  }

  /** One RPC. Request and response hold keys: neither outlives it. */
  async #call<T>(
    peer: Peer,
    method: RpcMethod,
    request: Uint8Array,
    tunnels: number,
    decode: (response: Uint8Array) => T,
  ): Promise<T> {
    const { transport, limits, signal, observe, peerListener, clock } = this.deps;
    const askedAtMs = clock.nowMs();
    const slow = clock.setTimer(() => {
      // It may have answered others meanwhile.
      if (peer.heardAtMs < askedAtMs) peerListener.onSilent(peer, `no answer within ${SILENT_AFTER_MS} ms`);
    }, SILENT_AFTER_MS);
    try {
      observe({ type: 'request-sent', peer: peer.name, tunnels, method });
      const { rpcDeadlineMs: deadlineMs } = limits;
      let response: Uint8Array;
      try {
        response = await transport.call(peer.serviceAddress, method, request, { deadlineMs, signal });
      } catch (error) {
        if (error instanceof RpcError && isAnswer(error.code)) peerListener.onAnswered(peer);
        if (error instanceof RpcError && isSilence(error.code))
          peerListener.onSilent(peer, error.message, error.problem);
        throw error;
      }
      peerListener.onAnswered(peer);
      try {
        return decode(response);
      } finally {
        response.fill(0);
      }
    } finally {
      slow.cancel();
      request.fill(0);
    }
  }

  #checkAnswer(peer: Peer, answer: TunnelParameters, field: string): void {
    const { versions, checkParameters } = this.deps;
    versions.assertAsked(answer.pspVersion);
    checkParameters(peer, answer, field);
  }
}
