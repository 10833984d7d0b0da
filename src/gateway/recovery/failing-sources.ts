/**
 * Whose packets are not let in, as the device counts them: by peer, where they come from an underlay address that is
 * known to be a peer's, and together for all other sources. Nothing is authenticated about it, since anybody can write
 * any source address; what is done about it has to be bounded by whoever is told.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { reasonOf } from '../../hal/errors.js';
import type { CounterSelector, EntryId, EntryOperation, PipeHal } from '../../hal/hal.js';
import { type IpAddress, ipFamily } from '../../packet/address.js';
import { addressesOf, type IpPrefix } from '../../packet/prefix.js';
import type { GatewayObserver } from '../events.js';
import type { Peer } from '../peers.js';
import { FAILED_SOURCES_MAX, failedSourcePipe } from '../pipeline/ingress-pipes.js';
import { failedSourceEntry } from '../pipeline/pipeline-entries.js';
import { outerFamilies, type PipelineOptions } from '../pipeline/pipeline-options.js';
import type { UnderlayAddresses } from '../underlay/underlay-addresses.js';

/** Interval while something fails, or shortly after the start, when a former life's packets come. */
const POLL_OFTEN_MS = 250;
const POLL_SELDOM_MS = 1_000;
const OFTEN_AFTER_START_MS = 10_000;
/** Counters of hardware are up to a second old, and not all equally old. */
const COUNTERS_SETTLE_MS = 2_000;

/** Packets that were not let in since the last look. */
export interface FailedPackets {
  readonly byPeer: ReadonlyMap<Peer, bigint>;
  /** Packets from sources that are no peer's known underlay address. */
  readonly unknown: bigint;
}

export interface FailingSourcesDeps {
  readonly hal: PipeHal;
  readonly clock: Clock;
  readonly observe: GatewayObserver;
  readonly pipeline: Pick<PipelineOptions, 'mode' | 'outerFamily' | 'innerFamilies'>;
  readonly addresses: UnderlayAddresses;
  /** The peers. In transport mode packets come from the workloads' own addresses, which are underlay addresses then. */
  readonly peers: readonly Peer[];
  /** Called after each look in which some packets were new. */
  readonly onFailed: (failed: FailedPackets) => void;
}

/** An address in the device. */
interface Watched {
  readonly peer: Peer;
  readonly id: EntryId;
  packets: bigint;
}

export class FailingSources {
  /** Packets from sources that are no peer's, in all. */
  unknownPackets = 0n;
  readonly #watched = new Map<IpAddress, Watched>();
  #syncedVersion = -1;
  #seen = 0n;
  #lookUntilMs = Number.NEGATIVE_INFINITY;
  #startedAtMs = 0;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(private readonly deps: FailingSourcesDeps) {}

  /** Addresses that the device counts for. */
  get watched(): number {
    return this.#watched.size;
  }

  /** Resolves when the device counts for the addresses that are known already. */
  async start(): Promise<void> {
    await this.#sync();
    this.#startedAtMs = this.deps.clock.nowMs();
    this.#armTimer();
  }

