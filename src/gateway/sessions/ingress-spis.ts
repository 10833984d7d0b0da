/**
 * SPIs that we give out: which of them are open, under which master key, and which one closes when a session has too many.
 * An SPI is open from when its entry of the ingress ACL is in the device until that is taken back; the peer is told in between.
 * An SPI whose entry the device would not take back is given to nobody else, through any number of rotations.
 */
import type { EntryId, PipeHal } from '../../hal/hal.js';
import type { IpAddress, MacAddress } from '../../packet/address.js';
import { keyLengthOctets, type PspVersion } from '../../psp/header.js';
import type { GatewayObserver } from '../events.js';
import { applyAll } from '../pipeline/apply.js';
import type { Leaving, Leftovers } from '../pipeline/leftovers.js';
import { INGRESS_SPIS_PER_TUNNEL_MAX } from '../pipeline/limits.js';
import type { LocalVips } from '../pipeline/local-vips.js';
import { ingressAclEntry } from '../pipeline/pipeline-entries.js';
import type { PipelineOptions } from '../pipeline/pipeline-options.js';
import type { TunnelParameters } from '../rpc/tunnel-messages.js';
import { KeyDraw } from './key-draw.js';
import type { SpiShortageListener } from './listeners.js';
import { hasPlace, type IngressSpi, type IngressState, type Session } from './session.js';

/** States of SPIs in the order in which they are closed when there is no room for one more. */
const EXPENDABLE_FIRST: readonly IngressState[] = ['retiring', 'doubtful', 'given', 'offered'];

/** An SPI and key that are ready for a peer's use. The key must be wiped once it is sent. */
export interface Offer {
  readonly session: Session;
  readonly ingress: IngressSpi;
  readonly parameters: TunnelParameters;
}

/** An SPI of a session. */
export interface SessionSpi {
  readonly session: Session;
  readonly ingress: IngressSpi;
}

export interface IngressSpisDeps {
  readonly hal: PipeHal;
  readonly leftovers: Leftovers;
  readonly localVips: LocalVips;
  readonly pipeline: PipelineOptions;
  /** --ingress-acl and --cookie. */
  readonly options: { readonly ingressAcl: boolean; readonly cookies: boolean };
  /** Our uplink, as peers must see it. */
  readonly uplink: { readonly mac: MacAddress; readonly ip: IpAddress };
  readonly fillRandom: (octets: Uint8Array) => void;
  readonly observe: GatewayObserver;
  readonly shortageListener: SpiShortageListener;
  /** Gets every key with --debug-keys. */
  readonly debugKey: (text: string, spi: number, key: Uint8Array) => void;
}

export class IngressSpis {
  #generation = 0;
  /** Entries of the ingress ACL, of both families. */
  #aclEntries = 0;
  readonly #keys: KeyDraw;
  /** SPIs of sessions with a place that are open, by the number of their master key. */
  readonly #open = new Map<number, number>();

  constructor(private readonly deps: IngressSpisDeps) {
    this.#keys = new KeyDraw(deps);
  }

  /** Number of the active master key: the rotations so far. */
  get generation(): number {
    return this.#generation;
  }

  /** Entries of the ingress ACL that are there for open SPIs. */
  get aclEntries(): number {
    return this.#aclEntries;
  }

  /** SPIs that the device gave out although they were not free, so far. */
  get refused(): number {
    return this.#keys.refused;
  }

  /** SPIs that were given out under the active master key, and those that it has left. */
  get supply(): { readonly given: number; readonly left: number } {
    return this.#keys.supply;
  }

  /** SPIs of sessions with a place that are open although their master key is not the active one: the next rotation ends them. */
  get doomed(): number {
    return this.#open.get(this.#generation - 1) ?? 0;
  }

  /** An entry that the device would not take back names the SPI, or does not any more. */
  hold(spi: number, held: boolean): void {
    this.#keys.hold(spi, held);
  }

  /** Whether an SPI of a session is open still. */
  isOpen({ session, ingress }: SessionSpi): boolean {
    return session.ingress.includes(ingress);
  }

  /** A session has got a place: the next rotation waits for its SPIs. */
  placeGained(session: Session): void {
    for (const ingress of session.ingress) this.#countOpen(ingress, 1);
  }

  /** A session is about to lose its place: no rotation waits for its SPIs any more. */
  placeLost(session: Session): void {
    for (const ingress of session.ingress) this.#countOpen(ingress, -1);
  }

