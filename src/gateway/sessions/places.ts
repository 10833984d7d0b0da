/**
 * Places in the table of sessions: who may have one more, who makes room in a full table (fair-share.ts says who has to), and
 * what becomes of a session that loses its place. It is dormant then; of dormant sessions there are as many as places at most.
 *
 * All methods but `mayTakePlace`, `share` and `grants` are steps: none may begin before the one before has settled.
 */
import type { Clock } from '../../base/clock.js';
import type { IpAddress } from '../../packet/address.js';
import { TokenBucket } from '../doors/token-bucket.js';
import type { GatewayObserver } from '../events.js';
import type { Peer } from '../peers.js';
import { tunnelLimits } from '../pipeline/limits.js';
import type { LocalVips } from '../pipeline/local-vips.js';
import { OwnLimitError, RpcError } from '../rpc/transport.js';
import type { EgressRoutes } from './egress-routes.js';
import { fairShare, planRoom, type VacatedReason, type Victim } from './fair-share.js';
import type { IngressSpis } from './ingress-spis.js';
import type { SessionListener } from './listeners.js';
import {
  type Holder,
  hasPlace,
  holderText,
  newSession,
  OPERATOR,
  type Session,
  transition,
} from './session.js';
import type { SessionTable } from './session-table.js';
import type { SessionUse } from './session-use.js';

/** Looks at counters for idle sessions, per request that needs room. Each look that finds one in use puts it to the end. */
const IDLE_LOOKS_MAX = 4;

/** A session that is wanted, and by whom. */
export interface Wanted {
  readonly localVip: IpAddress;
  readonly remoteVip: IpAddress;
  /** Owner of remoteVip. */
  readonly peer: Peer;
  /** Whose place it will take when it has none yet. */
  readonly holder: Holder;
}

/** Counters of the places in the tables. */
export interface TableCounters {
  /** Sessions that were idle for --idle-timeout, and lost their place. */
  idle: number;
  /** Likewise, when the table was full and before the next look would have found them. */
  idleInFullTable: number;
  /** Sessions in use whose holder had more than its share. */
  aboveShare: number;
  /** Sessions in use that made room for another of their own holder. */
  replaced: number;
  /** Dormant sessions that got a place again. */
  woken: number;
  /** Dormant sessions that went because there were too many. */
  dormantDropped: number;
  /** Sessions that found no place. */
  refused: number;
  /** Those of them of a holder that replaces its own sessions faster than --session-replacements. */
  refusedTooFast: number;
}

export interface PlacesDeps {
  readonly clock: Clock;
  readonly sessions: SessionTable;
  readonly use: SessionUse;
  readonly routes: Pick<EgressRoutes, 'remove'>;
  readonly spis: Pick<IngressSpis, 'close' | 'placeGained' | 'placeLost' | 'aclEntries'>;
  readonly localVips: Pick<LocalVips, 'acquire' | 'release'>;
  /** Entries that the device would not take back. */
  readonly entriesLeft: () => number;
  readonly maxTunnels: number;
  /** Key slots of the device: where these are too few for --max-tunnels there are fewer places. */
  readonly deviceKeySlots: number;
  /** --session-replacements. */
  readonly replacementsPerSecond: number;
  readonly observe: GatewayObserver;
  readonly sessionListener: Pick<SessionListener, 'onVacated'>;
}

export class Places {
  /** Sessions that may have a place. */
  readonly capacity: number;
  readonly counters: TableCounters = {
    idle: 0,
    idleInFullTable: 0,
    aboveShare: 0,
    replaced: 0,
    woken: 0,
    dormantDropped: 0,
    refused: 0,
    refusedTooFast: 0,
  };
  /** Rate at which each holder replaces its own sessions. There are at most as many holders as peers and addresses of ours. */
  readonly #replacements = new Map<Holder, TokenBucket>();
  /** Number of requests that are being granted for a session: for as long as we take, not as long as the peer does. */
  readonly #granting = new Map<Session, number>();

