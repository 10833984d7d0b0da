/**
 * Where peers may have our packets sent. A peer proves who it is, but not that an address of the underlay is its own: what it
 * says in reverse parameters, and in its answers, is checked here before anything is sent there.
 *
 * Of the peer's configured prefixes, where there are some; otherwise any address that a host of the underlay can have, that is
 * not ours, and that no other peer holds. Such an address is a claim until an authenticated packet has come from it
 * (underlay-evidence.ts).
 */
import type { IpAddress, MacAddress } from '../../packet/address.js';
import { type IpKind, ipKind, isUnicastMac } from '../../packet/address-kind.js';
import { type IpPrefix, prefixHolds } from '../../packet/prefix.js';
import type { GatewayObserver } from '../events.js';
import type { PeerOptions } from '../options.js';
import type { Peer } from '../peers.js';
import { RpcError } from '../rpc/transport.js';
import type { TunnelParameters } from '../rpc/tunnel-messages.js';
import {
  isSameParty,
  UNDERLAY_ADDRESSES_PER_PEER_MAX,
  type UnderlayAddresses,
  type UnderlayOrigin,
} from './underlay-addresses.js';

/**
 * Why parameters were refused. `kind`: no host of the underlay has such an address; `own`: it is ours; `held`: another
 * peer's; `prefix`: of none of the peer's prefixes; `mac`: no unicast MAC, or ours; `many`: too many in one message.
 */
export type UnderlayRefusal = 'kind' | 'own' | 'held' | 'prefix' | 'mac' | 'many';

export type PeerPrefixes = ReadonlyMap<Peer, readonly IpPrefix[]>;

export interface UnderlayPolicyOptions {
  /** Prefixes of the peers that have some. */
  readonly prefixes: PeerPrefixes;
  readonly addresses: UnderlayAddresses;
  /** The address and the MAC that peers send to. */
  readonly uplink: { readonly ip: IpAddress; readonly mac: MacAddress };
  /** All addresses of our own. */
  readonly own: readonly IpAddress[];
  readonly observe: GatewayObserver;
}

type Where = Pick<TunnelParameters, 'underlayIp' | 'mac'>;

export class UnderlayPolicy {
  readonly refused: Partial<Record<UnderlayRefusal, number>> = {};
  /** Changes of peers' addresses so far. */
  changes = 0;
  readonly #own: ReadonlySet<IpAddress>;
  /** The address that a peer's packets went to last. */
  readonly #current = new Map<Peer, IpAddress>();
  /** The last parameters found right: the tunnels of one message have the same. */
  #right: (Where & { readonly peer: Peer }) | undefined;
  #prefixes: PeerPrefixes = new Map();

  constructor(private readonly options: UnderlayPolicyOptions) {
    this.#own = new Set([options.uplink.ip, ...options.own]);
    this.reconfigure([], options.prefixes);
  }

  /** Some peers are gone, with all that they held; of those that are there these have prefixes from now on. */
  reconfigure(removed: readonly Peer[], prefixesOf: PeerPrefixes): void {
    for (const peer of removed) {
      this.options.addresses.forgetPeer(peer);
      this.#current.delete(peer);
    }
    this.#right = undefined;
    this.#prefixes = prefixesOf;
    for (const [peer, prefixes] of prefixesOf) {
      for (const { text, octets, bits } of prefixes) {
        if (bits === octets.length * 8) this.options.addresses.note(peer, text as IpAddress, 'configured');
      }
    }
  }

  /** Whether the configuration says where a peer is, so that what it claims needs no proof. */
  isConfigured(peer: Peer): boolean {
    return this.#prefixes.has(peer);
  }

  /** Whether an address is a claim of the peer's, and no more. */
  isUnproved(peer: Peer, address: IpAddress): boolean {
    return !this.isConfigured(peer) && !this.options.addresses.isConfirmed(peer, address);
  }

  /** The addresses of a peer, the one that it named last first. */
  viewOf(peer: Peer): { address: IpAddress; origin: UnderlayOrigin; confirmed: boolean }[] {
    return this.options.addresses.of(peer).map(({ address, origin, confirmed }) => ({
      address,
      origin,
      confirmed: confirmed || this.isConfigured(peer),
    }));
  }

