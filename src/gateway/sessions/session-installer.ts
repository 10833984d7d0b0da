/**
 * Sessions in the device: opens SPIs for peers to send under, installs the egress routes, and takes both away again. This
 * file has the transactions: which steps there are, and in which order each does what others know how to do. Each step is
 * done whole or not at all. Steps run one after the other, so two exchanges for one pair cannot meet half way, and no
 * rotation of the master key comes between a key and its entry; peers take turns.
 *
 * What a step is made of: places in the table (places.ts), SPIs (ingress-spis.ts), routes (egress-routes.ts), key slots
 * (device-key-slots.ts), looks at counters (look-round.ts, session-use.ts), and what the device would not take back
 * (leftovers.ts), which is tried again here.
 */
import type { Clock, Timer } from '../../base/clock.js';
import type { PipeHal } from '../../hal/hal.js';
import type { IpAddress, MacAddress } from '../../packet/address.js';
import type { PspVersion } from '../../psp/header.js';
import type { DrainState } from '../drain-state.js';
import type { GatewayObserver } from '../events.js';
import type { GatewayOptions } from '../options.js';
import type { Peer } from '../peers.js';
import { Leftovers } from '../pipeline/leftovers.js';
import { tunnelLimits } from '../pipeline/limits.js';
import { LocalVips } from '../pipeline/local-vips.js';
import type { PipelineOptions } from '../pipeline/pipeline-options.js';
import { RpcError } from '../rpc/transport.js';
import { DeviceKeySlots } from './device-key-slots.js';
import { type EgressRoute, EgressRoutes } from './egress-routes.js';
import { FairQueue } from './fair-queue.js';
import { IngressSpis, type Offer, type SessionSpi } from './ingress-spis.js';
import type { SessionListener, SpiShortageListener } from './listeners.js';
import { LookRound } from './look-round.js';
import { Places, type TableCounters, type Wanted } from './places.js';
import { type Holder, hasPlace, type Session } from './session.js';
import { SessionTable } from './session-table.js';
import { SessionUse } from './session-use.js';

/** Time between two attempts to remove what the device would not remove. */
const LEFTOVERS_RETRY_MS = 1000;

export interface InstallerDeps {
  readonly hal: PipeHal;
  readonly clock: Clock;
  readonly options: GatewayOptions;
  readonly pipeline: PipelineOptions;
  /** Our uplink, as peers must see it. */
  readonly uplink: { readonly mac: MacAddress; readonly ip: IpAddress };
  readonly fillRandom: (octets: Uint8Array) => void;
  readonly observe: GatewayObserver;
  readonly shortageListener: SpiShortageListener;
  readonly sessionListener: Pick<SessionListener, 'onStays' | 'onVacated'>;
  /** Gets every key with --debug-keys. */
  readonly debugKey: (text: string, spi: number, key: Uint8Array) => void;
  /** Whether sessions of a pair may be with a peer, as peers are configured now. */
  readonly mayTalk: (pair: Pick<Wanted, 'peer' | 'localVip' | 'remoteVip'>) => boolean;
  /** Whether new tunnels are made. */
  readonly drain: Pick<DrainState, 'assertNew'>;
  /** Whether a peer has to prove an underlay address before workloads' packets go there. */
  readonly isHeld: (peer: Peer, underlayIp: IpAddress) => boolean;
}

export class SessionInstaller {
  readonly sessions = new SessionTable();
  readonly #slots: DeviceKeySlots;
  readonly #leftovers: Leftovers;
  readonly #spis: IngressSpis;
  readonly #routes: EgressRoutes;
  readonly #use: SessionUse;
  readonly #places: Places;
  readonly #round: LookRound;
  readonly #queue: FairQueue;
  #retryTimer: Timer | undefined;
  #stopped = false;

