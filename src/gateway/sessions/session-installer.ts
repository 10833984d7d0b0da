/**
 * Sessions in the device: opens SPIs for peers to send under, installs the egress routes, and takes both away again. Each
 * step is done whole or not at all. Steps run one after the other, so two exchanges for one pair cannot meet half way,
 * and no rotation of the master key comes between a key and its entry; peers take turns.
 *
 * The tables are of one size, --max-tunnels or what the device has key slots for. Who makes room in a full one is said
 * in fair-share.ts. A session that loses its place becomes dormant; of those there are as many at most.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { HalError, reasonOf } from '../../hal/errors.js';
import type { CounterSelector, EntryId, EntryOperation, EntryResult, PipeHal } from '../../hal/hal.js';
import type { IpAddress, MacAddress } from '../../packet/address.js';
import { keyLengthOctets, type PspVersion } from '../../psp/header.js';
import { TokenBucket } from '../doors/token-bucket.js';
import type { GatewayObserver } from '../events.js';
import type { Logger } from '../log.js';
import type { GatewayOptions } from '../options.js';
import type { Peer } from '../peers.js';
import { applyAll } from '../pipeline/apply.js';
import { buildEncapHeader } from '../pipeline/encap-header.js';
import { HeaderStore } from '../pipeline/header-store.js';
import { type Leaving, Leftovers } from '../pipeline/leftovers.js';
import { INGRESS_SPIS_PER_TUNNEL_MAX, tunnelLimits } from '../pipeline/limits.js';
import { LocalVips } from '../pipeline/local-vips.js';
import type { PipelineOptions } from '../pipeline/pipeline.js';
import {
  defaultCryptOffsetWords,
  egressAclEntry,
  egressTrialEntry,
  egressValues,
  ingressAclEntry,
  pspEncryptEntry,
} from '../pipeline/pipeline-entries.js';
import { RpcError } from '../rpc/transport.js';
import type { TunnelParameters } from '../rpc/tunnel-messages.js';
import { FairQueue } from './fair-queue.js';
import { fairShare, planRoom, type VacatedReason, type Victim } from './fair-share.js';
import { KeyDraw } from './key-draw.js';
import { KeySlots } from './key-slots.js';
import {
  type Egress,
  type Holder,
  hasPlace,
  holderText,
  type IngressSpi,
  type IngressState,
  newSession,
  OPERATOR,
  type Session,
  transition,
} from './session.js';
import { SessionTable } from './session-table.js';
import type { UseOrder } from './use-order.js';

const EXPENDABLE_FIRST: readonly IngressState[] = ['retiring', 'doubtful', 'given', 'offered'];
/** Looks at a session that sends and gets nothing back after which its peer is asked again; then twice as many, and so on. */
const UNANSWERED_LOOKS_MIN = 2;
const UNANSWERED_LOOKS_MAX = 32;
/** Time between two attempts to remove what the device would not remove. */
const LEFTOVERS_RETRY_MS = 1000;
/** Looks at counters for idle sessions, per request that needs room. Each look that finds one in use puts it to the end. */
const IDLE_LOOKS_MAX = 4;
/** A wall clock that goes on by more than this between two looks, or back, makes no session idle. */
const CLOCK_STEP_MS_MAX = 60_000;
/** Counts of packets are kept modulo this, so that they stay small integers, which cost no memory of their own. */
const COUNT_BITS = 30;

export interface InstallerDeps {
  readonly hal: PipeHal;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: GatewayOptions;
  readonly pipeline: PipelineOptions;
  /** Our uplink, as peers must see it. */
  readonly uplink: { readonly mac: MacAddress; readonly ip: IpAddress };
  readonly fillRandom: (octets: Uint8Array) => void;
  readonly observe: GatewayObserver;
  /** The active master key has too few SPIs left for an offer. */
  readonly onSpisExhausted: () => void;
  /** It will have soon. */
  readonly onSpisLow: () => void;
  /** Gets every key with --debug-keys. */
  readonly debugKey: (text: string, spi: number, key: Uint8Array) => void;
  /** Whether a peer has to prove an underlay address before workloads' packets go there. */
  readonly isHeld: (peer: Peer, underlayIp: IpAddress) => boolean;
  /** A session was to lose its place, and has kept it. */
  readonly onStays: (session: Session) => void;
  /** A session has lost its place, or is gone. */
  readonly onVacated: (session: Session, reason: VacatedReason | 'removed') => void;
}

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
  /** Sessions that were idle for --session-idle, and lost their place. */
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