  constructor(private readonly deps: PlacesDeps) {
    this.capacity = tunnelLimits(deps.maxTunnels, deps.deviceKeySlots).tunnels;
  }

  /** The places that each holder may have for certain, as things are. */
  get share(): number {
    const { order } = this.deps.sessions;
    const operatorHolds = order.heldBy(OPERATOR);
    return fairShare(this.capacity, operatorHolds, order.holderCount - (operatorHolds > 0 ? 1 : 0));
  }

  /**
   * Whether a holder could get one more place. Costs the same however full the table is; true may turn out wrong, when
   * sessions that seem idle are not.
   */
  mayTakePlace(holder: Holder): boolean {
    const { sessions, use } = this.deps;
    const { order } = sessions;
    if (order.size < this.capacity || (order.oldest !== undefined && use.seemsIdle(order.oldest)))
      return true;
    const operatorHolds = order.heldBy(OPERATOR);
    const held = order.heldBy(holder);
    const holders = order.holderCount - (operatorHolds > 0 ? 1 : 0) + (held === 0 ? 1 : 0);
    const share = fairShare(this.capacity, operatorHolds, holders);
    const most = order.mostHeld();
    if (most.holder !== holder && most.count > Math.max(share, held + 1)) return true;
    if (held + 1 > share && held > 0 && this.#replacementsOf(holder).has(1)) return true;
    this.counters.refused++;
    if (held + 1 > share) this.counters.refusedTooFast++;
    return false;
  }

  /**
   * The sessions of some pairs, each with a place; made, or woken, where they have none. Throws RESOURCE_EXHAUSTED, and
   * nothing has changed, when there is no room for all of them that the holders may have; or HalError.
   */
  async open(wanted: readonly Wanted[]): Promise<Session[]> {
    const { sessions, use, localVips } = this.deps;
    const pairs = new Set<string>();
    const fresh = wanted.filter(({ localVip, remoteVip }) => {
      const known = sessions.get(localVip, remoteVip);
      if (known !== undefined && hasPlace(known)) return false;
      const pair = `${localVip} ${remoteVip}`;
      if (pairs.has(pair)) return false;
      pairs.add(pair);
      return true;
    });
    await this.#makeRoomFor(wanted, fresh);
    const usedAtS = use.usedNowS;
    const acquired: IpAddress[] = [];
    const made: Session[] = [];
    try {
      for (const { localVip, remoteVip, peer, holder } of fresh) {
        if (sessions.get(localVip, remoteVip) !== undefined) continue;
        await localVips.acquire(localVip);
        acquired.push(localVip);
        made.push(newSession(localVip, remoteVip, peer, holder, usedAtS));
      }
    } catch (error) {
      for (const localVip of acquired) await localVips.release(localVip);
      throw error;
    }
    for (const session of made) sessions.add(session);
    return wanted.map(({ localVip, remoteVip, peer, holder }) => {
      const session = sessions.get(localVip, remoteVip)!;
      if (!hasPlace(session)) this.#wake(session, peer, holder, usedAtS);
      return session;
    });
  }

  /** One request more, or one less, is being granted for a session, which keeps its place meanwhile. */
  grants(session: Session, change: 1 | -1): void {
    const requests = (this.#granting.get(session) ?? 0) + change;
    if (requests > 0) this.#granting.set(session, requests);
    else this.#granting.delete(session);
  }

  /** Takes the places of those of some unused sessions that were idle for too long, and that nobody answers for just now. */
  async vacateIdle(unused: readonly Session[]): Promise<void> {
    const idle = unused.filter(
      (session) =>
        session.holder !== OPERATOR && this.deps.use.seemsIdle(session) && !this.#granting.has(session),
    );
    await this.#vacate(idle.map((session) => ({ session, reason: 'idle' })));
  }

  /** Peers are gone, and hold nothing any more. */
  forget(holders: readonly Holder[]): void {
    for (const holder of holders) this.#replacements.delete(holder);
  }

  /** Packets came for a dormant session: where there is room it has a place again, which is its peer's. */
  wakeUsed(session: Session): void {
    const { sessions, use } = this.deps;
    if (sessions.order.size < this.capacity) this.#wake(session, session.peer, session.peer, use.usedNowS);
  }

  /** Dormant sessions go as long as entries of the ingress ACL are needed, for `count` more SPIs, that there are not. */
  async dropDormantForAcl(count: number): Promise<void> {
    const { sessions, spis, maxTunnels, entriesLeft } = this.deps;
    const most = tunnelLimits(maxTunnels).ingressEntries;
    while (spis.aclEntries + entriesLeft() + count > most && sessions.dormant.size > 0)
      await this.#dropDormant();
  }

  /** Takes one session out of the device and all tables. When its egress route cannot be removed it stays, and this rejects. */
  async remove(session: Session, reason?: VacatedReason): Promise<void> {
    const { sessions, routes, spis, localVips, sessionListener } = this.deps;
    const kept = await routes.remove([session]);
    if (kept !== undefined) throw kept.error;
    const had = hasPlace(session);
    if (had) spis.placeLost(session);
    sessions.delete(session, had ? sessions.order : sessions.dormant);
    transition(session, 'removed');
    await spis.close(session.ingress.map((ingress) => ({ session, ingress })));
    await localVips.release(session.localVip);
    if (had) this.#tellRemoved(session, reason);
    sessionListener.onVacated(session, reason ?? 'removed');
  }

  /** Takes as many places as the fresh ones among `wanted` need. Throws RESOURCE_EXHAUSTED, having taken none. */
  async #makeRoomFor(wanted: readonly Wanted[], fresh: readonly Wanted[]): Promise<void> {
    const { capacity, counters } = this;
    const { sessions } = this.deps;
    const { order } = sessions;
    const surplus = order.size + fresh.length - capacity;
    if (surplus <= 0) return;
    const asked = new Set<Session>();
    for (const { localVip, remoteVip } of wanted) {
      const known = sessions.get(localVip, remoteVip);
      if (known !== undefined) asked.add(known);
    }
    const keep = (session: Session) => asked.has(session) || this.#granting.has(session);
    const idle = fresh.length > capacity ? [] : await this.#idleOnes(surplus, keep);
    const holders = fresh.map(({ holder }) => holder);
    const victims = fresh.length > capacity ? undefined : planRoom({ order, capacity, holders, idle, keep });
    if (victims === undefined) {
      counters.refused += fresh.length;
      throw new OwnLimitError(
        `more than ${capacity} tunnels (--max-tunnels), and none that would have to go for these`,
      );
    }
    this.#payForReplacements(victims, fresh.length);
    await this.#vacate(victims);
  }

  /** Throws RESOURCE_EXHAUSTED, having taken nothing, when a holder replaces its own sessions too fast. */
  #payForReplacements(victims: readonly Victim[], wanted: number): void {
    const replaced = new Map<Holder, number>();
    for (const { session, reason } of victims) {
      if (reason === 'replaced') replaced.set(session.holder, (replaced.get(session.holder) ?? 0) + 1);
    }
    const payers = [...replaced];
    if (payers.every(([holder, count]) => this.#replacementsOf(holder).has(count))) {
      for (const [holder, count] of payers) this.#replacementsOf(holder).take(count);
      return;
    }
    this.counters.refused += wanted;
    this.counters.refusedTooFast += wanted;
    throw new RpcError(
      'RESOURCE_EXHAUSTED',
      `all ${this.capacity} tunnels are taken (--max-tunnels), and own ones are replaced too fast (--session-replacements)`,
    );
  }

  #replacementsOf(holder: Holder): TokenBucket {
    let bucket = this.#replacements.get(holder);
    if (bucket === undefined) {
      const { replacementsPerSecond: perSecond, clock } = this.deps;
      bucket = new TokenBucket(perSecond, perSecond, () => clock.nowMs());
      this.#replacements.set(holder, bucket);
    }
    return bucket;
  }

