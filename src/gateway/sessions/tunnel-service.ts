/**
 * Answers peers' requests. A batch is granted whole or refused whole; what is refused has changed nothing. The SPI
 * that a peer is told has been opened before.
 */
import { type Clock, sleep } from '../../base/clock.js';
import type { DrainState } from '../drain-state.js';
import type { GatewayObserver } from '../events.js';
import type { GatewayLimits } from '../options.js';
import type { Peer, Peers } from '../peers.js';
import { type CallerIdentity, OwnLimitError, RpcError, type TunnelRpc } from '../rpc/transport.js';
import {
  decodeKeyRotationRequest,
  decodeMultiTunnelRequest,
  decodeNewTunnelRequest,
  encodeKeyRotationResponse,
  encodeMultiTunnelResponse,
  encodeNewTunnelResponse,
  type TunnelParameters,
  type TunnelsRequest,
} from '../rpc/tunnel-messages.js';
import type { EgressRoute } from './egress-routes.js';
import type { Offer } from './ingress-spis.js';
import type { PeerListener, SessionListener } from './listeners.js';
import type { Retirement } from './retirement.js';
import { hasPlace, isNew } from './session.js';
import type { SessionInstaller } from './session-installer.js';
import { tunnelsBefore } from './tunnel-events.js';
import type { Versions } from './versions.js';

/**
 * Octets of a request that count as one tunnel, at least, before anything of it is looked at: what no valid request has
 * more of per tunnel, with addresses of IPv6 and the keys for the way back.
 */
const REQUEST_OCTETS_PER_TUNNEL = 256;
/** A request over budget is answered after a while, so that the next one comes later, and not all of them at once. */
const REFUSAL_DELAY_MS = 1000;
const REFUSAL_SPREAD_MS = 1000;
/** Between two refusals that follow each other; prime to the spread, so that all of it is used. */
const REFUSAL_STEP_MS = 617;
/** Refusals of one peer that wait at one time; more are answered at once. */
const REFUSALS_WAITING_MAX = 1024;

export interface TunnelServiceDeps {
  readonly installer: SessionInstaller;
  readonly retirement: Retirement;
  readonly peers: Peers;
  readonly limits: GatewayLimits;
  readonly versions: Versions;
  /** Throws RpcError when a peer's parameters do not fit our pipeline, or it may not have them; `field` says where they stand. */
  readonly checkParameters: (peer: Peer, parameters: TunnelParameters, field: string) => void;
  /** Takes the underlay addresses of a request that was checked for the peer's. */
  readonly claimUnderlay: (peer: Peer, parameters: readonly TunnelParameters[]) => void;
  /** Rotates the master key; throws RpcError when it is too early for that. */
  readonly rotateNow: (issueNewKeys: boolean) => Promise<void>;
  readonly drain: Pick<DrainState, 'isDraining' | 'assertNew'>;
  readonly clock: Clock;
  readonly peerListener: Pick<PeerListener, 'onInstalled'>;
  readonly sessionListener: Pick<SessionListener, 'onEstablished'>;
  readonly observe: GatewayObserver;
}

/** The peer who pays for a request, and for how many tunnels it has paid. */
interface Payer {
  readonly peer: Peer;
  readonly tunnels: number;
}

export class TunnelService {
  /** Requests refused, by status. */
  readonly refused = new Map<string, number>();
  /** Requests of them that a peer's budget did not allow. */
  overBudget = 0;
  readonly #refusalsWaiting = new Map<Peer, number>();

  constructor(private readonly deps: TunnelServiceDeps) {}

  /** Answers DOCA's RPCs; as RpcHandler does. */
  async handle(method: TunnelRpc, request: Uint8Array, caller: CallerIdentity): Promise<Uint8Array> {
    try {
      switch (method) {
        case 'RequestMultipleTunnelParams':
          return await this.#multiple(request, caller);
        case 'RequestTunnelParams':
          return await this.#single(request, caller);
        case 'RequestKeyRotation':
          return await this.#keyRotation(request, caller);
        case 'SetOpState':
        case 'GetOpState':
          throw new RpcError('UNIMPLEMENTED', 'taking over from a running instance is not there yet');
      }
    } catch (error) {
      const refusal = error instanceof RpcError ? error : asRefusal(error);
      this.refused.set(refusal.code, (this.refused.get(refusal.code) ?? 0) + 1);
      throw refusal;
    } finally {
      // It held keys, of which the decoded ones are copies.
      request.fill(0);
    }
  }