  /**
   * Throws RpcError INVALID_ARGUMENT for what cannot be right, PERMISSION_DENIED for what this peer may not have.
   *
   * @param field where the parameters stand in the message, for the error
   */
  check(peer: Peer, parameters: Where, field: string): void {
    const { underlayIp, mac } = parameters;
    const right = this.#right;
    // Not who holds it, which may have changed.
    const known = right?.peer === peer && right.underlayIp === underlayIp && right.mac === mac;
    if (!known) {
      this.#checkMac(mac, field);
      this.#checkAddress(peer, underlayIp, field);
      this.#right = { peer, underlayIp, mac };
    }
    const { addresses, observe } = this.options;
    if (!addresses.mayHold(peer, underlayIp)) {
      const holder = addresses.holderOf(underlayIp)!.peer;
      observe({ type: 'underlay-claimed', peer: peer.name, address: underlayIp, holder: holder.name });
      this.#refuse('held', 'PERMISSION_DENIED', `${field}.ip_addr: ${underlayIp} is held by another peer`);
    }
  }

  /**
   * Takes the addresses of one message, all of which were checked, for the peer's from now on. Throws INVALID_ARGUMENT,
   * and takes none, when there are more than a peer may have.
   */
  claim(peer: Peer, parameters: readonly Where[]): void {
    const distinct = new Set(parameters.map(({ underlayIp }) => underlayIp));
    if (distinct.size > UNDERLAY_ADDRESSES_PER_PEER_MAX) {
      const most = UNDERLAY_ADDRESSES_PER_PEER_MAX;
      this.#refuse(
        'many',
        'INVALID_ARGUMENT',
        `ip_addr: ${distinct.size} different ones; at most ${most} are taken`,
      );
    }
    for (const address of distinct) this.options.addresses.note(peer, address, 'learnt');
  }

  /** Packets for a peer go where these say from now on. */
  installed(peer: Peer, parameters: readonly Where[]): void {
    const last = parameters.at(-1);
    if (last === undefined) return;
    const { underlayIp: address, mac } = last;
    const before = this.#current.get(peer);
    if (before === address) return;
    this.#current.set(peer, address);
    const confirmed = this.isConfigured(peer) || this.options.addresses.isConfirmed(peer, address);
    const where = { peer: peer.name, address, mac, confirmed };
    if (before === undefined) this.options.observe({ type: 'underlay-address', ...where });
    else {
      this.changes++;
      this.options.observe({ type: 'underlay-changed', ...where, before });
    }
  }

  #checkMac(mac: MacAddress, field: string): void {
    if (!isUnicastMac(mac))
      this.#refuse('mac', 'INVALID_ARGUMENT', `${field}.mac_addr: ${mac} is no unicast MAC`);
    if (mac === this.options.uplink.mac) {
      this.#refuse('mac', 'INVALID_ARGUMENT', `${field}.mac_addr: ${mac} is this gateway's own`);
    }
  }

  #checkAddress(peer: Peer, ip: IpAddress, field: string): void {
    const { uplink } = this.options;
    const where = `${field}.ip_addr: ${ip}`;
    const kind = ipKind(ip);
    if (kind !== 'unicast' && !(LOCAL_KINDS.includes(kind) && ipKind(uplink.ip) === kind)) {
      this.#refuse('kind', 'INVALID_ARGUMENT', `${where} is ${kind}, no address of a host of the underlay`);
    }
    if (this.#own.has(ip)) this.#refuse('own', 'INVALID_ARGUMENT', `${where} is this gateway's own`);
    const allowed = this.#prefixes.get(peer);
    if (allowed !== undefined) {
      if (allowed.some((prefix) => prefixHolds(prefix, ip))) return;
      this.#refuse(
        'prefix',
        'PERMISSION_DENIED',
        `${where} is none of those that are configured for this peer`,
      );
    }
    for (const [other, theirs] of this.#prefixes) {
      if (!isSameParty(peer, other) && theirs.some((prefix) => prefixHolds(prefix, ip))) {
        this.#refuse('held', 'PERMISSION_DENIED', `${where} is configured for another peer`);
      }
    }
  }

  #refuse(why: UnderlayRefusal, code: 'INVALID_ARGUMENT' | 'PERMISSION_DENIED', text: string): never {
    this.refused[why] = (this.refused[why] ?? 0) + 1;
    throw new RpcError(code, text);
  }
}

/** The prefixes of the peers whose underlay the configuration names; both lists are in the same order. */
export function prefixesOf(peers: readonly Peer[], configured: readonly PeerOptions[]): PeerPrefixes {
  return new Map(
    peers.flatMap((peer, i): [Peer, readonly IpPrefix[]][] => {
      const prefixes = configured[i]!.underlay;
      return prefixes === undefined ? [] : [[peer, prefixes]];
    }),
  );
}

/** Addresses that mean something on one machine, or one link: right where our own is one, too. */
const LOCAL_KINDS: readonly IpKind[] = ['loopback', 'link-local'];
