/**
 * Sessions in the device: opens SPIs for peers to send under, installs the ways out, and takes both away again. Each
 * step is done whole or not at all. Steps run one after the other, so two exchanges for one pair cannot meet half way.
 */
import { HalError } from '../hal/errors.js';
import type { EntryOperation, PipeHal } from '../hal/hal.js';
import type { IpAddress, MacAddress } from '../packet/address.js';
import { keyLengthOctets, type PspVersion } from '../psp/header.js';
import { applyAll } from './apply.js';
import { buildEncapHeader } from './encap-header.js';
import type { GatewayObserver } from './events.js';
import { HeaderStore } from './header-store.js';
import { KeySlots } from './key-slots.js';
import { LocalVips } from './local-vips.js';
import type { GatewayOptions } from './options.js';
import type { Peer } from './peers.js';
import type { PipelineOptions } from './pipeline.js';
import {
  defaultCryptOffsetWords,
  egressAclEntry,
  egressValues,
  ingressAclEntry,
  pspEncryptEntry,
} from './pipeline-entries.js';
import {
  type Egress,
  type IngressSpi,
  type IngressState,
  newSession,
  type Session,
  SessionTable,
  transition,
} from './session.js';
import { RpcError } from './transport.js';
import type { TunnelParameters } from './tunnel-messages.js';

/** SPIs of one session that may be open at once: those of two exchanges that crossed, and of the two before. */
const INGRESS_SPIS_MAX = 4;
const EXPENDABLE_FIRST: readonly IngressState[] = ['retiring', 'doubtful', 'given', 'offered'];
/** Packets that may be resubmitted after their session was established: those that were on their way to RSS. */
const RESUBMIT_BUDGET = 4096;

export interface InstallerDeps {
  readonly hal: PipeHal;
  readonly options: GatewayOptions;
  readonly pipeline: PipelineOptions;
  /** Our uplink, as peers must see it. */
  readonly uplink: { readonly mac: MacAddress; readonly ip: IpAddress };
  readonly fillRandom: (octets: Uint8Array) => void;
  readonly observe: GatewayObserver;
  /** The active master key has too few SPIs left for an offer. */
  readonly onSpisExhausted: () => void;
  /** With --debug-keys: gets every key. */
  readonly debugKey: (text: string, spi: number, key: Uint8Array) => void;
}

/** An SPI and key that are ready for a peer's use. The key must be wiped once it is sent. */
export interface Offer {
  readonly session: Session;
  readonly ingress: IngressSpi;
  readonly parameters: TunnelParameters;
}