  constructor(private readonly deps: InstallerDeps) {
    const { hal, clock, options, pipeline } = deps;
    const { maxTunnels, limits } = options;
    const { sessions } = this;
    const deviceKeySlots = hal.device.limits.keySlots;
    this.#queue = new FairQueue(clock);
    this.#leftovers = new Leftovers({
      hal,
      onLeft: () => this.#retryLater(),
      onSpi: (spi, held) => this.#spis.hold(spi, held),
      onSlotsFree: (slots) => this.#slots.free(slots),
    });
    const leftovers = this.#leftovers;
    this.#slots = new DeviceKeySlots({
      hal,
      clock,
      count: tunnelLimits(maxTunnels, deviceKeySlots).keySlots,
      isNamed: (slot) => leftovers.holdsSlot(slot),
      onUncleared: () => this.#retryLater(),
    });
    const localVips = new LocalVips(hal, leftovers, pipeline);
    // What is spread stands last: otherwise each gateway's object has a hidden class of its own (docs/bench.md).
    this.#spis = new IngressSpis({ leftovers, localVips, ...deps });
    this.#routes = new EgressRoutes({ leftovers, localVips, slots: this.#slots, ...deps });
    this.#use = new SessionUse(hal, clock, limits.sessionIdleS);
    this.#places = new Places({
      sessions,
      use: this.#use,
      routes: this.#routes,
      spis: this.#spis,
      localVips,
      entriesLeft: () => leftovers.size,
      maxTunnels,
      deviceKeySlots,
      replacementsPerSecond: limits.sessionReplacementsPerSecond,
      ...deps,
    });
    this.#round = new LookRound({
      sessions,
      use: this.#use,
      places: this.#places,
      ingressAcl: options.ingressAcl,
    });
  }

  /** Sessions that may have a place: --max-tunnels, or what the device has key slots for. */
  get capacity(): number {
    return this.#places.capacity;
  }

  get counters(): Readonly<TableCounters> {
    return this.#places.counters;
  }

  /** The places that each holder may have for certain, as things are. */
  get share(): number {
    return this.#places.share;
  }

  /** Master key rotations so far. */
  get generation(): number {
    return this.#spis.generation;
  }

  get keySlotsUsed(): number {
    return this.#slots.used;
  }

  /** Key slots that may be used. */
  get keySlots(): number {
    return this.#slots.count;
  }

  /** SPIs that were given out under the active master key, and those that it has left. */
  get spiSupply(): { readonly given: number; readonly left: number } {
    return this.#spis.supply;
  }

  /** Entries that the device would not remove, which wait for another attempt. */
  get entriesLeft(): number {
    return this.#leftovers.size;
  }

  /** Removals that the device has refused so far, and SPIs that it gave out although they were not free. */
  get refusedByDevice(): { readonly removals: number; readonly spis: number } {
    return { removals: this.#leftovers.refused, spis: this.#spis.refused };
  }

  /**
   * SPIs of sessions with a place that are open although their master key is not the active one: the next rotation ends
   * them. Those of dormant sessions wait for nobody; when packets come under one, it gets a place again where there is one.
   */
  get doomedSpis(): number {
    return this.#spis.doomed;
  }

  /** A packet waits for a session. */
  touch(session: Session): void {
    if (hasPlace(session)) this.sessions.order.touch(session, this.#use.usedNowS);
  }

  /**
   * Whether a holder could get one more place. Costs the same however full the table is; true may turn out wrong, when
   * sessions that seem idle are not.
   */
  mayTakePlace(holder: Holder): boolean {
    return this.#places.mayTakePlace(holder);
  }

  /**
   * The sessions of some pairs, each with a place; made, or woken, where they have none. Throws RESOURCE_EXHAUSTED, and
   * nothing has changed, when there is no room for all of them that the holders may have; FAILED_PRECONDITION likewise while the
   * gateway drains, when there is not each of them.
   * With `granting` they keep their places, whoever needs one, until `granted` is called.
   */
  open(wanted: readonly Wanted[], granting = false): Promise<Session[]> {
    return this.#queue.run(wanted[0]?.peer ?? this, async () => {
      // Whose turn comes after peers were configured anew may be asking for what was another's.
      if (!wanted.every(this.deps.mayTalk))
        throw new RpcError('ABORTED', 'the configuration of peers has changed in the meantime');
      const isThere = ({ localVip, remoteVip }: Wanted) =>
        this.sessions.get(localVip, remoteVip) !== undefined;
      if (!wanted.every(isThere)) this.deps.drain.assertNew();
      const all = await this.#places.open(wanted);
      if (granting) for (const session of all) this.#places.grants(session, 1);
      return all;
    });
  }

  /** Sessions that `open` gave with `granting` may lose their places again. */
  granted(sessions: readonly Session[]): void {
    for (const session of sessions) this.#places.grants(session, -1);
  }

  /** Opens a fresh SPI for each session. */
  offer(sessions: readonly Session[], version: PspVersion): Promise<Offer[]> {
    return this.#queue.run(sessions[0]?.peer ?? this, async () => {
      for (const session of sessions) await this.#spis.makeRoom(session);
      if (this.deps.options.ingressAcl) await this.#places.dropDormantForAcl(sessions.length);
      return this.#spis.open(sessions, version);
    });
  }

  /** Closes SPIs: nothing is accepted under them any more, or, where the device refuses, as soon as it does not. */
  close(closing: readonly SessionSpi[]): Promise<void> {
    return this.#queue.run(this.#laneOf(closing.map(({ session }) => session)), () =>
      this.#spis.close(closing),
    );
  }

  /** Whether an SPI of a session is open still. */
  isOpen(one: SessionSpi): boolean {
    return this.#spis.isOpen(one);
  }

  /**
   * Rotates the master key, and closes all SPIs of the one that dies with it before a key of the new one is given out.
   * Gives the sessions that had such an SPI and no newer one. Rejects, having changed nothing here, when the device
   * does: should it have rotated all the same, it gives out no SPI that is open, because none of them is given out twice.
   */
  rotate(): Promise<Session[]> {
    const { order, dormant } = this.sessions;
    return this.#queue.run(this, () => this.#spis.rotate(() => [...order, ...dormant]));
  }

  /** Installs the egress route of each session, or replaces it in place. All or none. The keys are wiped then. */
  connect(routes: readonly EgressRoute[]): Promise<void> {
    const live = () => routes.filter(({ session }) => hasPlace(session));
    return this.#queue.run(
      routes[0]?.session.peer ?? this,
      () =>
        this.#routes.install(live()).finally(() => {
          for (const { parameters } of routes) parameters.key.fill(0);
        }),
      () => this.#slots.waitMs(live().length),
    );
  }

  /** A peer has proved its address: the workloads' packets for it go by themselves from now on. Gives the sessions. */
  release(peer: Peer, underlayIp: IpAddress): Promise<Session[]> {
    return this.#queue.run(peer, async () => {
      const sessions = [...this.sessions.order].filter(
        ({ peer: other, egress }) =>
          egress?.held === true && egress.underlayIp === underlayIp && !this.deps.isHeld(other, underlayIp),
      );
      await this.#routes.release(sessions);
      return sessions;
    });
  }

  /**
   * Takes sessions out of the device and the table, dormant ones too; those only that are still `unwanted` when their turn
   * comes. Rejects when the device would not.
   */
  remove(sessions: readonly Session[], unwanted: (session: Session) => boolean = () => true): Promise<void> {
    return this.#queue.run(this.#laneOf(sessions), async () => {
      for (const session of sessions) {
        if (session.state !== 'removed' && unwanted(session)) await this.#places.remove(session);
      }
    });
  }

  /** Another --idle-timeout from now on. */
  limit(idleS: number): void {
    this.#use.limit(idleS);
  }

  /** Peers are gone, and hold nothing any more. */
  forget(peers: readonly Peer[]): void {
    this.#places.forget(peers);
  }

  /**
   * Looks at the counters of the next `count` sessions, in the order of their last use, and takes the places of those that
   * have been idle for too long; dormant ones under which packets came get a place again where there is room. Gives those
   * that send and get nothing back, now and then: their peers may have none of the SPIs any more that we send under.
   */
  look(count: number): Promise<Session[]> {
    return this.#queue.run(this, () => this.#round.look(count));
  }

  /** Resolves when nothing is under way any more. */
  settled(): Promise<void> {
    return this.#queue.idle();
  }

  /** Nothing is tried again from now on. */
  stop(): void {
    this.#stopped = true;
    this.#retryTimer?.cancel();
    this.#queue.stopWaiting();
  }

  /** A peer's own lane where all sessions are that peer's, otherwise the gateway's. */
  #laneOf(sessions: readonly Session[]): object {
    const peer = sessions[0]?.peer;
    return peer !== undefined && sessions.every((session) => session.peer === peer) ? peer : this;
  }

  /** Removals and wipes that the device has refused are tried again after a while. */
  #retryLater(): void {
    const waiting = this.#leftovers.size > 0 || this.#slots.uncleared > 0;
    if (!waiting || this.#stopped || this.#retryTimer !== undefined) return;
    const [entries, keys] = [this.#leftovers.size, this.#slots.uncleared];
    this.deps.observe({ type: 'device-leftovers', entries, keys });
    this.#retryTimer = this.deps.clock.setTimer(() => {
      this.#retryTimer = undefined;
      void this.#queue.run(this, async () => {
        await this.#leftovers.retry();
        await this.#slots.retry();
        this.#retryLater();
      });
    }, LEFTOVERS_RETRY_MS);
  }
}
