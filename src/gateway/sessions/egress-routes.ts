/**
 * Egress routes of sessions in the device: key slot, key, entry of PSP_ENCRYPT with sampling, and entry of EGR_ACL or, as
 * long as the peer has not proved its address, of EGR_TRIAL. Each step is done for all of its sessions or for none.
 */
import { HalError, reasonOf } from '../../hal/errors.js';
import type { EntryId, EntryOperation, EntryResult, PipeHal } from '../../hal/hal.js';
import type { IpAddress, MacAddress } from '../../packet/address.js';
import type { GatewayObserver } from '../events.js';
import type { GatewayOptions } from '../options.js';
import type { Peer } from '../peers.js';
import { applyAll } from '../pipeline/apply.js';
import { buildEncapHeader } from '../pipeline/encap-header.js';
import { HeaderStore } from '../pipeline/header-store.js';
import type { Leaving, Leftovers } from '../pipeline/leftovers.js';
import type { LocalVips } from '../pipeline/local-vips.js';
import {
  defaultCryptOffsetWords,
  egressAclEntry,
  egressTrialEntry,
  egressValues,
  pspEncryptEntry,
} from '../pipeline/pipeline-entries.js';
import { type PipelineOptions, sentExtension } from '../pipeline/pipeline-options.js';
import type { TunnelParameters } from '../rpc/tunnel-messages.js';
import type { DeviceKeySlots } from './device-key-slots.js';
import type { SessionListener } from './listeners.js';
import { type Egress, type Session, transition } from './session.js';

/** A session and how to reach its peer. */
export interface EgressRoute {
  readonly session: Session;
  readonly parameters: TunnelParameters;
}

/** Sessions whose egress routes the device would not remove, and why. */
export interface RoutesKept {
  readonly sessions: ReadonlySet<Session>;
  readonly error: HalError;
}

export interface EgressRoutesDeps {
  readonly hal: PipeHal;
  readonly leftovers: Leftovers;
  readonly localVips: LocalVips;
  readonly slots: DeviceKeySlots;
  readonly pipeline: PipelineOptions;
  readonly options: Pick<GatewayOptions, 'mode' | 'cookies' | 'nexthopDmac' | 'cryptOffsetWords'>;
  /** Our uplink, as peers must see it. */
  readonly uplink: { readonly mac: MacAddress; readonly ip: IpAddress };
  readonly observe: GatewayObserver;
  /** Gets every key with --debug-keys. */
  readonly debugKey: (text: string, spi: number, key: Uint8Array) => void;
  /** Whether a peer has to prove an underlay address before workloads' packets go there. */
  readonly isHeld: (peer: Peer, underlayIp: IpAddress) => boolean;
  readonly sessionListener: Pick<SessionListener, 'onStays'>;
}

export class EgressRoutes {
  readonly #headers = new HeaderStore();

  readonly #extension: Uint8Array;

  constructor(private readonly deps: EgressRoutesDeps) {
    this.#extension = sentExtension(deps.pipeline);
  }

  /**
   * Installs the route of each session, or replaces it in place; all or none. Rejects with HalError, or RpcError
   * RESOURCE_EXHAUSTED where there are too few key slots. The caller wipes the keys.
   */
  async install(routes: readonly EgressRoute[]): Promise<void> {
    const { hal, leftovers, localVips, pipeline, observe } = this.deps;
    const slots = this.deps.slots.take(routes.length);
    const names = (i: number) => ({ slots: [slots[i]!] });
    try {
      const failed = (
        await hal.setKeys(routes.map(({ parameters }, i) => ({ cryptoId: slots[i]!, key: parameters.key })))
      ).find((result) => result !== null);
      if (failed !== undefined) throw failed;
      // Leftovers of a former session of a pair would be in the way.
      if (routes.some(({ session }) => session.egress === undefined)) await leftovers.retry();
      const headers = routes.map(({ session, parameters }) => this.#header(session, parameters));
      const encrypt = await applyAll(
        hal,
        leftovers,
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
          localVipId: localVips.idOf(session.localVip),
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
      let entries: EntryId[];
      try {
        entries = await applyAll(hal, leftovers, operations, { names, undo });
      } catch (error) {
        await leftovers.takeBack(
          encrypt.map((id, i) => ({ operation: { operation: 'remove', id }, ...names(i) })),
        );
        throw error;
      }
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
          version: parameters.pspVersion,
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
      await leftovers.takeBack(left);
      await this.#free(former);
    } catch (error) {
      await this.deps.slots.free(slots);
      throw error;
    }
  }

  /** The address of the routes of some sessions, all of them held, is proved: they take workloads' packets from now on. */
  async release(sessions: readonly Session[]): Promise<void> {
    const { hal, leftovers, localVips, pipeline } = this.deps;
    const entries = await applyAll(
      hal,
      leftovers,
      sessions.map(({ localVip, remoteVip, egress }) =>
        egressAclEntry(pipeline, {
          localVip,
          localVipId: localVips.idOf(localVip),
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
    await leftovers.takeBack(left);
  }

  /** Takes away the routes of some sessions. Gives those whose route the device would not remove, which keep it. */
  async remove(sessions: readonly Session[]): Promise<RoutesKept | undefined> {
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
        this.deps.sessionListener.onStays(session);
      } else freed.push(routes[i]!);
    });
    await this.deps.leftovers.settle(freed.map(({ entry }) => entry));
    await this.#free(freed);
    return error === undefined ? undefined : { sessions: staying, error };
  }

  /** Frees the slots of routes that are gone, and removes their entries of PSP_ENCRYPT. */
  async #free(former: readonly Egress[]): Promise<void> {
    if (former.length === 0) return;
    const { leftovers, slots } = this.deps;
    await leftovers.takeBack(
      former.flatMap(({ encryptEntry: id, cryptoId }): Leaving[] =>
        id === undefined ? [] : [{ operation: { operation: 'remove', id }, slots: [cryptoId] }],
      ),
    );
    await slots.free(former.map(({ cryptoId }) => cryptoId));
  }

  #header(session: Session, parameters: TunnelParameters): Uint8Array {
    const { options, pipeline, uplink } = this.deps;
    const { mode, cookies, nexthopDmac } = options;
    return buildEncapHeader(parameters, {
      mode,
      innerFamily: session.family,
      cryptOffsetWords: options.cryptOffsetWords ?? defaultCryptOffsetWords(pipeline, session.family),
      cookies,
      extension: this.#extension,
      sourceMac: uplink.mac,
      sourceIp: uplink.ip,
      ...(nexthopDmac === undefined ? {} : { nexthopDmac }),
    });
  }
}

/** A route whose entry is to go. */
function leavingOf({ entry, cryptoId }: Egress): Leaving {
  return { operation: { operation: 'remove', id: entry }, slots: [cryptoId] };
}