/** A session and how to reach its peer. */
export interface Way {
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
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly deps: InstallerDeps) {
    // Twice as many as sessions: during a re-key the old slot serves until the new one does.
    this.#slots = new KeySlots(Math.min(deps.options.maxTunnels * 2, deps.hal.device.limits.keySlots));
    this.#localVips = new LocalVips(deps.hal, deps.pipeline);
  }

  get keySlotsUsed(): number {
    return this.#slots.used;
  }

  /**
   * The sessions of some pairs, made where there are none yet. Throws RESOURCE_EXHAUSTED, having made none, when
   * there would be more than --max-tunnels.
   */
  open(pairs: readonly { localVip: IpAddress; remoteVip: IpAddress; peer: Peer }[]): Promise<Session[]> {
    return this.#serially(async () => {
      const fresh: Session[] = [];
      const all = pairs.map(({ localVip, remoteVip, peer }) => {
        const known = this.sessions.get(localVip, remoteVip);
        if (known !== undefined) return known;
        const session = newSession(localVip, remoteVip, peer);
        fresh.push(session);
        return session;
      });
      const { maxTunnels } = this.deps.options;
      if (this.sessions.size + fresh.length > maxTunnels) {
        throw new RpcError('RESOURCE_EXHAUSTED', `more than ${maxTunnels} tunnels (--max-tunnels)`);
      }
      const acquired: Session[] = [];
      try {
        for (const session of fresh) {
          await this.#localVips.acquire(session.localVip);
          acquired.push(session);
        }
      } catch (error) {
        for (const session of acquired) await this.#localVips.release(session.localVip);
        throw error;
      }
      for (const session of fresh) this.sessions.add(session);
      return all;
    });
  }

  /** Opens a fresh SPI for each session. */
  offer(sessions: readonly Session[], version: PspVersion): Promise<Offer[]> {
    return this.#serially(async () => {
      const { hal, options, pipeline, uplink } = this.deps;
      for (const session of sessions) await this.#makeRoom(session);
      const octets = keyLengthOctets(version);
      const { spis, keys } = await hal.generateKeys(octets, sessions.length).catch((error: unknown) => {
        if (error instanceof HalError && error.code === 'EMPTY') this.deps.onSpisExhausted();
        throw error;
      });
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
      const entries = await applyAll(hal, operations).catch((error: unknown) => {
        keys.fill(0);
        throw error;
      });
      return sessions.map((session, i) => {
        const spi = spis[i]!;
        const key = keys.subarray(i * octets, (i + 1) * octets);
        const entry = entries[i];
        const ingress: IngressSpi = {
          spi,
          ...(entry === undefined ? {} : { entry }),
          generation: this.generation,
          state: 'offered',
        };
        // Not push: a list that grows from empty takes room for seventeen.
        session.ingress = [...session.ingress, ingress];
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

  /** Closes SPIs: nothing is accepted under them any more. */
  close(closing: readonly { readonly session: Session; readonly ingress: IngressSpi }[]): Promise<void> {
    return this.#serially(() => this.#close(closing));
  }

  /** Installs the way out of each session, or replaces it in place. All or none. */
  connect(ways: readonly Way[]): Promise<void> {
    return this.#serially(async () => {
      const { hal, pipeline, observe } = this.deps;
      const live = ways.filter(({ session }) => session.state !== 'removed');
      const slots = this.#takeSlots(live.length);
      const giveBack = async () => {
        await hal.clearKeys(slots);
        for (const slot of slots) this.#slots.release(slot);
      };
      try {
        const failed = (
          await hal.setKeys(live.map(({ parameters }, i) => ({ cryptoId: slots[i]!, key: parameters.key })))
        ).find((result) => result !== null);
        if (failed !== undefined) throw failed;
        const headers = live.map(({ session, parameters }) => this.#header(session, parameters));
        const encrypt = await applyAll(
          hal,
          slots.flatMap((slot) => pspEncryptEntry(pipeline, slot) ?? []),
        );
        const operations = live.map(({ session }, i): EntryOperation => {
          const header = headers[i]!;
          const cryptoId = slots[i]!;
          if (session.egress !== undefined) {
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
        const entries = await applyAll(hal, operations, (index, id) => {
          const former = live[index]!.session.egress;
          if (former === undefined) return { operation: 'remove', id };
          return {
            operation: 'update',
            id,
            values: egressValues(pipeline, this.#headers.get(former.cryptoId), former.cryptoId),
          };
        }).catch(async (error: unknown) => {
          await hal.apply(encrypt.map((id) => ({ operation: 'remove', id })));
          throw error;
        });
        const former: Egress[] = [];
        live.forEach(({ session, parameters }, i) => {
          if (session.egress !== undefined) former.push(session.egress);
          const encryptEntry = encrypt[i];
          session.egress = {
            entry: entries[i]!,
            ...(encryptEntry === undefined ? {} : { encryptEntry }),
            cryptoId: slots[i]!,
            spi: parameters.spi,
          };
          this.#headers.set(slots[i]!, headers[i]!);
          session.resubmitBudget = RESUBMIT_BUDGET;
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
        await this.#freeSlots(former);
      } catch (error) {
        await giveBack();
        throw error;
      } finally {
        for (const { parameters } of ways) parameters.key.fill(0);
      }
    });
  }

  /** Takes sessions out of the device and the table. */
  remove(sessions: readonly Session[]): Promise<void> {
    return this.#serially(async () => {
      const { hal, observe } = this.deps;
      for (const session of sessions) {
        if (session.state === 'removed') continue;
        transition(session, 'removed');
        this.sessions.delete(session);
        const { egress, localVip, remoteVip } = session;
        session.egress = undefined;
        if (egress !== undefined) {
          await hal.apply([{ operation: 'remove', id: egress.entry }]);
          await this.#freeSlots([egress]);
        }
        await this.#close(session.ingress.map((ingress) => ({ session, ingress })));
        await this.#localVips.release(localVip);
        observe({ type: 'session-removed', localVip, remoteVip });
      }
    });
  }

  /** Resolves when everything that was asked for before is done. */
  settled(): Promise<void> {
    return this.#serially(async () => {});
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => {});
    return result;
  }

  #takeSlots(count: number): number[] {
    if (this.#slots.free < count) {
      throw new RpcError('RESOURCE_EXHAUSTED', `${count} key slots wanted, ${this.#slots.free} free`);
    }
    return Array.from({ length: count }, () => this.#slots.take()!);
  }

  async #freeSlots(former: readonly Egress[]): Promise<void> {
    if (former.length === 0) return;
    const { hal } = this.deps;
    await hal.apply(
      former.flatMap(({ encryptEntry: id }) =>
        id === undefined ? [] : [{ operation: 'remove' as const, id }],
      ),
    );
    await hal.clearKeys(former.map(({ cryptoId }) => cryptoId));
    for (const { cryptoId } of former) this.#slots.release(cryptoId);
  }

  async #close(
    closing: readonly { readonly session: Session; readonly ingress: IngressSpi }[],
  ): Promise<void> {
    const open = closing.filter(({ session, ingress }) => session.ingress.includes(ingress));
    await this.deps.hal.apply(
      open.flatMap(({ ingress: { entry: id } }) =>
        id === undefined ? [] : [{ operation: 'remove' as const, id }],
      ),
    );
    for (const { session, ingress } of open) {
      session.ingress = session.ingress.filter((other) => other !== ingress);
      const { localVip, remoteVip } = session;
      this.deps.observe({ type: 'spi-closed', spi: ingress.spi, localVip, remoteVip });
    }
  }

  /**
   * Closes SPIs where there is no room for one more: those first that the peer needs least, of them the oldest. What we
   * know of them may be wrong when answers are lost, ours or the peer's; packets show what the peer has.
   */
  async #makeRoom(session: Session): Promise<void> {
    const surplus = session.ingress.length - INGRESS_SPIS_MAX + 1;
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