  async #multiple(octets: Uint8Array, caller: CallerIdentity): Promise<Uint8Array> {
    const payer = await this.#charge(octets, caller);
    const request = decodeMultiTunnelRequest(octets);
    return this.#answer(request, caller, request.dialect, payer, (offers) =>
      encodeMultiTunnelResponse(
        request.requestId,
        offers.map(({ parameters }) => parameters),
      ),
    );
  }

  async #single(octets: Uint8Array, caller: CallerIdentity): Promise<Uint8Array> {
    const payer = await this.#charge(octets, caller);
    const request = decodeNewTunnelRequest(octets);
    return this.#answer(request, caller, undefined, payer, (offers) =>
      encodeNewTunnelResponse(request.requestId, offers[0]!.parameters),
    );
  }

  /** The transport sends the answer, and wipes it. */
  async #answer(
    request: TunnelsRequest,
    caller: CallerIdentity,
    dialect: '2.8' | '3.x' | undefined,
    payer: Payer,
    encode: (offers: readonly Offer[]) => Uint8Array,
  ): Promise<Uint8Array> {
    let offers: readonly Offer[] = [];
    try {
      offers = await this.#grant(request, caller, dialect, payer);
      return encode(offers);
    } finally {
      wipe(offers);
      for (const { reverse } of request.tunnels) reverse?.key.fill(0);
    }
  }

  async #keyRotation(octets: Uint8Array, caller: CallerIdentity): Promise<Uint8Array> {
    const peer = this.deps.peers.identify(caller);
    const { requestId, issueNewKeys } = decodeKeyRotationRequest(octets);
    if (!peer.mayRotate) {
      throw new RpcError('PERMISSION_DENIED', 'rotations of the master key are not granted to this peer');
    }
    const { rotations } = peer.budget;
    if (!rotations.take()) {
      const seconds = Math.ceil(rotations.waitMs() / 1000);
      throw new RpcError(
        'RESOURCE_EXHAUSTED',
        `the master key was rotated at your request a short while ago; ask again in ${seconds} s`,
      );
    }
    try {
      await this.deps.rotateNow(issueNewKeys);
    } catch (error) {
      rotations.giveBack();
      throw error;
    }
    return encodeKeyRotationResponse(requestId);
  }

  /**
   * What a request costs at least, by its size, paid by the peer that the caller is before a message is decoded. Over
   * budget: throws RESOURCE_EXHAUSTED, late, having done nothing.
   */
  async #charge(octets: Uint8Array, caller: CallerIdentity): Promise<Payer> {
    const peer = this.deps.peers.identify(caller);
    const tunnels = Math.max(1, Math.ceil(octets.length / REQUEST_OCTETS_PER_TUNNEL));
    if (!peer.budget.take(tunnels)) await this.#refuseLate(peer, tunnels);
    return { peer, tunnels };
  }

  async #refuseLate(peer: Peer, tunnels: number): Promise<never> {
    const { clock } = this.deps;
    this.overBudget++;
    const seconds = Math.ceil(peer.budget.waitMs(tunnels) / 1000);
    const waiting = this.#refusalsWaiting.get(peer) ?? 0;
    if (waiting < REFUSALS_WAITING_MAX) {
      this.#refusalsWaiting.set(peer, waiting + 1);
      await sleep(clock, REFUSAL_DELAY_MS + ((this.overBudget * REFUSAL_STEP_MS) % REFUSAL_SPREAD_MS));
      const left = this.#refusalsWaiting.get(peer)! - 1;
      if (left === 0) this.#refusalsWaiting.delete(peer);
      else this.#refusalsWaiting.set(peer, left);
    }
    throw new RpcError(
      'RESOURCE_EXHAUSTED',
      `too many tunnels asked for; ${Number.isFinite(seconds) ? `ask again in ${seconds} s` : 'ask for fewer at once'}`,
    );
  }

  async #grant(
    request: TunnelsRequest,
    caller: CallerIdentity,
    dialect: '2.8' | '3.x' | undefined,
    payer: Payer,
  ): Promise<Offer[]> {
    const { installer, retirement, observe, clock, versions } = this.deps;
    const version = versions.chosen(request.versionsAccepted);
    const pairs = this.#authorize(request, caller);
    const tunnels = pairs.length;
    const more = tunnels - payer.tunnels;
    if (more > 0 && !payer.peer.budget.take(more)) await this.#refuseLate(payer.peer, more);
    observe({ type: 'request-received', from: caller.from, tunnels });
    const sessions = await installer.open(pairs, true);
    const wasEmpty = sessions.filter((session) => session.state === 'idle' && session.ingress.length === 0);
    let offers: Offer[] = [];
    try {
      offers = await installer.offer(sessions, version);
      const routes = sessions.flatMap((session, i): EgressRoute[] => {
        const parameters = request.tunnels[i]!.reverse;
        return parameters === undefined ? [] : [{ session, parameters }];
      });
      const tellUp = tunnelsBefore(
        offers.filter((_, i) => request.tunnels[i]!.reverse !== undefined),
        clock,
      );
      if (routes.length > 0) await installer.connect(routes);
      tellUp('peer', observe);
      if (!sessions.every(hasPlace)) {
        throw new RpcError('ABORTED', 'a session was removed in the meantime; ask again');
      }
      // The caller must not forget its own SPI then, under which we may send by now.
      if (!offers.every((offer) => installer.isOpen(offer))) {
        throw new RpcError('UNAVAILABLE', 'the master key was rotated in the meantime; ask again');
      }
      for (const { session, ingress } of offers) retirement.supersede(session, ingress);
      pairs.forEach(({ peer }, i) => {
        sessions[i]!.peer = peer;
        if (dialect !== undefined && !peer.dialectFixed) peer.dialect = dialect;
      });
      this.deps.peerListener.onInstalled(
        pairs[0]!.peer,
        routes.map(({ parameters }) => parameters),
      );
      this.deps.sessionListener.onEstablished(routes.map(({ session }) => session));
      observe({ type: 'request-granted', from: caller.from, tunnels });
      return offers;
    } catch (error) {
      wipe(offers);
      await installer.close(offers);
      // Not one that somebody else has begun to use in the meantime.
      await installer.remove(wasEmpty, ({ state, ingress }) => state === 'idle' && ingress.length === 0);
      throw error;
    } finally {
      installer.granted(sessions);
    }
  }

  /** Decides who may ask for what. Nothing has been changed yet. */
  #authorize(request: TunnelsRequest, caller: CallerIdentity) {
    const { peers, installer, limits, drain, versions, checkParameters, claimUnderlay } = this.deps;
    const { tunnels } = request;
    if (tunnels.length === 0) throw new RpcError('INVALID_ARGUMENT', 'tunnels: none asked for');
    if (tunnels.length > limits.tunnelsPerRequest) {
      throw new RpcError(
        'RESOURCE_EXHAUSTED',
        `tunnels: ${tunnels.length} in one request; at most ${limits.tunnelsPerRequest} are answered`,
      );
    }
    const seen = new Set<string>();
    const pairs = tunnels.map(({ virtSource, virtDestination, reverse }, i) => {
      const owner = peers.identify(caller, virtSource);
      peers.assertLocal(virtDestination);
      const pair = `${virtDestination} ${virtSource}`;
      if (seen.has(pair)) {
        throw new RpcError(
          'INVALID_ARGUMENT',
          `tunnels[${i}]: ${virtSource} to ${virtDestination} is there twice`,
        );
      }
      seen.add(pair);
      if (reverse !== undefined) {
        versions.assertTaken(reverse.pspVersion, `tunnels[${i}].reverse_params`);
        checkParameters(owner, reverse, `tunnels[${i}].reverse_params`);
      }
      return { localVip: virtDestination, remoteVip: virtSource, peer: owner, holder: owner };
    });
    const isThere = ({ localVip, remoteVip }: (typeof pairs)[number]) => {
      const session = installer.sessions.get(localVip, remoteVip);
      return session !== undefined && !isNew(session);
    };
    if (drain.isDraining && !pairs.every(isThere)) drain.assertNew();
    // At once: nobody else may claim them in between.
    claimUnderlay(
      pairs[0]!.peer,
      tunnels.flatMap(({ reverse }) => reverse ?? []),
    );
    return pairs;
  }
}

function wipe(offers: readonly Offer[]): void {
  for (const { parameters } of offers) parameters.key.fill(0);
}

/** A device that is full, or has no SPIs left, is a limit; anything else is a fault of ours. */
function asRefusal(error: unknown): RpcError {
  const code = (error as { code?: unknown }).code;
  if (code === 'FULL' || code === 'EMPTY') return new OwnLimitError('the device is full');
  return new RpcError('INTERNAL', 'internal error');
}
