/**
 * Answers peers' requests. A batch is granted whole or refused whole; what is refused has changed nothing. The SPI
 * that a peer is told has been opened before.
 */
import type { PspVersion } from '../psp/header.js';
import type { GatewayObserver } from './events.js';
import type { GatewayLimits } from './options.js';
import type { Peer, Peers } from './peers.js';
import type { Retirement } from './retirement.js';
import type { Session } from './session.js';
import type { Offer, SessionInstaller, Way } from './session-installer.js';
import type { TokenBucket } from './token-bucket.js';
import { type CallerIdentity, RpcError, type RpcMethod } from './transport.js';
import {
  decodeKeyRotationRequest,
  decodeMultiTunnelRequest,
  decodeNewTunnelRequest,
  encodeKeyRotationResponse,
  encodeMultiTunnelResponse,
  encodeNewTunnelResponse,
  type TunnelParameters,
  type TunnelsRequest,
} from './tunnel-messages.js';

/** Versions of the tunnels that we give out. */
const VERSIONS: readonly number[] = [0, 1];

export interface TunnelServiceDeps {
  readonly installer: SessionInstaller;
  readonly retirement: Retirement;
  readonly peers: Peers;
  readonly limits: GatewayLimits;
  readonly checkParameters: (parameters: TunnelParameters) => void;
  readonly rotate: (issueNewKeys: boolean) => Promise<void>;
  /** Rotations on request that are still granted. */
  readonly rotationRequests: TokenBucket;
  /** The peer has given some sessions a way out. */
  readonly onEstablished: (sessions: readonly Session[]) => void;
  readonly observe: GatewayObserver;
}

export class TunnelService {
  /** Requests refused, by status. */
  readonly refused = new Map<string, number>();

  constructor(private readonly deps: TunnelServiceDeps) {}

  /** RpcHandler of the gateway. */
  async handle(method: RpcMethod, request: Uint8Array, caller: CallerIdentity): Promise<Uint8Array> {
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
    }
  }

  async #multiple(octets: Uint8Array, caller: CallerIdentity): Promise<Uint8Array> {
    const request = decodeMultiTunnelRequest(octets);
    const grants = await this.#grant(request, caller, request.dialect);
    const response = encodeMultiTunnelResponse(
      request.requestId,
      grants.map(({ parameters }) => parameters),
    );
    wipe(grants);
    return response;
  }

  async #single(octets: Uint8Array, caller: CallerIdentity): Promise<Uint8Array> {
    const request = decodeNewTunnelRequest(octets);
    const grants = await this.#grant(request, caller, undefined);
    const response = encodeNewTunnelResponse(request.requestId, grants[0]!.parameters);
    wipe(grants);
    return response;
  }

  async #keyRotation(octets: Uint8Array, caller: CallerIdentity): Promise<Uint8Array> {
    const { requestId, issueNewKeys } = decodeKeyRotationRequest(octets);
    this.deps.peers.identify(caller);
    if (!this.deps.rotationRequests.take()) {
      throw new RpcError('RESOURCE_EXHAUSTED', 'the master key was rotated on request a short while ago');
    }
    await this.deps.rotate(issueNewKeys);
    return encodeKeyRotationResponse(requestId);
  }

  async #grant(
    request: TunnelsRequest,
    caller: CallerIdentity,
    dialect: '2.8' | '3.x' | undefined,
  ): Promise<Offer[]> {
    const { installer, retirement, observe } = this.deps;
    const version = request.versionsAccepted.find((accepted) => VERSIONS.includes(accepted));
    if (version === undefined) {
      const asked = request.versionsAccepted.slice(0, 8).join(', ') || 'none';
      throw new RpcError('INVALID_ARGUMENT', `psp_versions_accepted: ${asked}; this gateway speaks 0 and 1`);
    }
    const pairs = this.#authorize(request, caller);
    const tunnels = pairs.length;
    observe({ type: 'request-received', from: caller.from, tunnels });
    const sessions = await installer.open(pairs);
    const wasEmpty = sessions.filter((session) => session.state === 'idle' && session.ingress.length === 0);
    let offers: Offer[] = [];
    try {
      offers = await installer.offer(sessions, version as PspVersion);
      const ways = sessions.flatMap((session, i): Way[] => {
        const parameters = request.tunnels[i]!.reverse;
        return parameters === undefined ? [] : [{ session, parameters }];
      });
      if (ways.length > 0) await installer.connect(ways);
      if (sessions.some(({ state }) => state === 'removed')) {
        throw new RpcError('ABORTED', 'a session was removed in the meantime; ask again');
      }
      for (const { session, ingress } of offers) retirement.supersede(session, ingress);
      pairs.forEach(({ peer }, i) => {
        sessions[i]!.peer = peer;
        if (dialect !== undefined && !peer.dialectFixed) peer.dialect = dialect;
      });
      this.deps.onEstablished(ways.map(({ session }) => session));
      observe({ type: 'request-granted', from: caller.from, tunnels });
      return offers;
    } catch (error) {
      wipe(offers);
      await installer.close(offers);
      // Not one that somebody else has begun to use in the meantime.
      await installer.remove(
        wasEmpty.filter(({ state, ingress }) => state === 'idle' && ingress.length === 0),
      );
      throw error;
    }
  }

  /** Who may ask for what; nothing has been changed yet. */
  #authorize(request: TunnelsRequest, caller: CallerIdentity) {
    const { peers, limits, checkParameters } = this.deps;
    const { tunnels } = request;
    if (tunnels.length === 0) throw new RpcError('INVALID_ARGUMENT', 'tunnels: none asked for');
    if (tunnels.length > limits.tunnelsPerRequest) {
      throw new RpcError(
        'RESOURCE_EXHAUSTED',
        `tunnels: ${tunnels.length} in one request; at most ${limits.tunnelsPerRequest} are answered`,
      );
    }
    const seen = new Set<string>();
    let peer: Peer | undefined;
    const pairs = tunnels.map(({ virtSource, virtDestination, reverse }, i) => {
      const owner = peers.identify(caller, virtSource);
      peer ??= owner;
      peers.assertLocal(virtDestination);
      // One alone is not there twice.
      const pair = tunnels.length === 1 ? '' : `${virtDestination} ${virtSource}`;
      if (seen.has(pair)) {
        throw new RpcError(
          'INVALID_ARGUMENT',
          `tunnels[${i}]: ${virtSource} to ${virtDestination} is there twice`,
        );
      }
      seen.add(pair);
      if (reverse !== undefined) {
        if (!VERSIONS.includes(reverse.pspVersion)) {
          throw new RpcError(
            'INVALID_ARGUMENT',
            `tunnels[${i}].reverse_params.psp_version: ${reverse.pspVersion}`,
          );
        }
        checkParameters(reverse);
      }
      return { localVip: virtDestination, remoteVip: virtSource, peer: owner };
    });
    if (!peer!.requests.take(tunnels.length)) {
      throw new RpcError('RESOURCE_EXHAUSTED', 'too many tunnels asked for; try again later');
    }
    return pairs;
  }
}

function wipe(offers: readonly Offer[]): void {
  for (const { parameters } of offers) parameters.key.fill(0);
}

/** A device that is full, or has no SPIs left, is a limit; anything else is a fault of ours. */
function asRefusal(error: unknown): RpcError {
  const code = (error as { code?: unknown }).code;
  if (code === 'FULL' || code === 'EMPTY') return new RpcError('RESOURCE_EXHAUSTED', 'the device is full');
  return new RpcError('INTERNAL', 'internal error');
}
