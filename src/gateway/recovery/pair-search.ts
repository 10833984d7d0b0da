/**
 * Asks a peer for tunnels whose packets do not get in, where the peer cannot be told that we have started: DOCA's
 * application. Nothing says which of its pairs of addresses it sends with, so they are asked for from the directory: all
 * of them where there is room, otherwise as many as fit, and then the next ones in the place of those that carried
 * nothing, for as long as packets fail.
 */
import type { Clock } from '../../base/clock.js';
import type { CounterSelector, PipeHal } from '../../hal/hal.js';
import type { DrainState } from '../drain-state.js';
import type { GatewayObserver } from '../events.js';
import type { GatewayLimits } from '../options.js';
import type { Peer, Peers } from '../peers.js';
import type { BringUp } from '../sessions/bring-up.js';
import type { Session } from '../sessions/session.js';
import type { SessionInstaller } from '../sessions/session-installer.js';

/** Time for a tunnel to carry its first packet before it makes room; counters of hardware are a second old. */
const TRIAL_MS = 1_100;
/** Re-keys of the tunnels that are all there, while packets still fail. */
const REKEY_INTERVAL_MS = 300_000;
/** Limit on a peer's pairs that are tried: the first ones of its prefixes, as DOCA's application would have listed them. */
const PAIRS_MAX = 65_536;
/** DOCA 2.7 is asked for tunnels one by one. */
const ONE_BY_ONE_MAX = 32;

export interface PairSearchDeps {
  readonly hal: PipeHal;
  readonly clock: Clock;
  readonly observe: GatewayObserver;
  readonly limits: GatewayLimits;
  readonly peers: Peers;
  readonly installer: SessionInstaller;
  readonly bringUp: BringUp;
  readonly drain: Pick<DrainState, 'isDraining'>;
}

interface Search {
  /** Position of the next ones in the peer's pairs. */
  at: number;
  /** Made for the search, because not all fit. */
  trial: readonly Session[];
  trialSinceMs: number;
  rekeyedAtMs: number;
}

export class PairSearch {
  readonly #searches = new Map<Peer, Search>();

  constructor(private readonly deps: PairSearchDeps) {}

  /** Peers are gone; their sessions are somebody else's to remove. */
  forget(peers: readonly Peer[]): void {
    for (const peer of peers) this.#searches.delete(peer);
  }

  /** One step: at most one request, or a few where the peer refuses it; false when there was nothing to ask for. */
  async step(peer: Peer): Promise<boolean> {
    const { clock, peers, installer } = this.deps;
    const search = this.#searchOf(peer);
    const nowMs = clock.nowMs();
    const pairs = peers.pairsOf(peer, PAIRS_MAX);
    const isMissing = ({ localVip, remoteVip }: (typeof pairs)[number]) =>
      installer.sessions.get(localVip, remoteVip)?.egress === undefined;
    const missing = pairs.filter(isMissing).length;
    if (missing === 0) return this.#rekeyAll(peer, search, nowMs);
    if (this.deps.drain.isDraining) return false;
    let room = installer.capacity - installer.sessions.order.size;
    if (room < missing) {
      if (nowMs - search.trialSinceMs < TRIAL_MS) return false;
      await this.#dropUnused(search);
      room = installer.capacity - installer.sessions.order.size;
    }
    const atOnce = Math.min(room, this.#atOnce(peer));
    const batch: typeof pairs = [];
    let steps = 0;
    for (; steps < pairs.length && batch.length < atOnce; steps++) {
      const pair = pairs[(search.at + steps) % pairs.length]!;
      if (isMissing(pair)) batch.push(pair);
    }
    search.at = (search.at + steps) % pairs.length;
    if (batch.length === 0) return false;
    this.deps.observe({ type: 'pair-search', peer: peer.name, tunnels: batch.length, missing });
    const known = batch.map(({ localVip, remoteVip }) => installer.sessions.get(localVip, remoteVip));
    const sessions = await installer.open(batch.map((pair) => ({ peer, holder: peer, ...pair })));
    const fresh = sessions.filter((_, i) => known[i] === undefined);
    await this.deps.bringUp.once(peer, sessions);
    // A peer that does not answer is asked again when its packets come again.
    await installer.remove(fresh.filter(isUnused));
    if (room < missing) {
      search.trial = [...search.trial, ...fresh];
      search.trialSinceMs = clock.nowMs();
    }
    return true;
  }

  async #rekeyAll(peer: Peer, search: Search, nowMs: number): Promise<boolean> {
    if (nowMs - search.rekeyedAtMs < REKEY_INTERVAL_MS) return false;
    search.rekeyedAtMs = nowMs;
    const sessions = [...this.deps.installer.sessions].filter(
      (session) => session.peer === peer && session.state === 'established',
    );
    await this.deps.bringUp.once(peer, sessions.slice(0, this.#atOnce(peer)));
    return true;
  }

  #atOnce({ dialect }: Peer): number {
    const { tunnelsPerRequest } = this.deps.limits;
    return dialect === '2.7' ? Math.min(ONE_BY_ONE_MAX, tunnelsPerRequest) : tunnelsPerRequest;
  }

  /** Takes away what was made to try and carried nothing, in either direction. */
  async #dropUnused(search: Search): Promise<void> {
    const trial = search.trial.filter(({ state }) => state !== 'removed');
    search.trial = [];
    const entriesOf = ({ ingress, egress }: Session) =>
      [egress?.entry, ...ingress.map(({ entry }) => entry)].filter((entry) => entry !== undefined);
    // With the ingress ACL off nobody counts what comes in under a tunnel.
    const counted = trial.filter(({ ingress }) => ingress.every(({ entry }) => entry !== undefined));
    const selectors = counted.flatMap((session) => entriesOf(session).map((id): CounterSelector => ({ id })));
    const counters = await this.deps.hal.counters(selectors);
    let at = 0;
    const unused = counted.filter((session) => {
      const count = entriesOf(session).length;
      at += count;
      return counters.slice(at - count, at).every(({ packets }) => packets === 0n);
    });
    await this.deps.installer.remove(unused);
  }

  #searchOf(peer: Peer): Search {
    let search = this.#searches.get(peer);
    if (search === undefined) {
      const never = Number.NEGATIVE_INFINITY;
      search = { at: 0, trial: [], trialSinceMs: never, rekeyedAtMs: never };
      this.#searches.set(peer, search);
    }
    return search;
  }
}

/** Neither side has anything of it. */
function isUnused({ state, egress, wanted }: Session): boolean {
  return egress === undefined && !wanted && state !== 'requesting' && state !== 'removed';
}