  /** Peers have been added or removed, or own something else: the next look brings the device to that. */
  peersChanged(): void {
    this.#syncedVersion = -1;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #armTimer(): void {
    if (this.#stopped) return;
    const { clock, observe } = this.deps;
    const nowMs = clock.nowMs();
    const often = nowMs < this.#startedAtMs + OFTEN_AFTER_START_MS || nowMs < this.#lookUntilMs;
    this.#timer = clock.setTimer(
      () => {
        this.#look()
          .catch((error: unknown) => {
            if (!this.#stopped) observe({ type: 'work-failed', work: 'recovery', reason: reasonOf(error) });
          })
          .finally(() => this.#armTimer());
      },
      often ? POLL_OFTEN_MS : POLL_SELDOM_MS,
    );
  }

  async #look(): Promise<void> {
    const { hal, clock } = this.deps;
    await this.#sync();
    const [failed, framing, refused] = await hal.counters([
      { pipe: 'SYNDROME_STATS', label: 'icv-fail' },
      { pipe: 'SYNDROME_STATS', label: 'bad-trailer' },
      { pipe: 'SYNDROME_STATS', miss: true },
    ]);
    const seen = failed!.packets + framing!.packets + refused!.packets;
    if (seen !== this.#seen) this.#lookUntilMs = clock.nowMs() + COUNTERS_SETTLE_MS;
    this.#seen = seen;
    if (this.#stopped || clock.nowMs() >= this.#lookUntilMs) return;
    const result = await this.#read();
    if (!this.#stopped && (result.byPeer.size > 0 || result.unknown > 0n)) this.deps.onFailed(result);
  }

  async #read(): Promise<FailedPackets> {
    const { hal, pipeline } = this.deps;
    const watched = [...this.#watched.values()];
    const selectors: CounterSelector[] = watched.map(({ id }) => ({ id }));
    selectors.push({ pipe: failedSourcePipe(outerFamilies(pipeline).at(-1)!), miss: true });
    const counters = await hal.counters(selectors);
    const byPeer = new Map<Peer, bigint>();
    watched.forEach((one, i) => {
      const { packets } = counters[i]!;
      if (packets > one.packets) {
        byPeer.set(one.peer, (byPeer.get(one.peer) ?? 0n) + packets - one.packets);
      }
      one.packets = packets;
    });
    const { packets } = counters.at(-1)!;
    const unknown = packets - this.unknownPackets;
    this.unknownPackets = packets;
    return { byPeer, unknown };
  }

  /** Brings the device's entries to what is known; the first that are known, where there is not room for all. */
  async #sync(): Promise<void> {
    const { hal, addresses, peers, pipeline } = this.deps;
    if (addresses.version === this.#syncedVersion) return;
    const { version } = addresses;
    const families = outerFamilies(pipeline);
    const room = new Map(families.map((family) => [family, FAILED_SOURCES_MAX]));
    const wanted = new Map<IpAddress, Peer>();
    const want = (address: IpAddress, peer: Peer) => {
      const left = room.get(ipFamily(address)) ?? 0;
      if (left === 0 || wanted.has(address)) return;
      room.set(ipFamily(address), left - 1);
      wanted.set(address, peer);
    };
    const wantAll = (prefix: IpPrefix, peer: Peer) => {
      for (const address of addressesOf(prefix)) {
        if ((room.get(ipFamily(address)) ?? 0) === 0) return;
        want(address, peer);
      }
    };
    for (const { address, peer } of addresses) want(address, peer);
    if (pipeline.mode === 'transport') {
      for (const peer of peers) for (const address of peer.virtualIps) want(address, peer);
      const prefixes = peers.flatMap((peer) => peer.virtualPrefixes.map((prefix) => ({ prefix, peer })));
      // An address is of the longest prefix that holds it.
      prefixes.sort((a, b) => b.prefix.bits - a.prefix.bits);
      for (const { prefix, peer } of prefixes) wantAll(prefix, peer);
    }
    const gone = [...this.#watched].filter(([address, { peer }]) => wanted.get(address) !== peer);
    const removed = await hal.apply(gone.map(([, { id }]): EntryOperation => ({ operation: 'remove', id })));
    gone.forEach(([address], i) => {
      if (!('error' in removed[i]!)) this.#watched.delete(address);
    });
    const fresh = [...wanted].filter(([address]) => !this.#watched.has(address));
    const added = await hal.apply(fresh.map(([address]) => failedSourceEntry(address)));
    fresh.forEach(([address, peer], i) => {
      const result = added[i]!;
      if (!('error' in result)) this.#watched.set(address, { peer, id: result.id, packets: 0n });
    });
    const failed = [...removed, ...added].find((result) => 'error' in result);
    // The rest is tried again with the next look.
    if (failed !== undefined) throw failed.error;
    this.#syncedVersion = version;
  }
}