  /** Up to `count` idle sessions that are not to be kept, oldest use first. */
  async #idleOnes(count: number, keep: (session: Session) => boolean): Promise<Session[]> {
    const { sessions, use } = this.deps;
    const { order } = sessions;
    const idle = new Set<Session>();
    for (let look = 0; look < IDLE_LOOKS_MAX && idle.size < count; look++) {
      const candidates: Session[] = [];
      for (const session of order) {
        if (idle.size + candidates.length === count || !use.seemsIdle(session)) break;
        if (!idle.has(session) && !keep(session)) candidates.push(session);
      }
      if (candidates.length === 0) break;
      for (const session of await use.unused(candidates, order)) idle.add(session);
    }
    return [...idle];
  }

  /**
   * Takes the places of sessions: their egress routes go, and they are dormant from then on; those that a peer cannot send
   * under anyway are gone. Where the device would not remove an egress route, that session stays as it is, and this rejects.
   */
  async #vacate(victims: readonly Victim[]): Promise<void> {
    if (victims.length === 0) return;
    const { sessions, routes, spis, sessionListener } = this.deps;
    const { order, dormant } = sessions;
    const kept = await routes.remove(victims.map(({ session }) => session));
    for (const { session, reason } of victims) {
      if (kept?.sessions.has(session)) continue;
      this.#count(reason);
      if (session.ingress.some(({ entry }) => entry !== undefined)) {
        spis.placeLost(session);
        order.delete(session);
        transition(session, 'vacated');
        dormant.add(session);
        this.#tellRemoved(session, reason);
        sessionListener.onVacated(session, reason);
      } else await this.remove(session, reason);
    }
    while (dormant.size > this.capacity) await this.#dropDormant();
    if (kept !== undefined) throw kept.error;
  }

  #count(reason: VacatedReason): void {
    const { counters } = this;
    if (reason === 'idle') counters.idle++;
    else if (reason === 'idle-in-full-table') counters.idleInFullTable++;
    else if (reason === 'above-share') counters.aboveShare++;
    else counters.replaced++;
  }

  /** A dormant session has a place again, which there is. */
  #wake(session: Session, peer: Peer, holder: Holder, usedAtS: number): void {
    const { sessions, spis } = this.deps;
    sessions.dormant.delete(session);
    transition(session, 'woken');
    // An exchange that was under way when it lost its place is so still.
    if (session.asking) transition(session, 'request');
    session.peer = peer;
    session.holder = holder;
    session.usedAtS = usedAtS;
    spis.placeGained(session);
    sessions.order.add(session);
    this.counters.woken++;
  }

  /** One dormant session goes: of the holder that has most of them the one that was not used for longest. */
  async #dropDormant(): Promise<void> {
    const { dormant } = this.deps.sessions;
    const { holder } = dormant.mostHeld();
    const [session = dormant.oldest] = holder === undefined ? [] : dormant.of(holder);
    if (session === undefined) return;
    this.counters.dormantDropped++;
    await this.remove(session);
  }

  #tellRemoved(session: Session, reason?: VacatedReason): void {
    const { localVip, remoteVip, holder, peer, establishedAtS } = session;
    const nowS = Math.floor(this.deps.clock.nowMs() / 1000);
    session.establishedAtS = 0;
    this.deps.observe({
      type: 'session-removed',
      peer: peer.name,
      ...(establishedAtS === 0 ? {} : { ageS: Math.max(0, nowS - establishedAtS) }),
      ...(reason === undefined ? {} : { reason }),
      holder: holderText(holder),
      localVip,
      remoteVip,
    });
  }
}