/** An SPI and key that are ready for a peer's use. The key must be wiped once it is sent. */
export interface Offer {
  readonly session: Session;
  readonly ingress: IngressSpi;
  readonly parameters: TunnelParameters;
}

/** A session and how to reach its peer. */
export interface EgressRoute {
  readonly session: Session;
  readonly parameters: TunnelParameters;
}

export class SessionInstaller {
  readonly sessions = new SessionTable();
  /** Master key rotations so far. */
  generation = 0;
  readonly #slots: KeySlots;
  readonly #localVips: LocalVips;
  readonly #headers = new HeaderStore();
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
  /** Entries of the ingress ACL, of both families. */
  #aclEntries = 0;
  readonly #keys: KeyDraw;
  readonly #leftovers: Leftovers;
  readonly #queue: FairQueue;
  /** Slots whose keys the device would not clear. */
  #uncleared: number[] = [];
  /** SPIs of sessions with a place that are open, by the number of their master key. */
  readonly #open = new Map<number, number>();
  #retryTimer: Timer | undefined;
  #stopped = false;
  /** See #nowS. */
  #elapsedMs = 0;
  #atMs: number;

  constructor(private readonly deps: InstallerDeps) {
    const { hal, clock } = deps;
    const { maxTunnels } = deps.options;
    const limits = tunnelLimits(maxTunnels, hal.device.limits.keySlots);
    this.#queue = new FairQueue(clock);
    this.#keys = new KeyDraw(deps);
    this.#leftovers = new Leftovers({
      hal,
      onLeft: () => this.#retryLater(),
      onSpi: (spi, held) => this.#keys.hold(spi, held),
      onSlotsFree: (slots) => this.#freeSlots(slots),
    });
    this.capacity = limits.tunnels;
    this.#slots = new KeySlots(limits.keySlots, clock);
    this.#localVips = new LocalVips(hal, this.#leftovers, deps.pipeline);
    this.#atMs = clock.nowMs();
  }

  get keySlotsUsed(): number {
    return this.#slots.used;
  }

  /** Entries that the device would not remove, which wait for another attempt. */
  get entriesLeft(): number {
    return this.#leftovers.size;
  }

  /** Removals that the device has refused so far, and SPIs that it gave out although they were not free. */
  get refusedByDevice(): { readonly removals: number; readonly spis: number } {
    return { removals: this.#leftovers.refused, spis: this.#keys.refused };
  }

  /**
   * SPIs of sessions with a place that are open although their master key is not the active one: the next rotation ends
   * them. Those of dormant sessions wait for nobody; when packets come under one, it gets a place again where there is one.
   */
  get doomedSpis(): number {
    return this.#open.get(this.generation - 1) ?? 0;
  }

  /** The places that each holder may have for certain, as things are. */
  get share(): number {
    const { order } = this.sessions;
    const operatorHolds = order.heldBy(OPERATOR);
    return fairShare(this.capacity, operatorHolds, order.holderCount - (operatorHolds > 0 ? 1 : 0));
  }

  /** Seconds since the start. Looks are more frequent than this clock's longest step: what is more was a clock that was set. */
  get #nowS(): number {
    const nowMs = this.deps.clock.nowMs();
    this.#elapsedMs += Math.min(CLOCK_STEP_MS_MAX, Math.max(0, nowMs - this.#atMs));
    this.#atMs = nowMs;
    return Math.floor(this.#elapsedMs / 1000);
  }

  /** A packet waits for a session. */
  touch(session: Session): void {
    if (hasPlace(session)) this.sessions.order.touch(session, this.#nowS + 1);
  }

  /**
   * Whether a holder could get one more place. Costs the same however full the table is; true may turn out wrong, when
   * sessions that seem idle are not.
   */
  mayTakePlace(holder: Holder): boolean {
    const { order } = this.sessions;
    if (order.size < this.capacity || (order.oldest !== undefined && this.#seemsIdle(order.oldest)))
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
   * nothing has changed, when there is no room for all of them that the holders may have.
   * With `granting` they keep their places, whoever needs one, until `granted` is called.
   */
  open(wanted: readonly Wanted[], granting = false): Promise<Session[]> {
    return this.#queue.run(wanted[0]?.peer ?? this, async () => {
      const { sessions } = this;
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
      const usedAtS = this.#nowS + 1;
      const acquired: IpAddress[] = [];
      const made: Session[] = [];
      try {
        for (const { localVip, remoteVip, peer, holder } of fresh) {
          if (sessions.get(localVip, remoteVip) !== undefined) continue;
          await this.#localVips.acquire(localVip);
          acquired.push(localVip);
          made.push(newSession(localVip, remoteVip, peer, holder, usedAtS));
        }
      } catch (error) {
        for (const localVip of acquired) await this.#localVips.release(localVip);
        throw error;
      }
      for (const session of made) sessions.add(session);
      const all = wanted.map(({ localVip, remoteVip, peer, holder }) => {
        const session = sessions.get(localVip, remoteVip)!;
        if (!hasPlace(session)) this.#wake(session, peer, holder, usedAtS);
        return session;
      });
      if (granting) for (const session of all) this.#grants(session, 1);
      return all;
    });
  }

  /** Sessions that `open` gave with `granting` may lose their places again. */
  granted(sessions: readonly Session[]): void {
    for (const session of sessions) this.#grants(session, -1);
  }

  /** Opens a fresh SPI for each session. */
  offer(sessions: readonly Session[], version: PspVersion): Promise<Offer[]> {
    return this.#queue.run(sessions[0]?.peer ?? this, async () => {
      const { hal, options, pipeline, uplink } = this.deps;
      for (const session of sessions) await this.#makeRoom(session);
      if (options.ingressAcl) await this.#dropDormantForAcl(sessions.length);
      const octets = keyLengthOctets(version);
      const { spis, keys } = await this.#keys.draw(octets, sessions.length);
      const cookies = options.cookies ? this.#cookies(sessions.length) : undefined;
      const operations = options.ingressAcl
        ? sessions.map((session, i) =>
            ingressAclEntry(pipeline, {
              spi: spis[i]!,
              remoteVip: session.remoteVip,
              localVip: session.localVip,
              localVipId: this.#localVips.idOf(session.localVip),
              cookie: cookies?.[i] ?? 0n,
              decapMacs: pipeline.decapMacs,
            }),
          )
        : [];
      const names = (i: number) => ({ spi: spis[i]! });
      const entries = await applyAll(hal, this.#leftovers, operations, { names }).catch((error: unknown) => {
        keys.fill(0);
        throw error;
      });
      this.#aclEntries += entries.length;
      return sessions.map((session, i) => {
        const spi = spis[i]!;
        const key = keys.subarray(i * octets, (i + 1) * octets);
        const entry = entries[i];
        const ingress: IngressSpi = {
          spi,
          ...(entry === undefined ? {} : { entry }),
          generation: this.generation,
          state: 'offered',
          givenAtMs: 0,
          contested: false,
          clearAtMs: 0,
          packetsSeen: 0,
        };
        // Not push: a list that grows from empty takes room for seventeen.
        session.ingress = [...session.ingress, ingress];
        if (hasPlace(session)) this.#countOpen(ingress, 1);
        this.deps.observe({
          type: 'ingress-opened',
          spi,
          localVip: session.localVip,
          remoteVip: session.remoteVip,
        });
        this.deps.debugKey('given out', spi, key);
        return {
          session,
          ingress,
          parameters: {
            mac: uplink.mac,
            underlayIp: uplink.ip,
            pspVersion: version,
            spi,
            key,
            cookie: cookies?.[i] ?? 0n,
          },
        };
      });
    });
  }

  /** Closes SPIs: nothing is accepted under them any more, or, where the device refuses, as soon as it does not. */
  close(closing: readonly { readonly session: Session; readonly ingress: IngressSpi }[]): Promise<void> {
    return this.#queue.run(this.#laneOf(closing.map(({ session }) => session)), () => this.#close(closing));
  }

  /** Whether an SPI of a session is open still. */
  isOpen({ session, ingress }: { readonly session: Session; readonly ingress: IngressSpi }): boolean {
    return session.ingress.includes(ingress);
  }

  /**
   * Rotates the master key, and closes all SPIs of the one that dies with it before a key of the new one is given out.
   * Gives the sessions that had such an SPI and no newer one. Rejects, having changed nothing here, when the device
   * does: should it have rotated all the same, it gives out no SPI that is open, because none of them is given out twice.
   */
  rotate(): Promise<Session[]> {
    return this.#queue.run(this, async () => {
      await this.deps.hal.rotateMasterKey();
      this.generation++;
      this.#keys.rotate();
      const { order, dormant } = this.sessions;
      const dead = [...order, ...dormant].flatMap((session) =>
        session.ingress
          .filter(({ generation }) => generation < this.generation - 1)
          .map((ingress) => ({ session, ingress })),
      );
      const cut = new Set(
        dead.flatMap(({ session, ingress }) => (ingress.state === 'retiring' ? [] : session)),
      );
      await this.#close(dead);
      return [...cut];
    });
  }

  /** Installs the egress route of each session, or replaces it in place. All or none. */
  connect(routes: readonly EgressRoute[]): Promise<void> {
    const live = () => routes.filter(({ session }) => hasPlace(session));
    return this.#queue.run(
      routes[0]?.session.peer ?? this,
      () =>
        this.#connect(live()).finally(() => {
          for (const { parameters } of routes) parameters.key.fill(0);
        }),
      () => this.#slots.waitMs(live().length),
    );
  }

  async #connect(routes: readonly EgressRoute[]): Promise<void> {
    const { hal, pipeline, observe } = this.deps;
    const slots = this.#takeSlots(routes.length);
    const names = (i: number) => ({ slots: [slots[i]!] });
    try {
      const failed = (
        await hal.setKeys(routes.map(({ parameters }, i) => ({ cryptoId: slots[i]!, key: parameters.key })))
      ).find((result) => result !== null);
      if (failed !== undefined) throw failed;
      // Leftovers of a former session of a pair would be in the way.
      if (routes.some(({ session }) => session.egress === undefined)) await this.#leftovers.retry();
      const headers = routes.map(({ session, parameters }) => this.#header(session, parameters));
      const encrypt = await applyAll(
        hal,
        this.#leftovers,
        slots.flatMap((slot) => pspEncryptEntry(pipeline, slot) ?? []),
        { names },
      );
      const held = routes.map(({ session, parameters }) =>
        this.deps.isHeld(session.peer, parameters.underlayIp),
      );
      // Only between entries of the same pipe.
      const inPlace = routes.map(
        ({ session: { egress } }, i) => egress !== undefined && !egress.held && !held[i]!,
      );
      const operations = routes.map(({ session }, i): EntryOperation => {
        const header = headers[i]!;
        const cryptoId = slots[i]!;
        if (held[i]!) return egressTrialEntry(pipeline, header, cryptoId);
        if (session.egress !== undefined && inPlace[i]!) {
          return {
            operation: 'update',
            id: session.egress.entry,
            values: egressValues(pipeline, header, cryptoId),
          };
        }
        return egressAclEntry(pipeline, {
          localVip: session.localVip,
          localVipId: this.#localVips.idOf(session.localVip),
          remoteVip: session.remoteVip,
          encapHeader: header,
          cryptoId,
        });
      });
      const undo = (index: number, id: EntryId): Leaving['operation'] => {
        const former = routes[index]!.session.egress;
        if (former === undefined || !inPlace[index]!) return { operation: 'remove', id };
        const values = egressValues(pipeline, this.#headers.get(former.cryptoId), former.cryptoId);
        return { operation: 'update', id, values };
      };
      const entries = await applyAll(hal, this.#leftovers, operations, { names, undo }).catch(
        async (error: unknown) => {
          await this.#leftovers.takeBack(
            encrypt.map((id, i) => ({ operation: { operation: 'remove', id }, ...names(i) })),
          );
          throw error;
        },
      );
      const former: Egress[] = [];
      const left: Leaving[] = [];
      routes.forEach(({ session, parameters }, i) => {
        if (session.egress !== undefined) former.push(session.egress);
        if (!inPlace[i]!) session.packetsSeen = 0;
        if (session.egress !== undefined && !inPlace[i]!) left.push(leavingOf(session.egress));
        const encryptEntry = encrypt[i];
        session.egress = {
          entry: entries[i]!,
          ...(encryptEntry === undefined ? {} : { encryptEntry }),
          cryptoId: slots[i]!,
          spi: parameters.spi,
          peerStart: session.peer.starts,
          underlayIp: parameters.underlayIp,
          held: held[i]!,
        };
        this.#headers.set(slots[i]!, headers[i]!);
        session.failures = 0;
        transition(session, 'established');
        this.deps.debugKey('received', parameters.spi, parameters.key);
        const { localVip, remoteVip } = session;
        observe({
          type: 'egress-installed',
          spi: parameters.spi,
          cryptoId: slots[i]!,
          localVip,
          remoteVip,
        });
      });
      await this.#leftovers.takeBack(left);
      await this.#freeEgress(former);
    } catch (error) {
      await this.#freeSlots(slots);
      throw error;
    }
  }

  /** A peer has proved its address: the workloads' packets for it go by themselves from now on. Gives the sessions. */
  release(peer: Peer, underlayIp: IpAddress): Promise<Session[]> {
    return this.#queue.run(peer, async () => {
      const { hal, pipeline } = this.deps;
      const sessions = [...this.sessions.order].filter(
        ({ peer: other, egress }) =>
          egress?.held === true && egress.underlayIp === underlayIp && !this.deps.isHeld(other, underlayIp),
      );
      const entries = await applyAll(
        hal,
        this.#leftovers,
        sessions.map(({ localVip, remoteVip, egress }) =>
          egressAclEntry(pipeline, {
            localVip,
            localVipId: this.#localVips.idOf(localVip),
            remoteVip,
            encapHeader: this.#headers.get(egress!.cryptoId),
            cryptoId: egress!.cryptoId,
          }),
        ),
        { names: (i) => ({ slots: [sessions[i]!.egress!.cryptoId] }) },
      );
      const left = sessions.map(({ egress }) => leavingOf(egress!));
      sessions.forEach((session, i) => {
        session.egress = { ...session.egress!, entry: entries[i]!, held: false };
        session.packetsSeen = 0;
      });
      await this.#leftovers.takeBack(left);
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
        if (session.state !== 'removed' && unwanted(session)) await this.#remove(session);
      }
    });
  }

  /**
   * Looks at the counters of the next `count` sessions, in the order of their last use, and takes the places of those that
   * have been idle for too long; dormant ones under which packets came get a place again where there is room. Gives those
   * that send and get nothing back, now and then: their peers may have none of the SPIs any more that we send under.
   */
  look(count: number): Promise<Session[]> {
    return this.#queue.run(this, async () => {
      const { order, dormant } = this.sessions;
      const { sessionIdleS } = this.deps.options.limits;
      if (this.#roundIsOver) this.#beginRound();
      const beforeS = this.#roundS;
      const some = order.next(count, beforeS);
      const unused = await this.#look(some, order);
      if (sessionIdleS > 0) {
        const idle = unused.filter(
          (session) =>
            session.holder !== OPERATOR && this.#seemsIdle(session) && !this.#granting.has(session),
        );
        await this.#vacate(idle.map((session) => ({ session, reason: 'idle' })));
      }
      const sleepers = dormant.next(count - some.length, beforeS);
      const asleep = new Set(await this.#look(sleepers, dormant));
      for (const session of sleepers) {
        if (asleep.has(session) || order.size >= this.capacity) continue;
        this.#wake(session, session.peer, session.peer, this.#nowS + 1);
      }
      this.#roundIsOver = some.length + sleepers.length < count;
      if (!this.deps.options.ingressAcl) return [];
      const silent = new Set(unused);
      return some.filter((session) => (!silent.has(session) || session.failures > 0) && asksAgain(session));
    });
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

  /** Removals that the device has refused are tried again after a while. */
  #retryLater(): void {
    const waiting = this.#leftovers.size > 0 || this.#uncleared.length > 0;
    if (!waiting || this.#stopped || this.#retryTimer !== undefined) return;
    this.deps.logger.log('warning', 'the device does not take back entries or keys; trying again', {
      entries: this.#leftovers.size,
      keys: this.#uncleared.length,
    });
    this.#retryTimer = this.deps.clock.setTimer(() => {
      this.#retryTimer = undefined;
      void this.#queue.run(this, async () => {
        await this.#leftovers.retry();
        await this.#freeSlots(this.#uncleared.splice(0));
        this.#retryLater();
      });
    }, LEFTOVERS_RETRY_MS);
  }

  /** When the look at all sessions that is under way began. */
  #roundS = 0;
  #roundIsOver = true;

  #beginRound(): void {
    this.#roundS = this.#nowS;
    this.sessions.order.rewind();
    this.sessions.dormant.rewind();
  }

  #seemsIdle(session: Session): boolean {
    const { sessionIdleS } = this.deps.options.limits;
    return sessionIdleS > 0 && this.#nowS - session.usedAtS >= sessionIdleS;
  }

  /**
   * Those of some sessions of an order that no packet came or left by since the last look; the others were used now. One of
   * whose entries the device knows nothing any more carries nothing.
   */
  async #look(sessions: readonly Session[], order: UseOrder): Promise<Session[]> {
    try {
      return await this.#lookAtAll(sessions, order);
    } catch (error) {
      if (!(error instanceof HalError) || error.code !== 'NOT_FOUND') throw error;
      if (sessions.length <= 1) return [...sessions];
      const unused: Session[] = [];
      for (const session of sessions) unused.push(...(await this.#look([session], order)));
      return unused;
    }
  }

  async #lookAtAll(sessions: readonly Session[], order: UseOrder): Promise<Session[]> {
    const selectors: CounterSelector[] = [];
    for (const { egress, ingress } of sessions) {
      if (egress !== undefined) selectors.push({ id: egress.entry });
      for (const { entry } of ingress) if (entry !== undefined) selectors.push({ id: entry });
    }
    const counters = selectors.length === 0 ? [] : await this.deps.hal.counters(selectors);
    let at = 0;
    const isNew = (counted: { packetsSeen: number }): boolean => {
      const { packets } = counters[at++]!;
      const before = counted.packetsSeen;
      counted.packetsSeen = Number(BigInt.asUintN(COUNT_BITS, packets));
      // A count that begins anew, as an entry's may when it is updated, says nothing.
      return counted.packetsSeen !== before && packets !== 0n;
    };
    const nowS = this.#nowS + 1;
    return sessions.filter((session) => {
      const left = session.egress !== undefined && isNew(session);
      let came = false;
      for (const ingress of session.ingress) {
        if (ingress.entry !== undefined && isNew(ingress)) came = true;
      }
      if (came) session.looksUnanswered = 0;
      // A question that failed is still open, although nothing more is sent.
      else if (left || (session.looksUnanswered > 0 && session.failures > 0)) session.looksUnanswered++;
      if (left || came) order.foundInUse(session, nowS);
      return !left && !came;
    });
  }

  /** Takes as many places as the fresh ones among `wanted` need. Throws RESOURCE_EXHAUSTED, having taken none. */
  async #makeRoomFor(wanted: readonly Wanted[], fresh: readonly Wanted[]): Promise<void> {
    const { sessions, capacity, counters } = this;
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
      throw new RpcError(
        'RESOURCE_EXHAUSTED',
        `more than ${capacity} tunnels (--max-tunnels), and none of others that would have to go`,
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
      const { sessionReplacementsPerSecond: perSecond } = this.deps.options.limits;
      bucket = new TokenBucket(perSecond, perSecond, () => this.deps.clock.nowMs());
      this.#replacements.set(holder, bucket);
    }
    return bucket;
  }

  /** Up to `count` idle sessions that are not to be kept, oldest use first. */
  async #idleOnes(count: number, keep: (session: Session) => boolean): Promise<Session[]> {
    const { order } = this.sessions;
    const idle = new Set<Session>();
    for (let look = 0; look < IDLE_LOOKS_MAX && idle.size < count; look++) {
      const candidates: Session[] = [];
      for (const session of order) {
        if (idle.size + candidates.length === count || !this.#seemsIdle(session)) break;
        if (!idle.has(session) && !keep(session)) candidates.push(session);
      }
      if (candidates.length === 0) break;
      for (const session of await this.#look(candidates, order)) idle.add(session);
    }
    return [...idle];
  }

  /**
   * Takes the places of sessions: their egress routes go, and they are dormant from then on; those that a peer cannot send under
   * anyway are gone. Where the device would not remove an egress route, that session stays as it is, and this rejects.
   */
  async #vacate(victims: readonly Victim[]): Promise<void> {
    if (victims.length === 0) return;
    const { order, dormant } = this.sessions;
    const failed = await this.#removeWays(victims.map(({ session }) => session));
    for (const { session, reason } of victims) {
      if (failed?.sessions.has(session)) continue;
      this.#count(reason);
      if (session.ingress.some(({ entry }) => entry !== undefined)) {
        for (const ingress of session.ingress) this.#countOpen(ingress, -1);
        order.delete(session);
        transition(session, 'vacated');
        dormant.add(session);
        this.#tellRemoved(session, reason);
        this.deps.onVacated(session, reason);
      } else await this.#remove(session, reason);
    }
    while (dormant.size > this.capacity) await this.#dropDormant();
    if (failed !== undefined) throw failed.error;
  }

  #grants(session: Session, change: 1 | -1): void {
    const requests = (this.#granting.get(session) ?? 0) + change;
    if (requests > 0) this.#granting.set(session, requests);
    else this.#granting.delete(session);
  }

  #count(reason: VacatedReason): void {
    const { counters } = this;
    if (reason === 'idle') counters.idle++;
    else if (reason === 'idle-in-full-table') counters.idleInFullTable++;
    else if (reason === 'above-share') counters.aboveShare++;
    else counters.replaced++;
  }

  /** Takes away the egress routes of some sessions. Gives those whose egress route the device would not remove, and why. */
  async #removeWays(
    sessions: readonly Session[],
  ): Promise<{ readonly sessions: ReadonlySet<Session>; readonly error: HalError } | undefined> {
    const leaving = sessions.filter(({ egress }) => egress !== undefined);
    if (leaving.length === 0) return undefined;
    // Packets that miss from now on wait, and do not go round and round.
    const routes = leaving.map((session) => {
      const route = session.egress!;
      session.egress = undefined;
      return route;
    });
    const results = await this.deps.hal
      .apply(routes.map(({ entry }): EntryOperation => ({ operation: 'remove', id: entry })))
      .catch((reason: unknown): EntryResult[] => {
        // Nothing is sure then: they stay, and who wants them gone asks again.
        const unknown = reason instanceof HalError ? reason : new HalError('UNKNOWN', reasonOf(reason));
        return routes.map(() => ({ error: unknown }));
      });
    const freed: Egress[] = [];
    const staying = new Set<Session>();
    let error: HalError | undefined;
    leaving.forEach((session, i) => {
      const result = results[i]!;
      if ('error' in result && result.error.code !== 'NOT_FOUND') {
        error ??= result.error;
        staying.add(session);
        session.egress = routes[i]!;
        this.deps.onStays(session);
      } else freed.push(routes[i]!);
    });
    await this.#leftovers.settle(freed.map(({ entry }) => entry));
    await this.#freeEgress(freed);
    return error === undefined ? undefined : { sessions: staying, error };
  }

  /** A dormant session has a place again, which there is. */
  #wake(session: Session, peer: Peer, holder: Holder, usedAtS: number): void {
    this.sessions.dormant.delete(session);
    transition(session, 'woken');
    // An exchange that was under way when it lost its place is so still.
    if (session.asking) transition(session, 'request');
    session.peer = peer;
    session.holder = holder;
    session.usedAtS = usedAtS;
    for (const ingress of session.ingress) this.#countOpen(ingress, 1);
    this.sessions.order.add(session);
    this.counters.woken++;
  }

  /** Dormant sessions go as long as entries of the ingress ACL are needed that there are not. */
  async #dropDormantForAcl(count: number): Promise<void> {
    const most = tunnelLimits(this.deps.options.maxTunnels).ingressEntries;
    while (this.#aclEntries + this.#leftovers.size + count > most && this.sessions.dormant.size > 0)
      await this.#dropDormant();
  }

  /** One dormant session goes: of the holder that has most of them the one that was not used for longest. */
  async #dropDormant(): Promise<void> {
    const { dormant } = this.sessions;
    const { holder } = dormant.mostHeld();
    const [session = dormant.oldest] = holder === undefined ? [] : dormant.of(holder);
    if (session === undefined) return;
    this.counters.dormantDropped++;
    await this.#remove(session);
  }

  /** Takes one session out of the device and all tables. When its egress route cannot be removed it stays, and this rejects. */
  async #remove(session: Session, reason?: VacatedReason): Promise<void> {
    const failed = await this.#removeWays([session]);
    if (failed !== undefined) throw failed.error;
    const had = hasPlace(session);
    if (had) for (const ingress of session.ingress) this.#countOpen(ingress, -1);
    this.sessions.delete(session, had ? this.sessions.order : this.sessions.dormant);
    transition(session, 'removed');
    await this.#close(session.ingress.map((ingress) => ({ session, ingress })));
    await this.#localVips.release(session.localVip);
    if (had) this.#tellRemoved(session, reason);
    this.deps.onVacated(session, reason ?? 'removed');
  }

  #tellRemoved({ localVip, remoteVip, holder }: Session, reason?: VacatedReason): void {
    this.deps.observe({
      type: 'session-removed',
      ...(reason === undefined ? {} : { reason }),
      holder: holderText(holder),
      localVip,
      remoteVip,
    });
  }

  #takeSlots(count: number): number[] {
    const slots: number[] = [];
    while (slots.length < count) {
      const slot = this.#slots.take();
      if (slot === undefined) {
        for (const taken of slots) this.#slots.release(taken);
        throw new RpcError('RESOURCE_EXHAUSTED', `${count} key slots wanted, ${slots.length} free`);
      }
      slots.push(slot);
    }
    return slots;
  }

  /** Frees the slots of egress routes that are gone, and removes their entries of PSP_ENCRYPT. */
  async #freeEgress(former: readonly Egress[]): Promise<void> {
    if (former.length === 0) return;
    await this.#leftovers.takeBack(
      former.flatMap(({ encryptEntry: id, cryptoId }): Leaving[] =>
        id === undefined ? [] : [{ operation: { operation: 'remove', id }, slots: [cryptoId] }],
      ),
    );
    await this.#freeSlots(former.map(({ cryptoId }) => cryptoId));
  }

  /** Wipes the keys of slots, and gives back those that no entry names any more. */
  async #freeSlots(slots: readonly number[]): Promise<void> {
    if (slots.length === 0) return;
    try {
      await this.deps.hal.clearKeys(slots);
    } catch {
      this.#uncleared.push(...slots);
      this.#retryLater();
      return;
    }
    for (const slot of slots) if (!this.#leftovers.holdsSlot(slot)) this.#slots.release(slot);
  }

  async #close(
    closing: readonly { readonly session: Session; readonly ingress: IngressSpi }[],
  ): Promise<void> {
    const open = closing.filter((one) => this.isOpen(one));
    for (const { session, ingress } of open) {
      session.ingress = session.ingress.filter((other) => other !== ingress);
      if (ingress.entry !== undefined) this.#aclEntries--;
      if (hasPlace(session)) this.#countOpen(ingress, -1);
    }
    await this.#leftovers.takeBack(
      open.flatMap(({ ingress: { entry: id, spi } }): Leaving[] =>
        id === undefined ? [] : [{ operation: { operation: 'remove', id }, spi }],
      ),
    );
    for (const { session, ingress } of open) {
      const { localVip, remoteVip } = session;
      this.deps.observe({ type: 'spi-closed', spi: ingress.spi, localVip, remoteVip });
    }
  }

  /** One SPI more, or one less, of those that sessions with a place have open. */
  #countOpen({ generation }: IngressSpi, change: 1 | -1): void {
    const count = (this.#open.get(generation) ?? 0) + change;
    if (count > 0) this.#open.set(generation, count);
    else this.#open.delete(generation);
  }

  /**
   * Closes SPIs where there is no room for one more: those first that the peer needs least, of them the oldest. What we
   * know of them may be wrong when answers are lost, ours or the peer's; packets show what the peer has.
   */
  async #makeRoom(session: Session): Promise<void> {
    const surplus = session.ingress.length - INGRESS_SPIS_PER_TUNNEL_MAX + 1;
    if (surplus <= 0) return;
    const inUse = await this.#newestUsed(session);
    const candidates = EXPENDABLE_FIRST.flatMap((state) =>
      session.ingress.filter((ingress) => ingress !== inUse && ingress.state === state),
    );
    await this.#close(candidates.slice(0, surplus).map((ingress) => ({ session, ingress })));
  }

  /** The newest SPI under which packets came in; undefined when there is none, or the ingress ACL is off. */
  async #newestUsed({ ingress }: Session): Promise<IngressSpi | undefined> {
    const counted = ingress.filter(({ entry }) => entry !== undefined);
    const counters = await this.deps.hal.counters(counted.map(({ entry }) => ({ id: entry! })));
    return counted[counters.findLastIndex(({ packets }) => packets > 0n)];
  }

  #header(session: Session, parameters: TunnelParameters): Uint8Array {
    const { options, uplink } = this.deps;
    const { mode, cookies, nexthopDmac } = options;
    return buildEncapHeader(parameters, {
      mode,
      innerFamily: session.family,
      cryptOffsetWords:
        options.cryptOffsetWords ??
        (mode === 'tunnel' ? defaultCryptOffsetWords(session.family, cookies) : 0),
      cookies,
      sourceMac: uplink.mac,
      sourceIp: uplink.ip,
      ...(nexthopDmac === undefined ? {} : { nexthopDmac }),
    });
  }

  /** Random and never 0, which says that there is none. */
  #cookies(count: number): bigint[] {
    const octets = new Uint8Array(8 * count);
    this.deps.fillRandom(octets);
    const view = new DataView(octets.buffer);
    return Array.from({ length: count }, (_, i) => view.getBigUint64(8 * i) || 1n);
  }
}

/** Whether this look at a session whose count of unanswered looks has just risen is one after which its peer is asked again. */
function asksAgain(session: Session): boolean {
  const { looksUnanswered: looks } = session;
  if (!hasPlace(session) || session.egress === undefined || looks < UNANSWERED_LOOKS_MIN) return false;
  return looks < UNANSWERED_LOOKS_MAX ? (looks & (looks - 1)) === 0 : looks % UNANSWERED_LOOKS_MAX === 0;
}

/** An egress route whose entry is to go. */
function leavingOf({ entry, cryptoId }: Egress): Leaving {
  return { operation: { operation: 'remove', id: entry }, slots: [cryptoId] };
}
