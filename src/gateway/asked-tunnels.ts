/**
 * Tunnels that are made before a packet wants them: static ones (--static-tunnels and its kin), and those that a caller asks for.
 */

import { reasonOf } from '../hal/errors.js';
import type { IpAddress } from '../packet/address.js';
import type { AddressPair } from './directory.js';
import type { DrainState } from './drain-state.js';
import type { GatewayObserver } from './events.js';
import type { GatewayOptions } from './options.js';
import type { Peer, Peers } from './peers.js';
import { type BringUp, groupByPeer } from './sessions/bring-up.js';
import { mayAsk, OPERATOR, type Session } from './sessions/session.js';
import type { SessionInstaller } from './sessions/session-installer.js';
import type { TunnelClient } from './sessions/tunnel-client.js';
import type { MissedPackets } from './slow-path/missed-packets.js';
import { GatewayStartError } from './surroundings.js';

export interface AskedTunnelsDeps {
  readonly options: GatewayOptions;
  readonly peers: Peers;
  readonly installer: SessionInstaller;
  readonly client: TunnelClient;
  readonly bringUp: BringUp;
  readonly missed: Pick<MissedPackets, 'countOf'>;
  readonly observe: GatewayObserver;
  readonly drain: Pick<DrainState, 'isDraining'>;
  readonly signal: AbortSignal;
}

export class AskedTunnels {
  constructor(private readonly deps: AskedTunnelsDeps) {}

  /** See Gateway.connect. */
  async connect(pairs: readonly AddressPair[]): Promise<void> {
    const sessions = await this.#open(pairs);
    await this.deps.bringUp.establish(sessions.filter(({ state }) => state !== 'established'));
  }

  /** See Gateway.connectNow. */
  async connectNow(pairs: readonly AddressPair[]): Promise<void> {
    const { options, installer, client } = this.deps;
    const { tunnelsPerRequest } = options.limits;
    const { sessions: table } = installer;
    const before = new Set(pairs.map(({ localVip, remoteVip }) => table.get(localVip, remoteVip)));
    const opened = await this.#open(pairs);
    try {
      for (const [peer, sessions] of groupByPeer(opened)) {
        for (let at = 0; at < sessions.length; at += tunnelsPerRequest) {
          const batch = sessions.slice(at, at + tunnelsPerRequest).filter(mayAsk);
          if (batch.length > 0) await client.exchange(peer, batch);
        }
      }
    } catch (error) {
      await this.#removeUnused(opened.filter((session) => !before.has(session)));
      throw error;
    }
  }

  /** Begins with the static tunnels of some peers, where those are asked for. */
  makeStatic(peers: readonly Peer[]): void {
    const { options, drain } = this.deps;
    const { staticTunnels } = options;
    // Those of peers that come meanwhile are made when it is cancelled.
    if (staticTunnels !== undefined && !drain.isDraining) void this.#makeStatic(staticTunnels, peers);
  }

  /** Removes those of some sessions that were not established, and that nobody asks for or waits for any more. */
  #removeUnused(sessions: readonly Session[]): Promise<void> {
    const { installer, missed } = this.deps;
    return installer.remove(
      sessions,
      (session) =>
        session.egress === undefined &&
        !session.asking &&
        session.wanted === 0 &&
        missed.countOf(session) === 0,
    );
  }

  #open(pairs: readonly AddressPair[]): Promise<Session[]> {
    const { peers, installer } = this.deps;
    const owned = pairs.map(({ localVip, remoteVip }) => {
      const peer = peers.ownerOf(remoteVip);
      if (peer === undefined) throw new GatewayStartError(`no peer owns ${remoteVip}`);
      return { peer, holder: OPERATOR, localVip, remoteVip } as const;
    });
    return installer.open(owned);
  }

  /**
   * Tunnels to addresses that are named by themselves are asked for until they are there. Of a prefix nobody says which
   * addresses are in use: those that its peer refuses are left to their first packet.
   */
  async #makeStatic(from: IpAddress | 'all', some: readonly Peer[]): Promise<void> {
    const { options, peers, signal, observe } = this.deps;
    const named: AddressPair[] = [];
    const ofPrefixes: AddressPair[] = [];
    for (const peer of some) {
      const single = new Set(peer.virtualIps);
      const pairs = peers.pairsOf(peer, options.maxTunnels, from === 'all' ? undefined : [from]);
      for (const pair of pairs) (single.has(pair.remoteVip) ? named : ofPrefixes).push(pair);
    }
    try {
      const [, left] = await Promise.all([this.connect(named), this.#connectPrefixes(ofPrefixes)]);
      if (signal.aborted) return;
      const tunnels = named.length + ofPrefixes.length - left;
      observe({ type: 'static-tunnels-up', tunnels, ...(left > 0 ? { refused: left } : {}) });
    } catch (error) {
      observe({ type: 'work-failed', work: 'static-tunnels', reason: reasonOf(error) });
    }
  }

  /** Resolves, when each has been established or refused, with how many were refused; those have no session. */
  async #connectPrefixes(pairs: readonly AddressPair[]): Promise<number> {
    const sessions = await this.#open(pairs);
    const refused = await this.deps.bringUp.establishGranted(
      sessions.filter(({ state }) => state !== 'established'),
    );
    await this.#removeUnused(refused);
    return refused.length;
  }
}
