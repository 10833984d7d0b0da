/**
 * Which underlay addresses belong to which peer: configured, kept from the gateway's last life, or learnt in an
 * exchange in which the peer proved who it is. Packets that cannot be authenticated have nothing but their outer source
 * address to tell who may have sent them.
 *
 * Bounded: every peer is a configured one, and each has a few addresses at most. What is learnt more often than that
 * pushes out what was learnt longest ago.
 */
import type { IpAddress } from '../../packet/address.js';
import { TokenBucket } from '../doors/token-bucket.js';
import type { Peer } from '../peers.js';

/** Peers at one service address are told apart by nothing that they can prove. */
export function isSameParty(a: Peer, b: Peer): boolean {
  return a === b || a.serviceAddress.host === b.serviceAddress.host;
}

/** Addresses of one peer: two of each family, or the former ones of a host that moves. */
export const UNDERLAY_ADDRESSES_PER_PEER_MAX = 4;

/**
 * Where an address is known from. `configured` stays whatever happens; `kept` comes from a state file, and gives way to
 * a peer that proves to have the address now; `learnt` is from an exchange of this life.
 */
export type UnderlayOrigin = 'configured' | 'kept' | 'learnt';

export interface KnownUnderlayAddress {
  readonly peer: Peer;
  readonly address: IpAddress;
  readonly origin: UnderlayOrigin;
  /** Time until which nobody else may claim the address without proof, wall time. */
  readonly heldUntilMs: number;
  /** An authenticated packet of the peer's has come from it. */
  readonly confirmed: boolean;
}

/**
 * How long an address is kept for the peer that claimed it first, without any packet that would prove it. Longer would let a
 * peer lock another out by claiming its address before it does; and a peer may have one such claim in HOLD_INTERVAL_MS, whatever
 * it claims in between. Claims beyond that are taken, and keep nobody else from theirs.
 */
export const UNCONFIRMED_HOLD_MS = 10_000;
export const HOLD_INTERVAL_MS = 600_000;
/** Time after a start for which an address waits for the peer that had proved it in the gateway's last life. */
export const KEPT_HOLD_MS = 60_000;

export class UnderlayAddresses {
  readonly #byAddress = new Map<IpAddress, KnownUnderlayAddress>();
  /** Most recently learnt first. */
  readonly #byPeer = new Map<Peer, KnownUnderlayAddress[]>();
  /** Claims that others have to wait for. */
  readonly #holds = new WeakMap<Peer, TokenBucket>();
  /** Counts changes, so that whoever mirrors the addresses sees that there is something to do. */
  #version = 0;

  constructor(private readonly nowMs: () => number = () => 0) {}

  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#byAddress.size;
  }

  /** Whose address it is; undefined: no peer's that we know. */
  holderOf(address: IpAddress): KnownUnderlayAddress | undefined {
    return this.#byAddress.get(address);
  }

  /** A peer's addresses, the one learnt last first. */
  of(peer: Peer): readonly KnownUnderlayAddress[] {
    return this.#byPeer.get(peer) ?? [];
  }

  /** Whether an authenticated packet of the peer's has come from an address. */
  isConfirmed(peer: Peer, address: IpAddress): boolean {
    const held = this.#byAddress.get(address);
    return held?.confirmed === true && isSameParty(held.peer, peer);
  }

  /** An authenticated packet of the peer's has come from an address. False: it is not known as the peer's, or was so before. */
  confirm(peer: Peer, address: IpAddress): boolean {
    const held = this.#byAddress.get(address);
    if (held === undefined || held.confirmed || !isSameParty(held.peer, peer)) return false;
    this.#replace(held, { ...held, confirmed: true });
    return true;
  }

  /** Whether a peer may claim an address: nobody else holds it, or for no good reason. */
  mayHold(peer: Peer, address: IpAddress): boolean {
    const held = this.#byAddress.get(address);
    if (held === undefined || isSameParty(held.peer, peer)) return true;
    return held.origin !== 'configured' && !held.confirmed && this.nowMs() >= held.heldUntilMs;
  }

  /**
   * Notes that a peer has an address. False, and nothing is changed, when another peer holds it for a reason at least
   * as good.
   */
  note(peer: Peer, address: IpAddress, origin: UnderlayOrigin): boolean {
    const held = this.#byAddress.get(address);
    if (held !== undefined && held.peer !== peer) {
      // Peers of one service address are one party.
      if (isSameParty(held.peer, peer)) return true;
      const better =
        origin === 'configured' ? held.origin === 'kept' : origin === 'learnt' && this.mayHold(peer, address);
      if (!better) return false;
    }
    const known = held?.peer === peer ? held : undefined;
    const list = this.#byPeer.get(peer) ?? [];
    // The usual case: nothing new.
    if (known !== undefined && list[0] === known && !(known.origin === 'kept' && origin === 'learnt')) {
      return true;
    }
    const others = list.filter((one) => one.address !== address);
    if (others.length >= UNDERLAY_ADDRESSES_PER_PEER_MAX) {
      const oldest = others.findLast((one) => one.origin !== 'configured');
      // All places are taken by configured ones.
      if (oldest === undefined) return false;
      others.splice(others.indexOf(oldest), 1);
      this.#forget(oldest);
    }
    if (held !== undefined && known === undefined) this.#forget(held);
    const keepsOrigin = known !== undefined && (known.origin === 'configured' || origin === 'kept');
    const heldUntilMs = known?.origin === origin ? known.heldUntilMs : this.#heldUntilMs(peer, origin, known);
    const confirmed = known?.confirmed ?? false;
    const entry = keepsOrigin ? known : { peer, address, origin, heldUntilMs, confirmed };
    if (known === undefined) this.#version++;
    this.#byAddress.set(address, entry);
    this.#byPeer.set(peer, [entry, ...others]);
    return true;
  }

  #heldUntilMs(peer: Peer, origin: UnderlayOrigin, known: KnownUnderlayAddress | undefined): number {
    const nowMs = this.nowMs();
    if (origin === 'configured') return Number.POSITIVE_INFINITY;
    if (origin === 'kept') return nowMs + KEPT_HOLD_MS;
    // An address that the peer had proved in the last life is no new claim.
    if (known?.origin === 'kept') return Math.max(known.heldUntilMs, nowMs + UNCONFIRMED_HOLD_MS);
    let holds = this.#holds.get(peer);
    if (holds === undefined) {
      holds = new TokenBucket(1000 / HOLD_INTERVAL_MS, 1, this.nowMs);
      this.#holds.set(peer, holds);
    }
    return holds.take() ? nowMs + UNCONFIRMED_HOLD_MS : nowMs;
  }

  /** A peer is gone: its addresses are nobody's. */
  forgetPeer(peer: Peer): void {
    for (const entry of this.of(peer)) this.#forget(entry);
  }

  [Symbol.iterator](): Iterator<KnownUnderlayAddress> {
    return this.#byAddress.values();
  }

  #replace(former: KnownUnderlayAddress, entry: KnownUnderlayAddress): void {
    this.#byAddress.set(entry.address, entry);
    const list = this.of(entry.peer).map((one) => (one === former ? entry : one));
    this.#byPeer.set(entry.peer, list);
  }

  #forget(entry: KnownUnderlayAddress): void {
    this.#version++;
    this.#byAddress.delete(entry.address);
    const list = this.#byPeer.get(entry.peer)?.filter((one) => one !== entry);
    if (list === undefined || list.length === 0) this.#byPeer.delete(entry.peer);
    else this.#byPeer.set(entry.peer, list);
  }
}