  /**
   * Opens a fresh SPI for each session, in which there is room for it; all or none. Rejects with HalError, or RpcError
   * RESOURCE_EXHAUSTED where the device gives out no SPI that is free.
   */
  async open(sessions: readonly Session[], version: PspVersion): Promise<Offer[]> {
    const { hal, leftovers, localVips, options, pipeline, uplink } = this.deps;
    const octets = keyLengthOctets(version);
    const { spis, keys } = await this.#keys.draw(version, sessions.length);
    const cookies = options.cookies ? this.#cookies(sessions.length) : undefined;
    const operations = options.ingressAcl
      ? sessions.map((session, i) =>
          ingressAclEntry(pipeline, {
            spi: spis[i]!,
            remoteVip: session.remoteVip,
            localVip: session.localVip,
            localVipId: localVips.idOf(session.localVip),
            cookie: cookies?.[i] ?? 0n,
            decapMacs: pipeline.decapMacs,
          }),
        )
      : [];
    const names = (i: number) => ({ spi: spis[i]! });
    let entries: EntryId[];
    try {
      entries = await applyAll(hal, leftovers, operations, { names });
    } catch (error) {
      keys.fill(0);
      throw error;
    }
    this.#aclEntries += entries.length;
    return sessions.map((session, i) => {
      const spi = spis[i]!;
      const key = keys.subarray(i * octets, (i + 1) * octets);
      const entry = entries[i];
      const ingress: IngressSpi = {
        spi,
        version,
        ...(cookies === undefined ? {} : { cookie: cookies[i]! }),
        ...(entry === undefined ? {} : { entry }),
        generation: this.#generation,
        state: 'offered',
        givenAtMs: 0,
        contested: false,
        clearAtMs: 0,
        packetsSeen: 0,
        packetsRead: 0,
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
  }

  /** Closes SPIs: nothing is accepted under them any more, or, where the device refuses, as soon as it does not. */
  async close(closing: readonly SessionSpi[]): Promise<void> {
    const open = closing.filter((one) => this.isOpen(one));
    for (const { session, ingress } of open) {
      session.ingress = session.ingress.filter((other) => other !== ingress);
      if (ingress.entry !== undefined) this.#aclEntries--;
      if (hasPlace(session)) this.#countOpen(ingress, -1);
    }
    await this.deps.leftovers.takeBack(
      open.flatMap(({ ingress: { entry: id, spi } }): Leaving[] =>
        id === undefined ? [] : [{ operation: { operation: 'remove', id }, spi }],
      ),
    );
    for (const { session, ingress } of open) {
      const { localVip, remoteVip } = session;
      this.deps.observe({ type: 'spi-closed', spi: ingress.spi, localVip, remoteVip });
    }
  }

  /**
   * Closes SPIs of a session where there is no room for one more: those first that the peer needs least, of them the oldest.
   * What we know of them may be wrong when answers are lost, ours or the peer's; packets show what the peer has.
   */
  async makeRoom(session: Session): Promise<void> {
    const surplus = session.ingress.length - INGRESS_SPIS_PER_TUNNEL_MAX + 1;
    if (surplus <= 0) return;
    const inUse = await this.#newestUsed(session);
    const candidates = EXPENDABLE_FIRST.flatMap((state) =>
      session.ingress.filter((ingress) => ingress !== inUse && ingress.state === state),
    );
    await this.close(candidates.slice(0, surplus).map((ingress) => ({ session, ingress })));
  }

  /**
   * Rotates the master key, and closes all SPIs of the one that dies with it. Gives those of `all` sessions that had such an
   * SPI and no newer one. Rejects, having changed nothing here, when the device does.
   */
  async rotate(all: () => Iterable<Session>): Promise<Session[]> {
    await this.deps.hal.rotateMasterKey();
    this.#generation++;
    this.#keys.rotate();
    const dead = [...all()].flatMap((session) =>
      session.ingress
        .filter(({ generation }) => generation < this.#generation - 1)
        .map((ingress) => ({ session, ingress })),
    );
    const cut = new Set(
      dead.flatMap(({ session, ingress }) => (ingress.state === 'retiring' ? [] : session)),
    );
    await this.close(dead);
    return [...cut];
  }

  /** One SPI more, or one less, of those that sessions with a place have open. */
  #countOpen({ generation }: IngressSpi, change: 1 | -1): void {
    const count = (this.#open.get(generation) ?? 0) + change;
    if (count > 0) this.#open.set(generation, count);
    else this.#open.delete(generation);
  }

  /** The newest SPI under which packets came in; undefined when there is none, or the ingress ACL is off. */
  async #newestUsed({ ingress }: Session): Promise<IngressSpi | undefined> {
    const counted = ingress.filter(({ entry }) => entry !== undefined);
    const counters = await this.deps.hal.counters(counted.map(({ entry }) => ({ id: entry! })));
    return counted[counters.findLastIndex(({ packets }) => packets > 0n)];
  }

  /** Random and never 0, which says that there is none. */
  #cookies(count: number): bigint[] {
    const octets = new Uint8Array(8 * count);
    this.deps.fillRandom(octets);
    const view = new DataView(octets.buffer);
    return Array.from({ length: count }, (_, i) => view.getBigUint64(8 * i) || 1n);
  }
}
