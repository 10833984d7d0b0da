/**
 * Proof that a peer is where it says. An SPI is known to one peer only, so a packet that authenticates under it is that
 * peer's; when its outer source is the address that the peer named, the address can be reached by it. The device counts
 * such packets (UNDERLAY_SEEN), by SPI and outer source, which together fit one pipe, as long as an address is unproved.
 *
 * The outer source is not authenticated: on an underlay that lets hosts send from any address, a peer can prove one that is
 * not its own. Configured prefixes (`underlay`) need no proof.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { reasonOf } from '../../hal/errors.js';
import type { EntryId, EntryOperation, PipeHal } from '../../hal/hal.js';
import type { IpAddress } from '../../packet/address.js';
import type { GatewayEvent, GatewayObserver, OwnWork } from '../events.js';
import type { Peer } from '../peers.js';
import { underlaySeenEntry } from '../pipeline/pipeline-entries.js';
import type { PipelineOptions } from '../pipeline/pipeline-options.js';
import type { Session } from '../sessions/session.js';
import type { SessionTable } from '../sessions/session-table.js';
import type { UnderlayAddresses } from './underlay-addresses.js';
import type { UnderlayPolicy } from './underlay-policy.js';

/** Between two looks at the counters; while packets wait for it, more often. */
const LOOK_MS = 1_000;
const LOOK_WHILE_HELD_MS = 100;
/** Counters that are read in one look. */
const LOOKED_AT_MAX = 4_096;

export interface UnderlayEvidenceDeps {
  readonly hal: PipeHal;
  readonly clock: Clock;
  readonly observe: GatewayObserver;
  readonly pipeline: PipelineOptions;
  readonly sessions: SessionTable;
  readonly addresses: UnderlayAddresses;
  readonly policy: UnderlayPolicy;
  /** A peer's address is proved. */
  readonly onConfirmed: (peer: Peer, address: IpAddress) => void;
}

/** An SPI under which a packet from an address proves it. */
interface Watched {
  readonly spi: number;
  readonly peer: Peer;
  readonly address: IpAddress;
  id: EntryId | undefined;
  /** Nobody waits for it any more. */
  over: boolean;
}

export class UnderlayEvidence {
  /** Watched SPIs; the one that was checked longest ago comes first. */
  readonly #watched = new Map<number, Watched>();
  /** The same by address. */
  readonly #byAddress = new Map<IpAddress, Set<Watched>>();
  /** For the device, in order: to be added, or removed. */
  #pending: Watched[] = [];
  #applying = false;
  #timer: Timer | undefined;
  #seen = 0n;
  #stopped = false;
  /** Entries that the device had no room for. */
  refused = 0;

  constructor(private readonly deps: UnderlayEvidenceDeps) {}

  /** SPIs that are watched. */
  get size(): number {
    return this.#watched.size;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Follows what happens to sessions. */
  onEvent(event: GatewayEvent): void {
    if (event.type === 'spi-closed') this.#forget(event.spi);
    else if (event.type === 'ingress-opened' || event.type === 'egress-installed') {
      const session = this.deps.sessions.get(event.localVip, event.remoteVip);
      if (session !== undefined) this.#follow(session);
    }
  }

  #follow({ peer, egress, ingress }: Session): void {
    if (egress === undefined || !this.deps.policy.isUnproved(peer, egress.underlayIp)) return;
    for (const { spi } of ingress) {
      if (this.#watched.get(spi)?.address === egress.underlayIp) continue;
      this.#forget(spi);
      this.#watch({ spi, peer, address: egress.underlayIp, id: undefined, over: false });
    }
  }

  #watch(watched: Watched): void {
    this.#watched.set(watched.spi, watched);
    const others = this.#byAddress.get(watched.address);
    if (others === undefined) this.#byAddress.set(watched.address, new Set([watched]));
    else others.add(watched);
    this.#queue(watched);
    this.#armTimer();
  }

  #forget(spi: number): void {
    const watched = this.#watched.get(spi);
    if (watched === undefined) return;
    this.#watched.delete(spi);
    const others = this.#byAddress.get(watched.address)!;
    others.delete(watched);
    if (others.size === 0) this.#byAddress.delete(watched.address);
    watched.over = true;
    this.#queue(watched);
  }

  #queue(watched: Watched): void {
    this.#pending.push(watched);
    if (this.#applying || this.#stopped) return;
    this.#applying = true;
    // Changes made in one turn become one batch.
    void Promise.resolve()
      .then(() => this.#applyAll())
      .catch((error: unknown) => {
        this.#failed('underlay-proofs', error);
      })
      .finally(() => {
        this.#applying = false;
      });
  }

  async #applyAll(): Promise<void> {
    while (this.#pending.length > 0 && !this.#stopped) {
      // Of those whose turn comes twice, and of those that are over before they began, one operation or none is left.
      const due = [...new Set(this.#pending)].filter(({ over, id }) => over === (id !== undefined));
      this.#pending = [];
      if (due.length === 0) return;
      const results = await this.deps.hal.apply(
        due.map(({ spi, address, id }): EntryOperation => {
          if (id !== undefined) return { operation: 'remove', id };
          return underlaySeenEntry(this.deps.pipeline, spi, address);
        }),
      );
      due.forEach((watched, i) => {
        const result = results[i]!;
        if (watched.id !== undefined) watched.id = undefined;
        else if ('error' in result) this.refused++;
        // One that is over by now is queued for its removal.
        else watched.id = result.id;
      });
    }
  }

  #armTimer(): void {
    if (this.#timer !== undefined || this.#stopped) return;
    const delayMs = this.deps.pipeline.confirmUnderlay ? LOOK_WHILE_HELD_MS : LOOK_MS;
    this.#timer = this.deps.clock.setTimer(() => {
      this.#look()
        .catch((error: unknown) => {
          this.#failed('underlay-look', error);
        })
        .finally(() => {
          this.#timer = undefined;
          if (this.#watched.size > 0) this.#armTimer();
        });
    }, delayMs);
  }

  async #look(): Promise<void> {
    const { hal } = this.deps;
    const [total] = await hal.counters([{ pipe: 'UNDERLAY_SEEN', total: true }]);
    // Most looks find nothing new, and read one counter.
    if (total!.packets === this.#seen) return;
    const some: Watched[] = [];
    for (const watched of this.#watched.values()) {
      if (watched.id !== undefined && some.push(watched) === LOOKED_AT_MAX) break;
    }
    const counters = await hal.counters(some.map(({ id }) => ({ id: id! })));
    // Those that were not looked at are, next time.
    if (some.length < LOOKED_AT_MAX) this.#seen = total!.packets;
    some.forEach((watched, i) => {
      if (watched.over) return;
      if (counters[i]!.packets > 0n) {
        this.#confirmed(watched);
        return;
      }
      this.#watched.delete(watched.spi);
      this.#watched.set(watched.spi, watched);
    });
  }

  #confirmed({ peer, address }: Watched): void {
    const { addresses, observe, onConfirmed, policy } = this.deps;
    if (!addresses.confirm(peer, address) && policy.isUnproved(peer, address)) return;
    for (const { spi, peer: other } of [...(this.#byAddress.get(address) ?? [])]) {
      if (!policy.isUnproved(other, address)) this.#forget(spi);
    }
    observe({ type: 'underlay-proved', peer: peer.name, address });
    onConfirmed(peer, address);
  }

  #failed(work: OwnWork, error: unknown): void {
    if (!this.#stopped) this.deps.observe({ type: 'work-failed', work, reason: reasonOf(error) });
  }
}
